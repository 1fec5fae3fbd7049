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
      let known = images ?? prompt.map(Self.imageParts)?.map(Self.address) ?? []
      self.init(.tokens(tokens, images: known), folder: folder)
      return
    }
    guard let prompt else {
      throw PipelineError(.invalidData, "the record has neither 'prompt' nor 'prompt_tokens'")
    }
    self.init(.messages(try Self.placing(images ?? [], in: prompt)), folder: folder)
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
    self.init(.messages(try Self.placing(record.imageAddresses ?? [], in: prompt)), folder: folder)
  }

  /// The image parts of all messages.
  private static func imageParts(_ prompt: JSONValue) -> [JSONValue] {
    (prompt.arrayValue ?? []).flatMap { ($0["content"]?.arrayValue ?? []).filter(isImage) }
  }

  private static func isImage(_ part: JSONValue) -> Bool {
    part["type"] == "image" || part["type"] == "image_url" || part["image"] != nil || part["image_url"] != nil
  }

  /// The address in an image part, empty where it has none.
  private static func address(_ part: JSONValue) -> String {
    let value = part["image"] ?? part["image_url"] ?? ""
    return value.stringValue ?? value["url"]?.stringValue ?? value["path"]?.stringValue ?? ""
  }

  private static func placing(_ images: [String], in prompt: JSONValue) throws -> JSONValue {
    let parts = imageParts(prompt)
    let open = parts.count { address($0).isEmpty }
    if open == 0, images.isEmpty || !parts.isEmpty { return prompt }
    guard open == images.count else {
      throw PipelineError(
        .invalidData,
        "the record names \(images.count) images, but its prompt has \(open) image parts without an address; put "
          + #"{"type": "image"} where each image goes"#)
    }
    var next = images.makeIterator()
    let messages = (prompt.arrayValue ?? []).map { message in
      replacing("content", in: message) { content in
        .array(
          (content.arrayValue ?? []).map { part in
            guard isImage(part), address(part).isEmpty, let image = next.next() else { return part }
            return ["type": "image", "image": .string(image)]
          })
      }
    }
    return .array(messages)
  }

  private static func replacing(_ key: String, in object: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard let members = object.objectValue, object[key]?.arrayValue != nil else { return object }
    return .object(members.map { $0.key == key ? .init(key, change($0.value)) : $0 })
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
