// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
package import PipelineCore

extension PipelineError.Code {
  /// The process that computes a policy failed.
  package static let policyWorker = Self(rawValue: "policy-worker")
}

/// Text on the worker's output instead of a message.
struct StrayOutput: Error {
  let text: String
}

extension WorkerConnection {
  /// An error reported by the worker.
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

  /// Ends a worker that is no longer usable.
  ///
  /// - Returns: The error, with the worker's last words.
  func lost(_ error: any Error, during request: Request) async -> PipelineError {
    // A worker that has closed its output is about to end by itself; its last words are worth a short wait.
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

  /// The remedy for the way in which it ended.
  private static func advice(_ end: WorkerEnd) -> String {
    if end.lastWords.contains(where: { $0.contains("No module named") }) {
      return "; its Python lacks a package, install it with `make worker`"
    }
    return end.cause.contains("SIGKILL") ? "; it was killed, by a user or by the system for lack of memory" : ""
  }
}

extension Double {
  /// Without a fraction if there is none.
  fileprivate var shortText: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}
