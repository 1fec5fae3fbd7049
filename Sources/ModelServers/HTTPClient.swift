// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a server answered.
struct HTTPAnswer: Sendable {
  let status: Int
  /// The header fields that somebody looks at, ``HTTPClient/headersRead``, names in lower case.
  let headers: [String: String]
  /// The body; of an answer that is no success, its beginning.
  let body: [UInt8]
}

/// Why there is no answer.
enum HTTPFault: Error, Sendable, Hashable {
  /// Nobody listens there, or there is no such host.
  case unreachable(String)
  /// The connection ended before the answer did, or it is not one of HTTP.
  case broken(String)
  /// The answer did not come in time.
  case timedOut
  /// The answer is longer than it may be.
  case tooLarge(limit: Int)
  /// This answer and those that come at the same time are longer than they may be together.
  case tooLargeTogether(limit: Int)
}

/// Sends requests, many at a time, over libcurl.
///
/// It follows no redirects: they would carry the key to another host. It keeps no cookies, takes no compressed answers, and
/// stores nothing. Whatever a server sends, memory is bounded by ``Limits``: what is too much is refused as it arrives.
///
/// A server on this machine is asked directly, others through the proxy that `http_proxy`, `https_proxy`, `all_proxy` and
/// `no_proxy` name.
// Not over URLSession: that of swift-corelibs-foundation reads on however far its delegate lags behind (its issue 3204), and
// ends the program where a connection does within an answer's header.
final class HTTPClient: Sendable {
  /// How much is read.
  struct Limits: Sendable {
    /// The longest answer that anybody may ask for, in bytes.
    var answer = 64 << 20
    /// The most bytes of all answers that are on their way at a time.
    var together = 256 << 20
    /// The longest header of an answer, in bytes, and the most that is read of one that is no success.
    var remark = 256 << 10
  }

  /// The header fields that an ``HTTPAnswer`` holds.
  static let headersRead: Set = ["location", "retry-after"]

  private let transfers: HTTPTransfers

  /// A client.
  init(limits: Limits = Limits()) { transfers = HTTPTransfers(limits: limits) }

  /// Ends the client; requests that are under way are cancelled.
  func close() { transfers.close() }

  /// Sends a request and waits for the whole answer.
  ///
  /// - Parameters:
  ///   - longestAnswer: The longest answer that is read, in bytes.
  ///   - timeLimit: How long all of it may take, in seconds.
  /// - Throws: ``HTTPFault``; `CancellationError` when the task is cancelled.
  func post(
    _ body: Data, to url: URL, headers: [String: String], longestAnswer: Int, timeLimit: Double
  ) async throws -> HTTPAnswer {
    let exchange = HTTPExchange(
      body: body, url: url, headers: headers, longestAnswer: longestAnswer, timeLimit: timeLimit)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        transfers.start(exchange, continuation)
        // Cancelled before it was there to be cancelled.
        if Task.isCancelled { transfers.cancel(exchange) }
      }
    } onCancel: {
      transfers.cancel(exchange)
    }
  }
}
