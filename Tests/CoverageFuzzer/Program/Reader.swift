// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import ComponentPrograms
import Foundation
import Jinja
import MathAnswers
import ModelInput
import ModelServers
import PeerConfigurations
import PipelineCore
import PipelineIO
import PipelineReport
import PipelineRuntime
import PipelineSpec
import StandardPlugins
import WorkerPlugin

/// What reads foreign bytes.
///
/// Whatever a reader throws is an answer; what it does else is a finding.
enum Reader {
  typealias Test = (UnsafeRawBufferPointer) -> Void

  nonisolated(unsafe) static var current: Test = { _ in }

  nonisolated(unsafe) static let all: [String: Test] = [
    "answers": answers, "images": images, "json": json, "models": models, "packed": packed, "peers": peers,
    "programs": programs, "records": records, "runs": runs, "servers": servers, "specs": specs,
    "templates": templates, "wire": wire,
  ]

  /// A folder of this process, in memory where there is such a place.
  private static let folder: String = {
    let base = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = "\(base)/coverage-fuzzer-\(getpid())"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Reader.folder) }
    return folder
  }()

  private static func check(_ holds: Bool, _ promise: String) {
    if holds { return }
    FileHandle.standardError.write(Data("broken: \(promise)\n".utf8))
    abort()
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Records and documents

  /// A value that was written reads back as itself.
  private static func json(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: bytes) else { return }
    let written = value.json
    check((try? JSONValue(parsing: written))?.json == written, "what was written of a value reads differently")
  }

  /// The first line tells the format, or that it is to be recognized; what an importer makes can be written and read again.
  private static func records(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let formats = FormatCatalog.standard.formats
    let lines = bytes.dropFirst().split(separator: 0x0A).compactMap {
      try? JSONValue(parsing: UnsafeRawBufferPointer(rebasing: $0))
    }
    let recognized = try? FormatCatalog.standard.detect(sample: lines, file: "in.jsonl")
    let format = Int(first) < formats.count ? formats[Int(first)] : recognized ?? formats[0]
    var options = ImportOptions()
    if first & 0x80 != 0 { options.turns = .every }
    var importer = format.makeImporter(options: options)
    importer.look(at: lines)
    var exporters = formats.map { $0.makeExporter() }
    for (index, line) in lines.enumerated() {
      let place = SourceLocation(file: "in.jsonl", line: index + 1, column: 1)
      for record in (try? importer.records(from: line, at: place)) ?? [] {
        check((try? JSONValue(parsing: record.json)) != nil, "a record cannot be read")
        for index in exporters.indices { _ = try? exporters[index].lines(for: record) }
      }
    }
    _ = importer.summary
  }

  /// Compressed or not, from a file, as a run reads them.
  private static func packed(_ bytes: UnsafeRawBufferPointer) {
    let path = folder + "/in.jsonl"
    guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { return }
    wait {
      var options = TrajectoryReader.Options(paths: [path])
      options.maxBadRecords = nil
      options.threads = 1
      let reader = TrajectoryReader(options)
      while let batch = try await reader.next() {
        for trajectory in batch.trajectories {
          var written: [UInt8] = []
          try TrajectoryEncoder.encode(trajectory, into: &written)
        }
      }
    }
  }

  /// JSON with comments, or YAML after a first byte of `y`.
  private static func specs(_ bytes: UnsafeRawBufferPointer) {
    let isYAML = bytes.first == UInt8(ascii: "y")
    let text = SpecText(bytes: Array(bytes.dropFirst()), file: isYAML ? "s.yaml" : "s.json")
    if let registry { _ = try? SpecLoader.load(text, registry: registry, formats: FormatCatalog.standard.names) }
  }

  private static let registry = try? Registry.standard()

  /// A YAML file, a shell script or a Python program, by the first byte.
  private static func peers(_ bytes: UnsafeRawBufferPointer) {
    let files = ["c.yaml", "c.sh", "c.py", "c.json"]
    let file = files[Int(bytes.first ?? 0) % files.count]
    let text = SpecText(bytes: Array(bytes.dropFirst()), file: file)
    for purpose in [PeerConfiguration.Purpose.replay, .training] {
      _ = try? PeerConfiguration(file: file, text: text, for: purpose)
    }
  }

  // MARK: Runs, and other processes

  /// One file of a run's directory is foreign, by the first byte; a state may have a checksum that is right.
  private static func runs(_ bytes: UnsafeRawBufferPointer) {
    let names = ["state.json", "resolved.json", "metrics.jsonl", "lineage.jsonl", "state.json"]
    let number = Int(bytes.first ?? 0) % names.count
    var contents = Array(bytes.dropFirst())
    if number == 4, let value = contents.withUnsafeBytes({ try? JSONValue(parsing: $0) }) {
      contents = Array(RunState.sealed(value).json.utf8)
    }
    let run = folder + "/run"
    try? FileManager.default.removeItem(atPath: run)
    try? FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    let spec: JSONValue = ["version": 1, "stages": []]
    FileManager.default.createFile(atPath: run + "/resolved.json", contents: Data(spec.json.utf8))
    for name in ["metrics.jsonl", "lineage.jsonl"] {
      FileManager.default.createFile(atPath: run + "/" + name, contents: Data("{\"step\":0}\n".utf8))
    }
    FileManager.default.createFile(atPath: run + "/" + names[number], contents: Data(contents))
    _ = try? RunFolder(path: run)?.progress()
    let before = try? FileManager.default.contentsOfDirectory(atPath: run).sorted()
    let opened = try? RunDirectory(path: run, existing: .resume, fingerprint: spec)
    let after = try? FileManager.default.contentsOfDirectory(atPath: run).sorted()
    // The lock and the spec are all that opening a run writes.
    if opened == nil { check(Set(before ?? []).isSubset(of: after ?? []), "a file of a run that was refused is gone") }
  }

  /// What a server says: an answer to a request.
  private static func servers(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: bytes) else { return }
    _ = try? ChatAnswer(value)
  }

  /// A line of a program that judges or changes trajectories.
  private static func programs(_ bytes: UnsafeRawBufferPointer) { _ = ProgramMessage(ArraySlice(Array(bytes))) }

  /// A frame of a policy's worker; one that was read is written as it was.
  private static func wire(_ bytes: UnsafeRawBufferPointer) {
    let bytes = Array(bytes)
    guard let frame = try? WireFrame(reading: bytes) else { return }
    let again = try? WireFrame(reading: frame.bytes)
    check(again == frame, "a frame that was written reads differently")
  }

  // MARK: Models and what they read

  /// One file of a model's folder is foreign, by the first byte.
  private static func models(_ bytes: UnsafeRawBufferPointer) {
    let names = [
      "config.json", "tokenizer.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json",
      "chat_template.jinja", "model.safetensors", "model.safetensors.index.json",
    ]
    let name = names[Int(bytes.first ?? 0) % names.count]
    let path = modelFolder + "/" + name
    let before = FileManager.default.contents(atPath: path)
    FileManager.default.createFile(atPath: path, contents: Data(bytes.dropFirst()))
    _ = ModelInspection(folder: modelFolder)
    if let before {
      FileManager.default.createFile(atPath: path, contents: before)
    } else {
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  /// A copy of the model that FUZZ_MODEL names.
  private static let modelFolder: String = {
    let copy = folder + "/model"
    if let model = ProcessInfo.processInfo.environment["FUZZ_MODEL"] {
      try? FileManager.default.copyItem(atPath: model, toPath: copy)
    }
    try? FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    return copy
  }()

  /// Every codec, by what the bytes begin with.
  private static func images(_ bytes: UnsafeRawBufferPointer) {
    guard let image = try? RGBImage(decoding: Array(bytes), name: "in", limits: ImageLimits(pixels: 1 << 20)) else {
      return
    }
    check(image.pixels.count == image.width * image.height * 3, "an image has not three bytes for each pixel")
  }

  /// A template, and what it makes of a conversation.
  private static func templates(_ bytes: UnsafeRawBufferPointer) {
    let messages: Value = .list([
      ["role": "system", "content": "Be brief."],
      ["role": "user", "content": "6 × 7?"],
    ])
    for options in [TemplateOptions.chat, .plain] {
      guard let template = try? Template(text(bytes), options: options) else { continue }
      _ = try? template.render([
        "messages": messages, "content": .string("6 × 7?"), "add_generation_prompt": .bool(true),
      ])
    }
  }

  // MARK: Answers

  /// A response, and after the first NUL the expected answer.
  ///
  /// An answer equals itself, and the order does not matter.
  private static func answers(_ bytes: UnsafeRawBufferPointer) {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let response = String(decoding: parts[0], as: UTF8.self)
    let answer = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : response
    _ = AnswerGrader().grade(response, accepted: [answer])
    let comparison = MathComparison()
    check(comparison.compare(response, response) == .equal, "an answer differs from itself")
    check(
      comparison.compare(response, answer) == comparison.compare(answer, response), "the order of two answers matters")
  }

  /// Waits for asynchronous work; whatever it throws is an answer.
  private static func wait(_ work: @escaping @Sendable () async throws -> Void) {
    let done = DispatchSemaphore(value: 0)
    Task {
      try? await work()
      done.signal()
    }
    done.wait()
  }
}
