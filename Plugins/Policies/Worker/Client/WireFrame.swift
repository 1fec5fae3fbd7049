// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// An array in a message between pipeline and worker: little-endian, in row-major order.
package struct WirePayload: Sendable, Hashable {
  /// The type of its elements.
  package enum ElementType: String, Sendable, CaseIterable {
    /// Bytes of pixels and texts.
    case uint8
    /// Tokens and lengths.
    case int32
    /// Seeds.
    case uint64
    /// Log-probabilities and gradients.
    case float32

    var byteCount: Int {
      switch self {
      case .uint8: 1
      case .int32, .float32: 4
      case .uint64: 8
      }
    }
  }

  /// The type of its elements.
  package let type: ElementType
  /// The size along each axis.
  package let shape: [Int]
  /// The elements.
  package let bytes: [UInt8]

  /// Pixels or other bytes in some shape.
  package init(bytes: [UInt8], shape: [Int]) { self.init(.uint8, shape, bytes) }
  /// Tokens or lengths.
  package init(_ values: [Int32]) { self.init(.int32, [values.count], Self.bytes(of: values)) }
  /// Seeds.
  package init(_ values: [UInt64]) { self.init(.uint64, [values.count], Self.bytes(of: values)) }
  /// Log-probabilities or gradients.
  package init(_ values: [Float]) { self.init(.float32, [values.count], Self.bytes(of: values)) }

  init(_ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
    (self.type, self.shape, self.bytes) = (type, shape, bytes)
  }

  /// The elements, if they are of this type.
  package var int32s: [Int32]? { type == .int32 ? elements() : nil }
  /// The elements, if they are of this type.
  package var floats: [Float]? { type == .float32 ? elements() : nil }

  private static func bytes<Element>(of values: [Element]) -> [UInt8] {
    precondition(1.littleEndian == 1, "the numbers of this machine are little-endian, as on the wire")
    return values.withUnsafeBytes { Array($0) }
  }

  private func elements<Element: BitwiseCopyable>() -> [Element] {
    let count = bytes.count / MemoryLayout<Element>.size
    return [Element](unsafeUninitializedCapacity: count) { target, initializedCount in
      UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes)
      initializedCount = count
    }
  }
}

/// A message of the policy wire protocol: a header in JSON, and named arrays.
package struct WireFrame: Sendable, Hashable {
  /// An array by name.
  package struct Named: Sendable, Hashable {
    let name: String
    let payload: WirePayload
  }

  /// `kind`, `id`, and the members of the kind.
  package var header: JSONValue
  /// The arrays, in order.
  package var payloads: [Named]

  /// A message.
  package init(_ kind: String, id: Int, _ members: [JSONValue.Member] = [], payloads: [(String, WirePayload)] = []) {
    header = .object([.init("kind", .string(kind)), .init("id", .number(id))] + members)
    self.payloads = payloads.map { Named(name: $0.0, payload: $0.1) }
  }

  private init(header: JSONValue, payloads: [Named]) { (self.header, self.payloads) = (header, payloads) }

  /// Its kind.
  package var kind: String { header["kind"]?.stringValue ?? "" }
  /// The id of the request.
  package var id: Int { header["id"]?.intValue ?? 0 }
  /// An array by its name.
  package subscript(name: String) -> WirePayload? { payloads.first { $0.name == name }?.payload }
}

/// Frames as bytes.
extension WireFrame {
  /// The first bytes of every frame.
  static let magic: [UInt8] = Array("SR1W".utf8)
  /// Bytes before the header.
  static let prefixCount = 16
  private static let headerLimit = 16 << 20
  private static let bodyLimit = 64 << 30

  /// A violation of the protocol.
  struct Fault: Error, Sendable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// The sizes of header and payloads, from the prefix.
  struct Sizes: Sendable, Hashable {
    let header: Int
    let body: Int
  }

  /// The frame's bytes.
  package var bytes: [UInt8] {
    var header = header
    if case .object(let members) = header, !payloads.isEmpty {
      let described = payloads.map { named -> JSONValue in
        [
          "name": .string(named.name), "dtype": .string(named.payload.type.rawValue),
          "shape": .array(named.payload.shape.map { .number($0) }),
        ]
      }
      header = .object(members + [.init("payloads", .array(described))])
    }
    var text: [UInt8] = []
    header.write(to: &text)
    let size = payloads.reduce(0) { $0 + $1.payload.bytes.count }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.prefixCount + text.count + size)
    bytes += Self.magic
    withUnsafeBytes(of: UInt32(text.count).littleEndian) { bytes += $0 }
    withUnsafeBytes(of: UInt64(size).littleEndian) { bytes += $0 }
    bytes += text
    for named in payloads { bytes += named.payload.bytes }
    return bytes
  }

  /// Reads a prefix; nil if it is not that of a frame.
  static func sizes(_ prefix: [UInt8]) throws -> Sizes? {
    guard prefix.count == prefixCount, Array(prefix.prefix(4)) == magic else { return nil }
    let (header, body) = prefix.withUnsafeBytes {
      (
        UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)),
        UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    guard header <= headerLimit, body <= bodyLimit else {
      throw Fault("a frame of \(header) and \(body) bytes is larger than any message")
    }
    return Sizes(header: Int(header), body: Int(body))
  }

  /// Reads a frame that is whole.
  ///
  /// - Throws: When it is none.
  package init(reading bytes: [UInt8]) throws {
    guard let sizes = try Self.sizes(Array(bytes.prefix(Self.prefixCount))),
      bytes.count == Self.prefixCount + sizes.header + sizes.body
    else { throw Fault("it is no frame") }
    let header = bytes[Self.prefixCount..<Self.prefixCount + sizes.header]
    try self.init(header: Array(header), body: Array(bytes[(Self.prefixCount + sizes.header)...]))
  }

  /// Assembles a frame.
  init(header text: [UInt8], body: [UInt8]) throws {
    guard let parsed = try? text.withUnsafeBytes({ try JSONValue(parsing: $0) }),
      case .object(let members) = parsed, parsed["kind"]?.stringValue != nil
    else { throw Fault("the header of a frame is no object with a 'kind'") }
    var payloads: [Named] = []
    var start = 0
    for described in parsed["payloads"]?.arrayValue ?? [] {
      guard let name = described["name"]?.stringValue,
        let type = described["dtype"]?.stringValue.flatMap(WirePayload.ElementType.init(rawValue:)),
        let shape = described["shape"]?.arrayValue?.compactMap(\.intValue), shape.allSatisfy({ $0 >= 0 })
      else { throw Fault("a frame describes an array by \(described.json.shortenedForMessage)") }
      var count = type.byteCount
      for side in shape {
        let (product, isTooLarge) = count.multipliedReportingOverflow(by: side)
        count = isTooLarge ? .max : product
      }
      guard count <= body.count - start else { throw Fault("the array '\(name)' is longer than its frame") }
      payloads.append(Named(name: name, payload: WirePayload(type, shape, Array(body[start..<start + count]))))
      start += count
    }
    guard start == body.count else { throw Fault("a frame has \(body.count - start) bytes more than its arrays") }
    self.init(header: .object(members.filter { $0.key != "payloads" }), payloads: payloads)
  }
}
