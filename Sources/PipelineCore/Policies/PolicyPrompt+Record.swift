// SPDX-License-Identifier: Apache-2.0

extension PolicyPrompt {
  /// The prompt of a record: its `prompt_tokens` with the images, or else its `prompt`.
  ///
  /// The images of tokens are those of `images`, or else those of the image parts in `prompt`. Image parts of `prompt`
  /// that name no address take the images of `images`, in order; where all of them name one, `images` names the same ones or
  /// is left out. An image's size may be asked for in either.
  ///
  /// - Parameter folder: The folder that relative paths of images start from.
  /// - Throws: When there is neither, a field is of the wrong kind, or images and image parts differ in number.
  public init(_ record: Trajectory, folder: String) throws {
    let images = try record.namedImages
    let prompt = try record.value(of: .prompt).flatMap { $0 == .null ? nil : $0 }
    if let tokens = try record.tokenIDs(of: .promptTokens) {
      let parts = prompt.map(Self.images) ?? []
      try Self.checkAgreement(of: images, with: parts)
      let known = Self.images(of: parts, named: images)
      self.init(.tokens(tokens, images: try known.map { try $0.reference }), folder: folder)
      return
    }
    guard let prompt else {
      throw PipelineError(.invalidData, "the record has neither 'prompt' nor 'prompt_tokens'")
    }
    let messages = try ChatMessage.messages(from: prompt)
    self.init(.messages(try Self.placing(images, in: messages)), folder: folder)
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
    self.init(.messages(try Self.placing(record.namedImages, in: messages)), folder: folder)
  }

  /// The image parts of all messages, whatever else the messages hold.
  private static func images(of prompt: JSONValue) -> [ChatImage] {
    (prompt.arrayValue ?? []).flatMap { ($0["content"]?.arrayValue ?? []).compactMap { ChatImage(part: $0) } }
  }

  /// The images of tokens.
  private static func images(of parts: [ChatImage], named: [ChatImage]) -> [ChatImage] {
    if named.isEmpty { return parts }
    if parts.count(where: \.address.isEmpty) == named.count {
      var next = named.makeIterator()
      return parts.map { $0.address.isEmpty ? next.next()?.with(detailsOf: $0) ?? $0 : $0 }
    }
    return parts.count == named.count ? zip(named, parts).map { $0.with(detailsOf: $1) } : named
  }

  /// Refuses pictures that are named twice, and not the same.
  private static func checkAgreement(of images: [ChatImage], with parts: [ChatImage]) throws {
    guard !images.isEmpty, !parts.isEmpty, parts.allSatisfy({ !$0.address.isEmpty }),
      images.map(\.address) != parts.map(\.address)
    else { return }
    throw PipelineError(
      .invalidData,
      "'images' names other pictures than the image parts of the prompt, which have addresses of their own; keep one of the two"
    )
  }

  private static func placing(_ images: [ChatImage], in messages: [ChatMessage]) throws -> [ChatMessage] {
    let parts = ChatMessage.images(in: messages)
    try checkAgreement(of: images, with: parts)
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
          guard case .image(let image) = part, image.address.isEmpty, let named = next.next() else { return part }
          return .image(named.with(detailsOf: image))
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

  /// The images in `images`, with the sizes that are asked of them; none when the record has no such field.
  ///
  /// - Throws: When an entry has no address.
  var namedImages: [ChatImage] {
    get throws {
      guard let value = try value(of: .images), value != .null else { return [] }
      guard let elements = value.arrayValue else {
        throw PipelineError(.invalidData, "'images' must be an array, found \(value.kindDescription)")
      }
      return try elements.enumerated().map { index, element in
        if let address = element.stringValue { return ChatImage(address) }
        if let address = ["path", "image", "url"].lazy.compactMap({ element[$0]?.stringValue }).first {
          return ChatImage(address, details: ImageSizing.details(among: element.objectValue ?? []))
        }
        throw PipelineError(.invalidData, "'images' must be paths or data URIs; image \(index) has none")
      }
    }
  }
}

extension ChatImage {
  /// The image with what a part says of it first, and then its own details that the part does not have.
  fileprivate func with(detailsOf part: ChatImage) -> ChatImage {
    ChatImage(
      address, details: part.details + details.filter { own in !part.details.contains { $0.key == own.key } })
  }
}
