// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PipelineCore
import PipelineReport

/// `shuffle-r1 view`.
struct ViewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "view",
    abstract: "Show the page of `report` in a browser, while a run goes on.",
    discussion: """
      Serves the page to this machine alone, until Ctrl-C: new steps appear as they end. On a desktop it opens the \
      browser; else it prints the address, which has a token without which nothing can be read.

        shuffle-r1 view runs/first

      From another machine, forward the port:

        ssh -L 8642:localhost:8642 host shuffle-r1 view runs/first --port 8642
      """)

  @OptionGroup var input: ReportInput

  @Option(
    parsing: .unconditional, help: ArgumentHelp("The port to listen on. (default: any that is free)", valueName: "n"))
  var port: UInt16 = 0

  @Flag(help: "Print the address, and open no browser.")
  var noBrowser = false

  @OptionGroup var work: WorkOptions

  func run() async throws {
    let sources = try input.sources()
    let folder = FileManager.default.temporaryDirectory.path + "/shuffle-r1-view-" + AtomicFile.unpredictable()
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let progress = ProgressLine(quiet: work.quiet)
    let builder = ReportBuilder(
      sources, into: try FolderSink(path: folder), options: try input.options(work, isLive: true)
    ) { progress.update($0.of("rollout"), share: nil) }
    try await builder.advance()
    progress.clear()
    let server = try ReportServer(folder: folder, port: port)
    try Terminal.print(server.address + "\n")
    if !noBrowser, Desktop.isThere { Desktop.open(server.address) }
    if !work.quiet { Terminal.say("Ctrl-C ends it") }
    while true {
      do {
        try await Task.sleep(for: .seconds(1))
      } catch {
        // Ctrl-C is how it is meant to end.
        break
      }
      try await builder.advance()
    }
    withExtendedLifetime(server) {}
  }
}

/// The desktop's browser.
private enum Desktop {
  /// Whether somebody sits at this machine's screen: over ssh, a browser would open where nobody sees it.
  static var isThere: Bool {
    let environment = ProcessInfo.processInfo.environment
    if environment["SSH_CONNECTION"] != nil { return false }
    #if os(macOS)
      return true
    #else
      return environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil
    #endif
  }

  /// Opens an address; where that fails, the address has been printed.
  static func open(_ address: String) {
    #if os(macOS)
      let program = "/usr/bin/open"
    #else
      let program = "/usr/bin/xdg-open"
    #endif
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [address]
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try? process.run()
  }
}
