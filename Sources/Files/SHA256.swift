// SPDX-License-Identifier: Apache-2.0
import CSHA256

/// The SHA-256 of bytes that are added in parts; a copy goes on by itself.
package struct SHA256: Sendable {
  private var context = sha256_context()

  /// Of nothing.
  package init() { sha256_start(&context) }

  /// Adds bytes.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) { sha256_add(&context, bytes.baseAddress, bytes.count) }

  /// Adds bytes.
  package mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  /// The hash of everything added so far, as 64 hexadecimal digits.
  package var digits: String {
    var digest = [UInt8](repeating: 0, count: 32)
    withUnsafePointer(to: context) { sha256_digest($0, &digest) }
    let symbols = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [symbols[Int($0 >> 4)], symbols[Int($0 & 15)]] }, as: UTF8.self)
  }
}
