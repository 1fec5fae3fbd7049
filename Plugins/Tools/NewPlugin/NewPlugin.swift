// SPDX-License-Identifier: Apache-2.0
import Foundation
import PackagePlugin

/// `swift package new-plugin KIND NAME`: a package with a reward, a stage, an advantage estimator, a loss, a sampler of prompts,
/// a wave policy or a replay store, its tests, a
/// spec, and both ways into the program.
@main
struct NewPlugin: CommandPlugin {
  private static let usage = """
    usage: swift package new-plugin KIND NAME [--directory DIR] [--url URL --from VERSION]

      KIND         reward, stage, advantage, loss, sampler, waves or store
      NAME         what specs call it, in kebab-case: brevity, too-long
      --directory  where the package goes; NAME beside this package where it is left out
      --url        where to get shuffle-r1 from, with --from; this checkout, or what this package depends on, where it is
                   left out
    """

  func performCommand(context: PluginContext, arguments: [String]) async throws {
    var extractor = ArgumentExtractor(arguments)
    let directories = extractor.extractOption(named: "directory")
    let urls = extractor.extractOption(named: "url")
    let versions = extractor.extractOption(named: "from")
    let isHelp = extractor.extractFlag(named: "help") > 0
    let words = extractor.remainingArguments
    if isHelp {
      print(Self.usage)
      return
    }
    guard words.count == 2, let kind = PluginKind(rawValue: words[0]), urls.count == versions.count, urls.count <= 1
    else { throw Failure(message: Self.usage) }
    let name = words[1]
    guard Self.isKebabCase(name) else {
      throw Failure(message: "'\(name)' is no name in kebab-case, such as my-reward")
    }
    let home = context.package.directoryURL
    let folder =
      directories.first.map { URL(fileURLWithPath: $0, relativeTo: home).standardizedFileURL }
      ?? home.deletingLastPathComponent().appendingPathComponent(name)
    if FileManager.default.fileExists(atPath: folder.path) {
      throw Failure(message: "\(folder.path) exists already; choose another with --directory")
    }
    let source: ToolkitSource
    if let url = urls.first, let version = versions.first {
      source = .remote(url: url, version: version)
    } else {
      source = try Self.source(of: context.package, seenFrom: folder)
    }
    for file in PluginTemplate(kind: kind, name: name, source: source).files {
      let url = folder.appendingPathComponent(file.path)
      do {
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: url)
      } catch {
        throw Failure(
          message: "cannot write \(url.path): \(error.localizedDescription); where a sandbox forbids it, say: "
            + "swift package --disable-sandbox new-plugin …")
      }
    }
    print(
      """
      \(folder.path)

        cd \(folder.path)
        swift test                                                      # the laws, and an example of yours
        swift run -c release \(name) run pipeline.json                  # the whole program, with it compiled in
      """)
  }

  /// Where the new package gets the toolkit from: this checkout, or the dependency of this package.
  private static func source(of package: Package, seenFrom folder: URL) throws -> ToolkitSource {
    if package.displayName == ToolkitSource.name { return .checkout(package.directoryURL.path) }
    for dependency in package.dependencies where dependency.package.displayName == ToolkitSource.name {
      switch dependency.package.origin {
      case .repository(let url, let version, _): return .remote(url: url, version: version)
      default: return .checkout(dependency.package.directoryURL.path)
      }
    }
    throw Failure(
      message: "this package does not depend on \(ToolkitSource.name) itself; say which with --url and --from")
  }

  private static func isKebabCase(_ name: String) -> Bool {
    guard let first = name.first, first.isASCII, first.isLowercase else { return false }
    return name.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { word in
      !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
    }
  }

  /// A mistake that the user must correct.
  private struct Failure: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
  }
}

/// Where a new package gets the toolkit from.
enum ToolkitSource {
  /// The name of its package.
  static let name = "shuffle-r1"

  /// A folder on this machine.
  case checkout(String)
  /// A repository, from a version on.
  case remote(url: String, version: String)

  /// The dependency, for a manifest.
  var dependency: String {
    switch self {
    case .checkout(let path): #".package(name: "shuffle-r1", path: "\#(path)")"#
    case .remote(let url, let version): #".package(url: "\#(url)", from: "\#(version)")"#
    }
  }

  /// The name of the package in the manifest's targets.
  var identity: String {
    guard case .remote(let url, _) = self else { return Self.name }
    let last = url.split(separator: "/").last.map(String.init) ?? Self.name
    return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
  }
}
