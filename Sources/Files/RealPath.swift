// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where a path leads, whatever links are on the way.
package struct RealPath {
  /// The names on the way from the root, which comes first.
  package let components: [String]

  /// Follows a path; what is not there yet is taken to be without links.
  package init(_ path: String) {
    var missing: [String] = []
    var start = path.isEmpty ? "." : path
    while true {
      if let found = realpath(start, nil) {
        defer { free(found) }
        var components = URL(fileURLWithPath: String(cString: found)).pathComponents
        for name in missing.reversed() {
          if name != ".." { components.append(name) } else if components.count > 1 { components.removeLast() }
        }
        self.components = components
        return
      }
      var names = start.split(separator: "/", omittingEmptySubsequences: true)
      guard let last = names.popLast() else { break }
      if last != "." { missing.append(String(last)) }
      let rest = names.joined(separator: "/")
      start = start.hasPrefix("/") ? "/" + rest : rest.isEmpty ? "." : rest
    }
    components = URL(fileURLWithPath: path).standardizedFileURL.pathComponents
  }

  /// Whether it lies in a folder, or is it.
  package func lies(in folder: RealPath) -> Bool { components.starts(with: folder.components) }
}
