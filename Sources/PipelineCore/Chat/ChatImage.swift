// SPDX-License-Identifier: Apache-2.0

/// The image of a part of a chat message.
///
/// Such a part is written in several ways, all of which mean the same here:
/// - `{"type": "image", "image": PATH}`, ours and Qwen's
/// - `{"type": "image_url", "image_url": {"url": PATH}}` or `{"type": "image_url", "image_url": PATH}`, OpenAI's
/// - `{"type": "image", "url": URL}`, with `path` or `base64` in place of `url`, transformers'
/// - `{"type": "image_url", "value": PATH}`, LLaMA-Factory's
/// - `{"type": "image"}`, which marks the place of an image that the record names elsewhere
public struct ChatImage: Sendable, Hashable {
  /// Its path or data URI, empty where the record names it elsewhere.
  public var address: String
  /// What else the part says, such as `detail` or `max_pixels`, in its order.
  public var details: [JSONValue.Member]

  /// An image at an address.
  public init(_ address: String, details: [JSONValue.Member] = []) {
    self.address = address
    self.details = details
  }

  /// The image of a part, or nil when the part holds none.
  public init?(part: JSONValue) {
    guard let members = part.objectValue else { return nil }
    func holds(_ key: String) -> Bool { part[key].map { $0 != .null } ?? false }
    let isTyped = part["type"] == "image" || part["type"] == "image_url"
    guard isTyped || holds("image") || holds("image_url") else { return nil }
    let keys = ["image", "image_url"] + (isTyped ? Self.addressKeys + ["value"] : [])
    guard let key = keys.first(where: holds), let value = part[key] else {
      self.init("", details: members.filter { !["type", "image", "image_url"].contains($0.key) })
      return
    }
    let others = members.filter { $0.key != "type" && $0.key != key }
    if let text = value.stringValue {
      self.init(Self.address(text, under: key), details: others)
      return
    }
    let inner = Self.addressKeys.first { value[$0]?.stringValue != nil }
    let address = inner.flatMap { key in value[key]?.stringValue.map { Self.address($0, under: key) } }
    self.init(address ?? "", details: (value.objectValue ?? []).filter { $0.key != inner } + others)
  }

  /// The part in our form.
  public var json: JSONValue {
    .object([.init("type", "image")] + (address.isEmpty ? [] : [.init("image", .string(address))]) + details)
  }

  /// The part in OpenAI's form.
  public var openAI: JSONValue {
    .object([
      .init("type", "image_url"), .init("image_url", .object([.init("url", .string(address))] + details)),
    ])
  }

  private static let addressKeys = ["url", "path", "base64"]

  private static func address(_ text: String, under key: String) -> String {
    key == "base64" && !text.lowercased().hasPrefix("data:") ? "data:;base64," + text : text
  }
}
