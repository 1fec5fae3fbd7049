// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  /// A tensor and the position of its numbers from the beginning of the file.
  struct Entry {
    let name: String
    let shape: [Int]
    let dtype: TensorType
    let range: Range<Int>
  }

  /// In the order of their bytes.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [SafetensorsFile.Metadata] = []
  private let path: String
  /// Where the numbers begin.
  private let dataStart: Int
  private let fileSize: Int

  init(_ file: MappedFile) throws {
    path = file.path
    fileSize = file.bytes.count
    func fault(_ message: String) -> PipelineError { PipelineError(.invalidData, "\(file.path): \(message)") }
    guard fileSize >= 8 else {
      throw fault("\(fileSize) bytes are too few for a safetensors file; it is truncated, or something else")
    }
    let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafetensorsFile.longestHeader) else {
      throw fault(
        "the header is said to have \(length) bytes, more than \(SafetensorsFile.longestHeader); is it a"
          + " safetensors file?")
    }
    guard length <= UInt64(fileSize - 8) else {
      throw fault("the header is said to have \(length) bytes, the file has only \(fileSize - 8) after its length")
    }
    dataStart = 8 + Int(length)
    let text = UnsafeRawBufferPointer(rebasing: file.bytes[8..<dataStart])
    let root: JSONValue
    do {
      root = try JSONValue(parsing: text)
    } catch let error as JSONValue.ParseError {
      throw fault("the header is no JSON: \(error.reason) (byte \(8 + error.offset))")
    }
    guard let members = root.objectValue else { throw fault("the header is \(root.kindDescription), not an object") }
    var names: Set<ExactText> = []
    for member in members {
      guard names.insert(ExactText(member.key)).inserted else {
        throw fault("the name \(member.key.quotedForMessage) is there twice")
      }
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value, fault: fault)
      } else {
        entries.append(try entry(member.key, member.value))
      }
    }
    entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    try checkCoverage()
  }

  private static func metadata(
    _ value: JSONValue, fault: (String) -> PipelineError
  ) throws -> [SafetensorsFile.Metadata] {
    try (value.objectValue ?? []).map { member in
      guard let text = member.value.stringValue else {
        throw fault("the metadata \(member.key.quotedForMessage) is no string")
      }
      return SafetensorsFile.Metadata(member.key, text)
    }
  }

  private func entry(_ name: String, _ value: JSONValue) throws -> Entry {
    func fault(_ message: String) -> PipelineError {
      PipelineError(.invalidData, "\(path): tensor \(name.quotedForMessage) \(message)")
    }
    guard let typeName = value["dtype"]?.stringValue else { throw fault("has no dtype") }
    guard let dtype = TensorType(rawValue: typeName) else {
      throw fault("is \(typeName.shortenedForMessage); only \(TensorType.supported) are supported")
    }
    guard let sizes = value["shape"]?.arrayValue?.map(\.intValue) else { throw fault("has no shape") }
    let shape = sizes.compactMap { $0 }
    guard shape.count == sizes.count, shape.allSatisfy({ $0 >= 0 }), shape.count <= 8 else {
      throw fault("has a shape that is none: \(value["shape"]?.json.shortenedForMessage ?? "")")
    }
    guard let offsets = value["data_offsets"]?.arrayValue, offsets.count == 2, let begin = offsets[0].intValue,
      let end = offsets[1].intValue, begin >= 0, end >= begin
    else { throw fault("has no data_offsets: two integers, the first not above the second") }
    guard end <= fileSize - dataStart else {
      throw fault("ends at byte \(end) of the numbers, the file has only \(fileSize - dataStart); it is truncated")
    }
    var bytes = dtype.byteCount
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fault("has a shape too large to be true: \(shape)") }
      bytes = product
    }
    guard bytes == end - begin else {
      throw fault("needs \(bytes) bytes for \(typeName) of shape \(shape), its data_offsets give it \(end - begin)")
    }
    let start = dataStart + begin
    guard start % dtype.byteCount == 0 else {
      throw fault(
        "begins at byte \(start) of the file, which is no multiple of \(dtype.byteCount); save it again with a newer"
          + " safetensors")
    }
    return Entry(name: name, shape: shape, dtype: dtype, range: start..<dataStart + end)
  }

  /// Tensors must not overlap or leave gaps, which could hide something.
  private func checkCoverage() throws {
    var end = dataStart
    var last = "the header"
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let relation = entry.range.lowerBound < end ? "overlaps" : "leaves a gap after"
        throw PipelineError(.invalidData, "\(path): tensor \(entry.name.quotedForMessage) \(relation) \(last)")
      }
      end = entry.range.upperBound
      last = entry.name.quotedForMessage
    }
    guard end == fileSize else {
      throw PipelineError(.invalidData, "\(path): \(fileSize - end) bytes after the last tensor belong to none")
    }
  }
}
