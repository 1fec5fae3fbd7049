// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// Publications, and which components or specs follow each.
package struct PaperIndex: Sendable {
  /// What follows a publication.
  package struct Follower: Sendable, Hashable {
    /// What it is: the kind of a component, or `spec`.
    package let kind: String
    /// Its registered name, or its file.
    package let name: String
    /// The title, as it states it.
    package let title: String
    /// What it does otherwise than the publication.
    package var differs: [String] = []
  }

  /// A publication and what follows it.
  package struct Entry: Sendable, Hashable {
    /// Where it can be read.
    package let link: String
    /// What follows it, in the order in which it was found.
    package var followers: [Follower]
  }

  /// By their addresses, so that those on arXiv are in the order of their numbers.
  package let entries: [Entry]

  private init(_ found: [(link: String, follower: Follower)]) {
    let links = Set(found.map(\.link)).sorted()
    entries = links.map { link in Entry(link: link, followers: found.filter { $0.link == link }.map(\.follower)) }
  }

  /// The publications that components name.
  package init(_ components: [ComponentDescription]) {
    self.init(
      components.flatMap { component in
        component.about.papers.map {
          ($0.link, Follower(kind: component.kind.rawValue, name: component.name, title: $0.title))
        }
      })
  }

  /// The publications that specs name in `paper`.
  ///
  /// - Parameter files: Specs; those without a paper are passed over.
  /// - Throws: ``PipelineErrors`` when one is no spec, or its `paper` is not as it should be.
  package init(specs files: [String]) throws {
    var found: [(link: String, follower: Follower)] = []
    for file in files {
      let note = try SpecLoader.gathering { () throws -> PaperNote in
        guard let tree = try SpecText(contentsOf: file).tree()["paper"] else { return PaperNote() }
        let reading = try SpecOptionsReader().read(PaperNote.self, from: tree, subject: "'paper'")
        if !reading.errors.isEmpty { throw PipelineErrors(reading.errors.sortedByPlace()) }
        return reading.options
      }
      guard let paper = note.paper else { continue }
      found.append((paper.link, Follower(kind: "spec", name: file, title: paper.title, differs: note.differs)))
    }
    self.init(found)
  }

  /// The specs in a folder by name, or the file itself.
  ///
  /// - Throws: When the folder cannot be read.
  package static func specs(at path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return [path]
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    return names.filter { name in [".json", ".jsonc", ".yaml", ".yml"].contains(where: name.hasSuffix) }
      .map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
  }

  /// The publications as JSON.
  package var json: JSONValue {
    .array(
      entries.map { entry in
        [
          "link": .string(entry.link),
          "followed_by": .array(
            entry.followers.map { follower in
              [
                "kind": .string(follower.kind), "name": .string(follower.name), "title": .string(follower.title),
                "differs": .array(follower.differs.map { .string($0) }),
              ]
            }),
        ]
      })
  }
}
