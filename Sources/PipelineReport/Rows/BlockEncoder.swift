// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// What is told of a block of rows that has been written.
struct EncodedBlock: Sendable {
  let rowCount: Int
  /// Fields that are in the lines, but in no column, since there are too many.
  let leftOut: Set<String>
  /// The tokens that occur, where somebody can tell their texts.
  let tokens: Set<Int>
}

/// Writes a block of rows, with one look at each record: the lines in chunks, then the columns.
struct BlockEncoder {
  /// Where a block belongs, and what its rows need.
  struct Place: Sendable {
    /// Names the block among all of the report.
    let key: String
    /// The run or file, by its position in the manifest.
    let source: Int
    let sink: any ReportSink
    let pictures: PictureStore
    let places: PicturePlaces
    /// Whether to note which tokens occur.
    let notesTokens: Bool
  }

  /// About so many bytes of text go into a file: what the page loads to show one trajectory.
  private static let chunkSize = 256 << 10
  private static let longestText = 160

  private let place: Place
  private var table = ColumnTable()
  private var fixed: FixedColumns
  private var keys = KeyPlans()
  private var chunk: [UInt8] = []
  private var chunkStarts: [Int] = []
  private var tokens: Set<Int> = []
  private var glance: (prompt: [UInt8], images: [UInt8], folder: String, question: String, pictures: String)?

  private init(_ place: Place) {
    self.place = place
    fixed = FixedColumns(&table)
  }

  /// Writes a block of some rows.
  static func write(_ rows: [ReportRow], at place: Place) throws -> EncodedBlock {
    var encoder = BlockEncoder(place)
    for row in rows { try encoder.add(row) }
    return try encoder.finished()
  }

  private mutating func add(_ row: ReportRow) throws {
    fixed.set(row.main, in: &table)
    if row.isLineage { try scan(row.main, isBody: false) }
    if let body = row.body {
      if row.isLineage { fixed.complete(from: body, in: &table) }
      try scan(body, isBody: true)
    } else {
      startChunk()
      chunk.append(0x0A)
    }
    if !row.isLineage { table.set(fixed.line, number: Double(row.main.record.line)) }
    table.endRow()
    if chunk.count >= Self.chunkSize { try endChunk() }
  }

  /// Reads the members of a record once: columns from them, and the line itself.
  private mutating func scan(_ trajectory: Trajectory, isBody: Bool) throws {
    if trajectory.record.holdsNonFinite {
      // A bare NaN is no JSON that a browser reads.
      var line: [UInt8] = []
      try TrajectoryEncoder.encode(trajectory, into: &line)
      line.removeLast()
      try line.withUnsafeBytes { try scan($0, of: trajectory, isBody: isBody) }
    } else {
      try trajectory.record.withBytes { try scan($0, of: trajectory, isBody: isBody) }
    }
  }

  private mutating func scan(_ line: UnsafeRawBufferPointer, of trajectory: Trajectory, isBody: Bool) throws {
    var prompt = UnsafeRawBufferPointer(start: nil, count: 0)
    var images = prompt
    var position = line.firstIndex(of: UInt8(ascii: "{")).map { $0 + 1 } ?? line.count
    var index = 0
    while true {
      while position < line.count, line[position] != UInt8(ascii: "\""), line[position] != UInt8(ascii: "}") {
        position += 1
      }
      guard position < line.count, line[position] == UInt8(ascii: "\"") else { break }
      let keyEnd = RecordWalk.end(ofValueAt: position, in: line)
      let key = UnsafeRawBufferPointer(rebasing: line[position..<keyEnd])
      position = keyEnd
      while position < line.count, line[position] == UInt8(ascii: ":") || line[position] <= 0x20 { position += 1 }
      let end = RecordWalk.end(ofValueAt: position, in: line)
      let value = UnsafeRawBufferPointer(rebasing: line[position..<end])
      switch keys.plan(for: key, at: index) {
      case .prompt: prompt = value
      case .images: images = value
      case .response: table.set(fixed.characters, number: Double(RawText.characterCount(ofString: value)))
      case .tokens:
        table.set(fixed.tokens, number: RawText.elementCount(ofArray: value).map(Double.init))
        if place.notesTokens { RawText.forEachID(inArray: value) { tokens.insert($0) } }
      case .answer: setScalar(value, fixed.answer)
      case .scalar(let name): setScalar(value, name: name)
      case .ignored: break
      }
      position = end
      index += 1
    }
    guard isBody else { return }
    look(at: prompt, images, folder: trajectory.folder)
    startChunk()
    try append(line)
  }

