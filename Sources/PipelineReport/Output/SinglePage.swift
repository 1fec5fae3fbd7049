// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import Synchronization

/// A report as one HTML file that holds page, data and images.
package final class SinglePage: ReportSink {
  /// More than this is too much for a file that a browser reads as a whole.
  package static let limit = 64 << 20

  private struct Contents {
    var parts: [String: (kind: String, key: String, text: [UInt8])] = [:]
    var pictures: [String: [UInt8]] = [:]
    var size = 0
  }
  private let contents = Mutex(Contents())

  /// An empty page.
  package init() {}

  /// Adds a piece of data.
  package func add(_ part: ReportPart) throws {
    try grow(by: part.text.count)
    contents.withLock { $0.parts[part.file] = (part.kind.rawValue, part.key, part.text) }
  }

  /// Adds an image file.
  package func add(picture name: String, _ bytes: [UInt8]) throws {
    try grow(by: bytes.count * 4 / 3)
    contents.withLock { $0.pictures[name] = bytes }
  }

  private func grow(by count: Int) throws {
    let size = contents.withLock { contents in
      contents.size += count
      return contents.size
    }
    guard size <= Self.limit else {
      throw PipelineError(
        .invalidData,
        "the report is larger than the \(Self.limit >> 20) MB that fit into one file; write a folder, without --single, or "
          + "fewer rollouts with --sample")
    }
  }

  /// The file.
  package func html() throws -> [UInt8] {
    var page = String(decoding: PackageResources.index_html, as: UTF8.self)
    let style = String(decoding: PackageResources.report_css, as: UTF8.self)
    let scripts = PageFile.scripts.map { String(decoding: $0.bytes, as: UTF8.self) }
    let policy =
      "default-src 'none'; img-src data:; style-src '\(Self.hash(style))'; script-src "
      + scripts.map { "'\(Self.hash($0))'" }.joined(separator: " ") + "; base-uri 'none'; form-action 'none'"
    page = try Self.replace("<meta http-equiv=\"Content-Security-Policy\" content=\"", upTo: "\"", by: policy, in: page)
    page = page.replacing("<link rel=\"stylesheet\" href=\"report.css\">", with: "<style>\(style)</style>")
    var tags = ""
    for (file, script) in zip(PageFile.scripts, scripts) {
      page = page.replacing("<script src=\"\(file.name)\" defer></script>\n", with: "")
      tags += "<script>\(script)</script>\n"
    }
    // Scripts without a file run where they stand: behind the body and the data.
    let start = Array(page.utf8).count
    var output = Array(page.replacing("</body>", with: "").replacing("</html>", with: "").utf8)
    output.reserveCapacity(start + contents.withLock { $0.size })
    writeData(to: &output)
    output += Array((tags + "</body>\n</html>\n").utf8)
    return output
  }

  /// The pieces as JSON that no script runs, in an element of its own.
  private func writeData(to output: inout [UInt8]) {
    let contents = contents.withLock { $0 }
    output += Array("<script type=\"application/json\" id=\"report-data\">{\"parts\":[".utf8)
    for (index, part) in contents.parts.sorted(by: { $0.key < $1.key }).map(\.value).enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      write([part.kind, part.key, String(decoding: part.text, as: UTF8.self)], to: &output)
    }
    output += Array("],\"pictures\":{".utf8)
    for (index, picture) in contents.pictures.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      let ending = picture.key.split(separator: ".").last.map(String.init) ?? "png"
      let uri = "data:image/\(ending == "jpg" ? "jpeg" : ending);base64," + Data(picture.value).base64EncodedString()
      output += Array("\"\(picture.key)\":\"\(uri)\"".utf8)
    }
    output += Array("}}</script>\n".utf8)
  }

  /// Writes texts as a JSON array in which no tag can end: `<` is escaped.
  private func write(_ texts: [String], to output: inout [UInt8]) {
    var bytes: [UInt8] = []
    JSONValue.array(texts.map { .string($0) }).write(to: &bytes)
    for byte in bytes {
      if byte == UInt8(ascii: "<") { output += Array("\\u003c".utf8) } else { output.append(byte) }
    }
  }

  private static func hash(_ text: String) -> String {
    var hash = SHA256()
    hash.add(Array(text.utf8))
    let digits = Array(hash.digits)
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    return "sha256-" + Data(bytes).base64EncodedString()
  }

  private static func replace(_ start: String, upTo end: String, by text: String, in page: String) throws -> String {
    guard let opening = page.firstRange(of: start),
      let closing = page[opening.upperBound...].firstRange(of: end)
    else { throw PipelineError(.inputOutput, "this program's page has no \(start); it was built wrong") }
    return page.replacingCharacters(in: opening.upperBound..<closing.lowerBound, with: text)
  }
}
