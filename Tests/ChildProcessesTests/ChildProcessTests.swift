// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import Testing

@Suite("ChildProcess", .timeLimit(.minutes(15)))
struct ChildProcessTests {
  /// Long after anything here should have happened, on a machine that others use.
  private var soon: ContinuousClock.Instant { .now + .seconds(600) }

  @Test("what is written comes back, line by line and as bytes")
  func echoes() async throws {
    let child = try ChildProcess(ChildConfiguration(command: ["cat"]))
    try await child.write(Array("one\ntwo\n".utf8))
    #expect(try await child.text() == "one")
    #expect(try await child.text() == "two")
    let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    // Larger than any pipe: neither side may wait for the other.
    async let writing: Void = child.write(payload, before: soon)
    #expect(try await child.bytes(count: payload.count, before: soon) == payload)
    try await writing
    child.closeInput()
    #expect(try await child.text() == nil)
    #expect(await child.end().description == "ended with status 0")
  }

  @Test("many lines at once, as many as are there")
  func manyLines() async throws {
    let child = try shell("printf 'a\\n\\nb\\nc'; read answer; printf 'd\\ne'")
    // One write of a few bytes arrives as one.
    #expect(try await child.lines(limit: 10) == Array("a\n\nb".utf8))
    try await child.write([10])
    #expect(try await child.text() == "cd")
    #expect(try await child.lines(limit: 10) == Array("e".utf8))
    #expect(try await child.lines(limit: 10) == nil)
    let long = try shell("printf 'ab\\nabcdef\\n'")
    await #expect(throws: ChildFailure.tooLong(bytes: 1)) { try await long.lines(limit: 1) }
  }

  @Test("a line may be longer than what is read ahead; what is sent need not be waited for")
  func largeLine() async throws {
    let child = try ChildProcess(ChildConfiguration(command: ["cat"]))
    child.send(Array("one\n".utf8))
    child.send([UInt8](repeating: 65, count: 3_000_000) + [10])
    #expect(try await child.text() == "one")
    #expect(try await child.line(limit: 4_000_000, before: soon)?.count == 3_000_000)
    #expect(await child.end().isSuccess)
  }

  @Test("the last line may lack its end; a message that stops in the middle is an error")
  func ends() async throws {
    let child = try shell("printf 'a\\nb'")
    #expect(try await child.text() == "a")
    #expect(try await child.text() == "b")
    #expect(try await child.text() == nil)
    let short = try shell("printf abc")
    await #expect(throws: ChildFailure.closed) { try await short.bytes(count: 4) }
  }

  @Test("a line over the limit is refused, however it arrives")
  func longLine() async throws {
    let child = try shell("head -c 5000000 /dev/zero | tr '\\0' x; sleep 1000")
    await #expect(throws: ChildFailure.tooLong(bytes: 1000)) { try await child.line(limit: 1000, before: soon) }
    child.kill()
    #expect(await child.wait().description == "was ended by SIGKILL")
  }

