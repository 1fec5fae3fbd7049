// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

#if os(Linux)
  /// Whether the program says which limit stops it, and hears who asks it to end, when the system gives it nothing more.
  @Suite("Limits of the system", .timeLimit(.minutes(15)), .ownThreads)
  struct LimitTests {
    let sandbox: Sandbox

    init() throws {
      sandbox = try Sandbox.withTraining()
      try sandbox.write("scored.jsonl", Samples.scored)
      try sandbox.write("replay.json", Samples.spec)
    }

    /// A library that gives the program so many threads and no more, as a limit does that the superuser is not held to.
    private func limitThreads() throws {
      try sandbox.write(
        "threads.c",
        """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdatomic.h>
        #include <stdlib.h>
        static atomic_int made;
        int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *context) {
          int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
          const char *limit = getenv("THREADS");
          if (limit && atomic_fetch_add(&made, 1) >= atoi(limit)) {
            open("refused", O_CREAT | O_WRONLY, 0644);
            return EAGAIN;
          }
          return real(thread, attributes, body, context);
        }
        """)
      try sandbox.output("clang -shared -fPIC -o threads.so threads.c")
    }

    private static let needed = ProcessInfo.processInfo.activeProcessorCount + 4

    @Test("without threads it says so and ends, whatever the command")
    func noThreads() throws {
      try limitThreads()
      for command in ["check replay.json", "run replay.json", "--version"] {
        let outcome = try sandbox.run("THREADS=1 LD_PRELOAD=./threads.so exec shuffle-r1 \(command)")
        #expect(outcome.status == 1)
        #expect(
          outcome.errors.hasPrefix(
            "shuffle-r1: error: the system gives this program 1 more threads, and it needs \(Self.needed); "))
        #expect(outcome.errors.split(separator: "\n").count == 1)
      }
    }

    @Test("when threads are used up later, it ends as it is asked to")
    func deaf() throws {
      try limitThreads()
      // Those that it looks for at the start, and the one that hears signals.
      let program = try sandbox.start(
        "THREADS=\(Self.needed + 1) LD_PRELOAD=./threads.so exec shuffle-r1 run replay.json -q -o out")
      try sandbox.wait(for: "the refusal of a thread") { sandbox.has("refused") }
      program.send(SIGTERM)
      #expect([0, 143].contains(try program.wait().status))
    }

    @Test("with little address space it works, or says which limit is too low", arguments: [300_000, 500_000, 700_000])
    func addressSpace(kibibytes: Int) throws {
      for command in ["check train.json", "run train.json -q -o out"] {
        let outcome = try sandbox.run("ulimit -v \(kibibytes); exec timeout -s KILL 120 shuffle-r1 \(command)")
        if outcome.status == 0 { continue }
        #expect(outcome.status == 1 || outcome.status == 127)
        let lines = outcome.errors.split(separator: "\n").filter { !$0.contains("--resume") || $0.contains("error") }
        #expect(lines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("ulimit -v") || outcome.errors.contains("shared object"), "\(outcome.errors)")
      }
    }

    @Test(
      "with too few descriptors it says which limit to raise, and a run goes on later",
      arguments: [8, 16, 32, 64])
    func descriptors(count: Int) throws {
      for (spec, whole) in [("replay.json", "whole"), ("simple.json", "trained")] {
        if !sandbox.has(whole) { try sandbox.output("shuffle-r1 run \(spec) -q -o \(whole)") }
        let outcome = try sandbox.run(
          "ulimit -n \(count); exec timeout -s KILL 120 shuffle-r1 run \(spec) -q -o part\(whole)")
        if outcome.status != 0 {
          #expect(
            outcome.status == 1 || outcome.status == 127 || outcome.status == 2, "\(outcome.status) \(outcome.errors)")
          #expect(
            outcome.errors.contains("ulimit -n") || outcome.errors.contains("shared object")
              || outcome.errors.contains("Too many open files"), "\(outcome.errors)")
          #expect(!outcome.errors.contains("Fatal error"))
        }
        try sandbox.output("shuffle-r1 run \(spec) -q -o part\(whole) --resume")
        #expect(sandbox.training(in: "part" + whole) == sandbox.training(in: whole))
        try sandbox.output("rm -rf part\(whole)")
      }
    }
  }
#endif
