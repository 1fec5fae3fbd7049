// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

extension Sandbox {
  /// A folder with the small model of `Fixtures` as `model`, an image, and prompts.
  static func withModel() throws -> Sandbox {
    let sandbox = try Sandbox()
    let fixtures = Program.package.appendingPathComponent("Tests/PipelineCommandTests/Fixtures").path
    try sandbox.output("cp -r \(fixtures.quotedForShell)/model . && cp \(fixtures.quotedForShell)/image.png .")
    try sandbox.write("prompts.jsonl", prompts)
    return sandbox
  }

  /// Prompts with no, one and two images.
  static let prompts = #"""
    {"id":"plain","prompt":"How many?","answer":25,"theirs":{"kept": [1e3, "\u00e9"]}}
    {"id":"one","prompt":[{"role":"user","content":[{"type":"image","image":"image.png"},{"type":"text","text":"What is it?"}]}]}
    {"id":"two","group":"pair","images":["image.png",{"path":"image.png"}],"prompt":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"and"},{"type":"image"}]}]}

    """#

  /// The records of lines.
  func records(_ text: String) throws -> [JSONValue] {
    try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  /// The records of a file's lines.
  func records(in file: String) throws -> [JSONValue] { try records(text(file)) }
}

extension String {
  fileprivate var quotedForShell: String { "'" + replacing("'", with: #"'\''"#) + "'" }
}

extension JSONValue {
  /// The numbers of a member that is an array.
  func numbers(_ key: String) -> [Double] { self[key]?.arrayValue?.compactMap(\.doubleValue) ?? [] }
}
