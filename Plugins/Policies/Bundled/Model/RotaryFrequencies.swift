// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import Tensor

/// The frequencies of rotary positions, computed in single precision as transformers does.
struct RotaryFrequencies {
  /// One frequency for each pair of elements.
  let inverse: [Float]
  /// What cosines and sines are multiplied by.
  let scale: Float

  /// `theta^(−2i / size)` for i below `count`.
  init(theta: Double, size: Int, count: Int) {
    inverse = (0..<count).map { 1 / Float(pow(Float(theta), Float(2 * $0) / Float(size))) }
    scale = 1
  }

  /// Those of a decoder whose heads have `size` elements.
  init(_ rotary: ModelConfig.Rotary, size: Int) {
    let plain = RotaryFrequencies(theta: rotary.theta, size: size, count: size / 2).inverse
    switch rotary.scaling {
    case .none: (inverse, scale) = (plain, 1)
    case .linear(let factor): (inverse, scale) = (plain.map { $0 / Float(factor) }, 1)
    case .llama3(let factor, let low, let high, let context):
      inverse = plain.map { Self.llama3($0, Float(factor), Float(low), Float(high), Float(context)) }
      scale = 1
    case .yarn(let yarn):
      inverse = Self.yarn(yarn, theta: rotary.theta, size: size)
      scale = Float(yarn.attentionFactor)
    }
  }

  /// Source: `_compute_llama3_parameters` of transformers 5.24.
  private static func llama3(
    _ frequency: Float, _ factor: Float, _ low: Float, _ high: Float, _ context: Float
  ) -> Float {
    let length = 2 * Float.pi / frequency
    if length > context / low { return frequency / factor }
    if length < context / high { return frequency }
    let share = (context / length - low) / (high - low)
    return (1 - share) * frequency / factor + share * frequency
  }

  /// Source: `_compute_yarn_parameters` of transformers 5.24.
  private static func yarn(_ yarn: ModelConfig.Rotary.Yarn, theta: Double, size: Int) -> [Float] {
    // The pair that turns so many times within the original context.
    func pair(_ turns: Double) -> Double {
      Double(size) * log(yarn.originalContext / (turns * 2 * .pi)) / (2 * log(theta))
    }
    var (first, last) = (pair(yarn.fastTurns), pair(yarn.slowTurns))
    if yarn.truncates { (first, last) = (first.rounded(.down), last.rounded(.up)) }
    (first, last) = (max(first, 0), min(last, Double(size - 1)))
    if first == last { last += 0.001 }
    return (0..<size / 2).map { index in
      let power = Float(pow(Float(theta), Float(2 * index) / Float(size)))
      let ramp = min(1, max(0, (Float(index) - Float(first)) / Float(last - first)))
      let kept = 1 - ramp
      return 1 / (Float(yarn.factor) * power) * (1 - kept) + 1 / power * kept
    }
  }
}

/// An axis of a token's position.
enum PositionAxis { case time, height, width }

extension ModelConfig.Rotary.Axes {
  /// The axis that turns each pair.
  func ofPairs(_ count: Int) -> [PositionAxis] {
    (0..<count).map { pair in
      switch self {
      case .one: .time
      case .chunks(let sections):
        pair < sections[0] ? .time : pair < sections[0] + sections[1] ? .height : .width
      case .interleaved(let sections):
        pair % 3 == 1 && pair < 3 * sections[1] ? .height : pair % 3 == 2 && pair < 3 * sections[2] ? .width : .time
      }
    }
  }
}

extension RotaryAngles where S == Float {
  /// Angles [rows, pairs] from `angle(row, pair)`; cosines and sines are multiplied by `scale`.
  init(rows: Int, pairs: Int, scale: Float = 1, pool: MemoryPool, angle: (Int, Int) -> Float) {
    let cosines = Matrix<Float>(rows: rows, columns: pairs, pool: pool)
    let sines = Matrix<Float>(rows: rows, columns: pairs, pool: pool)
    for row in 0..<rows {
      for pair in 0..<pairs {
        let value = angle(row, pair)
        cosines.pointer[row * pairs + pair] = cos(value) * scale
        sines.pointer[row * pairs + pair] = sin(value) * scale
      }
    }
    self.init(cosines: cosines, sines: sines)
  }
}
