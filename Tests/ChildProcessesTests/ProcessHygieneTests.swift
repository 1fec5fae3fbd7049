// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import Testing

/// What a child leaves behind: nothing.
@Suite("ChildProcess leaves nothing", .timeLimit(.minutes(15)), .serialized)
struct ProcessHygieneTests {
  @Test(
    "what a child forked dies with it, however the child ends", arguments: ["exit 0", "kill -KILL $$", "read answer"])
  func forks(_ end: String) async throws {
    let child = try shell("sleep 1000 & sleep 1000 & echo forked; \(end)")
    #expect(try await child.text() == "forked")
    await child.end(graceSeconds: 0.02)
    #if os(Linux)
      // A member of the group that was just killed is listed until the system has taken it down.
      var left = try processes().filter { $0.group == child.identifier && $0.state != "Z" }
      for _ in 0..<1000 where !left.isEmpty {
        try await Task.sleep(for: .milliseconds(5))
        left = try processes().filter { $0.group == child.identifier && $0.state != "Z" }
      }
      #expect(left.isEmpty)
    #endif
  }

  #if os(Linux)
    @Test("no zombie stays, of none of a hundred children")
    func zombies() async throws {
      var identifiers: Set<Int32> = []
      for number in 0..<100 {
        let child = try shell("exit \(number)")
        identifiers.insert(child.identifier)
        #expect(await child.wait().cause == .status(number))
      }
      let children = try processes().filter { $0.parent == getpid() && identifiers.contains($0.id) }
      #expect(children.isEmpty)
    }

    @Test("a child has its three streams and no other descriptor of ours, nor of another child")
    func descriptors() async throws {
      let file = open("/dev/null", O_RDONLY)
      defer { close(file) }
      let other = try ChildProcess(ChildConfiguration(command: ["cat"]))
      let child = try ChildProcess(ChildConfiguration(command: ["ls", "/proc/self/fd"]))
      var listed: [String] = []
      while let line = try await child.text() { listed.append(line) }
      // The fourth is the folder that `ls` reads.
      #expect(listed == ["0", "1", "2", "3"])
      await other.end()
    }

    @Test("descriptors and threads of ours are given back")
    func ours() async throws {
      func count(_ folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)").count
      }
      let descriptors = try count("fd")
      for _ in 0..<200 { await #expect(try shell("exit 0").wait().isSuccess) }
      // Other tests run beside this one, and hold some of their own.
      #expect(try count("fd") < descriptors + 150)
    }

    @Test("the memory limit stops a child that wants more")
    func memory() async throws {
      let script = "import sys; print('up', flush=True); x = bytearray(300 << 20); print('more')"
      var configuration = ChildConfiguration(command: ["python3", "-c", script])
      configuration.memoryLimitMegabytes = 100
      let child = try ChildProcess(configuration)
      #expect(try await child.text() == "up")
      #expect(try await child.text() == nil)
      #expect(await child.wait().lastWords.last == "MemoryError")
    }
  #endif

  @Test("a child that nobody holds any more is killed")
  func forgotten() async throws {
    var child: ChildProcess? = try shell("echo ready; sleep 1000")
    #expect(try await child?.text() == "ready")
    let identifier = try #require(child?.identifier)
    child = nil
    for _ in 0..<1000 where kill(identifier, 0) == 0 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(kill(identifier, 0) == -1)
  }
}
