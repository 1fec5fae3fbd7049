// SPDX-License-Identifier: Apache-2.0

/// Encodes the records of TensorBoard's event files.
///
/// A file consists of the record of ``fileVersion(wallTime:)``, followed by those of the steps; it is only appended to.
/// The length of a step's record depends on its names, bins and number, never on values: the records of a resumed run
/// are at the same offsets as those of an undisturbed one, and a TensorBoard that is watching keeps its place.
///
/// Source: TensorBoard's `event.proto` and `summary.proto`; the framing of a record is TensorFlow's `record_writer`.
package enum TensorBoardEvents {
  /// How many values lie between edges; the first and the last bin are open.
  package struct Histogram: Sendable, Hashable {
    /// The boundaries of the bins, ascending.
    package let edges: [Double]
    /// The counts, one more than edges.
    package let counts: [Double]

    /// A histogram; nil unless the edges are finite and ascending, and there is one count more.
    package init?(edges: [Double], counts: [Double]) {
      guard !edges.isEmpty, counts.count == edges.count + 1, (edges + counts).allSatisfy(\.isFinite),
        zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 })
      else { return nil }
      self.edges = edges
      self.counts = counts
    }

    /// The edges with an outer end for each open bin, which is drawn as wide as its neighbour.
    var drawnEdges: [Double] {
      let (first, last) = (edges[0], edges[edges.count - 1])
      let (lowest, highest) = edges.count > 1 ? (edges[1] - first, last - edges[edges.count - 2]) : (1, 1)
      return [first - lowest] + edges + [last + highest]
    }
  }

  /// The first record of every file.
  ///
  /// - Parameter wallTime: Seconds since 1970.
  package static func fileVersion(wallTime: Double) -> [UInt8] {
    var event = Message()
    event.add(1, wallTime)
    event.add(3, "brain.Event:2")
    return record(event.bytes)
  }

  /// The record of one step.
  ///
  /// - Parameters:
  ///   - step: The step, from 0.
  ///   - wallTime: Seconds since 1970.
  ///   - scalars: Stored as 32-bit floats, as in TensorBoard.
  ///   - histograms: Shown in the tabs "Distributions" and "Histograms".
  package static func step(
    _ step: Int, wallTime: Double, scalars: [(name: String, value: Double)],
    histograms: [(name: String, value: Histogram)] = []
  ) -> [UInt8] {
    var summary = Message()
    for scalar in scalars {
      var value = Message()
      value.add(1, scalar.name)
      value.add(2, Float(scalar.value))
      summary.add(1, value.bytes)
    }
    for histogram in histograms {
      var value = Message()
      value.add(1, histogram.name)
      value.add(5, message(of: histogram.value).bytes)
      summary.add(1, value.bytes)
    }
    var event = Message()
    event.add(1, wallTime)
    event.add(2, step)
    event.add(5, summary.bytes)
    return record(event.bytes)
  }

  private static func message(of histogram: Histogram) -> Message {
    let edges = histogram.drawnEdges
    let filled = histogram.counts.indices.filter { histogram.counts[$0] > 0 }
    var message = Message()
    // TensorBoard draws the outermost non-empty bins from the minimum to the maximum.
    message.add(1, filled.first.map { edges[$0] } ?? 0)
    message.add(2, filled.last.map { edges[$0 + 1] } ?? 0)
    message.add(3, histogram.counts.reduce(0, +))
    message.add(6, edges.dropFirst())
    message.add(7, histogram.counts)
    return message
  }

  /// Length, checksum of the length, data, checksum of the data; numbers are little-endian.
  private static func record(_ data: [UInt8]) -> [UInt8] {
    let length = Message.littleEndian(UInt64(data.count))
    return length + Message.littleEndian(CRC32C.masked(length)) + data + Message.littleEndian(CRC32C.masked(data))
  }
}

/// A message of Protocol Buffers that grows field by field.
private struct Message {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ value: Int) {
    addVarint(UInt64(field << 3))
    addVarint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ value: Double) {
    addVarint(UInt64(field << 3 | 1))
    bytes += Self.littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Float) {
    addVarint(UInt64(field << 3 | 5))
    bytes += Self.littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }

  mutating func add(_ field: Int, _ values: some Sequence<Double>) {
    add(field, values.flatMap { Self.littleEndian($0.bitPattern) })
  }

  mutating func add(_ field: Int, _ value: [UInt8]) {
    addVarint(UInt64(field << 3 | 2))
    addVarint(UInt64(value.count))
    bytes += value
  }

  private mutating func addVarint(_ value: UInt64) {
    var value = value
    while value > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
