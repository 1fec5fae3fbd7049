// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Prompts of data sets, which have `<image>` in the text and the images in a separate list.
enum PromptImages {
  private static let mark = "<image>"

  /// The addresses in a data set's list: strings, or objects with a `path`, `image`, `url` or `bytes` that is a string.
  ///
  /// An object that asks for a size stays one, with its address as `image`.
  ///
  /// - Throws: When an entry has no address; JSON cannot hold raw bytes.
  static func addresses(_ value: JSONValue?, key: String, row: PeerRow) throws -> [JSONValue] {
    guard let value, value != .null else { return [] }
    guard let entries = value.arrayValue else { return [try address(value, key: key, row: row)] }
    return try entries.enumerated().map { try address($1, key: "\(key).\($0)", row: row) }
  }

  private static func address(_ entry: JSONValue, key: String, row: PeerRow) throws -> JSONValue {
    if entry.stringValue != nil { return entry }
    let sizing = ImageSizing.details(among: entry.objectValue ?? [])
    let address = try plainAddress(entry, key: key, row: row)
    return sizing.isEmpty ? address : .object([.init("image", address)] + sizing)
  }

  private static func plainAddress(_ entry: JSONValue, key: String, row: PeerRow) throws -> JSONValue {
    for name in ["path", "image", "url"] {
      if let found = entry[name], found.stringValue != nil { return found }
    }
    if let bytes = entry["bytes"]?.stringValue {
      guard isBase64(bytes) else {
        throw row.fault(
          key,
          "has 'bytes' that are no base64 (\(bytes.shortenedForMessage)); write the image to a file and name its path")
      }
      return .string("data:;base64," + bytes)
    }
    throw row.fault(key, "has no address: write the image to a file and name its path, or use a data URI")
  }

  /// Puts images where messages have a mark, in order: `<image>` in a text, or an image part without an address.
  ///
  /// Without any mark they go before the text of the first user's message.
  ///
  /// - Throws: When the number of marks differs from the number of images.
  static func insert(_ images: [JSONValue], into messages: [JSONValue], key: String, row: PeerRow) throws
    -> [JSONValue]
  {
    let marks = messages.reduce(0) { $0 + markCount(in: $1) }
    if marks == 0, images.isEmpty { return messages }
    if marks == 0 {
      let addressed = messages.reduce(0) { $0 + addressCount(in: $1) }
      if addressed > 0 {
        throw row.fault(
          key,
          "has \(images.count) images, but the prompt's own image parts have addresses already; keep one of the two")
      }
      guard let first = messages.firstIndex(where: { $0["role"] == "user" }) else {
        throw row.fault(key, "has images, but the prompt has no user's message to put them in")
      }
      var messages = messages
      messages[first] = replacing(messages[first], content: images.map(part) + parts(of: messages[first]))
      return messages
    }
    guard marks == images.count else {
      throw row.fault(
        key,
        "has \(images.count) images, but the prompt has \(marks) image marks (\(mark), or parts without an address)")
    }
    var rest = images[...]
    return messages.map { filled($0, from: &rest) }
  }

  /// The marks of a message that wait for an image.
  static func markCount(in message: JSONValue) -> Int {
    switch message["content"] {
    case .string(let text)?: ChatMLText.split(text, by: mark).count - 1
    case .array(let parts)?:
      parts.reduce(0) { count, part in
        if let image = ChatImage(part: part) { return count + (image.address.isEmpty ? 1 : 0) }
        return count + ChatMLText.split(part["text"]?.stringValue ?? "", by: mark).count - 1
      }
    default: 0
    }
  }

  private static func addressCount(in message: JSONValue) -> Int {
    (message["content"]?.arrayValue ?? []).count { ChatImage(part: $0)?.address.isEmpty == false }
  }

  private static func filled(_ message: JSONValue, from images: inout ArraySlice<JSONValue>) -> JSONValue {
    if markCount(in: message) == 0 { return message }
    var content: [JSONValue] = []
    for piece in parts(of: message) {
      if let image = ChatImage(part: piece) {
        if image.address.isEmpty, let next = images.popFirst() {
          // What the part says of its image comes before what the list says.
          let own = part(next).objectValue ?? []
          content.append(
            .object(own.prefix(2) + image.details + own.dropFirst(2).filter { image[detail: $0.key] == nil }))
        } else {
          content.append(piece)
        }
      } else if let text = piece["text"]?.stringValue {
        for (index, words) in ChatMLText.split(text, by: mark).enumerated() {
          if index > 0, let image = images.popFirst() { content.append(part(image)) }
          if !words.isEmpty { content.append(["type": "text", "text": .string(words)]) }
        }
      } else {
        content.append(piece)
      }
    }
    return replacing(message, content: content)
  }

  /// What becomes of the sizes that parts ask of their images.
  enum Sizes {
    /// The image is written as an object with its `image` and its size, as verl reads it.
    case kept
    /// The format has no place for them.
    case lost
  }

  /// Takes images out of messages again, leaving `<image>` in their texts.
  ///
  /// - Returns: The messages with plain text, the images, and the number of other parts and of sizes that were lost.
  static func extract(
    _ messages: [JSONValue], sizes: Sizes = .lost
  ) -> (messages: [JSONValue], images: [JSONValue], omissions: Int) {
    var images: [JSONValue] = []
    var omissions = 0
    let plain = messages.map { message in
      guard let parts = message["content"]?.arrayValue else { return message }
      var text = ""
      for part in parts {
        if let image = ChatImage(part: part), !image.address.isEmpty {
          text += mark
          let sizing = ImageSizing.details(among: image.details)
          let address = JSONValue.string(image.address)
          if sizing.isEmpty || sizes == .lost {
            images.append(address)
            omissions += sizing.isEmpty ? 0 : 1
          } else {
            images.append(.object([.init("image", address)] + sizing))
          }
        } else if let words = ChatMessage.Part.text(of: part) {
          text += words
        } else {
          omissions += 1
        }
      }
      return replacing(message, content: .string(text))
    }
    return (plain, images, omissions)
  }

  private static func part(_ image: JSONValue) -> JSONValue {
    .object([.init("type", "image")] + (image.objectValue ?? [.init("image", image)]))
  }

  private static func parts(of message: JSONValue) -> [JSONValue] {
    switch message["content"] {
    case .string(let text)?: text.isEmpty ? [] : [["type": "text", "text": .string(text)]]
    case .array(let parts)?: parts
    default: []
    }
  }

  private static func replacing(_ message: JSONValue, content: [JSONValue]) -> JSONValue {
    replacing(message, content: .array(content))
  }

  private static func replacing(_ message: JSONValue, content: JSONValue) -> JSONValue {
    .object((message.objectValue ?? []).map { $0.key == "content" ? .init("content", content) : $0 })
  }

  /// Whether a text is base64, of the usual or the URL-safe alphabet, and not empty.
  private static func isBase64(_ text: String) -> Bool {
    let bytes = text.utf8.filter { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    let digits = bytes.reversed().drop { $0 == UInt8(ascii: "=") }
    return bytes.count - digits.count <= 2 && digits.count >= 2 && digits.count % 4 != 1
      && digits.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-")
          || byte == UInt8(ascii: "_")
      }
  }
}

extension ChatImage {
  /// What the part says under a key, besides the image's address.
  fileprivate subscript(detail key: String) -> JSONValue? { details.first { $0.key == key }?.value }
}
