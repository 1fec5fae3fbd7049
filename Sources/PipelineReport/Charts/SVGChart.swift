// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineAnalysis

/// A chart of lines over steps as an SVG file that stands by itself.
struct SVGChart {
  let title: String
  let series: [FigureSeries]

  private static let (width, height) = (640.0, 360.0)
  private static let (left, right, top, bottom) = (64.0, 16.0, 34.0, 34.0)
  /// Okabe and Ito's colours, which people with any kind of colour vision tell apart; lines differ in their dashes too.
  private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a7a00", "#56b4e9", "#444444"]
  private static let dashes = ["none", "7 4", "2 4", "9 3 2 3"]

  /// The file.
  var text: String {
    let points = series.flatMap(\.points)
    let steps = Self.range(points.map(\.step))
    let values = Self.range(
      points.flatMap { [$0.value, $0.interval?.lowerBound ?? $0.value, $0.interval?.upperBound ?? $0.value] })
    func x(_ step: Double) -> Double {
      Self.left + (step - steps.lowerBound) / (steps.upperBound - steps.lowerBound)
        * (Self.width - Self.left - Self.right)
    }
    func y(_ value: Double) -> Double {
      Self.top + (values.upperBound - value) / (values.upperBound - values.lowerBound)
        * (Self.height - Self.top - Self.bottom)
    }
    var lines = [
      ##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" font-family="sans-serif" font-size="12">"##,
      "<title>\(Self.escaped(title))</title>", ##"<rect width="640" height="360" fill="#ffffff"/>"##,
      ##"<text x="12" y="20" font-size="14" font-weight="bold" fill="#16191d">\##(Self.escaped(title))</text>"##,
    ]
    for tick in Self.ticks(values, count: 5) {
      let at = Self.number(y(tick))
      lines.append(##"<path d="M64 \##(at)H624" stroke="#d8dce2"/>"##)
      lines.append(
        ##"<text x="58" y="\##(at)" dy="4" text-anchor="end" fill="#5b6470">\##(NumberText.short(tick))</text>"##)
    }
    for tick in Self.ticks(steps, count: 8) {
      lines.append(
        ##"<text x="\##(Self.number(x(tick)))" y="344" text-anchor="middle" fill="#5b6470">\##(NumberText.short(tick))</text>"##
      )
    }
    for (index, line) in series.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let band = line.points.filter { $0.interval != nil }
      if band.count > 1 {
        let upper = band.map { "\(Self.number(x($0.step))) \(Self.number(y($0.interval?.upperBound ?? $0.value)))" }
        let lower = band.reversed().map {
          "\(Self.number(x($0.step))) \(Self.number(y($0.interval?.lowerBound ?? $0.value)))"
        }
        lines.append(
          ##"<path d="M\##((upper + lower).joined(separator: "L"))Z" fill="\##(color)" fill-opacity="0.16"/>"##)
      }
      let path = line.points.map { "\(Self.number(x($0.step))) \(Self.number(y($0.value)))" }.joined(separator: "L")
      lines.append(
        ##"<path d="M\##(path)" fill="none" stroke="\##(color)" stroke-width="1.8" stroke-dasharray="\##(Self.dashes[index % Self.dashes.count])"/>"##
      )
      if line.points.count < 40 {
        for point in line.points {
          lines.append(
            ##"<circle cx="\##(Self.number(x(point.step)))" cy="\##(Self.number(y(point.value)))" r="2.5" fill="\##(color)"/>"##
          )
        }
      }
      if series.count > 1 {
        lines.append(
          ##"<text x="624" y="\##(20 + index * 15)" text-anchor="end" fill="\##(color)">\##(Self.escaped(line.name))</text>"##
        )
      }
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// The range of some values, a little wider where it would be empty.
  private static func range(_ values: [Double]) -> ClosedRange<Double> {
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let margin = low == high ? max(abs(low) * 0.1, 0.5) : 0
    return low - margin...high + margin
  }

  /// About so many round numbers in a range.
  private static func ticks(_ range: ClosedRange<Double>, count: Int) -> [Double] {
    let raw = (range.upperBound - range.lowerBound) / Double(count)
    let power = pow(10, log10(raw).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
    return stride(from: (range.lowerBound / step - 1e-9).rounded(.up), through: range.upperBound / step + 1e-9, by: 1)
      .map { $0 * step }
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing(
      "\"", with: "&quot;")
  }
}
