// SPDX-License-Identifier: Apache-2.0
// Grades pairs of answers from the command line, for the benchmark; with `fuzz ROUNDS SEED` it makes its own.
//
// Standard input: one JSON array of two strings a line. Standard output: `equal`, `different` or `unknown` a line.
// With `--seconds` the last line of standard error says how long the comparisons took. With `--texts` the answers are
// found in the texts first, as the reward does. With `--rewards` each pair is a response and its expected answer, which
// may be an array of accepted ones, and standard output has the score, or `unknown` and the reason.
import Foundation
import MathAnswers

if CommandLine.arguments.dropFirst().first == "fuzz" {
  let numbers = CommandLine.arguments.dropFirst(2).compactMap { UInt64($0) }
  var fuzz = Fuzz(seed: numbers.count > 1 ? numbers[1] : 1)
  exit(fuzz.run(rounds: Int(numbers.first ?? 100_000)) ? 0 : 1)
}
if CommandLine.arguments.contains("--rewards") {
  try RewardProbe().run()
  exit(0)
}
let extracts = CommandLine.arguments.contains("--texts")
let comparison = MathComparison()
var pairs: [[String]] = []
while let line = readLine() { pairs.append(try JSONDecoder().decode([String].self, from: Data(line.utf8))) }
var verdicts: [MathVerdict] = []
verdicts.reserveCapacity(pairs.count)
let start = ContinuousClock.now
for pair in pairs {
  verdicts.append(
    extracts ? comparison.compareTexts(pair[0], pair[1]) : comparison.compare(pair[0], pair[1]))
}
let elapsed = ContinuousClock.now - start
for verdict in verdicts {
  switch verdict {
  case .equal: print("equal")
  case .different: print("different")
  case .unknown: print("unknown")
  }
}
if CommandLine.arguments.contains("--seconds") {
  let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
  FileHandle.standardError.write(Data("\(seconds)\n".utf8))
}
