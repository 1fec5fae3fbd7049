// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
package import PipelineSpec

extension RunPlan {
  /// The plan of a pipeline that a spec has given.
  ///
  /// - Parameters:
  ///   - pipeline: What `SpecLoader` made of the spec.
  ///   - output: The run's directory, which the paths in the plan's resolved spec start from.
  ///   - threads: The most threads to use.
  /// - Throws: When an input cannot be read, or lies in the run's directory.
  package init(_ pipeline: AssembledPipeline, output: String, threads: Int) throws {
    let reader = try pipeline.readerOptions(threads: threads)
    let key = pipeline.source.prompts.paths.isEmpty ? "source.rollouts" : "source.prompts"
    try Self.checkInputs(reader.paths, as: key, of: pipeline.file, output: output)
    if let prompts = try pipeline.evaluationReaderOptions(threads: 1)?.paths {
      try Self.checkInputs(prompts, as: "training.evaluation.prompts", of: pipeline.file, output: output)
    }
    let resolved = try ResolvedForRun(pipeline, directory: output)
    self.init(
      stages: pipeline.namedStages, reader: reader, pool: pipeline.poolPlan,
      training: try pipeline.trainingPlan(threads: threads), seed: pipeline.seed,
      rolloutsFile: pipeline.output.rollouts.text, writesLineage: pipeline.output.lineage,
      resolved: resolved.spec, threads: threads)
    sampler = pipeline.sampler
    writesTensorBoard = pipeline.writesTensorBoard
    keepsAllRolloutsEvery = pipeline.keepsAllRolloutsEvery
    allowsEmpty = pipeline.output.allowEmpty
    pathPlaces = resolved.paths
    media = pipeline.mediaAccess.including(files: reader.paths + (training?.evaluation?.reader.paths ?? []))
  }

  /// Looks whether the input can be read, and is not what the run would replace.
  private static func checkInputs(_ inputs: [String], as key: String, of spec: String, output: String) throws {
    for input in inputs where input != "-" {
      var isDirectory: ObjCBool = false
      guard FileManager.default.isReadableFile(atPath: input) else {
        if HubName.looksLike(input), !FileManager.default.fileExists(atPath: input) {
          throw PipelineError(
            .inputOutput,
            "there is no file \(input), which '\(key)' of \(spec) names; if it is a data set on a hub, download it, and name its "
              + "files with --set \(key)=FILE")
        }
        throw PipelineError(
          .inputOutput,
          "cannot open \(input), which '\(key)' of \(spec) names; a path is relative to the spec's "
            + "folder, one of --set to the working folder")
      }
      if FileManager.default.fileExists(atPath: input, isDirectory: &isDirectory), isDirectory.boolValue,
        !ColumnFile.isFolder(input)
      {
        throw PipelineError(
          .inputOutput, "\(input), which '\(key)' of \(spec) names, is a directory; name the files in it")
      }
      if RealPath(input).lies(in: RealPath(output)) {
        throw PipelineError(
          .inputOutput,
          "\(input), which '\(key)' of \(spec) names, lies in the directory of this run; "
            + "name another directory with --output")
      }
    }
  }

  /// The pipeline's name, or its file's, as the name of a folder: nothing in it leads elsewhere.
  package static func folderName(of pipeline: AssembledPipeline) -> String {
    let name =
      pipeline.name.isEmpty
      ? URL(fileURLWithPath: pipeline.file).deletingPathExtension().lastPathComponent : pipeline.name
    let words = name.split { !($0.isLetter || $0.isNumber || "-_.+".contains($0)) }
    let folder = String(words.joined(separator: "-").drop { $0 == "." || $0 == "-" }.prefix(60))
    return folder.isEmpty ? "run" : folder
  }
}
