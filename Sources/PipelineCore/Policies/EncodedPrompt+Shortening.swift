// SPDX-License-Identifier: Apache-2.0

extension EncodedPrompt {
  /// What stays of a run of text at least, half of it at either end: the role of a message stands there.
  private static let shortestRun = 8

  /// The prompt with at most `limit` tokens, or nil where that cannot be.
  ///
  /// Text goes, from the middle of the longest runs between marks, so that all long ones end equally long. Marks stay,
  /// and so do images, which consist of them.
  ///
  /// - Parameter marks: Tokens that are not text; see ``PolicyFacts/markTokens``.
  public func shortened(to limit: Int, marks: Set<Int32>) -> EncodedPrompt? {
    if tokens.count <= limit { return self }
    var runs: [Range<Int>] = []
    for (index, token) in tokens.enumerated() where !marks.contains(token) {
      if let last = runs.last, last.upperBound == index {
        runs[runs.count - 1] = last.lowerBound..<index + 1
      } else {
        runs.append(index..<index + 1)
      }
    }
    let fixed = tokens.count - runs.reduce(0) { $0 + $1.count }
    func total(_ longest: Int) -> Int { fixed + runs.reduce(0) { $0 + min($1.count, longest) } }
    guard total(Self.shortestRun) <= limit else { return nil }
    // The greatest length that fits; what is then left of the limit goes to the first runs, a token each.
    var (length, tooLong) = (Self.shortestRun, runs.map(\.count).max() ?? 0)
    while tooLong - length > 1 {
      let middle = (length + tooLong) / 2
      if total(middle) <= limit { length = middle } else { tooLong = middle }
    }
    var spare = limit - total(length)
    var shorter: [Int32] = []
    var position = 0
    for run in runs where run.count > length {
      let kept = length + (spare > 0 ? 1 : 0)
      spare -= kept - length
      shorter += tokens[position..<run.lowerBound + (kept + 1) / 2]
      position = run.upperBound - kept / 2
    }
    shorter += tokens[position...]
    return EncodedPrompt(tokens: shorter, images: images, folder: folder)
  }
}
