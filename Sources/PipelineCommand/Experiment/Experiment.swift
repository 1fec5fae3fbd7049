// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineRuntime
import PipelineSpec

/// A study whose runs are looked at and started.
struct Experiment: Sendable {
  /// A run, and how far it is.
  struct Job: Sendable {
    let job: StudyPlan.Job
    let folder: String
    /// How many steps it is to have; nil where its source decides.
    var steps: Int?
    /// The run that is there; nil where none is.
    var standing: RunStanding?
  }

  /// What jobs are looked at for.
  enum Purpose {
    /// Their commands: neither data nor runs need be there.
    case listing
    /// How far they are.
    case looking
    /// Their results: data need not be there.
    case collecting
    /// To be run.
    case running
  }

  let plan: StudyPlan
  let share: ExperimentShare?
  private let file: String
  private let isTrusted: Bool
  private let folder: String
  private let plugIns: [String]

  /// From here on, the study's folder is the working folder: its paths, and those that it sets, start there.
  init(plan: StudyPlan, file: String, trusted isTrusted: Bool, share: ExperimentShare?) throws {
    (self.plan, self.file, self.isTrusted, self.share) = (plan, file, isTrusted, share)
    folder = AssembledPipeline.folder(of: file)
    plugIns = CommandEnvironment.plugIns.map { URL(fileURLWithPath: $0).path }
    if !folder.isEmpty, !FileManager.default.changeCurrentDirectoryPath(folder) {
      throw PipelineError(.inputOutput, "cannot enter \(folder), the folder of the study; check its permissions")
    }
  }

  // MARK: Commands

  /// The arguments of a run.
  func arguments(of job: StudyPlan.Job, threads: Int?) -> [String] {
    var arguments = ["run", job.arm.spec]
    for override in job.overrides { arguments += ["--set", override] }
    arguments += ["--output", plan.folder(of: job), "--resume"]
    if let threads { arguments += ["--threads", String(threads)] }
    if isTrusted { arguments.append("--trust") }
    for library in plugIns { arguments += ["--plugin", library] }
    return arguments
  }

  /// A run as a line of shell, to be started where the study was.
  func shellLine(of job: StudyPlan.Job, threads: Int?) -> String {
    let command = (["shuffle-r1"] + arguments(of: job, threads: threads)).map(\.quotedForShell).joined(separator: " ")
    return folder.isEmpty ? command : "cd \(folder.quotedForShell) && \(command)"
  }

  // MARK: Checks

  /// The runs of the share, all checked.
  ///
  /// - Throws: ``PipelineErrors`` with all that is wrong, and with the runs that are there and are not those of the study.
  func prepared(for purpose: Purpose) throws -> [Job] {
    do {
      let all = share?.part(of: plan.jobs) ?? plan.jobs
      let jobs = try PipelineErrors.gather(all) { try prepared($0, for: purpose) }
      let strange = jobs.compactMap { job in
        job.standing?.difference.map { difference in
          PipelineError(
            .invalidSpec,
            "the run in \(from(job.folder)) is not the one that the study asks for (\(difference)); undo that in the study, name "
              + "another 'output', or remove the folder")
        }
      }
      if !strange.isEmpty { throw PipelineErrors(strange) }
      return jobs
    } catch let errors as PipelineErrors {
      // What is wrong with an arm is wrong with every seed of it.
      var seen: Set<String> = []
      throw PipelineErrors(errors.errors.filter { seen.insert($0.description).inserted })
    }
  }

  private func prepared(_ job: StudyPlan.Job, for purpose: Purpose) throws -> Job {
    var found = Job(job: job, folder: plan.folder(of: job))
    do {
      let pipeline = try TrustedSpecs.load(
        job.arm.spec, overrides: job.overrides, trusted: isTrusted, for: purpose == .running ? .running : .looking,
        numbered: true)
      found.steps = pipeline.training.steps > 0 ? pipeline.training.steps : nil
      if purpose == .listing { return found }
      let run = try RunPlan(pipeline, output: found.folder, threads: 1)
      found.standing = try RunStanding(of: run, at: found.folder)
    } catch is UnloadedPlugIns {
      // Nothing more can be told without running code that nobody has said is trusted.
    } catch let errors as PipelineErrors {
      throw PipelineErrors(errors.errors.map { placed($0, job) })
    } catch let error as PipelineError {
      if purpose == .collecting, error.code == .inputOutput, error.location == nil { return found }
      throw placed(error, job)
    }
    return found
  }

  /// An error with its place in the study, where it is about what the study sets or names.
  private func placed(_ error: PipelineError, _ job: StudyPlan.Job) -> PipelineError {
    let arm = "arm '\(job.arm.name)': "
    guard let place = error.location else {
      return PipelineError(error.code, arm + error.message, at: job.arm.location)
    }
    guard place.file == SpecOverride.file else {
      let location = SourceLocation(file: from(place.file), line: place.line, column: place.column)
      return PipelineError(error.code, error.message, at: location)
    }
    let changes = job.changes
    let location = changes.indices.contains(place.line - 1) ? changes[place.line - 1].location : job.arm.location
    // What all arms set is wrong with all of them.
    let isCommon = plan.arms.count > 1 && plan.arms.allSatisfy { $0.changes.contains { $0.location == location } }
    return PipelineError(error.code, (isCommon ? "" : arm) + error.message, at: location)
  }

  /// A path as it is from where the program was started.
  private func from(_ path: String) -> String { SpecPath(path).resolved(in: folder) }
}