  private mutating func setScalar(_ value: UnsafeRawBufferPointer, name: String) {
    guard let first = value.first, first != UInt8(ascii: "["), first != UInt8(ascii: "{"), first != UInt8(ascii: "n")
    else { return }
    setScalar(value, table.position(of: name))
  }

  private mutating func setScalar(_ value: UnsafeRawBufferPointer, _ position: Int?) {
    guard let first = value.first else { return }
    switch first {
    case UInt8(ascii: "\""): table.set(position, text: RawText.text(value, atMost: Self.longestText))
    case UInt8(ascii: "t"): table.set(position, text: "true")
    case UInt8(ascii: "f"): table.set(position, text: "false")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let text = String(decoding: value, as: UTF8.self)
      // A whole number of more digits than a Double has keeps them as text.
      let isLong = value.count > 15 && value.allSatisfy { $0 == 0x2D || ($0 >= 0x30 && $0 <= 0x39) }
      if isLong, Double(text).map({ abs($0) >= 9_007_199_254_740_992 }) ?? true {
        table.set(position, text: text)
      } else {
        table.set(position, number: Double(text))
      }
    default: break
    }
  }

  /// Sets what a list shows of a prompt; that of a group's rollouts is looked at once.
  private mutating func look(
    at prompt: UnsafeRawBufferPointer, _ images: UnsafeRawBufferPointer, folder: String
  ) {
    if let glance, glance.folder == folder, glance.prompt.elementsEqual(prompt), glance.images.elementsEqual(images) {
      return setGlance(glance.question, glance.pictures)
    }
    let seen = PromptGlance(
      prompt: prompt.isEmpty ? nil : try? JSONValue(parsing: prompt),
      images: images.isEmpty ? nil : try? JSONValue(parsing: images))
    let described = seen.addresses.prefix(16).map {
      place.pictures.description(of: $0, folder: folder, places: place.places)
    }
    .joined(separator: "\n")
    glance = (Array(prompt), Array(images), folder, seen.question, described)
    setGlance(seen.question, described)
  }

  private mutating func setGlance(_ question: String, _ pictures: String) {
    if !question.isEmpty { table.set(fixed.question, text: question) }
    if !pictures.isEmpty { table.set(fixed.pictures, text: pictures) }
  }

  // MARK: Lines

  private mutating func startChunk() { if chunk.isEmpty { chunkStarts.append(table.rowCount) } }

  private mutating func append(_ line: UnsafeRawBufferPointer) throws {
    if let short = DataURIs.shortened(line) {
      chunk.append(contentsOf: short)
    } else {
      chunk.append(contentsOf: line)
    }
    chunk.append(0x0A)
  }

  private mutating func endChunk() throws {
    guard !chunk.isEmpty else { return }
    try place.sink.add(ReportPart(kind: .bodies, key: "\(place.key)-\(chunkStarts.count - 1)", text: chunk))
    chunk.removeAll(keepingCapacity: true)
  }

  private consuming func finished() throws -> EncodedBlock {
    try endChunk()
    var text = Array("{\"source\":\(place.source),\"count\":\(table.rowCount),\"chunks\":[".utf8)
    text.append(contentsOf: chunkStarts.map(String.init).joined(separator: ",").utf8)
    text.append(contentsOf: "],\"columns\":".utf8)
    table.write(to: &text)
    text.append(UInt8(ascii: "}"))
    try place.sink.add(ReportPart(kind: .rows, key: place.key, text: text))
    return EncodedBlock(rowCount: table.rowCount, leftOut: table.leftOut, tokens: tokens)
  }
}
