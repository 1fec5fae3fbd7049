// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineReport
import StandardPlugins
import Synchronization

/// A folder that goes with the test.
final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/shuffle-r1-report-\(UInt64.random(in: 0...UInt64.max))"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Data(text.utf8)) }

  @discardableResult
  func write(_ name: String, _ bytes: Data) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try bytes.write(to: URL(fileURLWithPath: file))
    return file
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
  }

  func names(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
  }

  /// Makes or lengthens a run: each file's text belongs to complete steps, and is followed by what does not.
  func writeRun(
    _ name: String = "run", steps: Int, finished: Bool = false,
    spec: String = #"{"stages":[{"use":"pairwise-sample"}]}"#,
    files: [String: String], beyond: String = ""
  ) throws -> String {
    try write(name + "/resolved.json", spec)
    for (file, text) in files { try write(name + "/" + file, text + beyond) }
    let offsets = files.map { "\"\($0.key)\":\($0.value.utf8.count)" }.sorted().joined(separator: ",")
    try write(
      name + "/state.json",
      "{\"version\":2,\"finished\":\(finished),\"complete_steps\":\(steps),\"offsets\":{\(offsets)}}")
    return path + "/" + name
  }
}

/// Keeps what a report writes.
final class MemorySink: ReportSink {
  private let state = Mutex((parts: [String: [UInt8]](), pictures: [String: [UInt8]](), manifests: 0))

  func add(_ part: ReportPart) throws {
    state.withLock { state in
      state.parts[part.kind.rawValue + "/" + part.key] = part.text
      if part.kind == .manifest { state.manifests += 1 }
    }
  }

  func add(picture name: String, _ bytes: [UInt8]) throws { state.withLock { $0.pictures[name] = bytes } }

  var pictures: [String: [UInt8]] { state.withLock { $0.pictures } }
  var names: [String] { state.withLock { $0.parts.keys.sorted() } }
  var manifestCount: Int { state.withLock { $0.manifests } }

  func text(_ name: String) -> String { String(decoding: state.withLock { $0.parts[name] } ?? [], as: UTF8.self) }

  func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: text(name)) }

  /// The values of a column in a block, row by row.
  func column(_ name: String, block: Int = 0) throws -> [JSONValue] {
    let rows = try json("rows/\(block)")
    let count = rows["count"]?.intValue ?? 0
    guard let column = rows["columns"]?.arrayValue?.first(where: { $0["name"]?.stringValue == name }),
      let values = column["values"]?.arrayValue,
      let codes = column["codes"]?.stringValue.flatMap({ Data(base64Encoded: $0) })
    else { return Array(repeating: .null, count: count) }
    return (0..<count).map { row in
      let code = values.count < 256 ? Int(codes[row]) : Int(codes[2 * row]) | Int(codes[2 * row + 1]) << 8
      return code == 0 ? .null : values[code - 1]
    }
  }
}

/// A report of some paths.
func report(
  _ paths: [String], into sink: any ReportSink, change: (inout ReportBuilder.Options) -> Void = { _ in }
) throws -> ReportBuilder {
  var options = ReportBuilder.Options()
  options.registry = try .standard()
  options.threads = 2
  change(&options)
  return ReportBuilder(
    try ReportSource.sources(at: paths, reading: TrajectoryReader.Options(paths: [])), into: sink, options: options)
}

/// A PNG file of 2 × 1 pixels: red and white.
let smallPNG =
  Data(
    base64Encoded:
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGP4z8Dw//9/AAv7A/3dF29HAAAAAElFTkSuQmCC") ?? Data()
