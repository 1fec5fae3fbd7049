// SPDX-License-Identifier: Apache-2.0
import CChildProcess
import Foundation

/// Turns a configuration into a running process.
enum ChildStart {
  /// Starts the child; on Linux it dies with the calling thread.
  static func spawn(_ configuration: ChildConfiguration) -> Result<cc_child, ChildFailure> {
    let name = configuration.command.first ?? ""
    guard let program = ChildConfiguration.location(of: name, path: configuration.environment["PATH"]) else {
      return .failure(.notStarted(missing(name)))
    }
    if let unusable = configuration.command.first(where: { $0.utf8.contains(0) }) {
      return .failure(.notStarted("an argument holds a NUL: \(unusable.debugDescription)"))
    }
    var environment = ProcessInfo.processInfo.environment
    environment.merge(configuration.environment) { $1 }
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    var child = cc_child()
    let failure = absolute(program).withCString { programPath in
      withStrings(configuration.command) { arguments in
        withStrings(variables) { environment in
          withOptional(configuration.folder) { folder in
            var plan = cc_plan(
              program: programPath, arguments: arguments, environment: environment, folder: folder,
              memory_limit_bytes: UInt64(max(0, configuration.memoryLimitMegabytes ?? 0)) << 20)
            return cc_spawn(&plan, &child)
          }
        }
      }
    }
    if failure.step == CC_NOTHING { return .success(child) }
    return .failure(.notStarted(sentence(failure, program: program, configuration)))
  }

  /// The message for a program that does not exist.
  static func missing(_ name: String) -> String {
    if name.isEmpty { return "the command is empty" }
    return name.contains("/")
      ? "there is no program \(name), or it may not be run" : "no program '\(name)' is in PATH"
  }

  private static func sentence(_ failure: cc_failure, program: String, _ configuration: ChildConfiguration) -> String {
    let reason = String(cString: strerror(failure.error))
    switch failure.step {
    case CC_PIPES: return "no pipes to it can be made: \(reason)"
    case CC_FORK: return "no process can be made: \(reason)"
    case CC_FOLDER: return "cannot go to the folder \(configuration.folder ?? "."): \(reason)"
    case CC_MEMORY_LIMIT: return "the memory limit cannot be set: \(reason)"
    default: return "cannot run \(program): \(reason)"
    }
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  private static func withOptional<Result>(
    _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
  ) -> Result {
    if let text { text.withCString { body($0) } } else { body(nil) }
  }

  /// Passes strings as a list of C strings that ends with nil.
  private static func withStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    copies.append(nil)
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { preconditionFailure("the list ends with nil, so it is not empty") }
      return body(start)
    }
  }
}
