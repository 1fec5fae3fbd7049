// SPDX-License-Identifier: Apache-2.0
package import Foundation

/// The checked address of a server's chat endpoint.
package struct ServerAddress: Sendable {
  /// The address that requests go to.
  package let chat: URL
  /// The name of the server in messages: `http://127.0.0.1:8000/v1`.
  package let name: String

  /// Reads a server's address, with or without the version and what follows it.
  ///
  /// - Throws: ``Fault`` with what continues the sentence "'url' …".
  package init(_ text: String) throws(Fault) {
    if text.isEmpty { throw Fault("is missing; name the server's address, such as http://127.0.0.1:8000/v1") }
    guard var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(), let host = parts.host,
      !host.isEmpty, ["http", "https"].contains(scheme)
    else { throw Fault("is not the address of a server; write it as in http://127.0.0.1:8000/v1") }
    // Secrets would end up in logs and in resolved.json.
    if parts.user != nil || parts.password != nil || parts.query != nil || parts.fragment != nil {
      throw Fault("must be only an address, without user, password or query; name the key's variable in key_from")
    }
    var path = parts.path
    while path.hasSuffix("/") { path.removeLast() }
    if path.hasSuffix("/chat/completions") { path.removeLast("/chat/completions".count) }
    if path.isEmpty { path = "/v1" }
    parts.path = path
    guard let name = parts.string else { throw Fault("is no address of a server") }
    parts.path = path + "/chat/completions"
    guard let chat = parts.url else { throw Fault("is no address of a server") }
    (self.chat, self.name) = (chat, name)
  }

  /// What is wrong with an address.
  package struct Fault: Error {
    package let message: String
    package init(_ message: String) { self.message = message }
  }
}
