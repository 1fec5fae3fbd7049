// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import ModelInput
import PipelineCore

/// Images within a terminal's text, by the protocols that terminals have for it.
struct TerminalPicture {
  /// How images are shown.
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case auto, kitty, iterm, sixel, path
  }

  private static let side = 320
  private let choice: Choice
  private let access: MediaAccess

  /// Decides how images are shown.
  ///
  /// - Parameter access: Where images may lie.
  init(_ choice: Choice, access: MediaAccess) {
    self.choice = choice == .auto ? Self.known(ProcessInfo.processInfo.environment) : choice
    self.access = access
  }

  /// What a terminal is known for, by its variables; a pipe and an unknown terminal get paths.
  static func known(_ environment: [String: String], isTerminal: Bool = Terminal.showsOutput) -> Choice {
    guard isTerminal else { return .path }
    let (term, program) = (environment["TERM"] ?? "", environment["TERM_PROGRAM"] ?? "")
    if environment["KITTY_WINDOW_ID"] != nil || term.contains("kitty") || ["ghostty", "WezTerm"].contains(program) {
      return .kitty
    }
    if program == "iTerm.app" || environment["LC_TERMINAL"] == "iTerm2" { return .iterm }
    return term.hasPrefix("foot") || term.contains("mlterm") || term.contains("sixel") ? .sixel : .path
  }

  /// The image as text for the terminal; nil where it is to be named, or cannot be read.
  func text(_ address: String, folder: String) -> String? {
    guard choice != .path, let source = try? ImageSource(address, relativeTo: folder),
      let confined = try? access.confined(source, to: folder),
      let bytes = try? source.read(confined: confined),
      let image = try? RGBImage(decoding: bytes, name: source.name).fitted(into: Self.side)
    else { return nil }
    return switch choice {
    case .kitty: Self.kitty(image)
    case .iterm: (try? image.jpeg(quality: 88)).map(Self.iterm)
    case .sixel: Self.sixel(image)
    case .auto, .path: nil
    }
  }

  /// Kitty's graphics protocol: the pixels in base64, in pieces of 4,096 characters.
  static func kitty(_ image: RGBImage) -> String {
    var rest = Data(image.pixels).base64EncodedString()[...]
    var text = ""
    var isFirst = true
    while !rest.isEmpty {
      let piece = rest.prefix(4096)
      rest = rest.dropFirst(4096)
      let head = isFirst ? "a=T,f=24,s=\(image.width),v=\(image.height),q=2," : ""
      text += "\u{1B}_G\(head)m=\(rest.isEmpty ? 0 : 1);\(piece)\u{1B}\\"
      isFirst = false
    }
    return text + "\n"
  }

  /// iTerm's inline images: a file in base64.
  static func iterm(_ file: [UInt8]) -> String {
    "\u{1B}]1337;File=inline=1;size=\(file.count):\(Data(file).base64EncodedString())\u{07}\n"
  }

  /// Sixel, with a palette of 6 × 6 × 6 colours: bands of six rows, a colour after the other, runs counted.
  static func sixel(_ image: RGBImage) -> String {
    func color(_ x: Int, _ y: Int) -> Int {
      let at = (y * image.width + x) * 3
      return [0, 1, 2].reduce(0) { $0 * 6 + (Int(image.pixels[at + $1]) * 5 + 127) / 255 }
    }
    var text = "\u{1B}Pq\"1;1;\(image.width);\(image.height)"
    for index in 0..<216 { text += "#\(index);2;\(index / 36 * 20);\(index / 6 % 6 * 20);\(index % 6 * 20)" }
    for top in stride(from: 0, to: image.height, by: 6) {
      var bits: [Int: [UInt8]] = [:]
      for y in top..<min(top + 6, image.height) {
        for x in 0..<image.width {
          bits[color(x, y), default: Array(repeating: 0, count: image.width)][x] |= 1 << UInt8(y - top)
        }
      }
      for (index, row) in bits.sorted(by: { $0.key < $1.key }) { text += "#\(index)" + runs(row) + "$" }
      text += "-"
    }
    return text + "\u{1B}\\\n"
  }

  private static func runs(_ row: [UInt8]) -> String {
    var text = ""
    var position = 0
    while position < row.count {
      let end = row[position...].firstIndex { $0 != row[position] } ?? row.count
      let sign = String(UnicodeScalar(63 + row[position]))
      text += end - position > 3 ? "!\(end - position)\(sign)" : String(repeating: sign, count: end - position)
      position = end
    }
    return text
  }
}
