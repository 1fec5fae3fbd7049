// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

extension Sandbox {
  /// Changes the state of a run, and makes its checksum right again.
  ///
  /// - Parameter change: Gets the state as JSON without whitespace, and without its checksum.
  func changeState(of folder: String, _ change: (String) -> String) throws {
    let state = try JSONValue(parsing: text(folder + "/state.json"))
    let members = (state.objectValue ?? []).filter { $0.key != "checksum" }
    let changed = try JSONValue(parsing: change(JSONValue.object(members).json))
    var hash = SHA256()
    hash.add(Array(changed.json.utf8))
    let sealed = (changed.objectValue ?? []) + [.init("checksum", .string(hash.digits))]
    try write(folder + "/state.json", JSONValue.object(sealed).prettyJSON)
  }
}
