// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CStandardStreams
import Foundation
public import PipelineCore
import PipelineSpec
import StandardPlugins
import Synchronization

/// The program: a command line over a registry that the caller may extend.
///
/// A package with its own plug-ins needs three lines to get the whole program with them:
/// ```swift
/// import PipelineCommand
/// await PipelineProgram.main { registry in try registry.register(BrevityReward.self) }
/// ```
public enum PipelineProgram {
  /// The version that `--version` prints.
  public static let version = Toolkit.version

  /// Runs the command line of this process and ends it.
  ///
  /// - Parameter register: Adds components to the built-in ones.
  @MainActor
  public static func main(register: @escaping @Sendable (inout Registry) throws -> Void = { _ in }) async -> Never {
    // On the main thread, before anything needs another one.
    if let problem = SystemSupply.problem() {
      Terminal.say("shuffle-r1: error: \(problem)")
      exit(ExitStatus.failure.rawValue)
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    exit(await run(arguments, register: register).rawValue)
  }

  /// Runs a command line and returns the exit status; see ``ExitStatus``.
  package static func run(
    _ arguments: [String], register: (inout Registry) throws -> Void = { _ in }
  ) async -> ExitStatus {
    signal(SIGPIPE, SIG_IGN)
    cs_hold_standard_streams()
    do {
      var registry = try Registry.standard()
      try register(&registry)
      var arguments = arguments
      var loader = PlugInLoader(registry)
      let libraries = try takePlugIns(from: &arguments)
      for library in libraries { try loader.load(library) }
      arguments = arguments.map { $0.replacing(/^--accept-changes=/, with: "--accept-changes-of=") }
      return await CommandEnvironment.$registry.withValue(loader.registry) {
        await CommandEnvironment.$plugIns.withValue(libraries) { await parseAndRun(arguments) }
      }
    } catch {
      Terminal.say("shuffle-r1: error: \(error)")
      return .usage
    }
  }

  /// Takes `--plugin FILE` out of the arguments, at any position, because the plug-ins determine what the rest may
  /// name.
  static func takePlugIns(from arguments: inout [String]) throws -> [String] {
    var libraries: [String] = []
    var left: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        left.append(argument)
        left += rest
        break
      }
      if argument == "--plugin" {
        guard let library = rest.popFirst() else {
          throw PipelineError(.invalidSpec, "--plugin needs a file, such as --plugin ./libMyReward.so")
        }
        libraries.append(library)
      } else if argument.hasPrefix("--plugin=") {
        libraries.append(String(argument.dropFirst("--plugin=".count)))
      } else {
        left.append(argument)
      }
    }
    arguments = left
    return libraries
  }

  private static func parseAndRun(_ arguments: [String]) async -> ExitStatus {
    if let message = unknownCommand(in: arguments) {
      Terminal.say(message)
      return .usage
    }
    let command: any ParsableCommand
    do {
      command = try RootCommand.parseAsRoot(arguments)
    } catch {
      return explain(error)
    }
    let isOurs = RootCommand.configuration.subcommands.contains { $0 == type(of: command) }
    // What does not look whether it shall stop is ended by the signal itself.
    let interruption = Interruption(of: command is any AsyncParsableCommand ? Interruption.stopping : [])
    defer { interruption.end() }
    let task = Task {
      var command = command
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    }
    interruption.stops { task.cancel() }
    do {
      try await task.value
      return .success
    } catch {
      // Help and the like, which the parser returns as commands.
      guard isOurs else { return explain(error) }
      switch error {
      case let status as ExitCode: return ExitStatus(rawValue: status.rawValue) ?? .failure
      case is CleanExit, is ValidationError: return explain(error)
      case is CancellationError: return complain(error, status: interruption.signal.flatMap(ExitStatus.init(signal:)))
      default: return complain(error)
      }
    }
  }

  /// Prints help, a version or what is wrong with the command line.
  private static func explain(_ error: any Error) -> ExitStatus {
    let isHelp = RootCommand.exitCode(for: error) == .success
    let message = RootCommand.fullMessage(for: error)
    guard isHelp else {
      if !message.isEmpty { Terminal.say(message) }
      return .usage
    }
    do {
      try Terminal.print(message + "\n")
      return .success
    } catch {
      return complain(error)
    }
  }

  /// Reports a failure of the work.
  private static func complain(_ error: any Error, status: ExitStatus? = nil) -> ExitStatus {
    let status = status ?? ExitStatus(error)
    switch status {
    case .closedPipe: break
    case .interrupted: Terminal.say("shuffle-r1: interrupted")
    case .terminated: Terminal.say("shuffle-r1: terminated")
    case .hungUp: Terminal.say("shuffle-r1: stopped by SIGHUP")
    case .userSignal1: Terminal.say("shuffle-r1: stopped by SIGUSR1")
    case .userSignal2: Terminal.say("shuffle-r1: stopped by SIGUSR2")
    default:
      let errors: [any Error] = (error as? PipelineErrors)?.errors ?? [error]
      for error in errors {
        // One line for each error, even if a file's contents have line breaks.
        Terminal.say("shuffle-r1: error: " + "\(error)".replacing("\n", with: "\\n"))
      }
    }
    return status
  }

  /// The message for a first argument that is not a command, or nil if it is one.
  private static func unknownCommand(in arguments: [String]) -> String? {
    let known = RootCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
    let named = arguments.first == "help" ? arguments.dropFirst().first : arguments.first
    guard let name = named, !name.hasPrefix("-"), name != "help", !known.contains(name) else { return nil }
    let hint = NearestName.suggestion(for: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
    return "Error: unknown command \(name.quotedForMessage)\(hint) Commands: \(known.joined(separator: ", "))\n"
      + "  See 'shuffle-r1 --help' for more information."
  }
}

/// What commands use in addition to their arguments.
enum CommandEnvironment {
  @TaskLocal static var registry = Registry()
  /// The files of `--plugin`, as the user named them.
  @TaskLocal static var plugIns: [String] = []

  /// Whether the work needs time to stop, because it has something to save.
  static let savesWhenInterrupted = Mutex(false)
}
