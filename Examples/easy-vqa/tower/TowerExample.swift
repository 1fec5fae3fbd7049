// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// An image and what the tower should say about each of its tokens.
struct TowerExample: Sendable {
  /// The pixels.
  let image: RGBImage
  /// For each token, rows from the top, what lies there.
  let cells: [Cell]
  /// The things in the image.
  let things: [Thing]

  /// What lies in a token's square.
  enum Cell: Sendable, Hashable {
    /// Nothing.
    case empty
    /// The middle of a thing.
    case middle(Int)
    /// A good part of a thing whose middle is elsewhere.
    case part(Int)
    /// Too little of a thing to say what it is.
    case unclear
  }

  /// A thing in an image, by the places of its shape and color in ``shapes`` and ``colors``.
  struct Thing: Sendable, Hashable {
    let shape: Int
    let color: Int
  }

  static let shapes = ["circle", "rectangle", "triangle"]
  static let colors = ["black", "blue", "brown", "gray", "green", "red", "teal", "yellow"]

  /// Fewer pixels of a thing in a square than this leave its label open.
  private static let clearPixels = 20

  /// The examples of a file of records with `image` and `objects`: each with `shape`, `color` and, where there are
  /// several, `box` (left, top, right, bottom).
  static func read(_ path: String, side: Int) throws -> [TowerExample] {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw PipelineError(.inputOutput, "cannot read \(path); run prepare and scenes first")
    }
    let folder = (path as NSString).deletingLastPathComponent
    return try text.split(separator: "\n").map { try TowerExample(JSONValue(parsing: String($0)), folder, side: side) }
  }

  private init(_ record: JSONValue, _ folder: String, side: Int) throws {
    guard let name = record["image"]?.stringValue, let objects = record["objects"]?.arrayValue else {
      throw PipelineError(.invalidData, "\(record.json) has no image and objects")
    }
    let source = try ImageSource(name, relativeTo: folder)
    image = try RGBImage(decoding: source.read(), name: source.name)
    things = try objects.map { object in
      guard let shape = Self.shapes.firstIndex(of: object["shape"]?.stringValue ?? ""),
        let color = Self.colors.firstIndex(of: object["color"]?.stringValue ?? "")
      else { throw PipelineError(.invalidData, "\(object.json) is no shape with a color") }
      return Thing(shape: shape, color: color)
    }
    let boxes = objects.map { object -> [Int] in object["box"]?.arrayValue?.compactMap(\.intValue) ?? [] }
    cells = Self.cells(of: image, boxes: boxes, side: side)
  }

  /// Labels of squares of `side` pixels: a thing is what differs from the most frequent color within its box.
  private static func cells(of image: RGBImage, boxes: [[Int]], side: Int) -> [Cell] {
    let colors = (0..<image.width * image.height).map { pixel in
      image.pixels[pixel * 3..<pixel * 3 + 3].reduce(0) { $0 << 8 | Int($1) }
    }
    let background = Dictionary(colors.map { ($0, 1) }, uniquingKeysWith: +).max {
      ($0.value, $0.key) < ($1.value, $1.key)
    }
    let columns = image.width / side
    var cells = [Cell](repeating: .empty, count: columns * (image.height / side))
    var most = [Int](repeating: 0, count: cells.count)
    for (thing, box) in boxes.enumerated() {
      let box = box.count == 4 ? box : [0, 0, image.width, image.height]
      var count = [Int](repeating: 0, count: cells.count)
      var (rows, places) = ([Int](), [Int]())
      for row in box[1]..<box[3] {
        for column in box[0]..<box[2] where colors[row * image.width + column] != background?.key {
          count[row / side * columns + column / side] += 1
          rows.append(row)
          places.append(column)
        }
      }
      guard let top = rows.min(), let bottom = rows.max(), let left = places.min(), let right = places.max() else {
        continue
      }
      for cell in cells.indices where count[cell] > most[cell] {
        most[cell] = count[cell]
        if case .middle = cells[cell] { continue }
        cells[cell] = count[cell] < clearPixels ? .unclear : .part(thing)
      }
      cells[(top + bottom + 1) / 2 / side * columns + (left + right + 1) / 2 / side] = .middle(thing)
    }
    return cells
  }
}
