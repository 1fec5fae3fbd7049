// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("report, view, and rollouts on the terminal", .timeLimit(.minutes(15)), .ownThreads)
struct ReportPageTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("p.json", Samples.spec)
    try sandbox.output("shuffle-r1 run p.json -q -o done")
  }

  @Test("report says what it wrote and how to open it")
  func report() throws {
    let outcome = try sandbox.run("shuffle-r1 report done --output page")
    #expect(outcome.status == 0 && outcome.output == "")
    #expect(outcome.errors == "24 rollouts, 0 images\nopen page/index.html in a browser\n")
    #expect(
      try sandbox.output("ls page/data")
        == "bodies-0-0.js\nmanifest.js\nrows-0.js\nseries-0-metrics-0.js\nseries-0-timings-0.js\n")
    try sandbox.output("shuffle-r1 report scored.jsonl --single --sample 4 -q --output one.html")
    #expect(try sandbox.output("head -c 15 one.html") == "<!doctype html>")
    try sandbox.output("shuffle-r1 report done scored.jsonl --charts --force -q --output page")
    #expect(try sandbox.output("ls page/charts").contains("advantage-kept.svg\n"))
  }

  @Test("the spec says how the run is shown, and its resume does not mind")
  func settings() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o shown --set output.report.accuracy=format")
    try sandbox.output("shuffle-r1 run p.json -q -o shown --resume --set output.report.token_colors=ratio")
    try sandbox.output("shuffle-r1 report shown -q -o page")
    #expect(try sandbox.output("cat page/data/manifest.js").contains(#""token_colors":"ratio""#))
  }

  static let faults: [(command: String, status: Int32, message: String)] = [
    ("shuffle-r1 report done -o done", 1, "done exists already; name another file, or say --force to replace it"),
    ("shuffle-r1 report done -o done --force", 1, "done is no report, and is not replaced"),
    (
      "mkdir empty; shuffle-r1 report empty -o page", 1,
      "empty holds no run (no resolved.json, nor in the folders below)"
    ),
    ("shuffle-r1 report gone.jsonl -o page", 1, "cannot open gone.jsonl"),
    ("shuffle-r1 report done -o page --single --charts", 2, "--charts writes files beside the page, --single has none"),
    ("shuffle-r1 report done -o page --sample 0", 2, "--sample is 0, it must be at least 1"),
    ("shuffle-r1 inspect scored.jsonl --where 'reward <'", 1, "a value is expected after 'reward <'"),
    ("shuffle-r1 inspect scored.jsonl --show -1", 2, "--show is -1, it must be at least 0"),
  ]

  @Test("what is wrong is said with what to do", arguments: faults)
  func fault(_ command: String, _ status: Int32, _ message: String) throws {
    let outcome = try sandbox.run(command)
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try sandbox.run("ls page").status != 0)
  }

  @Test("inspect takes the rollouts that meet a condition, and shows the first of them")
  func inspect() throws {
    try sandbox.write(
      "seen.jsonl",
      #"{"id":"a/0","group":"a","prompt":[{"role":"user","content":[{"type":"image","image":"i.png"},{"type":"text","text":"how many\u001b[31m?"}]}],"response":"three","answer":3,"reward":1,"finish":"stop"}"#
        + "\n" + #"{"id":"a/1","group":"a","prompt":"how many?","response":"four","answer":3,"reward":0}"# + "\n")
    let text = try sandbox.output("shuffle-r1 inspect seen.jsonl --where 'reward = 1' --show 3")
    #expect(text.contains("1 record in 1 group"))
    #expect(
      text.hasSuffix(
        #"""

        a/0  reward 1
          question  how many\u{1b}[31m?
          response  three [stop]
          answer    3
          image     i.png

        """#))
    let value = try JSONValue(parsing: try sandbox.output("shuffle-r1 inspect seen.jsonl --show 1 --json"))
    #expect(
      value["rollouts"] == [
        [
          "id": "a/0", "question": "how many\u{1b}[31m?", "images": ["i.png"], "response": "three", "finish": "stop",
          "answer": "3",
        ]
      ])
    #expect(try JSONValue(parsing: try sandbox.output("shuffle-r1 inspect seen.jsonl --json"))["rollouts"] == nil)
  }

  @Test(
    "images are drawn in the terminal's own way",
    arguments: [
      ("kitty", "\u{1B}_Ga=T,f=24,s="), ("iterm", "\u{1B}]1337;File=inline=1;size="), ("sixel", "\u{1B}Pq\"1;1;"),
    ])
  func images(_ choice: String, _ start: String) throws {
    try sandbox.write(
      "i.png",
      try Data(contentsOf: Program.package.appendingPathComponent("Tests/PipelineCommandTests/Fixtures/image.png")))
    try sandbox.write("seen.jsonl", #"{"id":"a/0","group":"a","images":["i.png","gone.png"],"response":"r"}"# + "\n")
    let text = try sandbox.output("shuffle-r1 inspect seen.jsonl --show 1 --images \(choice)")
    #expect(text.contains(start))
    #expect(text.contains("image     gone.png"), "one that cannot be read is named")
    #expect(
      !(try sandbox.output("shuffle-r1 inspect seen.jsonl --show 1 --images auto")).contains("\u{1B}"),
      "a pipe draws none")
  }

  @Test("why shows the rollout itself, as far as the run kept it")
  func why() throws {
    let id = try JSONValue(parsing: try sandbox.output("head -1 done/selected.jsonl"))["id"]?.stringValue ?? ""
    let text = try sandbox.output("shuffle-r1 why done \(id)")
    #expect(text.contains("  question ") && text.contains("  response "))
    let value = try JSONValue(parsing: try sandbox.output("shuffle-r1 why done \(id) --json"))
    #expect(value["steps"]?.arrayValue?.first?["rollout"]?["response"] == "r")
  }

  @Test("view prints an address with a token, serves it, and leaves nothing behind")
  func view() throws {
    let text = try sandbox.output(
      """
      mkdir temp; export TMPDIR=$PWD/temp
      shuffle-r1 view done --no-browser -q > address & pid=$!
      for i in $(seq 100); do [ -s address ] && break; sleep 0.1; done
      python3 -c 'import sys,urllib.request as u; a=sys.argv[1]; print(u.urlopen(a).status, len(u.urlopen(a+"data/rows-0.js").read())>100)' "$(cat address)"
      kill -INT $pid; wait $pid; ls temp
      """)
    #expect(text == "200 True\n")
    #expect(try sandbox.output("cat address").wholeMatch(of: /http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/\n/) != nil)
  }
}
