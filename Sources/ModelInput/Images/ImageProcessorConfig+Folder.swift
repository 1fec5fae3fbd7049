// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

extension ImageProcessorConfig {
  /// Checks that patches have the form that a vision tower expects.
  ///
  /// - Throws: All keys that differ, together.
  package func check(against vision: QwenVLConfig.Vision, folder: String) throws {
    let faults = [
      ("patch_size", patchSize, vision.patchSize),
      ("temporal_patch_size", temporalPatchSize, vision.temporalPatchSize),
      ("merge_size", mergeSize, vision.spatialMergeSize),
    ].filter { $0.1 != $0.2 }
    if faults.isEmpty { return }
    throw PipelineErrors(
      faults.map { key, found, expected in
        PipelineError(
          .invalidData,
          "\(folder): the image processor's '\(key)' is \(found), but the vision tower in config.json takes \(expected)"
        )
      })
  }

  /// Reads the configuration of a checkpoint: `preprocessor_config.json`, or else `processor_config.json`.
  ///
  /// - Throws: ``PipelineError`` when neither exists, or a value is wrong or not supported.
  package init(modelFolder: String) throws {
    let folder = URL(fileURLWithPath: modelFolder)
    let names = ["preprocessor_config.json", "processor_config.json"]
    guard let name = names.first(where: { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) })
    else {
      throw PipelineError(
        .inputOutput,
        "\(modelFolder): has neither \(names.joined(separator: " nor ")); copy it from the checkpoint's publisher")
    }
    let path = folder.appending(path: name).path
    try self.init(try DocumentFile.json(path) ?? .null, file: path)
  }
}
