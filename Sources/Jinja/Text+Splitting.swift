// SPDX-License-Identifier: Apache-2.0

/// Which ends of a string are stripped.
enum StrippedEnds {
  case both
  case leading
  case trailing
}

/// Stripping, splitting and slicing, as Python's `str` does it.
extension Text {
  /// `str.strip`, `lstrip` and `rstrip`; without characters, white space is stripped.
  func stripped(_ ends: StrippedEnds = .both, of characters: Text? = nil) -> Text {
    var low = 0
    var high = bytes.count
    let set = characters.map { Set($0.scalars) }
    func drops(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? scalar.isPythonSpace }
    if ends != .trailing {
      while low < high {
        let (scalar, width) = decoded(at: low)
        guard drops(scalar) else { break }
        low += width
      }
    }
    if ends != .leading {
      while high > low {
        var start = high - 1
        while bytes[start] & 0xC0 == 0x80 { start -= 1 }
        guard drops(decoded(at: start).scalar) else { break }
        high = start
      }
    }
    return low == 0 && high == bytes.count ? self : Text(bytes[low..<high])
  }

  /// The code point that begins at a byte, and how many bytes it has.
  func decoded(at index: Int) -> (scalar: Unicode.Scalar, width: Int) {
    let lead = bytes[index]
    if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
    let width = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    var value = UInt32(lead) & (0x7F >> UInt32(width))
    for offset in 1..<width { value = value << 6 | UInt32(bytes[index + offset] & 0x3F) }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", width)
  }

  /// `str.split(separator, limit)`; a negative limit is none.
  func split(by separator: Text, limit: Int) -> [Text] {
    var parts: [Text] = []
    var start = 0
    while limit < 0 || parts.count < limit, let found = firstRange(of: separator, from: start) {
      parts.append(Text(bytes[start..<found]))
      start = found + separator.bytes.count
    }
    return parts + [Text(bytes[start...])]
  }

  /// `str.rsplit(separator, limit)`.
  func splitFromEnd(by separator: Text, limit: Int) -> [Text] {
    var parts: [Text] = []
    var end = bytes.count
    while limit < 0 || parts.count < limit, let found = lastRange(of: separator, upTo: end) {
      parts.append(Text(bytes[(found + separator.bytes.count)..<end]))
      end = found
    }
    return (parts + [Text(bytes[..<end])]).reversed()
  }

  /// `str.split(None, limit)`: at white space.
  func splitAtSpaces(limit: Int) -> [Text] {
    var parts: [Text] = []
    var index = 0
    while true {
      while index < bytes.count {
        let (scalar, width) = decoded(at: index)
        guard scalar.isPythonSpace else { break }
        index += width
      }
      guard index < bytes.count else { return parts }
      if limit >= 0, parts.count == limit { return parts + [Text(bytes[index...])] }
      let start = index
      while index < bytes.count {
        let (scalar, width) = decoded(at: index)
        guard !scalar.isPythonSpace else { break }
        index += width
      }
      parts.append(Text(bytes[start..<index]))
    }
  }

  /// `str.rsplit(None, limit)`: at white space.
  func splitAtSpacesFromEnd(limit: Int) -> [Text] {
    guard limit >= 0 else { return splitAtSpaces(limit: -1) }
    var rest = stripped(.trailing)
    var parts: [Text] = []
    while !rest.isEmpty, parts.count < limit {
      var start = rest.bytes.count
      while start > 0 {
        var before = start - 1
        while rest.bytes[before] & 0xC0 == 0x80 { before -= 1 }
        guard !rest.decoded(at: before).scalar.isPythonSpace else { break }
        start = before
      }
      parts.append(Text(rest.bytes[start...]))
      rest = Text(rest.bytes[..<start]).stripped(.trailing)
    }
    return ((rest.isEmpty ? parts : parts + [Text(rest.bytes)])).reversed()
  }

  /// `str.splitlines(keepends)`.
  func lines(keepingEnds: Bool = false) -> [Text] {
    var lines: [Text] = []
    var start = 0
    var index = 0
    while index < bytes.count {
      let (scalar, width) = decoded(at: index)
      guard scalar.isPythonLineEnd else {
        index += width
        continue
      }
      var next = index + width
      if scalar == "\r", next < bytes.count, bytes[next] == 10 { next += 1 }
      lines.append(Text(bytes[start..<(keepingEnds ? next : index)]))
      start = next
      index = next
    }
    if start < bytes.count { lines.append(Text(bytes[start...])) }
    return lines
  }

  /// `str.replace(old, new, limit)`; a negative limit is none.
  func replacing(_ old: Text, with new: Text, limit: Int) -> Text {
    guard !old.isEmpty else { return spreading(new, limit: limit) }
    return Text(Array(split(by: old, limit: limit).map(\.bytes).joined(separator: new.bytes)))
  }

  private func spreading(_ new: Text, limit: Int) -> Text {
    var output: [UInt8] = []
    var left = limit < 0 ? Int.max : limit
    for (index, byte) in bytes.enumerated() {
      if left > 0, bytes[index] & 0xC0 != 0x80 {
        output += new.bytes
        left -= 1
      }
      output.append(byte)
    }
    return Text(left > 0 ? output + new.bytes : output)
  }

  /// The number of places of a part that do not overlap.
  func occurrences(of part: Text) -> Int {
    guard !part.isEmpty else { return count + 1 }
    var total = 0
    var start = 0
    while let found = firstRange(of: part, from: start) {
      total += 1
      start = found + part.bytes.count
    }
    return total
  }

  /// The code points at positions.
  func picking(_ positions: StridedPositions) -> Text {
    if isASCII {
      if positions.step == 1 {
        return positions.count == 0 ? Text([UInt8]()) : Text(bytes[positions.start..<positions.start + positions.count])
      }
      return Text(positions.map { bytes[$0] })
    }
    let starts = self.starts
    if positions.step == 1 {
      guard positions.count > 0 else { return Text([UInt8]()) }
      return Text(bytes[starts[positions.start]..<starts[positions.start + positions.count]])
    }
    return Text(Array(positions.map { bytes[starts[$0]..<starts[$0 + 1]] }.joined()))
  }
}

/// The positions that a slice `start:stop:step` picks from a sequence; source: Python's `slice.indices`.
struct StridedPositions: Sequence {
  let start: Int
  /// The position before which it ends, within the sequence.
  let stop: Int
  let step: Int
  let count: Int

  init(start: Int?, stop: Int?, step: Int, length: Int) {
    func clamped(_ value: Int, _ low: Int, _ high: Int) -> Int {
      value < 0 ? Swift.max(value + length, low) : Swift.min(value, high)
    }
    let (low, high) = step > 0 ? (0, length) : (-1, length - 1)
    let first = start.map { clamped($0, low, high) } ?? (step > 0 ? low : high)
    let end = stop.map { clamped($0, low, high) } ?? (step > 0 ? high : low)
    self.start = first
    self.stop = end
    self.step = step
    if step > 0 {
      count = first < end ? (end - first - 1) / step + 1 : 0
    } else {
      count = end < first ? (first - end - 1) / Int(step.magnitude.clamped) + 1 : 0
    }
  }

  func makeIterator() -> AnyIterator<Int> {
    var index = 0
    return AnyIterator {
      guard index < count else { return nil }
      defer { index += 1 }
      return start + index * step
    }
  }
}

extension UInt {
  fileprivate var clamped: UInt { Swift.min(self, UInt(Int.max)) }
}
