// SPDX-License-Identifier: Apache-2.0

/// Which images the records of a data set may name.
///
/// Records are not trusted: what they name is read, and may be sent to a server. Every record may name what lies in the
/// folder of its own file, or below it. All else is for the user to allow.
public struct MediaAccess: Sendable, Hashable {
  /// Further folders that images may lie in, from the working folder.
  public var roots: [String]
  /// Hosts whose `http` and `https` addresses are passed on to a server, such as `images.example.org` or `*.example.org`.
  public var hosts: [String]

  /// The folder of the data, and what is named here.
  public init(roots: [String] = [], hosts: [String] = []) {
    self.roots = roots
    self.hosts = hosts
  }

  /// What is wrong with the name of a host; nil where it can be allowed.
  package static func problem(ofHost host: String) -> String? {
    let name = host.hasPrefix("*.") ? String(host.dropFirst(2)) : host
    guard isHostName(name) else {
      return "is \(host.quotedForMessage), it must be the name of a host, such as images.example.org or *.example.org"
    }
    if name == "localhost" || name.hasSuffix(".localhost") || isNumeric(name) {
      return
        "is \(host.quotedForMessage): an address inside a network is passed on to nobody; name a host that all can reach"
    }
    return nil
  }

  /// The address of an image as a server may be given it.
  ///
  /// - Throws: When its host is not allowed, or it is written in a way that programs read differently.
  package func forwarded(_ address: String) throws -> String {
    func fault(_ reason: String) -> PipelineError {
      PipelineError(.invalidData, "image \(address.quotedForMessage): \(reason)")
    }
    guard let host = Self.host(of: address) else {
      throw fault(
        "the address is not passed on to a server, because programs read it differently; give the path of a file")
    }
    if Self.isNumeric(host) || host == "localhost" || host.hasSuffix(".localhost") {
      throw fault(
        "an address inside a network is not passed on to a server; download the image and give the path of the file")
    }
    let isAllowed = hosts.contains { allowed in
      allowed.lowercased() == host || allowed.hasPrefix("*.") && host.hasSuffix(allowed.dropFirst().lowercased())
    }
    guard isAllowed else {
      throw fault(
        "the address is not passed on to a server, since nobody has allowed its host; if it is meant, name it in the source, "
          + "\"image_hosts\": [\"\(host)\"], or with --image-host \(host)")
    }
    return address
  }

  /// Whether an address is one of the network.
  package static func isAddress(_ reference: String) -> Bool {
    let start = reference.prefix(8).lowercased()
    return start.hasPrefix("http://") || start.hasPrefix("https://")
  }

  /// The host of an address without user, escapes and other things that programs disagree about; nil for any other.
  private static func host(of address: String) -> String? {
    guard isAddress(address), let scheme = address.range(ofText: "://") else { return nil }
    let rest = address[scheme.upperBound...]
    guard rest.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0.value != 0x7F && $0 != "\\" }) else {
      return nil
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, parts.count == 1 || parts[1].allSatisfy(\.isNumber) else {
      return nil
    }
    let host = first.lowercased()
    return isHostName(host) ? host : nil
  }

  private static func isHostName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        !label.isEmpty && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
      }
  }

  /// Whether a host is a number in one of the forms that programs take for one: `10.0.0.1`, `2852039166`, `0x7f.1`.
  private static func isNumeric(_ host: String) -> Bool {
    guard let last = host.split(separator: ".").last else { return false }
    return last.allSatisfy(\.isNumber) || last.lowercased().hasPrefix("0x")
  }
}

extension String {
  /// The first place of a text in this one.
  fileprivate func range(ofText text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
