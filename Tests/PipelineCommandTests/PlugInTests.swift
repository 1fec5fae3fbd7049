// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// Libraries that cannot be loaded, made with a C compiler; `make test-plugin` loads one that can.
@Suite("Plug-ins that are loaded at run time", .timeLimit(.minutes(15)), .ownThreads)
struct PlugInTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
  }

  /// Compiles a library from C.
  private func library(_ name: String, _ source: String) throws {
    try sandbox.write(name + ".c", source)
    try sandbox.output("clang -shared -fPIC -o \(name).so \(name).c && rm \(name).c")
  }

  private static var own: Substring { PlugIn.version.description.dropFirst(PlugIn.versionPrefix.count) }

  @Test("a file that is missing, or no library")
  func noLibrary() throws {
    try Case(
      "missing", "shuffle-r1 describe --plugin ./mine.so", status: 2,
      """
      shuffle-r1: error: cannot load the plug-in ./mine.so: there is no such file; a path is relative to the spec's \
      folder, that of --plugin to yours
      """
    ).check(in: sandbox)
    try Case(
      "without a file", "shuffle-r1 describe --plugin", status: 2,
      "shuffle-r1: error: --plugin needs a file, such as --plugin ./libMyReward.so"
    ).check(in: sandbox)
    let outcome = try sandbox.run("shuffle-r1 describe --plugin=scored.jsonl")
    #expect(outcome.status == 2)
    #expect(outcome.errors.hasPrefix("shuffle-r1: error: cannot load the plug-in scored.jsonl: "))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test("a library without the function")
  func noEntryPoint() throws {
    try library("mine", #"const char version[] = "\#(PlugIn.version)"; int other(void) { return 1; }"#)
    try Case(
      "without the function", "shuffle-r1 describe --plugin ./mine.so", status: 2,
      """
      shuffle-r1: error: cannot load the plug-in ./mine.so: it has no function 'shuffle_r1_plugin'; a plug-in needs one, \
      as the documentation of PlugIn shows it
      """
    ).check(in: sandbox)
  }

  @Test("one that was built with another version is told from its file, before any of its code runs")
  func otherVersion() throws {
    try library(
      "mine",
      """
      #include <stdlib.h>
      const char version[] = "shuffle-r1 plug-in interface 0 of version 0.0.9, Swift 5.9";
      __attribute__((constructor)) static void at_once(void) { abort(); }
      const char *shuffle_r1_plugin(const void *host) { abort(); }
      """)
    let spec = """
      {
        "plugins": ["mine.so"],
        "source": {"rollouts": "scored.jsonl", "provides": ["reward"]},
        "stages": ["mine"]
      }
      """
    try sandbox.write("specs/p.json", spec.replacing("mine.so", with: "../mine.so"))
    try Case(
      "another version", "shuffle-r1 check specs/p.json", status: 2,
      """
      shuffle-r1: error: specs/p.json:2:15: cannot load the plug-in specs/../mine.so: it was built with interface 0 of \
      version 0.0.9, Swift 5.9, this program with \(Self.own); build it anew with this version
      """
    ).check(in: sandbox)
  }

  @Test("one that says only when asked what it was built with, or that has types of its own")
  func answers() throws {
    try library(
      "other",
      """
      #include <stdio.h>
      const char version[] = "\(PlugIn.version)";
      static char answer[100];
      const char *shuffle_r1_plugin(const void *host) {
        snprintf(answer, sizeof answer, "shuffle-r1 plug-in interface%s", " 9 of version 9.0.0, Swift 9.9");
        return answer;
      }
      """)
    try Case(
      "another version", "shuffle-r1 describe --plugin ./other.so", status: 2,
      """
      shuffle-r1: error: cannot load the plug-in ./other.so: it was built with interface 9 of version 9.0.0, Swift 9.9, \
      this program with \(Self.own); build it anew with this version
      """
    ).check(in: sandbox)
    try library(
      "alone",
      #"const char version[] = "\#(PlugIn.version)"; const char *shuffle_r1_plugin(const void *host) { return ""; }"#)
    try Case(
      "types of its own", "shuffle-r1 describe --plugin ./alone.so", status: 2,
      """
      shuffle-r1: error: cannot load the plug-in ./alone.so: it does not share its types with this program; link the \
      program with -Xlinker --export-dynamic
      """
    ).check(in: sandbox)
  }
}
