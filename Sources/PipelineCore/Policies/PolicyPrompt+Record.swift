// SPDX-License-Identifier: Apache-2.0

extension PolicyPrompt {
  /// The prompt of a record: its `prompt_tokens` with the images, or else its `prompt`.
  ///
  /// The images of tokens are those of `images`, or else those of the image parts in `prompt`. Image parts of `prompt`
  /// that name no address take the addresses of `images`, in order.
  ///
  /// - Parameter folder: The folder that relative paths of images start from.
  /// - Throws: When there is neither, a field is of the wrong kind, or images and image parts differ in number.
  public init(_ record: Trajectory, folder: String) throws {
    let images = try record.imageAddresses
    let prompt = try record.value(of: .prompt).flatMap { $0 == .null ? nil : $0 }
    if let tokens = try record.tokenIDs(of: .promptTokens) {
      let known = images ?? prompt.map(Self.images)?.map(\.address) ?? []
      self.init(.tokens(tokens, images: known), folder: folder)
      return
    }
    guard let prompt else {
      throw PipelineError(.invalidData, "the record has neither 'prompt' nor 'prompt_tokens'")
    }
    let messages = try ChatMessage.messages(from: prompt)
    self.init(.messages(try Self.placing(images ?? [], in: messages)), folder: folder)
  }

  /// The prompt of a record in words: its `prompt` alone, with the addresses of `images` in the image parts without one.
  ///
  /// - Parameter folder: The folder that relative paths of images start from.
  /// - Throws: When the record has none, or images and image parts differ in number.
  public init(wordsOf record: Trajectory, folder: String) throws {
    guard let prompt = try record.value(of: .prompt), prompt != .null else {
      throw PipelineError(
        .invalidData, "the record has no 'prompt', and this policy is asked in words, not in the tokens of another")
    }
    let messages = try ChatMessage.messages(from: prompt)
    self.init(.messages(try Self.placing(record.imageAddresses ?? [], in: messages)), folder: folder)
  }

  /// The image parts of all messages, whatever else the messages hold.
  private static func images(of prompt: JSONValue) -> [ChatImage] {
    (prompt.arrayValue ?? []).flatMap { ($0["content"]?.arrayValue ?? []).compactMap { ChatImage(part: $0) } }
  }

  private static func placing(_ images: [String], in messages: [ChatMessage]) throws -> [ChatMessage] {
    let parts = ChatMessage.images(in: messages)
    let open = parts.count { $0.address.isEmpty }
    if open == 0, images.isEmpty || !parts.isEmpty { return messages }
    guard open == images.count else {
      throw PipelineError(
        .invalidData,
        "the record names \(images.count) images, but its prompt has \(open) image parts without an address; put "
          + #"{"type": "image"} where each image goes"#)
    }
    var next = images.makeIterator()
    return messages.map { message in
      guard case .parts(let parts) = message.content else { return message }
      var message = message
      message.content = .parts(
        parts.map { part in
          guard case .image(var image) = part, image.address.isEmpty, let address = next.next() else { return part }
          image.address = address
          return .image(image)
        })
      return message
    }
  }
}

extension Trajectory {
  /// The token ids in a field such as `tokens`, or nil when the record has none.
  ///
  /// - Throws: When the field holds something else.
  public func tokenIDs(of field: Field) throws -> [Int32]? {
    guard let value = try value(of: field), value != .null else { return nil }
    guard let elements = value.arrayValue else {
      throw PipelineError(.invalidData, "'\(field)' must be an array of token ids, found \(value.kindDescription)")
    }
    return try elements.map { element in
      guard let id = element.intValue.flatMap(Int32.init(exactly:)), id >= 0 else {
        throw PipelineError(
          .invalidData, "'\(field)' must be an array of token ids, found \(element.json.shortenedForMessage) in it")
      }
      return id
    }
  }

  /// The addresses in `images`, or nil when the record has no such field.
  ///
  /// - Throws: When an entry has no address.
  var imageAddresses: [String]? {
    get throws {
      guard let value = try value(of: .images), value != .null else { return nil }
      guard let elements = value.arrayValue else {
        throw PipelineError(.invalidData, "'images' must be an array, found \(value.kindDescription)")
      }
      return try elements.enumerated().map { index, element in
        if let address = element.stringValue { return address }
        if let address = ["path", "image", "url"].lazy.compactMap({ element[$0]?.stringValue }).first {
          return address
        }
        throw PipelineError(.invalidData, "'images' must be paths or data URIs; image \(index) has none")
      }
    }
  }
}
