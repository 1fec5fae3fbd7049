// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ImageProcessorConfig {
  /// Checks that patches have the form that a vision tower expects.
  ///
  /// - Throws: All keys that differ, together.
  package func check(against vision: ModelConfig.Vision, folder: String) throws {
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

  /// Reads the configuration of a checkpoint: the `image_processor` of `processor_config.json`, or else
  /// `preprocessor_config.json`, as transformers 5 does.
  ///
  /// - Throws: ``PipelineError`` when neither exists, or a value is wrong or not supported.
  package init(modelFolder: String) throws {
    let names = ["processor_config.json", "preprocessor_config.json"]
    let (whole, own) = ("\(modelFolder)/\(names[0])", "\(modelFolder)/\(names[1])")
    let nested = try DocumentFile.json(whole)
    if let nested, nested["image_processor"] != nil {
      try self.init(nested, file: whole)
    } else if let document = try DocumentFile.json(own) {
      try self.init(document, file: own)
    } else if let nested {
      try self.init(nested, file: whole)
    } else {
      throw PipelineError(
        .inputOutput,
        "\(modelFolder): has neither \(names[1]) nor \(names[0]); copy it from the checkpoint's publisher")
    }
  }
}
