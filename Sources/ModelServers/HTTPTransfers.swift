// SPDX-License-Identifier: Apache-2.0
import CCurl
import Foundation
import Synchronization

/// The transfers of an ``HTTPClient``, all on one thread, which ends with ``close()``.
final class HTTPTransfers: Sendable {
  private struct Inbox {
    var started: [(exchange: HTTPExchange, continuation: CheckedContinuation<HTTPAnswer, any Error>)] = []
    var cancelled: [HTTPExchange] = []
    var isClosed = false
  }

  private struct Running {
    let exchange: HTTPExchange
    let receiver: HTTPReceiver
    let continuation: CheckedContinuation<HTTPAnswer, any Error>
    let fields: UnsafeMutablePointer<curl_slist>?
  }

  private let inbox = Mutex(Inbox())
  /// Used by that thread alone, except to wake it up, which libcurl allows from any thread.
  private nonisolated(unsafe) let multi: UnsafeMutableRawPointer
  private let limits: HTTPClient.Limits

  private static let isStarted = curl_start() == 0
  private static let longestPause: Int32 = 60_000

  init(limits: HTTPClient.Limits) {
    precondition(Self.isStarted, "libcurl cannot be started")
    guard let multi = curl_multi_init() else { preconditionFailure("no memory for libcurl") }
    (self.multi, self.limits) = (multi, limits)
    let thread = Thread { self.run() }
    thread.name = "HTTP"
    thread.start()
  }

  /// Begins an exchange; its continuation is resumed once.
  func start(_ exchange: HTTPExchange, _ continuation: CheckedContinuation<HTTPAnswer, any Error>) {
    let isClosed = inbox.withLock { inbox in
      if !inbox.isClosed { inbox.started.append((exchange, continuation)) }
      return inbox.isClosed
    }
    if isClosed { return continuation.resume(throwing: CancellationError()) }
    curl_multi_wakeup(multi)
  }

  /// Ends an exchange without an answer; does nothing if it has already ended.
  func cancel(_ exchange: HTTPExchange) {
    let isClosed = inbox.withLock { inbox in
      if !inbox.isClosed { inbox.cancelled.append(exchange) }
      return inbox.isClosed
    }
    if !isClosed { curl_multi_wakeup(multi) }
  }

  /// Ends all exchanges and the thread.
  func close() {
    // Under the lock, because the thread frees what is woken up here.
    inbox.withLock { inbox in
      if inbox.isClosed { return }
      inbox.isClosed = true
      curl_multi_wakeup(multi)
    }
  }

  // MARK: The thread

  private func run() {
    var running: [UnsafeMutableRawPointer: Running] = [:]
    let load = HTTPLoad()
    while true {
      let inbox = self.inbox.withLock { inbox in
        defer { (inbox.started, inbox.cancelled) = ([], []) }
        return inbox
      }
      for (exchange, continuation) in inbox.started {
        let receiver = HTTPReceiver(longestAnswer: exchange.longestAnswer, limits: limits, load: load)
        guard let (transfer, fields) = transfer(exchange, receiver) else {
          continuation.resume(throwing: HTTPFault.broken("libcurl cannot send it"))
          continue
        }
        running[transfer] = Running(exchange: exchange, receiver: receiver, continuation: continuation, fields: fields)
      }
      for exchange in inbox.cancelled {
        guard let transfer = running.first(where: { $0.value.exchange === exchange })?.key else { continue }
        end(transfer, &running)?.resume(throwing: CancellationError())
      }
      if inbox.isClosed { break }
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      while let message = curl_multi_info_read(multi, &count) {
        guard message.pointee.msg == CURLMSG_DONE, let transfer = message.pointee.easy_handle,
          let receiver = running[transfer]?.receiver
        else { continue }
        let result = receiver.result(of: message.pointee.data.result)
        end(transfer, &running)?.resume(with: result)
      }
      curl_multi_poll(multi, nil, 0, Self.longestPause, nil)
    }
    for transfer in Array(running.keys) { end(transfer, &running)?.resume(throwing: CancellationError()) }
    self.inbox.withLock { _ in _ = curl_multi_cleanup(multi) }
  }

