// SPDX-License-Identifier: Apache-2.0

/// The address at which a worker listens: `host:port` or `unix:PATH`.
enum WorkerAddress: Sendable, Hashable {
  /// A host by name or number, and a port.
  case host(String, port: UInt16)
  /// A socket in the file system.
  case path(String)

  /// Reads an address; nil if it is invalid.
  init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      // The system's limit, including the terminator.
      guard !path.isEmpty, path.utf8.count < 100, !path.utf8.contains(0) else { return nil }
      self = .path(path)
    } else {
      guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
        return nil
      }
      var host = String(text[..<colon])
      if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
      guard !host.isEmpty, !host.utf8.contains(0) else { return nil }
      self = .host(host, port: port)
    }
  }
}
