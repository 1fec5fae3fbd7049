// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What a server answered.
struct HTTPAnswer: Sendable {
  let status: Int
  /// Header fields, names in lower case.
  let headers: [String: String]
  let body: [UInt8]
}

/// Why there is no answer.
enum HTTPFault: Error, Sendable {
  /// Nobody listens there, or there is no such host.
  case unreachable(String)
  /// The connection ended before the answer did.
  case broken(String)
  /// The answer did not come in time.
  case timedOut
  /// The answer is longer than it may be.
  case tooLarge
}

/// Sends requests, many at a time, over the toolchain's own URL session.
///
/// It follows no redirects: they would carry the key to another host. It keeps no cookies, and stores nothing.
final class HTTPClient: NSObject, URLSessionDataDelegate, Sendable {
  /// What came of a request so far.
  private struct Exchange {
    var continuation: CheckedContinuation<HTTPAnswer, any Error>?
    var response: HTTPURLResponse?
    var body: [UInt8] = []
  }

  private let exchanges = Mutex<[Int: Exchange]>([:])
  private let session = Mutex<URLSession?>(nil)
  private let maxBytes: Int

  /// A client.
  ///
  /// - Parameters:
  ///   - connections: The most connections to a host.
  ///   - maxBytes: The longest answer that is read.
  init(connections: Int, maxBytes: Int) {
    self.maxBytes = maxBytes
    super.init()
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = connections
    configuration.httpShouldSetCookies = false
    configuration.httpCookieAcceptPolicy = .never
    configuration.urlCache = nil
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = 1
    session.withLock { $0 = URLSession(configuration: configuration, delegate: self, delegateQueue: queue) }
  }

  /// Ends the session, which holds its delegate until then.
  func close() { session.withLock { $0?.finishTasksAndInvalidate() } }

  /// Sends a request and waits for the whole answer.
  ///
  /// - Throws: ``HTTPFault``; `CancellationError` when the task is cancelled.
  func post(_ body: Data, to url: URL, headers: [String: String], timeLimit: Double) async throws -> HTTPAnswer {
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = body
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    // The limit below is the one that counts; the session's own starts anew with every byte.
    request.timeoutInterval = timeLimit + 60
    guard let task = session.withLock({ $0?.dataTask(with: request) }) else { throw HTTPFault.broken("it is closed") }
    let number = task.taskIdentifier
    let timer = Task { [weak self, weak task] in
      try await Task.sleep(for: .seconds(timeLimit))
      self?.end(number, HTTPFault.timedOut)
      task?.cancel()
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        exchanges.withLock { $0[number] = Exchange(continuation: continuation) }
        task.resume()
        // Cancelled before it was there to be cancelled.
        if Task.isCancelled {
          end(number, CancellationError())
          task.cancel()
        }
      }
    } onCancel: {
      end(number, CancellationError())
      task.cancel()
    }
  }

  /// Ends an exchange without an answer, at once: a session that is told to cancel takes its time.
  private func end(_ number: Int, _ error: any Error) {
    exchanges.withLock { $0.removeValue(forKey: number) }?.continuation?.resume(throwing: error)
  }

  // MARK: URLSessionDataDelegate

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    exchanges.withLock { $0[task.taskIdentifier]?.response = response }
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    exchanges.withLock { $0[dataTask.taskIdentifier]?.response = response as? HTTPURLResponse }
    // Not `.cancel`, after which the session of swift-corelibs-foundation leaves the task as it is.
    completionHandler(.allow)
    if response.expectedContentLength > Int64(maxBytes) {
      end(dataTask.taskIdentifier, HTTPFault.tooLarge)
      dataTask.cancel()
    }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let number = dataTask.taskIdentifier
    let isTooLarge = exchanges.withLock { exchanges in
      guard let count = exchanges[number]?.body.count else { return false }
      if count + data.count > maxBytes { return true }
      exchanges[number]?.body.append(contentsOf: data)
      return false
    }
    if isTooLarge {
      end(number, HTTPFault.tooLarge)
      dataTask.cancel()
    }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    guard let exchange = exchanges.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
    if let error {
      exchange.continuation?.resume(throwing: Self.fault(error))
    } else if let response = exchange.response {
      exchange.continuation?.resume(
        returning: HTTPAnswer(
          status: response.statusCode, headers: Self.headers(of: response), body: exchange.body))
    } else {
      exchange.continuation?.resume(throwing: HTTPFault.broken("the answer is not one of HTTP"))
    }
  }

  private static func headers(of response: HTTPURLResponse) -> [String: String] {
    var headers: [String: String] = [:]
    for (name, value) in response.allHeaderFields {
      if let name = name as? String, let value = value as? String { headers[name.lowercased()] = value }
    }
    return headers
  }

  private static func fault(_ error: any Error) -> any Error {
    guard let error = error as? URLError else { return HTTPFault.broken("\(error)") }
    switch error.code {
    case .cancelled: return CancellationError()
    case .timedOut: return HTTPFault.timedOut
    case .cannotFindHost, .dnsLookupFailed: return HTTPFault.unreachable("there is no such host")
    case .cannotConnectToHost: return HTTPFault.unreachable("nothing answers there")
    case .notConnectedToInternet: return HTTPFault.unreachable("there is no network")
    case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
      .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRejected,
      .clientCertificateRequired:
      return HTTPFault.unreachable("no secure connection: \(error.localizedDescription)")
    default: return HTTPFault.broken(error.localizedDescription)
    }
  }
}
