// SPDX-License-Identifier: Apache-2.0

/// An axis-parallel box: left, top, right and bottom, with left ≤ right and top ≤ bottom.
struct Box: Equatable {
  var left: Double
  var top: Double
  var right: Double
  var bottom: Double

  /// A box from four numbers as they are written; nil where they make none.
  init?(_ numbers: [Double], layout: BoxLayout) {
    guard numbers.count == 4, numbers.allSatisfy(\.isFinite) else { return nil }
    let (a, b, c, d) = (numbers[0], numbers[1], numbers[2], numbers[3])
    switch layout {
    case .corners: (left, top, right, bottom) = (a, b, c, d)
    case .size: (left, top, right, bottom) = (a, b, a + c, b + d)
    case .center: (left, top, right, bottom) = (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
    }
    guard left <= right, top <= bottom, area.isFinite else { return nil }
  }

  /// The area, in the square of its unit.
  var area: Double { (right - left) * (bottom - top) }

  /// The box with its horizontal and vertical coordinates multiplied.
  func scaled(by horizontal: Double, _ vertical: Double) -> Box {
    var box = self
    (box.left, box.right) = (left * horizontal, right * horizontal)
    (box.top, box.bottom) = (top * vertical, bottom * vertical)
    return box
  }

  /// The intersection over the union with another box, from 0 to 1; boxes without area overlap only with themselves.
  func overlap(with other: Box) -> Double {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    if self == other { return 1 }
    guard width > 0, height > 0 else { return 0 }
    let shared = width * height
    return shared / (area + other.area - shared)
  }
}

/// What the four numbers of a box are.
package enum BoxLayout: String, Codable, Sendable, CaseIterable {
  /// Left, top, right, bottom.
  case corners
  /// Left, top, width, height.
  case size
  /// The centre's two coordinates, width, height.
  case center
}

/// What the coordinates of a box are counted in.
package enum BoxSpace: String, Codable, Sendable, CaseIterable {
  /// Pixels of the image.
  case pixels
  /// Shares of the image's width and height, 0 to 1.
  case unit
  /// Thousandths of the image's width and height, 0 to 1000.
  case thousandths
}
