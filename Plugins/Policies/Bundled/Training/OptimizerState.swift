// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Tensor

/// The optimizer's state in a checkpoint: `optimizer.safetensors`.
enum OptimizerState {
  static let fileName = "optimizer.safetensors"

  private static func name(_ tensor: TensorDeclaration, _ moment: String) -> String { "\(tensor.name).\(moment)" }

  static func save(_ optimizer: AdamW, with writer: CheckpointWriter) throws {
    guard optimizer.steps > 0 else { return }
    var declarations: [SafetensorsWriter.Declaration] = []
    for parameter in optimizer.learning {
      for tensor in parameter.tensors {
        for moment in ["exp_avg", "exp_avg_sq"] {
          declarations.append(.init(name(tensor, moment), shape: tensor.shape, dtype: .float32))
        }
      }
    }
    let file = try writer.addFile(
      named: fileName, tensors: declarations,
      metadata: [.init("format", "pt"), .init("step", "\(optimizer.steps)")])
    for (parameter, moments) in zip(optimizer.learning, optimizer.moments) {
      var start = 0
      for tensor in parameter.tensors {
        let range = start..<start + tensor.count
        try file.write(
          name(tensor, "exp_avg"), floats: UnsafeBufferPointer(rebasing: moments.first.elements[range]))
        try file.write(
          name(tensor, "exp_avg_sq"), floats: UnsafeBufferPointer(rebasing: moments.second.elements[range]))
        start += tensor.count
      }
    }
  }

  /// - Parameter isRequired: Whether it is an error that there is none.
  static func restore(_ optimizer: AdamW, from folder: String, isRequired: Bool) throws {
    let path = folder + "/" + fileName
    guard FileManager.default.fileExists(atPath: path) else {
      if !isRequired { return }
      throw PipelineError(
        .invalidSpec,
        "\(folder) has no \(fileName), which \"optimizer\": \"continue\" of the policy asks for; name a checkpoint of a "
          + "run, or leave the option out")
    }
    let file = try SafetensorsFile(path: path)
    guard let steps = file.metadata("step").flatMap(Int.init), steps > 0 else {
      throw PipelineError(.invalidData, "\(path) does not say its step; it was not written by this program")
    }
    try optimizer.restore(steps: steps) { index, first, second in
      var start = 0
      for tensor in optimizer.learning[index].tensors {
        for (moment, target) in [("exp_avg", first), ("exp_avg_sq", second)] {
          let name = name(tensor, moment)
          guard let stored = file[name], stored.count == tensor.count else {
            throw PipelineError(
              .invalidData,
              "\(path) has no '\(name)' of \(tensor.count) numbers; leave out \"optimizer\": \"continue\" to start the optimizer anew"
            )
          }
          stored.copy(into: UnsafeMutableBufferPointer(rebasing: target[start..<start + tensor.count]))
        }
        start += tensor.count
      }
    }
  }
}
