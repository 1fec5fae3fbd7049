// SPDX-License-Identifier: Apache-2.0
import Foundation
public import PipelineCore
import PipelineIO
import PipelineSpec

extension PipelineRun {
  /// A run of a spec, as `shuffle-r1 run` has it.
  ///
  /// - Parameters:
  ///   - spec: The spec's file, JSON or YAML.
  ///   - overrides: What to change in it, as in `seed=2` or `stages.pairwise-sample.keep=0.25`.
  ///   - registry: The components that the spec can name.
  ///   - output: The run's directory; nil for `runs/NAME`, after the spec.
  ///   - existing: What to do about a run that is there.
  ///   - accepting: Which differences from what the run was started with a resume takes all the same.
  ///   - threads: The most threads to use; nil for all of the machine.
  ///   - observer: Hears how the run gets on.
  ///
  /// The plug-ins and programs that the spec names run: whether they may is for the caller to know.
  /// - Throws: All that is wrong with the spec, together; what is wrong with its inputs or the directory.
  public init(
    spec: String, overrides: [String] = [], registry: Registry, output: String? = nil,
    existing: RunDirectory.Existing = .refuse, accepting: AcceptedChanges = .none, threads: Int? = nil,
    observer: any RunObserver = SilentObserver()
  ) throws {
    let pipeline = try SpecLoader.load(
      file: spec, overrides: overrides, registry: registry, formats: FormatCatalog.standard.names)
    let path = output ?? "runs/" + RunPlan.folderName(of: pipeline)
    let plan = try RunPlan(
      pipeline, output: path, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let directory = try RunDirectory(
      path: path, existing: existing, fingerprint: plan.resolved, paths: plan.pathPlaces,
      accepting: accepting)
    self.init(plan: plan, directory: directory, observer: observer)
  }
}
