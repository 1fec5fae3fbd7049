// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How well the response's boxes lie on those of the answer: intersection over union, of one box or of matched sets.
///
/// A box is four numbers in brackets, or two pairs of them; text and labels around it are passed over. The answer may be
/// such text, an array of four numbers, or of several boxes. Coordinates are brought into one space first; where that
/// takes the image's size, it is read from `width` and `height` of the record's first image, or of the record.
///
/// - `single`: the last box of the response against the answer's only box.
/// - `matched`: boxes are paired so that the overlaps add up to the most, each box at most once. With n boxes in the
///   response and m in the answer the score is `2 · sum / (n + m)`, the parts `precision` `sum / n` and `recall` `sum / m`.
///   An answer without boxes, `[]`, wants a response without any.
///
/// A response without a box scores 0. An answer that has none where one is due makes the reward abstain.
package struct IoUReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "iou", summary: "How well the response's boxes lie on the answer's: intersection over union")

  /// What is compared.
  package enum Boxes: String, Codable, Sendable, CaseIterable {
    /// One box a side.
    case single
    /// All boxes of both sides.
    case matched
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var extract = AnswerExtraction.answerTag
    package var boxes = Boxes.single
    package var layout = BoxLayout.corners
    package var responseSpace = BoxSpace.pixels
    package var answerSpace = BoxSpace.pixels
    package var threshold = 0.0
    package var binary = false

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "extract": "the part of the response that holds the boxes: answer-tag, boxed, last-line or none (all of it)",
      "boxes": "single: the last box of the response against the answer's; matched: all boxes, paired for the best sum",
      "layout":
        "what the four numbers are: corners (left, top, right, bottom), size (left, top, width, height) or center",
      "response_space": "what the response counts in: pixels, unit (0 to 1) or thousandths (0 to 1000) of the image",
      "answer_space": "what the answer counts in; where only one of the two is pixels, the image's size is needed",
      "threshold": "the overlap below which a pair counts as 0",
      "binary": "whether an overlap that reaches the threshold counts as 1",
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(0...1).contains(threshold) {
        problems.append(OptionProblem("threshold", "is \(threshold), it must be from 0 to 1"))
      } else if binary, threshold == 0 {
        problems.append(OptionProblem("threshold", "is 0, which every pair reaches; binary wants one such as 0.5"))
      }
      return problems
    }
  }

  /// The boxes that are matched at most on each side; those beyond count as unmatched.
  static let mostMatched = 256

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// A box.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer(of: "box of four numbers") }

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the boxes.
  ///
  /// - Throws: When the response or the answer is missing, or the image's size is needed and nobody says it.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    guard let answer = try trajectory.value(of: .answer), answer != .null else { throw RewardFault("has no 'answer'") }
    let expected = boxes(in: Array((answer.stringValue ?? answer.json).utf8)[...])
    let isEmptyList = (answer.stringValue ?? answer.json).filter { !$0.isWhitespace } == "[]"
    if expected.isEmpty, !(isEmptyList && options.boxes == .matched) {
      return .abstained("the answer holds no box of four numbers: \(answer.json.shortenedForMessage)")
    }
    var found = options.extract.answer(in: response).map(boxes) ?? []
    if options.responseSpace != options.answerSpace {
      let scale = try scale(of: trajectory)
      found = found.map { $0.scaled(by: scale.horizontal, scale.vertical) }
    }
    switch options.boxes {
    case .single:
      guard expected.count == 1 else {
        return .abstained("the answer holds \(expected.count) boxes; boxes: matched compares sets")
      }
      return found.last.map { .scored(counted($0.overlap(with: expected[0]))) } ?? .nothingFound
    case .matched: return matched(found, expected)
    }
  }

  private func matched(_ found: [Box], _ expected: [Box]) -> RewardOutcome {
    func outcome(_ score: Double, _ precision: Double, _ recall: Double) -> RewardOutcome {
      .scored(score, parts: [RewardPart("precision", precision), RewardPart("recall", recall)])
    }
    if found.isEmpty, !expected.isEmpty {
      return .scored(
        0, parts: [RewardPart("precision", 0), RewardPart("recall", 0), RewardPart(SoughtAnswer.part, 0)])
    }
    if expected.isEmpty { return found.isEmpty ? outcome(1, 1, 1) : outcome(0, 0, 0) }
    let overlaps = found.prefix(Self.mostMatched).map { box in
      expected.prefix(Self.mostMatched).map { counted(box.overlap(with: $0)) }
    }
    let sum = bestAssignment(overlaps).enumerated().reduce(0) { sum, pair in
      sum + (pair.element.map { overlaps[pair.offset][$0] } ?? 0)
    }
    let (n, m) = (Double(found.count), Double(expected.count))
    return outcome(2 * sum / (n + m), sum / n, sum / m)
  }

  private func counted(_ overlap: Double) -> Double {
    overlap < options.threshold ? 0 : options.binary ? 1 : overlap
  }

  /// The boxes of a text; numbers that stand alone need no brackets.
  private func boxes(in text: ArraySlice<UInt8>) -> [Box] {
    var fours = BoxReader.fours(in: text)
    if fours.isEmpty { fours = BoxReader.fours(in: ([UInt8(ascii: "[")] + text + [UInt8(ascii: "]")])[...]) }
    return fours.compactMap { Box($0, layout: options.layout) }
  }

  /// What brings the response's coordinates into the answer's space.
  private func scale(of trajectory: Trajectory) throws -> (horizontal: Double, vertical: Double) {
    func full(_ space: BoxSpace, _ pixels: () throws -> (Double, Double)) rethrows -> (Double, Double) {
      switch space {
      case .pixels: try pixels()
      case .unit: (1, 1)
      case .thousandths: (1000, 1000)
      }
    }
    let from = try full(options.responseSpace) { try trajectory.imageSize() }
    let to = try full(options.answerSpace) { try trajectory.imageSize() }
    return (to.0 / from.0, to.1 / from.1)
  }
}

extension Trajectory {
  /// Width and height in pixels of the first image, as the record says.
  ///
  /// - Throws: When it does not say.
  fileprivate func imageSize() throws -> (Double, Double) {
    let image = try value(of: .images)?.arrayValue?.first
    func number(_ name: String) throws -> Double? {
      try (image?[name] ?? value(of: Field(rawValue: name)))?.doubleValue.flatMap { $0 > 0 ? $0 : nil }
    }
    guard let width = try number("width"), let height = try number("height") else {
      throw RewardFault("says no 'width' and 'height' of its image, which pixels against shares of it need")
    }
    return (width, height)
  }
}
