// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineSpec

/// What `describe --papers` prints.
struct PaperReference {
  /// The publications.
  let index: PaperIndex

  /// The publications of all components, of those with a name, or of specs.
  ///
  /// - Parameter name: A registered name, a spec, or a folder of specs; nil for all components.
  /// - Throws: When nothing is called so, or a spec cannot be read.
  init(_ name: String?, in registry: Registry) throws {
    if let name, FileManager.default.fileExists(atPath: name) {
      index = try PaperIndex(specs: PaperIndex.specs(at: name))
    } else {
      index = PaperIndex(try DescribeCommand.descriptions(of: name, in: registry))
    }
  }

  /// Each address with the titles under which components or specs follow it.
  var text: String {
    if index.entries.isEmpty { return "no papers\n" }
    return index.entries.map { entry in
      let lines = entry.followers.flatMap { follower in
        DescribeCommand.wrapped("\(follower.title): \(follower.kind) \(follower.name)", indent: 2)
          + follower.differs.flatMap { DescribeCommand.wrapped("differs: \($0)", indent: 4) }
      }
      return ([entry.link] + lines).joined(separator: "\n") + "\n"
    }.joined()
  }
}