  /// Sets up a transfer; nil if there is no memory for it.
  private func transfer(
    _ exchange: HTTPExchange, _ receiver: HTTPReceiver
  ) -> (UnsafeMutableRawPointer, UnsafeMutablePointer<curl_slist>?)? {
    guard let transfer = curl_easy_init() else { return nil }
    var fields: UnsafeMutablePointer<curl_slist>?
    // With an empty `Expect`, libcurl does not ask for permission to send a long body.
    for line in exchange.headerLines + ["Expect:"] { fields = curl_slist_append(fields, line) ?? fields }
    let target = Unmanaged.passUnretained(receiver).toOpaque()
    curl_set_long(transfer, CURLOPT_NOSIGNAL, 1)
    curl_set_pointer(transfer, CURLOPT_URL, exchange.url)
    if exchange.isOnThisMachine { curl_set_pointer(transfer, CURLOPT_PROXY, "") }
    curl_set_long(transfer, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    curl_set_pointer(transfer, CURLOPT_USERAGENT, "shuffle-r1")
    curl_set_pointer(transfer, CURLOPT_HTTPHEADER, fields)
    curl_set_long(transfer, CURLOPT_POST, 1)
    curl_set_size(transfer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(exchange.body.count))
    curl_set_pointer(transfer, CURLOPT_POSTFIELDS, exchange.body.baseAddress)
    curl_set_long(transfer, CURLOPT_FOLLOWLOCATION, 0)
    curl_set_long(transfer, CURLOPT_TIMEOUT_MS, max(1, Int((exchange.timeLimit * 1000).rounded())))
    curl_set_pointer(transfer, CURLOPT_WRITEDATA, target)
    curl_set_receiver(transfer, CURLOPT_WRITEFUNCTION) { HTTPReceiver.at($3).receive(body: $0, $1 * $2) }
    curl_set_pointer(transfer, CURLOPT_HEADERDATA, target)
    curl_set_receiver(transfer, CURLOPT_HEADERFUNCTION) { HTTPReceiver.at($3).receive(header: $0, $1 * $2) }
    receiver.transfer = transfer
    guard curl_multi_add_handle(multi, transfer) == CURLM_OK else {
      curl_easy_cleanup(transfer)
      curl_slist_free_all(fields)
      return nil
    }
    return (transfer, fields)
  }

  /// Frees a transfer, and returns the one who waits for it.
  private func end(
    _ transfer: UnsafeMutableRawPointer, _ running: inout [UnsafeMutableRawPointer: Running]
  ) -> CheckedContinuation<HTTPAnswer, any Error>? {
    guard let ended = running.removeValue(forKey: transfer) else { return nil }
    curl_multi_remove_handle(multi, transfer)
    curl_easy_cleanup(transfer)
    curl_slist_free_all(ended.fields)
    ended.receiver.discard()
    return ended.continuation
  }
}

/// A request in transit, in the form that libcurl reads.
final class HTTPExchange: Sendable {
  let url: String
  let headerLines: [String]
  let longestAnswer: Int
  let timeLimit: Double
  /// Whether the server is contacted without a proxy.
  let isOnThisMachine: Bool
  /// Lives as long as the object, and is never written to.
  nonisolated(unsafe) let body: UnsafeRawBufferPointer

  init(body: Data, url: URL, headers: [String: String], longestAnswer: Int, timeLimit: Double) {
    (self.url, self.longestAnswer, self.timeLimit) = (url.absoluteString, longestAnswer, timeLimit)
    headerLines = headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    let host = url.host?.lowercased() ?? ""
    isOnThisMachine = host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, body.count), alignment: 1)
    body.copyBytes(to: copy)
    self.body = UnsafeRawBufferPointer(rebasing: copy[..<body.count])
  }

  deinit { body.baseAddress?.deallocate() }
}
