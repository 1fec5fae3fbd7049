// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// What a server's answer, or the lack of one, means for the work.
package enum ServerFault: Error, Sendable {
  /// Only this request cannot be answered: its data is wrong.
  case request(String)
  /// The prompt is longer than the model's context.
  case tooLong(String)
  /// No request can be answered. The work stops, and continues where it was when it is started again.
  case server(String)
  /// A retry may succeed.
  case passing(Passing)

  /// A temporary fault.
  package struct Passing: Error, Sendable {
    /// A word or two to count it by: `429`, `timed out`.
    package let kind: String
    /// What happened.
    package let message: String
    /// How long the server asks to wait, in seconds.
    package var waitSeconds: Double?
    /// Whether the server was not reached at all.
    package var isUnreachable = false
    /// Whether this request may be the cause, so that others could succeed.
    package var mayBeTheRequests = true
  }
}

/// What an answer other than a success means.
struct AnswerReader: Sendable {
  let server: String
  let model: String
  let keyVariable: String
  let key: ServerKey?
  let timeLimit: Double

  /// The fault in an answer other than a success.
  func fault(_ answer: HTTPAnswer) -> ServerFault {
    let said = words(of: answer)
    let code = errorCode(answer)
    switch answer.status {
    case 300..<400 where answer.headers["location"]?.isEmpty ?? true:
      return .server("\(server) answers \(answer.status)\(said); see that 'url' is the address of its API")
    case 300..<400:
      let place = answer.headers["location"].map { " to \(redacted($0).quotedForMessage)" } ?? ""
      return .server(
        "\(server) sends requests on\(place) (\(answer.status)), and a key goes to no other address than the one it is "
          + "meant for; name that address in 'url'")
    case 401, 403:
      let remedy =
        keyVariable.isEmpty
        ? "it needs a key: export it in an environment variable, and name that variable in 'key_from'"
        : "see that \(keyVariable) holds a key of this server"
      return .server("\(server) refuses access (\(answer.status)\(said)); \(remedy)")
    case 402: return .server("\(server) requires payment (402\(said))")
    case 404, 405:
      return .server(
        "\(server) knows no model \(model.quotedForMessage), or takes no chats at this address "
          + "(\(answer.status)\(said)); `curl \(server)/models` lists its models")
    case 429 where ["insufficient_quota", "billing_hard_limit_reached"].contains(code):
      return .server("the quota at \(server) is used up (429\(said)); raise it, or name another server")
    case 400, 413, 422:
      if isAboutLength(said, code) { return .tooLong("the prompt is too long for \(server) (\(answer.status)\(said))") }
      return .request("\(server) refuses the request (\(answer.status)\(said))")
    case 408, 409, 425, 429, 500, 502...:
      return .passing(
        .init(
          kind: "\(answer.status)", message: "\(server) answers \(answer.status)\(said)", waitSeconds: wait(answer),
          mayBeTheRequests: [409, 500].contains(answer.status)))
    default: return .server("\(server) answers \(answer.status)\(said); see that 'url' is the address of its API")
    }
  }

  /// The fault if there is no answer.
  func fault(_ fault: HTTPFault) -> ServerFault {
    switch fault {
    case .unreachable(let reason):
      .passing(
        .init(
          kind: "unreachable",
          message: "\(server) cannot be reached: \(redacted(reason)); start it, or see that 'url' "
            + "is its address", isUnreachable: true, mayBeTheRequests: false))
    case .broken(let reason):
      .passing(.init(kind: "broken", message: "the connection to \(server) broke off: \(redacted(reason))"))
    case .timedOut:
      .passing(
        .init(
          kind: "timed out",
          message: "\(server) did not answer within \(timeLimit) s; raise timeout_seconds, or lower concurrency"))
    case .tooLarge(let limit):
      .server(
        "\(server) answers with more than \(limit >> 20) MiB, more than any answer to this request needs; the rest was not read. Check "
          + "that 'url' is the address of its API")
    case .tooLargeTogether(let limit):
      .server(
        "\(server) answers with more than \(limit >> 20) MiB at a time, which is not read; lower concurrency, n "
          + "or max_tokens")
    }
  }

  /// An answer that is not a chat completion.
  func broken(_ reason: String) -> ServerFault {
    .passing(
      .init(kind: "unreadable", message: "\(server) sent an answer that is not a chat completion: \(redacted(reason))"))
  }

  /// An answer that is marked as a success but contains an error.
  func broken(_ answer: HTTPAnswer) -> ServerFault {
    .passing(
      .init(kind: "error", message: "\(server) answers \(answer.status), but with an error\(words(of: answer))"))
  }

  func redacted(_ text: String) -> String { key?.redacted(text) ?? text }

  /// `: "what the server says"`, or nothing if it says nothing.
  private func words(of answer: HTTPAnswer) -> String {
    let text = String(decoding: answer.body.prefix(4096), as: UTF8.self)
    let value = try? JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))
    let said =
      value.flatMap { value in
        value["error"]?["message"]?.stringValue ?? value["error"]?.stringValue ?? value["message"]?.stringValue
          ?? value["detail"]?.stringValue ?? value["detail"]?.json
      } ?? text
    // Control characters must not reach a terminal.
    let shown = redacted(said).unicodeScalars.filter { $0.properties.generalCategory != .control || $0 == "\n" }
    let plain = String(String.UnicodeScalarView(shown)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return plain.isEmpty ? "" : ": \"\(plain.prefix(300))\""
  }

  private func errorCode(_ answer: HTTPAnswer) -> String {
    let value = try? JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))
    let error = value?["error"]
    return error?["code"]?.stringValue ?? error?["type"]?.stringValue ?? ""
  }

  private func isAboutLength(_ said: String, _ code: String) -> Bool {
    let said = said.lowercased()
    return code == "context_length_exceeded" || said.contains("context length") || said.contains("maximum model length")
      || said.contains("longer than the model") || said.contains("input is too long")
  }

  /// A year; longer waits make no difference.
  private static let longestWait = 31_536_000.0

  /// The wait that `Retry-After` asks for: seconds, or a date.
  private func wait(_ answer: HTTPAnswer) -> Double? {
    guard let text = answer.headers["retry-after"]?.trimmingCharacters(in: .whitespaces) else { return nil }
    if let seconds = Double(text), seconds.isFinite { return min(max(0, seconds), Self.longestWait) }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    return format.date(from: text).map { min(max(0, $0.timeIntervalSinceNow), Self.longestWait) }
  }
}
