// SPDX-License-Identifier: Apache-2.0
import CDirectIO

/// Memory in which bytes are gathered before they go to a file; one thread at a time has it.
///
/// It begins where ``FileDescriptor/writePastCache(_:at:)`` needs it to.
final class WriteBlock: @unchecked Sendable {
  /// How many bytes it has room for: as many as a disk takes at full speed, and few enough to stay in a processor's cache.
  static let size = 1 << 20
  /// Blocks begin in a file at a multiple of these bytes.
  static let alignment = Int(DIRECT_IO_ALIGNMENT)

  /// All of it; what nobody has written yet is undefined.
  let bytes: UnsafeMutableRawBufferPointer

  init() { bytes = .allocate(byteCount: Self.size, alignment: Self.alignment) }

  deinit { bytes.deallocate() }
}
