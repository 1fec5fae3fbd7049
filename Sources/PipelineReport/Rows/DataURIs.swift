// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Images within records: a picture of a megabyte, in each of a group's rollouts, is kept once, as a file.
enum DataURIs {
  private static let search = ByteSearch(";base64,")
  private static let longest = 200

  /// The line with long data URIs cut, and a note of their length; nil if it has none.
  static func shortened(_ line: UnsafeRawBufferPointer) -> [UInt8]? {
    guard search.first(in: line) != nil, let value = try? JSONValue(parsing: line) else { return nil }
    // What a model wrote is shown as it is.
    let short = JSONValue.object(
      (value.objectValue ?? []).map { $0.key == "response" ? $0 : .init($0.key, shortened($0.value)) })
    if short == value { return nil }
    var bytes: [UInt8] = []
    short.write(to: &bytes)
    return bytes
  }

  private static func shortened(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text):
      guard text.utf8.count > longest, text.prefix(5).lowercased() == "data:", let comma = text.firstIndex(of: ",")
      else {
        return value
      }
      return .string(text[...comma].prefix(60) + "… (\(text.utf8.count) characters, left out of the report)")
    case .array(let elements): return .array(elements.map(shortened))
    case .object(let members): return .object(members.map { .init($0.key, shortened($0.value)) })
    default: return value
    }
  }
}
