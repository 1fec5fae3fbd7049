// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// With stand-ins for Python: `make test-parquet` reads what `datasets` writes with the real one.
@Suite("Files of columns", .timeLimit(.minutes(15)), .ownThreads)
struct ColumnFileTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("rows.parquet", "PAR1\u{0}\u{0}PAR1")
  }

  /// A program in place of Python: it gets `-c PROGRAM read FILE FOLDER NAME`.
  private func python(_ script: String) throws -> String {
    try sandbox.write("python", "#!/bin/sh\nshift 2\n" + script)
    try sandbox.output("chmod +x python")
    return "SHUFFLE_R1_PYTHON=./python"
  }

  @Test("rows come as lines of JSON, and images are named beside the file, or beside the output")
  func rows() throws {
    let python = try python(
      #"""
      echo "$*" >> asked
      printf '{"id":"a","group":"g","prompt":[{"role":"user","content":[{"type":"image","image":"%s/1.png"}]}],"response":"x"}\n' "$4"
      """#)
    let outcome = try sandbox.run("\(python) shuffle-r1 inspect rows.parquet")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("1 trajectory") || outcome.output.contains("1 rollout"), "\(outcome.output)")
    try sandbox.output("mkdir out; \(python) shuffle-r1 convert -q rows.parquet out/rows.jsonl")
    #expect(sandbox.text("out/rows.jsonl").contains(#""image":"rows.jsonl.images/1.png""#))
    let asked = sandbox.text("asked").split(separator: "\n")
    #expect(asked.first == "read rows.parquet rows.parquet.images rows.parquet.images")
    #expect(asked.last == "read rows.parquet out/rows.jsonl.images rows.jsonl.images")
  }

  @Test("a fault is told with the file's name, and a missing library with the command that installs it")
  func faults() throws {
    let broken = try sandbox.run("\(try python("echo it ends early >&2; exit 2")) shuffle-r1 inspect rows.parquet")
    #expect(broken.status != 0)
    #expect(broken.errors.contains("rows.parquet: it ends early"), "\(broken.errors)")
    let lacking = try sandbox.run("\(try python("exit 3")) shuffle-r1 inspect rows.parquet")
    #expect(lacking.status != 0)
    #expect(lacking.errors.contains("shuffle-r1 setup parquet"), "\(lacking.errors)")
    let piped = try sandbox.run("\(try python("exit 3")) shuffle-r1 inspect - < rows.parquet")
    #expect(piped.errors.contains("name the file"), "\(piped.errors)")
    let cut = try sandbox.run(
      "\(try python(#"echo '{"id":"a","group":"g","prompt":"p","response":"x"}'; exit 1"#)) shuffle-r1 inspect rows.parquet"
    )
    #expect(cut.status != 0, "rows that end with a fault are not all rows: \(cut.output)")
  }

  @Test("a parquet file appears once it is complete, with the rows that the format has")
  func written() throws {
    try sandbox.write("rows.jsonl", #"{"id":"a/0","group":"a","prompt":"p","response":"x","reward":1}"# + "\n")
    let python = try python(#"echo "$*" >> asked; cat "$2""#)
    try sandbox.output("\(python) shuffle-r1 convert -q --to verl rows.jsonl out.parquet")
    #expect(sandbox.text("out.parquet").contains(#""output":"x""#))
    #expect(try sandbox.run("\(python) shuffle-r1 convert -q --to verl rows.jsonl out.parquet").status != 0)
    let failing = try self.python("exit 2")
    #expect(try sandbox.run("\(failing) shuffle-r1 convert -q --to verl rows.jsonl other.parquet").status != 0)
    #expect(try sandbox.output("ls -A").split(separator: "\n").filter { $0.contains("other") } == [])
    #expect(try sandbox.run("shuffle-r1 convert --embed-images rows.jsonl x.jsonl").status != 0)
  }

  @Test("a folder is read if it is a data set, and else named as what it is")
  func folders() throws {
    let python = try python(#"echo '{"id":"a","group":"g","prompt":"p","response":"x"}'"#)
    try sandbox.output("mkdir -p set/data plain; touch set/data/train-00000-of-00001.parquet")
    #expect(try sandbox.run("\(python) shuffle-r1 inspect set").status == 0)
    let plain = try sandbox.run("\(python) shuffle-r1 inspect plain")
    #expect(plain.errors.contains("plain: it is a directory"), "\(plain.errors)")
  }
}
