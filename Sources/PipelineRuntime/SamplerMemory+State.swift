// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO

extension SamplerMemory {
  /// For `state.json`: columns as base64 of a Zstandard frame of numbers with 8 bytes each, little-endian.
  func saved(fingerprint: UInt64) -> JSONValue {
    let columns = self.columns.sorted { $0.key < $1.key }.map { name, values -> JSONValue.Member in
      var frame = ZstandardFrame()
      frame.append(values.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) })
      return .init(name, .string(Data(frame.finish()).base64EncodedString()))
    }
    return [
      "fingerprint": .string(Self.digits(of: fingerprint)), "prompts": .number(count), "columns": .object(columns),
      "scalars": .object(scalars),
    ]
  }

  /// Reads ``saved(fingerprint:)``; nil where a value has the wrong type or length.
  init?(saved json: JSONValue, count: Int) {
    guard json["prompts"]?.intValue == count, let columns = json["columns"]?.objectValue,
      let scalars = json["scalars"]?.objectValue
    else { return nil }
    self.init(count: count)
    self.scalars = scalars
    for column in columns {
      guard let text = column.value.stringValue, let data = Data(base64Encoded: text),
        let bytes = ZstandardFrame.contents(of: Array(data), limit: count * 8), bytes.count == count * 8
      else { return nil }
      setColumn(
        column.key,
        bytes.withUnsafeBytes { raw in
          (0..<count).map {
            Double(bitPattern: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)))
          }
        })
    }
  }

  /// A fingerprint as 16 hexadecimal digits.
  static func digits(of fingerprint: UInt64) -> String {
    let digits = String(fingerprint, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
