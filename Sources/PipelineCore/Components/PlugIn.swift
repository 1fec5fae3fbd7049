// SPDX-License-Identifier: Apache-2.0

/// The entry point for components that are loaded at run time from a shared library.
///
/// A library has one function with this name, which registers its components:
/// ```swift
/// import PipelineCore
///
/// @_cdecl("shuffle_r1_plugin")
/// public func plugIn(_ host: UnsafeRawPointer) -> UnsafePointer<CChar>? {
///   PlugIn.register(with: host) { registry in try registry.register(BrevityReward.self) }
/// }
/// ```
/// A library and the program that loads it must be built with the same version of this package and of Swift. The
/// versions are compared before any Swift type is touched.
public enum PlugIn {
  /// The name of the function that a library must have.
  public static let entryPoint = "shuffle_r1_plugin"

  /// What ``version`` begins with.
  public static let versionPrefix = "shuffle-r1 plug-in interface "

  /// The version that the calling module was built with: the text is part of the calling library or program itself.
  @_alwaysEmitIntoClient
  public static var version: StaticString {
    // The number is raised with every change of what plug-ins can see.
    #if compiler(>=6.5)
      "shuffle-r1 plug-in interface 3 of version 0.1.0, Swift 6.5"
    #elseif compiler(>=6.4)
      "shuffle-r1 plug-in interface 3 of version 0.1.0, Swift 6.4"
    #elseif compiler(>=6.3)
      "shuffle-r1 plug-in interface 3 of version 0.1.0, Swift 6.3"
    #else
      "shuffle-r1 plug-in interface 3 of version 0.1.0, Swift 6.2"
    #endif
  }

  /// Registers a library's components, after checking that the library fits the program.
  ///
  /// - Parameters:
  ///   - host: The argument of the library's function.
  ///   - register: Adds components; an error that it throws is shown to the user.
  /// - Returns: What the library's function is to return: nil, or the version that the library was built with if it
  ///   does not fit.
  @_alwaysEmitIntoClient
  public static func register(
    with host: UnsafeRawPointer, _ register: (inout Registry) throws -> Void
  ) -> UnsafePointer<CChar>? {
    let own = UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self)
    let hosts = host.load(as: UnsafePointer<CChar>.self)
    var index = 0
    while own[index] == hosts[index], own[index] != 0 { index += 1 }
    if own[index] != hosts[index] { return own }
    // With types of its own, its components would not be recognized.
    let type = unsafeBitCast(Registry.self as Any.Type, to: UInt.self)
    if host.load(fromByteOffset: MemoryLayout<UInt>.size, as: UInt.self) != type {
      return UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
    }
    enter(host, register)
    return nil
  }

  /// The part of ``register(with:_:)`` that is in the program.
  public static func enter(_ host: UnsafeRawPointer, _ register: (inout Registry) throws -> Void) {
    let guest = host.load(fromByteOffset: 2 * MemoryLayout<UInt>.size, as: UnsafeRawPointer.self)
    Unmanaged<PlugInGuest>.fromOpaque(guest).takeUnretainedValue().register(register)
  }
}

/// What a program passes to a library that registers its components.
public final class PlugInGuest {
  /// The registry, with the library's components added.
  public private(set) var registry: Registry
  /// The error that the library threw.
  public private(set) var error: (any Error)?

  /// Wraps a registry.
  public init(_ registry: Registry) { self.registry = registry }

  fileprivate func register(_ body: (inout Registry) throws -> Void) {
    do { try body(&registry) } catch { self.error = error }
  }

  /// Calls a library's function with what it expects: the program's version, its types, and this object.
  public func visit(
    _ function: @convention(c) (UnsafeRawPointer) -> UnsafePointer<CChar>?, version: StaticString
  ) -> UnsafePointer<CChar>? {
    withUnsafeTemporaryAllocation(byteCount: 3 * MemoryLayout<UInt>.size, alignment: MemoryLayout<UInt>.alignment) {
      host in
      host.storeBytes(of: version.utf8Start, as: UnsafePointer<UInt8>.self)
      let type = unsafeBitCast(Registry.self as Any.Type, to: UInt.self)
      host.storeBytes(of: type, toByteOffset: MemoryLayout<UInt>.size, as: UInt.self)
      host.storeBytes(
        of: UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()), toByteOffset: 2 * MemoryLayout<UInt>.size,
        as: UnsafeRawPointer.self)
      return host.baseAddress.flatMap { function(UnsafeRawPointer($0)) }
    }
  }
}
