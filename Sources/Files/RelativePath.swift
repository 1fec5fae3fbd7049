// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Paths as seen from another folder.
package enum RelativePath {
  /// The path of `file` as seen from `directory`, wherever links lead.
  package static func path(from directory: String, to file: String) -> String {
    let from = RealPath(directory).components
    if ["", ".", ".."].contains(file.split(separator: "/", omittingEmptySubsequences: false).last ?? "") {
      // A folder, which has no name of its own to keep.
      let to = RealPath(file.isEmpty ? "." : file).components
      let shared = zip(from, to).prefix { $0 == $1 }.count
      let path = Array(repeating: "..", count: from.count - shared) + to[shared...]
      return path.isEmpty ? "." : path.joined(separator: "/")
    }
    let name = URL(fileURLWithPath: file).lastPathComponent
    let folder = file.hasSuffix("/" + name) ? String(file.dropLast(name.count)) : "."
    let to = RealPath(folder).components + [name]
    var shared = 0
    while shared < from.count, shared < to.count - 1, from[shared] == to[shared] { shared += 1 }
    return (Array(repeating: "..", count: from.count - shared) + to[shared...]).joined(separator: "/")
  }

  /// Whether two pairs of paths, each pair from a folder of its own, lie alike to one another.
  package static func areAlike(_ one: (String, String), _ other: (String, String)) -> Bool {
    let (first, second) = (way(one), way(other))
    // A folder above the start has a name that nobody knows; it may be any.
    return zip(first, second).allSatisfy { names in
      names.0.count == names.1.count && zip(names.0, names.1).allSatisfy { $0 == $1 || $0 == "" || $1 == "" }
    }
  }

  /// What is left of two paths behind what they share; names above the start are empty.
  private static func way(_ pair: (String, String)) -> [[Substring]] {
    let paths = [pair.0, pair.1].map { $0.split(separator: "/").filter { $0 != "." } }
    let ups = paths.map { $0.prefix { $0 == ".." }.count }
    let top = ups.max() ?? 0
    // Above the start, both are on the same way up: only how far each goes differs.
    let whole = zip(paths, ups).map { path, up in Array(repeating: Substring(""), count: top - up) + path.dropFirst(up)
    }
    let shared = zip(whole[0], whole[1]).prefix { $0 == $1 }.count
    return whole.map { Array($0.dropFirst(shared)) }
  }
}
