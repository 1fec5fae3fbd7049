// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineSpec

/// `shuffle-r1 trust`.
struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Say whose specs may run the code that they name.",
    discussion: """
      A spec can name plug-ins and programs, which run with your rights. Before `run`, `evaluate` and `compare` run any, \
      they ask once, or fail where nobody can answer. A folder is for specs that you write yourself: all in it and below \
      it are trusted, whatever they name. A single spec is trusted as long as it names the same code. Specs that name \
      none need no trust.

        shuffle-r1 trust .                   the specs of this project are mine
        shuffle-r1 trust downloaded.json     I have read what this one names
        shuffle-r1 trust --remove .
        shuffle-r1 trust                     list what is trusted

      The folders in SHUFFLE_R1_TRUST, separated by colons, are trusted too: for containers and jobs.
      """)

  @Argument(help: "Folders, or specs. (default: list what is trusted)")
  var places: [String] = []

  @Flag(help: "Trust them no longer.")
  var remove = false

  func validate() throws {
    if remove, places.isEmpty { throw ValidationError("--remove wants the folders or specs to trust no longer") }
  }

  func run() throws {
    var store = try TrustStore()
    if places.isEmpty {
      for entry in store.entries {
        switch entry {
        case .folder(let path): try Terminal.print("specs in \(path)\n")
        case .spec(let path, _): try Terminal.print("\(path), as long as it names the same code\n")
        }
      }
      return
    }
    for place in places {
      if remove {
        guard try store.forget(place) else {
          throw PipelineError(.invalidSpec, "\(place) was not trusted itself; `shuffle-r1 trust` lists what is")
        }
        try Terminal.print("\(TrustStore.real(place)) is trusted no longer\n")
        continue
      }
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
        throw PipelineError(.inputOutput, "there is no \(place); name a folder or a spec")
      }
      if isFolder.boolValue {
        try store.trust(folder: place)
        try Terminal.print("specs in \(TrustStore.real(place)) and below it may run the code that they name\n")
      } else {
        let code = try SpecLoader.code(file: place, registry: CommandEnvironment.registry)
        if code.isEmpty {
          try Terminal.print("\(place) names no code, so that it needs no trust\n")
          continue
        }
        try store.trust(spec: place, code)
        let lines = code.lines.map { "  \($0)\n" }.joined()
        try Terminal.print("\(TrustStore.real(place)) may run this code:\n\(lines)")
      }
    }
  }
}
