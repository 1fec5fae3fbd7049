// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A folder that a command writes files into.
enum OutputFolder {
  /// Makes it, unless it is there.
  static func make(_ folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw PipelineError(
        .inputOutput, "cannot make the folder \(folder); check that it is no file, and who may write there")
    }
  }
}
