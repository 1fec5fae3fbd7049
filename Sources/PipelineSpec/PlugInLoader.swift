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
      PipelineError(code, "cannot load the plug-in \(path): \(message)", at: location)
    }
    guard let real = realpath(path, nil).map({ String(cString: $0, freeing: true) }) else {
      throw fault(
        "there is no such file; a path is relative to the spec's folder, that of --plugin to yours", .inputOutput)
    }
    if registry.plugIns.contains(real) { return }
    guard let bytes = FileManager.default.contents(atPath: real), !bytes.isEmpty else {
      throw fault("it is no file that can be read", .inputOutput)
    }
    let versions = Self.versions(in: bytes)
    let own = PlugIn.version.description
    if let other = versions.first(where: { $0 != own }) { throw fault(Self.mismatch(other)) }
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
  /// - Throws: ``PipelineErrors`` with the place of each that cannot be loaded.
  static func loadPlugIns(of tree: OptionTree, folder: String, into registry: Registry) throws -> Registry {
    guard let list = tree["plugins"] else { return registry }
    // Other forms are reported when the spec is read.
    guard case .list(let elements) = list.node else { return registry }
    var loader = PlugInLoader(registry)
    _ = try PipelineErrors.gather(elements) { element in
      guard let text = element.word, !text.isEmpty, !text.utf8.contains(0) else { return }
      let base: SpecPath.Base = element.location.isOnCommandLine ? .workingFolder : .specFolder
      try loader.load(SpecPath(text, base: base).resolved(in: folder), at: element.location)
    }
    return loader.registry
  }
}
