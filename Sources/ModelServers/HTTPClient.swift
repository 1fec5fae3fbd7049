// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A server's answer.
struct HTTPAnswer: Sendable {
  let status: Int
  /// The header fields that are read, ``HTTPClient/headersRead``, with names in lower case.
  let headers: [String: String]
  /// The body; for an answer other than a success, only its beginning.
  let body: [UInt8]
}

/// Why there is no answer.
enum HTTPFault: Error, Sendable, Hashable {
  /// Nothing listens there, or there is no such host.
  case unreachable(String)
  /// The connection ended before the answer did, or the answer is not HTTP.
  case broken(String)
  /// The answer did not come in time.
  case timedOut
  /// The answer is longer than allowed.
  case tooLarge(limit: Int)
  /// All answers in transit together are longer than allowed.
  case tooLargeTogether(limit: Int)
}

/// Sends requests, many at a time, over libcurl.
///
/// It does not follow redirects, since they would carry the key to another host. It keeps no cookies, requests no
/// compressed answers, and stores nothing. Memory is bounded by ``Limits``, whatever a server sends: what is too long
/// is refused as it arrives.
///
/// A server on this machine is contacted directly, others through the proxy in `http_proxy`, `https_proxy`, `all_proxy`
/// and `no_proxy`.
// Not URLSession: in swift-corelibs-foundation it keeps reading however far its delegate lags behind (its issue 3204),
// and it terminates the program if a connection ends within an answer's header.
final class HTTPClient: Sendable {
  /// Limits on what is read.
  struct Limits: Sendable {
    /// The longest answer that a request may allow, in bytes.
    var answer = 64 << 20
    /// The most bytes of all answers in transit.
    var together = 256 << 20
    /// The longest header of an answer, in bytes, and the most that is read of an answer other than a success.
    var remark = 256 << 10
  }

  /// The header fields that an ``HTTPAnswer`` contains.
  static let headersRead: Set = ["location", "retry-after"]

  private let transfers: HTTPTransfers

  /// A client.
  init(limits: Limits = Limits()) { transfers = HTTPTransfers(limits: limits) }

  /// Closes the client; requests in transit are cancelled.
  func close() { transfers.close() }

  /// Sends a request and waits for the whole answer.
  ///
  /// - Parameters:
  ///   - longestAnswer: The longest answer that is read, in bytes.
  ///   - timeLimit: The time allowed for all of it, in seconds.
  /// - Throws: ``HTTPFault``; `CancellationError` when the task is cancelled.
  func post(
    _ body: Data, to url: URL, headers: [String: String], longestAnswer: Int, timeLimit: Double
  ) async throws -> HTTPAnswer {
    let exchange = HTTPExchange(
      body: body, url: url, headers: headers, longestAnswer: longestAnswer, timeLimit: timeLimit)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        transfers.start(exchange, continuation)
        // Cancelled before there was a request to cancel.
        if Task.isCancelled { transfers.cancel(exchange) }
      }
    } onCancel: {
      transfers.cancel(exchange)
    }
  }
}
