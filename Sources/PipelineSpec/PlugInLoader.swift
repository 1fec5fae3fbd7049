// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// Loads shared libraries, and registers their components.
package struct PlugInLoader: Sendable {
  /// The components known so far.
  package private(set) var registry: Registry

  /// A loader that adds to a registry.
  package init(_ registry: Registry) { self.registry = registry }

  /// Loads a library; one that is already loaded is skipped.
  ///
  /// The version that it was built with is read from its file before any of its code runs.
  /// - Parameters:
  ///   - path: The file, from the working folder.
  ///   - location: Where the user names it.
  /// - Throws: ``PipelineError`` with the remedy.
  package mutating func load(_ path: String, at location: SourceLocation? = nil) throws {
    func fault(_ message: String, _ code: PipelineError.Code = .invalidSpec) -> PipelineError {
      Self.fault(path, message, code, at: location)
    }
    let real = try Self.inspect(path, at: location)
    if registry.plugIns.contains(real) { return }
    guard let handle = dlopen(real, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "unknown"
      throw fault(reason + Self.remedy(for: reason))
    }
    guard let symbol = dlsym(handle, PlugIn.entryPoint) else {
      throw fault(
        "it has no function '\(PlugIn.entryPoint)'; a plug-in needs one, as the documentation of PlugIn shows it")
    }
    typealias Function = @convention(c) (UnsafeRawPointer) -> UnsafePointer<CChar>?
    let guest = PlugInGuest(registry)
    if let answer = guest.visit(unsafeBitCast(symbol, to: Function.self), version: PlugIn.version) {
      let other = String(cString: answer)
      throw fault(
        other.isEmpty
          ? "it does not share its types with this program; link the program with -Xlinker --export-dynamic"
          : Self.mismatch(other))
    }
    if let error = guest.error {
      throw fault((error as? PipelineError)?.message ?? "\(error)", (error as? PipelineError)?.code ?? .plugIn)
    }
    registry = guest.registry
    registry.plugIns.insert(real)
  }

  /// Looks at a library's file, and runs nothing of it.
  ///
  /// - Returns: Its real path.
  /// - Throws: When there is none, or it was built with another version of this package, or says none.
  @discardableResult
  package static func inspect(_ path: String, at location: SourceLocation? = nil) throws -> String {
    guard let real = realpath(path, nil).map({ String(cString: $0, freeing: true) }) else {
      throw fault(
        path, "there is no such file; a path is relative to the spec's folder, that of --plugin to yours", .inputOutput,
        at: location)
    }
    guard let bytes = FileManager.default.contents(atPath: real), !bytes.isEmpty else {
      throw fault(path, "it is no file that can be read", .inputOutput, at: location)
    }
    let own = PlugIn.version.description
    let versions = versions(in: bytes)
    if let other = versions.first(where: { $0 != own }) { throw fault(path, mismatch(other), at: location) }
    if versions.isEmpty {
      throw fault(
        path,
        "it does not say which version of shuffle-r1 it was built with, as a plug-in does that calls PlugIn.register; "
          + "nothing of it was run", at: location)
    }
    return real
  }

  private static func fault(
    _ path: String, _ message: String, _ code: PipelineError.Code = .invalidSpec, at location: SourceLocation?
  ) -> PipelineError {
    PipelineError(code, "cannot load the plug-in \(path): \(message)", at: location)
  }

  private static func remedy(for reason: String) -> String {
    if reason.contains("undefined symbol") {
      return
        "; it was built against another state of shuffle-r1, or the program does not share its symbols: build both "
        + "from one version, and the program with -Xlinker --export-dynamic"
    }
    // The library's own copy is never used, but the system requires the file.
    return reason.contains("libPipelineCore") ? "; its build made that file: put it beside the plug-in" : ""
  }

  private static func mismatch(_ other: String) -> String {
    let name = other.hasPrefix(PlugIn.versionPrefix) ? String(other.dropFirst(PlugIn.versionPrefix.count)) : other
    return "it was built with interface \(name), this program with "
      + "\(PlugIn.version.description.dropFirst(PlugIn.versionPrefix.count)); build it anew with this version"
  }

  /// The versions that a library was built with: the texts in its file that begin like a version.
  static func versions(in file: Data) -> [String] {
    // Assembled here, so that the prefix alone is not taken for a version.
    let prefix = Data(PlugIn.versionPrefix.utf8)
    var found: [String] = []
    var rest = file[...]
    while let range = rest.range(of: prefix) {
      let text = rest[range.lowerBound...].prefix(200).prefix { $0 != 0 }
      let version = String(decoding: text, as: UTF8.self)
      if version.count > PlugIn.versionPrefix.count, !found.contains(version) { found.append(version) }
      rest = rest[range.upperBound...]
    }
    return found
  }
}

extension String {
  /// Copies a C string and frees it.
  fileprivate init(cString: UnsafeMutablePointer<CChar>, freeing: Bool) {
    self.init(cString: cString)
    if freeing { free(cString) }
  }
}

extension SpecLoader {
  /// The registry with the plug-ins that a spec names.
  ///
  /// - Parameter use: Whether they are loaded, or only looked at.
  /// - Returns: The registry, and the libraries that are not loaded.
  /// - Throws: ``PipelineErrors`` with the place of each that cannot be loaded.
  static func loadPlugIns(
    of tree: OptionTree, folder: String, into registry: Registry, _ use: PlugInUse
  ) throws -> (Registry, unloaded: [String]) {
    var loader = PlugInLoader(registry)
    var unloaded: [String] = []
    _ = try PipelineErrors.gather(plugIns(of: tree, folder: folder)) { plugIn in
      switch use {
      case .load: try loader.load(plugIn.path, at: plugIn.location)
      case .leave:
        let real = try PlugInLoader.inspect(plugIn.path, at: plugIn.location)
        if !registry.plugIns.contains(real) { unloaded.append(plugIn.path) }
      }
    }
    return (loader.registry, unloaded)
  }

  /// The libraries that a spec names, from the working folder.
  static func plugIns(of tree: OptionTree, folder: String) -> [(path: String, location: SourceLocation)] {
    // Other forms are reported when the spec is read.
    guard let list = tree["plugins"], case .list(let elements) = list.node else { return [] }
    return elements.compactMap { element in
      guard let text = element.word, !text.isEmpty, !text.utf8.contains(0) else { return nil }
      let base: SpecPath.Base = element.location.isOnCommandLine ? .workingFolder : .specFolder
      return (SpecPath(text, base: base).resolved(in: folder), element.location)
    }
  }
}
