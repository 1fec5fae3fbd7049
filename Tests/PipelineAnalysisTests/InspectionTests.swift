// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import Testing

@Suite("inspect", .timeLimit(.minutes(15)))
struct InspectionTests {
  static let rollouts = #"""
    {"id":"a/0","group":"a","prompt":"p","response":"yes","answer":"yes","finish":"stop","reward":1,"rewards":{"accuracy":1,"format":1},"advantage":0.87,"step":0}
    {"id":"a/1","group":"a","prompt":"p","response":"no","answer":"yes","finish":"stop","reward":0.1,"rewards":{"accuracy":0,"format":1},"advantage":-0.87,"step":0}
    {"id":"a/2","group":"a","prompt":"p","response":"no","answer":"yes","finish":"length","reward":0.1,"rewards":{"accuracy":0,"format":1},"advantage":-0.05,"step":0}
    {"id":"b/0","group":"b","prompt":[{"role":"user","content":[{"type":"image","image":"i.png"}]}],"response":"caf\u00e9 \ud83d\ude00","reward":1,"rewards":{"accuracy":1},"step":1,"seed":7}
    {"id":"b/1","group":"b","prompt":"p","response":"x","reward":1,"rewards":{"accuracy":1,"format":NaN},"step":1}
    {"id":"b/1","group":"b","reward":1,"step":1}
    {"id":"c/0","group":"c","reward":"high"}
    {"id":"c/1","group":"c","reward":

    """#

  static func inspect(_ text: String, stages: [NamedStage] = []) async throws -> RolloutInspection {
    let folder = try Folder()
    var inspection = try await RolloutInspection.read(
      .init(paths: [try folder.write("r.jsonl", text)]), stages: stages)
    inspection = inspection.named("r.jsonl")
    return inspection
  }

  @Test("a small file, as a terminal shows it")
  func rendering() async throws {
    let inspection = try await Self.inspect(Self.rollouts, stages: [.centered, .louder(1), .echo])
    #expect(
      inspection.text(style: TerminalStyle(width: 90)) == """
        r.jsonl
          5 records in 2 groups, 901 bytes
          2 steps, 2 to 3 records each
          ▲ 1 record with a bare NaN or Infinity, which counts as no value
          ▲ 3 bad records cannot be used and are left out:
                1  'reward' must be a number or null, found a string (line 7)
                1  not JSON: the line ends before its object does (line 8)
                1  the id 'b/1' is already in line 5 of the same batch (line 6)

        Groups
          2 rollouts  ████████████████████████████████████████████████  1    50 %
          3 rollouts  ████████████████████████████████████████████████  1    50 %
          ▲ Group sizes differ: rollouts may have been lost, or groups of several exports may
            share a name.
          no contrast  1 of 2 groups (50 %): all rewards equal, so all advantages are 0; 1 all
                       right, 0 all wrong (right: reward ≥ 0.5)
          duplicates   1 response (20 %) repeats another of the same group to the letter, in 1
                       group

        Reward  mean 0.64, std 0.493, min 0.1, median 1, max 1
          0.1  ████████████████████████████████                  2    40 %
            1  ████████████████████████████████████████████████  3    60 %

        Reward parts
                          mean      std      min      max  missing  min … max
          accuracy         0.6    0.548        0        1        -  ▆                      █
          format             1        0        1        1     40 %  █

        Advantage  mean -0.01667, std 0.8705, min -0.87, median -0.05, max 0.87
          -0.87  ████████████████████████████████████████████████  1    33 %
          -0.05  ████████████████████████████████████████████████  1    33 %
           0.87  ████████████████████████████████████████████████  1    33 %
          collapsed    33 % have |A| < 0.1 and hardly teach anything
          ▲ 2 records without an advantage

        Response length  in characters: 5 % 1, median 2, 95 % 6, longest 6
          1  ████████████████████████                          1    20 %
          2  ████████████████████████████████████████████████  2    40 %
          3  ████████████████████████                          1    20 %
          4                                                    0     0 %
          5                                                    0     0 %
          6  ████████████████████████                          1    20 %
          finish       stop 2 (40 %), length 1 (20 %), not said 2

        Fields
          in all       id, group, prompt, response, reward, rewards, step
          in some      advantage 60 %, answer 60 %, finish 60 %, seed 20 %
          missing      answer in 40 %, images in 80 %

        Ready for
          ✓ centered
          ✗ louder       lacks advantage in 2 records
          ✓ echo

        """)
    #expect(
      inspection.text(style: TerminalStyle(width: 60, unicode: false)) == """
        r.jsonl
          5 records in 2 groups, 901 bytes
          2 steps, 2 to 3 records each
          ! 1 record with a bare NaN or Infinity, which counts as no
            value
          ! 3 bad records cannot be used and are left out:
                1  'reward' must be a number or null, found a string
                   (line 7)
                1  not JSON: the line ends before its object does
                   (line 8)
                1  the id 'b/1' is already in line 5 of the same
                   batch (line 6)

        Groups
          2 rollouts  ###################################  1    50 %
          3 rollouts  ###################################  1    50 %
          ! Group sizes differ: rollouts may have been lost, or
            groups of several exports may share a name.
          no contrast  1 of 2 groups (50 %): all rewards equal, so
                       all advantages are 0; 1 all right, 0 all
                       wrong (right: reward >= 0.5)
          duplicates   1 response (20 %) repeats another of the same
                       group to the letter, in 1 group

        Reward  mean 0.64, std 0.493, min 0.1, median 1, max 1
          0.1  ############################                2    40 %
            1  ##########################################  3    60 %

        Reward parts
                          mean      std      min      max  missing
          accuracy         0.6    0.548        0        1        -
          format             1        0        1        1     40 %

        Advantage  mean -0.01667, std 0.8705, min -0.87, median
                   -0.05, max 0.87
          -0.87  ########################################  1    33 %
          -0.05  ########################################  1    33 %
           0.87  ########################################  1    33 %
          collapsed    33 % have |A| < 0.1 and hardly teach anything
          ! 2 records without an advantage

        Response length  in characters: 5 % 1, median 2, 95 % 6,
                         longest 6
          1  ######################                        1    20 %
          2  ############################################  2    40 %
          3  ######################                        1    20 %
          4                                                0     0 %
          5                                                0     0 %
          6  ######################                        1    20 %
          finish       stop 2 (40 %), length 1 (20 %), not said 2

        Fields
          in all       id, group, prompt, response, reward, rewards,
                       step
          in some      advantage 60 %, answer 60 %, finish 60 %,
                       seed 20 %
          missing      answer in 40 %, images in 80 %

        Ready for
          + centered
          - louder       lacks advantage in 2 records
          + echo

        """)
  }

  @Test("colours change nothing but colours, and no line is wider than the terminal")
  func colours() async throws {
    let inspection = try await Self.inspect(Self.rollouts, stages: [.centered, .louder(1)])
    let plain = inspection.text(style: TerminalStyle(width: 80))
    let coloured = inspection.text(style: TerminalStyle(width: 80, color: true))
    let stripped = coloured.replacing(/\u{1B}\[[0-9]+m/, with: "")
    func trimmed(_ text: String) -> [String] {
      text.split(separator: "\n").map { String($0.reversed().drop { $0 == " " }.reversed()) }
    }
    #expect(coloured != plain)
    #expect(trimmed(stripped) == trimmed(plain))
    #expect(plain.split(separator: "\n").allSatisfy { TextWidth.columns(String($0)) <= 80 })
  }

  @Test("the JSON holds the same numbers")
  func json() async throws {
    let json = try await Self.inspect(Self.rollouts).json
    #expect(json["records"] == 5)
    #expect(json["bad_records"]?["count"] == 3)
    #expect(json["groups"]?["sizes"]?.json == #"[{"size":2,"groups":1},{"size":3,"groups":1}]"#)
    #expect(json["groups"]?["all_right"] == 1)
    #expect(json["groups"]?["duplicate_responses"] == 1)
    #expect(json["missing"]?.json == #"{"prompt":0,"response":0,"answer":2,"images":4}"#)
    #expect(json["advantage"]?["collapsed_share"]?.doubleValue == 1.0 / 3)
    #expect(json["response_length"]?["max"]?.doubleValue == 6)
  }

  @Test("counts add up: groups, steps, values and bins each hold every record")
  func sums() async throws {
    let inspection = try await Self.inspect(Self.rollouts)
    let bySize = inspection.groups.sizes.sortedCells.reduce(0) { $0 + Int($1.value) * $1.count }
    #expect(bySize == inspection.records)
    #expect(inspection.steps.sorted.reduce(0) { $0 + $1.entry.records } == inspection.records)
    #expect(inspection.rewards.sortedCells.reduce(0) { $0 + $1.count } == inspection.records)
    #expect(inspection.badRecords.entries.reduce(0) { $0 + $1.count } == inspection.badRecords.count)
    #expect(inspection.counts.trajectories == inspection.records)
  }

  @Test("an empty file says so")
  func empty() async throws {
    let text = try await Self.inspect("").text()
    #expect(
      text
        == "r.jsonl\n  0 records in 0 groups\n  ▲ There is nothing in it; check that the right file was named.\n"
    )
  }

  @Test("rewards outside 0 to 1 are right from the middle of their range")
  func threshold() async throws {
    let text = ["2", "2", "-1", "-1"].enumerated().map {
      #"{"id":"\#($0)","group":"g\#($0 / 2)","reward":\#($1)}"# + "\n"
    }.joined()
    let inspection = try await Self.inspect(text)
    #expect(inspection.rightThreshold == 0.5)
    #expect(inspection.json["groups"]?["all_right"] == 1)
    #expect(inspection.json["groups"]?["all_wrong"] == 1)
  }

  @Test("names cannot move the cursor or reverse the line")
  func hostileNames() async throws {
    let text = #"{"id":"a","group":"g","reward":1,"rewards":{"\u001b[31mred\u202e":1},"\n\u0007":2}"# + "\n"
    let shown = try await Self.inspect(text).text()
    #expect(!shown.contains("\u{1B}") && !shown.contains("\u{202E}") && !shown.contains("\u{7}"))
    #expect(shown.contains(#"\u{1b}[31mred\u{202e}"#))
  }

  @Test("reasons that differ only in names and numbers are one reason")
  func reasons() {
    #expect(
      BadRecordTally.kind(of: "the id 'a/1' is already in line 31 of the same batch")
        == "the id '…' is already in line … of the same batch")
    #expect(
      BadRecordTally.kind(of: "'rewards.x' must be a number or null, found a string")
        == "'rewards.x' must be a number or null, found a string")
  }
}

extension RolloutInspection {
  /// The same under another name, so that renderings do not hold the folder of a test.
  func named(_ name: String) -> RolloutInspection {
    var copy = RolloutInspection(files: [name], stages: stages)
    (copy.counts, copy.records, copy.badRecords, copy.groups) = (counts, records, badRecords, groups)
    (copy.steps, copy.rewards, copy.rewardStatuses, copy.partNames) = (
      steps, rewards, rewardStatuses, partNames
    )
    (copy.parts, copy.advantages, copy.collapsed, copy.lengths) = (parts, advantages, collapsed, lengths)
    (copy.finishes, copy.fields, copy.withImages) = (finishes, fields, withImages)
    return copy
  }
}
