// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineTesting
import Testing

@Suite("compare", .timeLimit(.minutes(15)))
struct ComparisonTests {
  /// Two groups with contrast, one without, and a trajectory without a reward.
  static let batch = TrajectoryBatch(
    [
      ("a", 1.0), ("a", 0), ("a", 0), ("a", 0), ("b", 1), ("b", 1), ("b", 1), ("b", 0), ("c", 1), ("c", 1),
      ("c", nil),
    ].enumerated().map {
      Trajectory(id: "\($1.0)/\($0)", group: $1.0, reward: $1.1, fields: [.response: "12345"])
    })

  static let chains = [
    SelectionChain(label: "everything", stages: [.centered]),
    SelectionChain(label: "loud", stages: [.centered, .louder(0.5)]),
    SelectionChain(label: "loud, echoed", stages: [.centered, .louder(0.5), .echo]),
    SelectionChain(label: "quiet too", stages: [.centered, .louder(0)]),
  ]

  static func compare(_ chains: [SelectionChain]) async throws -> SelectionComparison {
    var comparison = try SelectionComparison(chains: chains, files: ["r.jsonl"], seed: 7)
    try await comparison.add(batch)
    return comparison
  }

  @Test("four selections, as a terminal shows them")
  func rendering() async throws {
    let comparison = try await Self.compare(Self.chains)
    #expect(
      comparison.text(style: TerminalStyle(width: 100)) == """
        4 selections on the same rollouts  r.jsonl
          11 trajectories in 3 groups, 1 batch, seed 7

                                                everything            loud    loud, echoed       quiet too
        Trained on
          trajectories, with repeats                    10               2               4              10
          distinct trajectories                         10               2               2              10
          share of the input                          91 %            18 %            18 %            91 %
          groups reached                             100 %            67 %            67 %           100 %
          characters (no tokens)                        50              10              20              50
          effective sample size                         10               2               2              10
          largest exposure                              1×              1×              3×              1×
        Contrast
          |A| per trajectory                           0.3            0.75            0.75             0.3
          |A| in all                                     3             1.5               3               3
          |A| of the input kept                      100 %            50 %            50 %           100 %
          |A| < 0.1, of the input                     20 %            20 %            20 %            20 %
          |A| < 0.1, trained on                       20 %             0 %             0 %            20 %
          in groups without contrast                  20 %             0 %             0 %            20 %
          A > 0 / A < 0                            40/40 %         50/50 %         75/25 %         40/40 %
        Dropped
          no-reward (centered)                           1               1               1               1
          too-quiet (louder)                             -               8               8               -
        Overlap of trajectories
          everything                                     ·            20 %            20 %           100 %
          loud                                        20 %               ·           100 %            20 %
          loud, echoed                                20 %           100 %               ·            20 %
          quiet too                                  100 %            20 %            20 %               ·
        Overlap of draws
          everything                                     ·            20 %            17 %           100 %
          loud                                        20 %               ·            50 %            20 %
          loud, echoed                                17 %            50 %               ·            17 %
          quiet too                                  100 %            20 %            17 %               ·

          Overlap: what both train on, as a share of what at least one does.
          ▲ everything, quiet too: identical selections, the same trajectories equally often

        """)
  }

  @Test("gradients: their norms, and the cosines with that of the first selection")
  func gradients() async throws {
    // The scripted policy's gradient has one number for each token; a response has six, with the end.
    let records = Self.batch.trajectories.map { trajectory in
      var trajectory = trajectory
      trajectory.set(.prompt, to: .string(trajectory.group))
      return trajectory
    }
    let policy = ScriptedPolicy(otherwise: ["yes"])
    var comparison = try SelectionComparison(chains: Self.chains, seed: 7, policy: await policy.policy)
    try await comparison.add(TrajectoryBatch(records))
    try await comparison.add(TrajectoryBatch(records))
    let found = try #require(comparison.gradients)
    #expect(found.unusable == 0)
    #expect(found.figures.map(\.batches) == [2, 2, 2, 2])
    // |A| is 3/4 twice and 1/4 six times; "loud" keeps the former, "echoed" draws one of them three times.
    let norms = [(6 * 1.5).squareRoot() / 60, (6 * 1.125).squareRoot() / 12, (6 * 5.625).squareRoot() / 24]
    for (figures, norm) in zip(found.figures, norms) { #expect(abs((figures.norm ?? 0) - norm) < 1e-6) }
    let cosines = [1, 0.75.squareRoot(), 2.25 / (1.5 * 5.625).squareRoot(), 1]
    for (figures, cosine) in zip(found.figures, cosines) { #expect(abs((figures.cosine ?? 0) - cosine) < 1e-6) }
    let text = comparison.text(style: TerminalStyle(width: 100))
    #expect(
      text.contains(
        """
        Policy gradient
          norm                                        0.05           0.217           0.242            0.05
          cosine with everything                         1           0.866           0.775               1

        """))
    #expect(comparison.json["chains"]?.arrayValue?[1]["gradient"]?["batches"] == 2)
    // Rates of 0 leave the weights where they are.
    for case .step(let step) in await policy.calls { #expect(step.learningRate == 0) }
  }

  @Test("what the model cannot use is left out of the gradients, and said")
  func gradientsWithout() async throws {
    var comparison = try SelectionComparison(
      chains: Self.chains, seed: 7, policy: await ScriptedPolicy(otherwise: ["yes"]).policy)
    try await comparison.add(Self.batch)
    #expect(comparison.gradients?.unusable == 10)
    #expect(comparison.gradients?.figures.map(\.norm) == [nil, nil, nil, nil])
    #expect(
      comparison.text(style: TerminalStyle(width: 200)).contains(
        "gradients leave out 10 trajectories that the model cannot use; the first, 'a/0': the record has neither 'prompt' nor "
          + "'prompt_tokens'"))
  }

  @Test("six chains with long names fit into 100 columns")
  func width() async throws {
    let chains = (0..<6).map {
      SelectionChain(label: "a-spec-with-a-long-name-\($0).json", stages: [.centered, .echo])
    }
    let text = try await Self.compare(chains).text(style: TerminalStyle(width: 100))
    #expect(text.split(separator: "\n").allSatisfy { TextWidth.columns(String($0)) <= 100 })
    #expect(text.contains("  F  a-spec-with-a-long-name-5.json\n"))
  }

  @Test("a chain compared with itself overlaps in everything and is said to be identical")
  func identity() async throws {
    for chain in Self.chains {
      let comparison = try await Self.compare([chain, chain])
      #expect(comparison.overlap(0, 1).ofTrajectories == 1)
      #expect(comparison.overlap(0, 1).ofDraws == 1)
      #expect(comparison.identical == [[0, 1]])
    }
  }

  @Test("the same trajectories under other loss weights are told apart")
  func weights() async throws {
    struct Heavy: Stage {
      static let about = ComponentAbout(name: "heavy", summary: "")
      let reads: Set<Field> = []
      let writes: Set<Field> = [.lossWeight]
      init() {}
      init(options: NoOptions, assembly: Assembly) {}
      func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
        for index in 0..<batch.count { batch[index].lossWeight = Double(index) }
      }
    }
    let heavy = SelectionChain(label: "heavy", stages: [.centered, .init(name: "heavy", stage: Heavy())])
    let comparison = try await Self.compare([Self.chains[0], heavy])
    #expect(comparison.overlap(0, 1).isIdentical)
    #expect(
      comparison.text(style: TerminalStyle(width: 100)).hasSuffix(
        "  ▲ everything, heavy: identical selections, the same trajectories equally often; only their loss\n"
          + "    weights differ\n"))
  }

  @Test("a chain that drops before the advantage is known is said to")
  func unknownAdvantages() async throws {
    struct First: Stage {
      static let about = ComponentAbout(name: "first", summary: "")
      let reads: Set<Field> = []
      let writes: Set<Field> = []
      init() {}
      init(options: NoOptions, assembly: Assembly) {}
      func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
        batch.drop(stage: "first") { $0 < 2 ? "first-two" : nil }
      }
    }
    let early = SelectionChain(label: "early", stages: [.init(name: "first", stage: First()), .centered])
    let comparison = try await Self.compare([Self.chains[0], early])
    #expect(
      comparison.text(style: TerminalStyle(width: 100)).hasSuffix(
        "  ▲ early: 3 trajectories left before having an advantage; its rows on |A| of the input are about\n"
          + "    the others\n"))
  }

  @Test("sums add up: kept and dropped are the input, mass kept is no more than mass there was")
  func sums() async throws {
    let comparison = try await Self.compare(Self.chains)
    for tally in comparison.tallies {
      #expect(tally.distinct + tally.drops.reduce(0) { $0 + $1.count } == tally.input)
      #expect(tally.mass.distinct <= tally.mass.input + 1e-12)
      #expect(tally.effectiveSampleSize <= Double(tally.distinct) + 1e-9)
      #expect(tally.draws >= tally.distinct)
    }
    for first in Self.chains.indices {
      for second in Self.chains.indices {
        #expect(comparison.overlap(first, second) == comparison.overlap(second, first))
        #expect(comparison.overlap(first, second).ofDraws <= 1)
      }
    }
    #expect(comparison.tallies[2].draws == 4)
    #expect(comparison.tallies[2].effectiveSampleSize == 16.0 / 10)
  }

  @Test("what a stage throws names its chain")
  func errors() async throws {
    struct Broken: Stage {
      static let about = ComponentAbout(name: "broken", summary: "")
      let reads: Set<Field> = []
      let writes: Set<Field> = []
      init() {}
      init(options: NoOptions, assembly: Assembly) {}
      func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
        throw PipelineError(.invalidData, "it broke")
      }
    }
    let chain = SelectionChain(label: "b.json", stages: [NamedStage(name: "broken", stage: Broken())])
    let text = await message { _ = try await Self.compare([chain]) }
    #expect(text == "b.json: stage 'broken', step 0: it broke")
  }

  @Test("a file without trajectories is an error")
  func empty() async throws {
    let folder = try Folder()
    let path = try folder.write("r.jsonl", "")
    let text = await message {
      _ = try await SelectionComparison.read(.init(paths: [path]), chains: Self.chains, seed: 1, threads: 1)
    }
    #expect(text == "\(path) holds no trajectories to compare on; look at it with inspect")
  }

  @Test("the JSON names chains, shares and overlaps")
  func json() async throws {
    let json = try await Self.compare(Array(Self.chains.prefix(2))).json
    #expect(json["chains"]?.arrayValue?[1]["distinct"] == 2)
    #expect(
      json["chains"]?.arrayValue?[1]["dropped"]?.json
        == #"[{"stage":"centered","rule":"no-reward","count":1},{"stage":"louder","rule":"too-quiet","count":8}]"#
    )
    #expect(
      json["overlap"]?.json
        == #"[{"chains":["everything","loud"],"shared_trajectories":2,"trajectories":0.2,"shared_draws":2,"draws":0.2,"weighted_differently":0}]"#
    )
  }
}
