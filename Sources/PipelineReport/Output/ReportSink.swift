// SPDX-License-Identifier: Apache-2.0

/// Where the data and the images of a report go; it may be called from several threads.
package protocol ReportSink: Sendable {
  /// Adds a piece of data; one of the same kind and key is replaced.
  func add(_ part: ReportPart) throws
  /// Adds an image file.
  func add(picture name: String, _ bytes: [UInt8]) throws
}
