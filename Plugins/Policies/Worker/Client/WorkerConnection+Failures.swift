// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
public import PipelineCore

extension PipelineError.Code {
  /// The process that computes a policy failed.
  public static let policyWorker = Self(rawValue: "policy-worker")
}

/// Text on the worker's output in the place of a message.
struct StrayOutput: Error {
  let text: String
}

extension WorkerConnection {
  /// What the worker says is wrong.
  static func error(in frame: WireFrame) -> PipelineError {
    let message = frame.header["message"]?.stringValue ?? "something is wrong, but not what"
    let advice = frame.header["advice"]?.stringValue ?? ""
    let text = advice.isEmpty ? message : "\(message); \(advice)"
    return switch frame.header["error"]?.stringValue {
    case "data": PipelineError(.invalidData, text)
    case "options": PipelineError(.invalidSpec, text)
    case "save": PipelineError(.inputOutput, text)
    default: PipelineError(.policyWorker, "the policy's worker says: \(text)")
    }
  }

  /// Ends a worker that is of no more use.
  ///
  /// - Returns: What went wrong, with the worker's last words.
  func lost(_ error: any Error, during request: Request) async -> PipelineError {
    // One that has closed its output is on its way out by itself; what it says last is worth a moment.
    let end = await stream.end(graceSeconds: 1)
    let doing = request.kind == "hello" ? "before it said hello" : "while it answered '\(request.kind)'"
    let what: String
    switch error {
    case let stray as StrayOutput:
      what =
        "wrote \(stray.text.quotedForMessage) to its standard output \(doing); only messages of the protocol may go there, so "
        + "have its command print to standard error"
    case let fault as WireFrame.Fault: what = "broke the protocol \(doing): \(fault)"
    case ChildFailure.late: what = late(request, doing)
    case ChildFailure.closed, ChildFailure.ended: what = "\(end.cause) \(doing)\(Self.advice(end))"
    default: what = "failed \(doing): \(error)"
    }
    let lastWords = end.lastWords.isEmpty ? "" : "; its last words: " + end.lastWords.joined(separator: " | ")
    let isOpening = request.kind == "hello" || request.kind == "load"
    let resume = isOpening ? "" : ". The checkpoints are as they were: continue the run with --resume"
    return PipelineError(.policyWorker, "the policy's worker \(what)\(lastWords)\(resume)")
  }

  private func late(_ request: Request, _ doing: String) -> String {
    if request.kind == "hello" {
      return
        "said nothing for \(request.limit.shortText) s after its start; policy.with.limits.start is how long it may take"
    }
    return "gave no sign of life for \(silence.shortText) s, or no answer for \(request.limit.shortText) s, \(doing); "
      + "policy.with.limits says how long it may take"
  }

  /// What a person can do about how it ended.
  private static func advice(_ end: WorkerEnd) -> String {
    if end.lastWords.contains(where: { $0.contains("No module named") }) {
      return "; its Python lacks a package, install it with `make worker`"
    }
    return end.cause.contains("SIGKILL") ? "; somebody killed it, or the system did for want of memory" : ""
  }
}

extension Double {
  /// Without a fraction where there is none.
  fileprivate var shortText: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}
