// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("schemas", .timeLimit(.minutes(15)), .ownThreads)
struct SchemaFilesTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test("the schemas that are checked in are those that the program writes")
  func checkedIn() throws {
    #expect(try sandbox.output("shuffle-r1 schemas a/b && shuffle-r1 schemas a/b") == "")
    let kept = Program.package.appendingPathComponent("Schemas")
    // The headers of the policy wire protocol are no options: that schema is written by hand, and WorkerPluginTests use it.
    let names = try FileManager.default.contentsOfDirectory(atPath: kept.path)
      .filter { $0.hasSuffix(".json") && $0 != "policy-wire.schema.json" }
    let written = sandbox.tree("a/b")
    #expect(Set(names) == Set(written.keys))
    for (name, data) in written {
      if Program.recordsGoldens { try data.write(to: kept.appendingPathComponent(name)) }
      #expect(
        try Data(contentsOf: kept.appendingPathComponent(name)) == data,
        "Schemas/\(name) is stale; `shuffle-r1 schemas Schemas` writes it anew")
    }
  }

  @Test("a folder that cannot be made is an error", arguments: ["file", "file/under"])
  func noFolder(_ folder: String) throws {
    try sandbox.write("file", "")
    try Case(
      "no folder", "shuffle-r1 schemas \(folder)",
      "shuffle-r1: error: cannot make the folder \(folder); check that it is no file, and who may write there"
    ).check(in: sandbox)
  }
}
