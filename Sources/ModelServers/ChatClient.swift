// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Synchronization

/// Sends requests to a server: a limited number at a time, retried if that may help, none twice.
package final class ChatClient: Sendable {
  private struct State {
    /// Whether the server has ever answered.
    var hasAnswered = false
    /// Requests given up since the last answer.
    var givenUp = 0
    /// Why no more requests are sent; nil while the server may answer.
    var stopped: String?
    /// The retries since this was last read, by kind.
    var retries: [String: Int] = [:]
    var fromCache = 0
  }

  private let options: ServerOptions
  private let address: ServerAddress
  private let key: ServerKey?
  private let http: HTTPClient
  private let gate: RequestGate
  private let cache: AnswerCache?
  private let reader: AnswerReader
  private let state = Mutex(State())
  private let reading = Mutex(())

  private static let longBody = 1 << 20
  private static let longestWait = 60.0
  /// The client does not wait if a server asks for a longer pause.
  private static let longestRetryAfter = 600.0
  /// After this many requests in a row were given up without an answer in between, the fault is the server's, not
  /// theirs.
  private static let mostGivenUp = 3

  /// A client.
  ///
  /// - Parameters:
  ///   - cachePath: Where answers are stored; nil for nowhere.
  ///   - environment: The variables among which the key is.
  /// - Throws: When the key is missing, or a file cannot be written.
  package init(_ options: ServerOptions, cachePath: String?, environment: [String: String]) throws {
    self.options = options
    do throws(ServerAddress.Fault) { address = try ServerAddress(options.url) } catch {
      throw PipelineError(.invalidSpec, "'url' \(error.message)")
    }
    key = try ServerKey(variable: options.keyFrom, environment: environment)
    gate = RequestGate(limit: options.concurrency)
    cache = try cachePath.map { try AnswerCache(path: $0) }
    http = HTTPClient()
    reader = AnswerReader(
      server: address.name, model: options.model, keyVariable: options.keyFrom, key: key,
      timeLimit: options.timeoutSeconds)
  }

  deinit { http.close() }

  /// Answers a request, from the stored answers or by the server.
  ///
  /// - Parameters:
  ///   - make: Makes the request when its turn has come, since images take memory.
  ///   - retried: Is told when a request is repeated, and why.
  /// - Throws: ``ServerFault``, ``PipelineError``, cancellation.
  package func answer(
    _ make: () throws -> ChatRequest, retried: (_ note: String) -> Void
  ) async throws -> ChatAnswer {
    try await gate.pass {
      let request = try make()
      let body = request.body(model: options.model, extra: options.extra).json
      let cacheKey = AnswerCache.key(of: [body, String(request.draw)])
      if let kept = cache?.answer(to: cacheKey), let answer = try? ChatAnswer(kept) {
        state.withLock { $0.fromCache += 1 }
        return answer
      }
      // Requests that wait behind the one that found the fault need not run into it too.
      if let stopped = state.withLock({ $0.stopped }) { throw ServerFault.server(stopped) }
      do {
        let answer = try await send(
          Data(body.utf8), request.longestAnswer(extra: options.extra), random: cacheKey, retried: retried)
        try cache?.keep(answer.json, to: cacheKey)
        return answer
      } catch ServerFault.server(let message) {
        state.withLock { $0.stopped = $0.stopped ?? message }
        throw ServerFault.server(message)
      }
    }
  }

  /// Retries, and answers found in the cache, since this was last read.
  package func remarks() -> [String] {
    let (retries, fromCache) = state.withLock { state in
      defer { (state.retries, state.fromCache) = ([:], 0) }
      return (state.retries, state.fromCache)
    }
    var remarks: [String] = []
    if !retries.isEmpty {
      let kinds = retries.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
      remarks.append("\(address.name) was asked again (\(kinds))")
    }
    if fromCache > 0 { remarks.append("\(fromCache) answers were stored by an earlier attempt") }
    return remarks
  }

  private func send(
    _ body: Data, _ longestAnswer: Int, random name: String, retried: (_ note: String) -> Void
  ) async throws -> ChatAnswer {
    var attempt = 0
    while true {
      do {
        let answer = try await once(body, longestAnswer)
        state.withLock { ($0.hasAnswered, $0.givenUp) = (true, 0) }
        return answer
      } catch ServerFault.passing(let fault) {
        let isFirstContact = fault.isUnreachable && !state.withLock { $0.hasAnswered }
        let asksTooMuch = (fault.waitSeconds ?? 0) > Self.longestRetryAfter
        if isFirstContact || asksTooMuch || attempt >= options.retries {
          throw given(up: fault, after: attempt + 1, stops: isFirstContact || asksTooMuch)
        }
        state.withLock { $0.retries[fault.kind, default: 0] += 1 }
        retried("\(address.name) is asked again: \(fault.kind)")
        try await Task.sleep(for: .seconds(pause(attempt, fault, name)))
        attempt += 1
      }
    }
  }

  private func once(_ body: Data, _ longestAnswer: Int) async throws -> ChatAnswer {
    var headers = ["Content-Type": "application/json", "Accept": "application/json"]
    if let key { headers["Authorization"] = key.authorization }
    let answer: HTTPAnswer
    do {
      answer = try await http.post(
        body, to: address.chat, headers: headers, longestAnswer: longestAnswer, timeLimit: options.timeoutSeconds)
    } catch let fault as HTTPFault {
      throw reader.fault(fault)
    }
    guard (200..<300).contains(answer.status) else { throw reader.fault(answer) }
    do {
      let value = try parsed(answer.body)
      if value["choices"] == nil, value["error"] != nil { throw reader.broken(answer) }
      let read = try ChatAnswer(key.map { key in value.mapStrings { key.redacted($0) } } ?? value)
      if read.choices.contains(where: { $0.finish == "abort" }) { throw reader.broken("it was aborted") }
      return read
    } catch let fault as ChatAnswer.Fault {
      throw reader.broken(fault.message)
    } catch let fault as ServerFault {
      throw fault
    } catch {
      throw reader.broken("it is not JSON, or cut off")
    }
  }

  /// Reads JSON, long texts one at a time: the parsed value takes many times their bytes.
  private func parsed(_ body: [UInt8]) throws -> JSONValue {
    func parse() throws -> JSONValue { try JSONValue(parsing: String(decoding: body, as: UTF8.self)) }
    return body.count < Self.longBody ? try parse() : try reading.withLock { _ in try parse() }
  }

  /// How long to wait: what the server asks for, or twice as long each time, with a random part for each request.
  private func pause(_ attempt: Int, _ fault: ServerFault.Passing, _ name: String) -> Double {
    var random = PhiloxGenerator(
      seed: 1, purpose: "retry", position: (PhiloxGenerator.hash(name), UInt64(attempt), 0))
    let usual = min(Self.longestWait, options.backoffSeconds * Double(1 << min(attempt, 16)))
    return max(fault.waitSeconds ?? 0, usual * (0.5 + 0.5 * random.uniform()))
  }

  private func given(up fault: ServerFault.Passing, after attempts: Int, stops: Bool) -> ServerFault {
    let givenUp = state.withLock { state in
      state.givenUp += 1
      return state.givenUp
    }
    var message = fault.message
    if let wait = fault.waitSeconds, wait > Self.longestRetryAfter {
      message += "; it asks to wait for \(Int(wait.rounded())) s, start again then"
    } else if attempts > 1 {
      message += "; given up after \(attempts) attempts"
    }
    let isServers = stops || !fault.mayBeTheRequests || givenUp >= Self.mostGivenUp
    return isServers ? .server(message) : .request(message)
  }
}
