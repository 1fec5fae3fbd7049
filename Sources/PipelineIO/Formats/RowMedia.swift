// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The pictures that a row names beside its prompt, whatever its format.
///
/// They go into the prompt: where its text has `<image>` or a message has an image part without an address, in order;
/// without any such mark, before the text of the first user's message, as TRL and ms-swift put them. A row whose marks and
/// pictures do not agree in number is a bad record, and so is one with video or sound: nothing is dropped.
enum RowMedia {
  /// Columns that peers keep pictures in.
  private static let imageColumns = ["images", "image", "image_path", "image_paths"]
  private static let refusedColumns = ["videos", "video", "audios", "audio"]

  /// Takes the pictures of a row that its format has left, and puts them into the record's prompt.
  static func take(from row: inout PeerRow, into record: inout RecordBuilder) throws {
    for key in refusedColumns {
      guard let value = row.remaining(key), !isEmpty(value) else { continue }
      throw row.fault(key, "names \(key.hasPrefix("video") ? "video" : "sound"); only text and images are supported")
    }
    var images: [JSONValue] = []
    var column: String?
    for key in imageColumns {
      guard let value = row.remaining(key) else { continue }
      if isEmpty(value) {
        // An empty list says that there are no pictures, which a peer's loader may want to hear again.
        if key == "images", value.arrayValue != nil, !record.has(.images) {
          _ = row.take(key)
          record.set(.images, [])
        }
        continue
      }
      try add(value, key: key, of: row, to: &images, &column)
      _ = row.take(key)
    }
    if let value = row.remaining("multi_modal_data"), !isEmpty(value) {
      guard value.objectValue != nil else { throw row.wrongKind("multi_modal_data", value, "an object") }
      for key in refusedColumns where value[key].map({ !isEmpty($0) }) ?? false {
        throw row.fault("multi_modal_data.\(key)", "is not supported; only text and images are")
      }
      for key in imageColumns {
        guard let found = value[key], !isEmpty(found) else { continue }
        try add(found, key: "multi_modal_data.\(key)", of: row, to: &images, &column)
      }
      if column?.hasPrefix("multi_modal_data") == true { _ = row.take("multi_modal_data") }
    }
    if let column { try put(images, into: &record, key: column, row: row) }
  }

  private static func isEmpty(_ value: JSONValue) -> Bool {
    value == .null || value.arrayValue?.isEmpty == true || value.objectValue?.isEmpty == true
      || value.stringValue == ""
  }

  private static func add(
    _ value: JSONValue, key: String, of row: PeerRow, to images: inout [JSONValue], _ column: inout String?
  ) throws {
    let found = try PromptImages.addresses(value, key: key, row: row)
    if let column, found != images {
      throw row.fault(key, "names other pictures than '\(column)'; keep one of the two columns")
    }
    images = found
    column = column ?? key
  }

  /// Puts the pictures of one column into the record's prompt.
  static func put(_ value: JSONValue, key: String, of row: PeerRow, into record: inout RecordBuilder) throws {
    try put(PromptImages.addresses(value, key: key, row: row), into: &record, key: key, row: row)
  }

  private static func put(
    _ images: [JSONValue], into record: inout RecordBuilder, key: String, row: PeerRow
  ) throws {
    guard let prompt = record.value(of: .prompt) else {
      // Tokens, or nothing: the record's own field keeps the pictures.
      return record.set(.images, .array(images))
    }
    var messages = prompt.arrayValue
    if messages == nil, let text = prompt.stringValue {
      messages =
        ChatMLText.parse(text)?.arrayValue ?? [ChatMessages.message(role: "user", .string(text))]
      if text.contains("<|im_start|>"), ChatMLText.parse(text) == nil {
        throw row.fault(
          key, "names pictures, but the prompt is rendered text that cannot be read back as messages; give messages")
      }
    }
    guard let messages else {
      throw row.fault("prompt", "is \(prompt.kindDescription), pictures need messages or text")
    }
    record.replace(.prompt, .array(try PromptImages.insert(images, into: messages, key: key, row: row)))
  }

  /// Refuses a prompt that still has marks without an image, in formats whose rows are prompts.
  static func checkMarks(of record: RecordBuilder, row: PeerRow) throws {
    let marks = (record.value(of: .prompt)?.arrayValue ?? []).reduce(0) { $0 + PromptImages.markCount(in: $1) }
    guard marks > 0 else { return }
    throw row.fault(
      "images",
      "names no image, but the prompt has \(marks) image mark\(marks == 1 ? "" : "s"); "
        + "name the images, or take the marks out")
  }
}
