// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import ModelInput
import PipelineCore

/// Opens a checkpoint and saves it under another name.
struct CheckpointProbe {
  private let arguments: [String]

  init(_ arguments: [String]) { self.arguments = arguments }

  func open() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let checkpoint = try Checkpoint(folder: arguments[1])
    print("\(checkpoint.tensors.count) tensors, \(checkpoint.parameterCount) weights, \(clock.now - start)")
  }

  /// Converts all weights to `Float`, a part at a time, and says how long it took.
  func read() throws {
    let checkpoint = try Checkpoint(folder: arguments[1])
    let part = UnsafeMutableBufferPointer<Float>.allocate(capacity: 1 << 18)
    defer { part.deallocate() }
    let time = ContinuousClock().measure {
      for tensor in checkpoint.tensors {
        for start in stride(from: 0, to: tensor.count, by: part.count) {
          tensor.copy(start..<min(start + part.count, tensor.count), into: part)
        }
      }
    }
    print("\(Double(checkpoint.parameterCount) / (time / .seconds(1)) / 1e9) thousand million weights a second")
  }

  func save() throws {
    let checkpoint = try Checkpoint(folder: arguments[1])
    var precision = CheckpointWriter.Precision.source
    if arguments.count > 3, arguments[3] != "source" {
      guard let type = TensorType(rawValue: arguments[3]) else {
        throw PipelineError(.invalidSpec, "\(arguments[3]) is none of F32, F16, BF16, source")
      }
      precision = .all(type)
    }
    let shardByteCount =
      arguments.count > 4 ? Int(arguments[4]) ?? 0 : CheckpointWriter.defaultShardByteCount
    let writer = try CheckpointWriter(
      folder: arguments[2], source: checkpoint, precision: precision, shardByteCount: shardByteCount)
    for tensor in checkpoint.tensors { try writer.write(tensor) }
    try writer.finish()
  }
}
