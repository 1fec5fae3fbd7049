// SPDX-License-Identifier: Apache-2.0

/// The Castagnoli cyclic redundancy check, which protects the records of TFRecord files.
///
/// Source: RFC 3720, section 12.1 and its test vectors in B.4.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  /// The checksum of bytes.
  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { value, byte in value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
  }

  /// The checksum as stored in TFRecord files: rotated by 15 bits and offset by a constant, so that the checksum of
  /// bytes that contain their own checksum is not degenerate.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xA282_EAD8
  }
}
