// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineSpec

/// Loads specs, and runs no code that a spec names before somebody has said that the spec is trusted.
enum TrustedSpecs {
  /// What a command does with a spec.
  enum Use {
    /// It looks at it: nothing is asked, and what is not trusted does not run.
    case looking
    /// It runs its stages.
    case running
  }

  /// Loads a spec.
  ///
  /// - Parameters:
  ///   - isTrusted: Whether the command line says that it is.
  ///   - numbered: Whether the line of a place in `--set` says which of the overrides it is in.
  /// - Throws: All that is wrong with it, together; ``UnloadedPlugIns`` where a command that only looks cannot tell more;
  ///   an error with the remedy where a command would run code that is not trusted.
  static func load(
    _ file: String, overrides: [String] = [], trusted isTrusted: Bool, for use: Use, numbered: Bool = false
  ) throws -> AssembledPipeline {
    func load(_ plugIns: SpecLoader.PlugInUse) throws -> AssembledPipeline {
      try SpecLoader.load(
        file: file, overrides: overrides, registry: CommandEnvironment.registry,
        formats: FormatCatalog.standard.names, plugIns: plugIns, numbered: numbered)
    }
    let code = try SpecLoader.code(file: file, overrides: overrides, registry: CommandEnvironment.registry)
    if try code.isEmpty || isTrusted || TrustStore().trusts(file, code) { return try load(.load) }
    switch use {
    case .looking: return try load(.leave)
    case .running:
      // A mistake in the spec comes before the question.
      do { _ = try load(.leave) } catch is UnloadedPlugIns {}
      try ask(file, code)
      return try load(.load)
    }
  }

  /// Asks whether a spec is trusted, and remembers the answer.
  private static func ask(_ file: String, _ code: SpecCode) throws {
    let folder = folder(of: file)
    guard isatty(0) == 1, Terminal.showsErrors else { throw refusal(file, code, folder) }
    Terminal.say("\(file) names code, which runs with your rights:")
    for line in code.lines { Terminal.say("  \(line)") }
    Terminal.draw(
      "Do you trust it? y: this spec, as long as it names the same code; a: all specs in \(folder), which is mine; "
        + "anything else: no\n> ")
    var store = try TrustStore()
    switch readLine()?.trimmingCharacters(in: .whitespaces).lowercased() {
    case "y", "yes": try store.trust(spec: file, code)
    case "a", "all": try store.trust(folder: folder)
    default: throw PipelineError(.invalidSpec, "\(file) is not trusted; nothing was run")
    }
  }

  private static func refusal(_ file: String, _ code: SpecCode, _ folder: String) -> PipelineError {
    PipelineError(
      .invalidSpec,
      "\(file) names code, which would run with your rights, and nobody has said that it is trusted: "
        + code.lines.map { $0.replacing("  ", with: " ") }.joined(separator: "; ")
        + ". If the specs in \(folder) are yours, say so once: `shuffle-r1 trust \(folder)`; or add --trust for this time"
    )
  }

  /// The folder of a spec, without links.
  private static func folder(of file: String) -> String {
    let real = TrustStore.real(file)
    return real.lastIndex(of: "/").map { $0 == real.startIndex ? "/" : String(real[..<$0]) } ?? TrustStore.real(".")
  }
}
