// SPDX-License-Identifier: Apache-2.0
import CHTTPServer
import Files
import Foundation
import Synchronization

/// What a server says to each request.
final class ServedSite: Sendable {
  let port = Mutex<UInt16>(0)
  private let folder: Folder
  private let token: String

  init(folder: Folder, token: String) { (self.folder, self.token) = (folder, token) }

  /// The file of a request, or why there is none.
  func answer(method: String, path: String, host: String?) -> chttp_answer {
    let port = port.withLock { $0 }
    guard let host, ["127.0.0.1:\(port)", "localhost:\(port)"].contains(host) else { return Self.refusal(403) }
    guard method == "GET" || method == "HEAD" else { return Self.refusal(405) }
    guard let name = name(of: path), let type = Self.type(of: name) else { return Self.refusal(404) }
    guard let file = try? folder.open(name, O_RDONLY, or: "cannot read"), let size = try? file.size() else {
      return Self.refusal(404)
    }
    let descriptor = fcntl(file.rawValue, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { return Self.refusal(503) }
    return chttp_answer(status: 200, file: descriptor, size: size, type: type)
  }

  /// The name of the file that a path asks for, if it begins with the token.
  private func name(of path: String) -> String? {
    let start = "/\(token)/"
    guard path.hasPrefix(start) else { return nil }
    let name = String(path.dropFirst(start.count))
    return name.isEmpty ? "index.html" : name
  }

  /// The media type of a name that a report's file may have; nil for any other.
  static func type(of name: String) -> StaticText? {
    if PageFile.all.contains(where: { $0.name == name }) {
      return types[name.split(separator: ".").last.map(String.init) ?? ""]
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let dot = parts[1].lastIndex(of: ".") else { return nil }
    let (stem, ending) = (parts[1][..<dot], String(parts[1][parts[1].index(after: dot)...]))
    let isPlain =
      !stem.isEmpty
      && stem.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
      }
    guard isPlain, parts[0] == "data" ? ending == "js" : parts[0] == "pictures" && ending != "js" else { return nil }
    return types[ending]
  }

  /// A text that stays where it is in memory.
  typealias StaticText = UnsafePointer<CChar>

  nonisolated(unsafe) private static let types: [String: StaticText] = {
    let types = [
      "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
      "png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp",
    ]
    return types.compactMapValues { type in strdup(type).map { UnsafePointer($0) } }
  }()

  private static func refusal(_ status: Int32) -> chttp_answer {
    chttp_answer(status: status, file: -1, size: 0, type: nil)
  }
}
