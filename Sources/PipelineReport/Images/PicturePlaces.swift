// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Where the images of a run or a file may lie.
package struct PicturePlaces: Sendable {
  /// The folders that images may lie in, beside that of their record.
  var access = MediaAccess()
  /// Folders that a relative path may start from where it leads nowhere from its own: those of a run's data.
  var folders: [String] = []

  /// Those of the records' own folder, and what the user allows.
  package init(access: MediaAccess = MediaAccess(), folders: [String] = []) {
    (self.access, self.folders) = (access, folders)
  }
}