  @Test("a child that hangs is late for readers and writers, and ends when told")
  func hangs() async throws {
    let child = try ChildProcess(ChildConfiguration(command: ["sleep", "1000"]))
    await #expect(throws: ChildFailure.late) { try await child.line(limit: 10, before: .now + .milliseconds(20)) }
    await #expect(throws: ChildFailure.late) {
      try await child.write([UInt8](repeating: 65, count: 4 << 20), before: .now + .milliseconds(20))
    }
    #expect(await child.end(graceSeconds: 0.02).description == "was ended by SIGTERM")
  }

  @Test("a child that ignores SIGTERM is killed")
  func stubborn() async throws {
    let child = try shell("trap '' TERM; echo ready; while true; do sleep 1000; done")
    #expect(try await child.text() == "ready")
    #expect(await child.end(graceSeconds: 0.02).description == "was ended by SIGKILL")
  }

  @Test("a child that ends by itself says with what status, and what its last words were")
  func lastWords() async throws {
    let child = try shell("echo 'no such\tmodule' >&2; echo >&2; printf 'the end' >&2; exit 3")
    let exit = await child.wait()
    #expect(exit.cause == .status(3))
    #expect(exit.description == "ended with status 3; its last words: no such\tmodule | the end")
    await #expect(throws: ChildFailure.ended(exit)) { try await child.write([10]) }
    #expect(try await child.text() == nil)
    #expect(child.exit == exit)
  }

  @Test("a child killed from outside ends whatever waits for it")
  func killedFromOutside() async throws {
    let child = try ChildProcess(ChildConfiguration(command: ["cat"]))
    try await child.write([10])
    #expect(try await child.text() == "")
    async let line = child.text()
    kill(child.identifier, SIGKILL)
    #expect(try await line == nil)
    #expect(await child.wait().cause == .signal(Int(SIGKILL)))
  }

  @Test("what is still in the pipe when a child dies can be read")
  func remains() async throws {
    let child = try shell("printf 'a\\nb\\n'; kill -SEGV $$")
    #expect(await child.wait().description == "was ended by SIGSEGV")
    #expect(try await child.text() == "a")
    #expect(try await child.text() == "b")
    #expect(try await child.text() == nil)
  }

  @Test("a flood on standard error blocks nobody, is cut, and is passed on again when allowed")
  func flood() async throws {
    let lines = Lines()
    let script = """
      yes 'a line of some length that is cut off' | head -n 200000 >&2; echo done; read answer
      echo after >&2; echo bye; read answer
      """
    let child = try shell(script) {
      $0.errorLineLimit = 3
      $0.errorLineBytes = 12
      $0.lastWordsCount = 2
      $0.onErrorLine = { lines.add($0) }
    }
    #expect(try await child.text() == "done")
    child.renewErrorLines()
    try await child.write([10])
    #expect(try await child.text() == "bye")
    #expect(await child.end().lastWords == ["a line of so…", "after"])
    #expect(lines.all.prefix(3) == ["a line of so…", "a line of so…", "a line of so…"][...])
    // Where in the flood the allowance was renewed is a matter of time; what was said in all is not.
    let withheld = lines.all.compactMap { line in
      line.wholeMatch(of: /… and (\d+) more lines/).flatMap { Int($0.1) }
    }
    #expect(lines.all.count - withheld.count + withheld.reduce(0, +) == 200_001)
  }

  @Test("a cancelled task waits no longer")
  func cancelled() async throws {
    let child = try ChildProcess(ChildConfiguration(command: ["sleep", "1000"]))
    let reading = Task { try await child.line(limit: 10) }
    reading.cancel()
    await #expect(throws: CancellationError.self) { try await reading.value }
    let writing = Task { try await child.write([UInt8](repeating: 65, count: 4 << 20)) }
    writing.cancel()
    await #expect(throws: CancellationError.self) { try await writing.value }
    child.kill()
    _ = await child.wait()
  }

  @Test("folder and environment are the child's own")
  func surroundings() async throws {
    let child = try shell("pwd; echo $COLOUR; echo $HOME") {
      $0.folder = "/"
      $0.environment = ["COLOUR": "blue"]
    }
    #expect(try await child.text() == "/")
    #expect(try await child.text() == "blue")
    #expect(try await child.text() == ProcessInfo.processInfo.environment["HOME"] ?? "")
  }

  @Test("what cannot be started says why")
  func unstartable() {
    func failure(_ command: [String], folder: String? = nil) -> String? {
      var configuration = ChildConfiguration(command: command)
      configuration.folder = folder
      do {
        _ = try ChildProcess(configuration)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(failure([]) == "could not be started: the command is empty")
    #expect(failure(["no-such-program"]) == "could not be started: no program 'no-such-program' is in PATH")
    #expect(failure(["./nothing"]) == "could not be started: there is no program ./nothing, or it may not be run")
    #expect(failure(["/etc"]) == "could not be started: there is no program /etc, or it may not be run")
    #expect(
      failure(["cat"], folder: "/nowhere")
        == "could not be started: cannot go to the folder /nowhere: No such file or directory")
  }
}
