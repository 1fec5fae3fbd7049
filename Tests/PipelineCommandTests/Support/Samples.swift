// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Small inputs that many tests share.
enum Samples {
  /// A line of a record with a reward, which stands in it as it is given.
  static func record(_ id: String, _ group: String, reward: String = "1") -> String {
    #"{"id":"\#(id)","group":"\#(group)","prompt":"p","response":"r","reward":\#(reward)}"# + "\n"
  }

  /// Groups of four with rewards, of which two groups have no contrast.
  static let scored = (0..<6).map { group in
    (0..<4).map { index in
      record("g\(group)/\(index)", "g\(group)", reward: "\([1, 0, 0, 0.5][index * (group + 1) % 4])")
    }.joined()
  }.joined()

  /// A spec for ``scored``: three batches of two groups.
  static let spec = """
    {
      "source": {"rollouts": "scored.jsonl", "provides": ["reward"], "batch": {"groups": 2}},
      "stages": ["advantage", "pairwise-sample", "shuffle"]
    }
    """

  /// Groups of eight whose responses must be scored, some right, some wrong, some without the form.
  static func unscored(groups: Int) -> String {
    var lines: [String] = []
    for group in 0..<groups {
      for index in 0..<8 {
        let value = (group * 7 + index * index * 3) % 5
        let response = index % 3 == 2 || group % 10 == 3 ? "It is \(value)." : "<think>hm</think> \\\\boxed{\(value)}"
        let tokens = (0..<12).map { String(($0 * 31 + index) % 99) }.joined(separator: ",")
        lines.append(
          #"{"id":"q\#(group)/\#(index)","group":"q\#(group)","prompt":[{"role":"user","content":"Wie groß? 🙂"}],"#
            + #""answer":"\#(group % 4)","response":"\#(response)","finish":"stop","tokens":[\#(tokens)],"#
            + #""theirs":{"kept": [1e3, "\u00e9"]},"step":\#(group / 8)}"#)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A spec for ``unscored(groups:)`` with every stage, as JSON.
  static let wholeSpec = """
    {
      // As long as the program knows all of this, so do the tests.
      "seed": 7,
      "source": {"rollouts": "unscored.jsonl", "provides": ["answer"], "batch": {"groups": 8}},
      "stages": [
        {"use": "reward", "with": {"functions": [
          {"use": "boxed-answer", "weight": 0.9, "name": "accuracy"}, {"use": "format", "weight": 0.1}]}},
        {"use": "filter", "with": {"rule": "zero-variance"}},
        {"use": "advantage"},
        {"use": "tap", "name": "before"},
        {"use": "pairwise-sample", "with": {"keep": 0.75}},
        {"use": "shuffle", "with": {"rounds": 4}},
        {"use": "tap", "name": "after"}
      ]
    }
    """

  /// The same spec as YAML.
  static let wholeSpecYAML = """
    seed: 7
    source:
      rollouts: unscored.jsonl
      provides: [answer]
      batch: {groups: 8}
    stages:
      - use: reward
        with:
          functions:
            - {use: boxed-answer, weight: 0.9, name: accuracy}
            - {use: format, weight: 0.1}
      - {use: filter, with: {rule: zero-variance}}
      - advantage
      - {use: tap, name: before}
      - {use: pairwise-sample, with: {keep: 0.75}}
      - {use: shuffle, with: {rounds: 4}}
      - {use: tap, name: after}
    """
}
