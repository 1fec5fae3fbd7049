// SPDX-License-Identifier: Apache-2.0

/// The door for components that are loaded at run time, from a shared library.
///
/// A library has one function of this name, which registers what it brings:
/// ```swift
/// import PipelineCore
///
/// @_cdecl("shuffle_r1_plugin")
/// public func plugIn(_ host: UnsafeRawPointer) -> UnsafePointer<CChar>? {
///   PlugIn.register(with: host) { registry in try registry.register(BrevityReward.self) }
/// }
/// ```
/// A library and the program that loads it must be built with the same version of this package and of Swift; which they
/// were is compared before anything of Swift is touched.
public enum PlugIn {
  /// The name of the function that a library must have.
  public static let entryPoint = "shuffle_r1_plugin"

  /// What ``version`` begins with, wherever it stands.
  public static let versionPrefix = "shuffle-r1 plug-in interface "

  /// What whoever asks was built with: this stands in the asking library or program itself.
  @_alwaysEmitIntoClient
  public static var version: StaticString {
    // The number goes up with every change of what plug-ins can see.
    #if compiler(>=6.5)
      "shuffle-r1 plug-in interface 2 of version 0.1.0, Swift 6.5"
    #elseif compiler(>=6.4)
      "shuffle-r1 plug-in interface 2 of version 0.1.0, Swift 6.4"
    #elseif compiler(>=6.3)
      "shuffle-r1 plug-in interface 2 of version 0.1.0, Swift 6.3"
    #else
      "shuffle-r1 plug-in interface 2 of version 0.1.0, Swift 6.2"
    #endif
  }

  /// Registers what a library brings, once it is sure that it fits the program.
  ///
  /// - Parameters:
  ///   - host: What the library's function was called with.
  ///   - register: Adds components; what it throws is shown to the user.
  /// - Returns: What the library's function returns: nil, or what the library was built with where that does not fit.
  @_alwaysEmitIntoClient
  public static func register(
    with host: UnsafeRawPointer, _ register: (inout Registry) throws -> Void
  ) -> UnsafePointer<CChar>? {
    let own = UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self)
    let hosts = host.load(as: UnsafePointer<CChar>.self)
    var index = 0
    while own[index] == hosts[index], own[index] != 0 { index += 1 }
    if own[index] != hosts[index] { return own }
    // With types of its own, what it registers would not be recognised.
    let type = unsafeBitCast(Registry.self as Any.Type, to: UInt.self)
    if host.load(fromByteOffset: MemoryLayout<UInt>.size, as: UInt.self) != type {
      return UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
    }
    enter(host, register)
    return nil
  }

  /// The part of ``register(with:_:)`` that belongs to the program.
  public static func enter(_ host: UnsafeRawPointer, _ register: (inout Registry) throws -> Void) {
    let guest = host.load(fromByteOffset: 2 * MemoryLayout<UInt>.size, as: UnsafeRawPointer.self)
    Unmanaged<PlugInGuest>.fromOpaque(guest).takeUnretainedValue().register(register)
  }
}

/// What a program lends to a library that registers its components.
public final class PlugInGuest {
  /// The registry, with what the library added.
  public private(set) var registry: Registry
  /// What the library threw.
  public private(set) var error: (any Error)?

  /// Lends a registry.
  public init(_ registry: Registry) { self.registry = registry }

  fileprivate func register(_ body: (inout Registry) throws -> Void) {
    do { try body(&registry) } catch { self.error = error }
  }

  /// Calls a library's function with what it expects: the program's version, its types, and this.
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
