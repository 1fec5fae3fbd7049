// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Collects responses, which arrive in any order.
struct CollectedResponses {
  private var found: [[GeneratedResponse?]]
  private let limit: Int
  private let vocabularySize: Int

  init(_ requests: [GenerationRequest], limit: Int, vocabularySize: Int) {
    found = requests.map { Array(repeating: nil, count: $0.seeds.count) }
    self.limit = limit
    self.vocabularySize = vocabularySize
  }

  /// Takes the responses of a message.
  ///
  /// - Throws: ``WireFrame/Fault`` if they are not those requested.
  mutating func take(_ frame: WireFrame) throws {
    guard let tokens = frame["tokens"]?.int32s, let logProbs = frame["log_probs"]?.floats,
      let lengths = frame["lengths"]?.int32s?.map(Int.init), tokens.count == logProbs.count,
      lengths.allSatisfy({ $0 >= 0 }), lengths.reduce(0, +) == tokens.count
    else { throw WireFrame.Fault("responses without as many tokens as log-probabilities") }
    let places = try frame.places
    let finishes = (frame.header["finish"]?.arrayValue ?? []).map {
      $0.stringValue.flatMap(GeneratedResponse.Finish.init(rawValue:))
    }
    guard places.count == lengths.count, finishes.count == lengths.count else {
      throw WireFrame.Fault("\(lengths.count) responses with \(places.count) places and \(finishes.count) finishes")
    }
    var start = 0
    for ((place, length), finish) in zip(zip(places, lengths), finishes) {
      let range = start..<start + length
      start += length
      guard found.indices.contains(place.group), found[place.group].indices.contains(place.response),
        found[place.group][place.response] == nil
      else { throw WireFrame.Fault("response \(place.response) to prompt \(place.group), which it was not asked for") }
      guard let finish, length >= 1, length <= limit else {
        throw WireFrame.Fault("a response of \(length) tokens, where 1…\(limit) were asked for")
      }
      guard tokens[range].allSatisfy({ $0 >= 0 && $0 < vocabularySize }), logProbs[range].allSatisfy(\.isFinite) else {
        throw WireFrame.Fault("a response with a token outside the vocabulary, or a log-probability that is not finite")
      }
      found[place.group][place.response] = GeneratedResponse(
        tokens: Array(tokens[range]), logProbs: Array(logProbs[range]), finish: finish)
    }
  }

  /// All responses.
  ///
  /// - Throws: When some are missing.
  func responses() throws -> [[GeneratedResponse]] {
    let missing = found.reduce(0) { $0 + $1.count { $0 == nil } }
    guard missing == 0 else {
      throw PipelineError(.policyWorker, "the policy's worker ended a request with \(missing) responses still missing")
    }
    return found.map { $0.compactMap(\.self) }
  }
}

/// Tracks which responses of a minibatch have got their gradient.
struct SeenResponses {
  private let groups: [ResponseGroup]
  private var open: Set<ResponsePlace> = []

  init(_ groups: [ResponseGroup]) {
    self.groups = groups
    for (number, group) in groups.enumerated() {
      for (index, response) in group.responses.enumerated() where !response.isEmpty {
        open.insert(ResponsePlace(group: number, response: index))
      }
    }
  }

  /// The log-probabilities of a first phase, response by response, and the entropies if they were asked for.
  ///
  /// - Throws: ``WireFrame/Fault`` if they are not those requested.
  mutating func take(
    _ frame: WireFrame, withEntropies: Bool
  ) throws -> [(place: ResponsePlace, logProbs: [Float], entropies: [Float])] {
    guard let values = frame["log_probs"]?.floats else {
      throw WireFrame.Fault("a forward pass without log-probabilities")
    }
    let entropies = withEntropies ? frame["entropies"]?.floats : []
    guard let entropies, !withEntropies || entropies.count == values.count else {
      throw WireFrame.Fault("a forward pass without an entropy for each log-probability")
    }
    var start = 0
    let found = try frame.places.map { place -> (ResponsePlace, [Float], [Float]) in
      guard open.remove(place) != nil else {
        throw WireFrame.Fault("response \(place.response) of group \(place.group) twice, or unasked")
      }
      let count = groups[place.group].responses[place.response].count
      guard start + count <= values.count else {
        throw WireFrame.Fault("\(values.count) log-probabilities, fewer than its responses have tokens")
      }
      defer { start += count }
      let range = start..<start + count
      return (place, Array(values[range]), withEntropies ? Array(entropies[range]) : [])
    }
    guard start == values.count else {
      throw WireFrame.Fault("\(values.count) log-probabilities, more than its responses have tokens")
    }
    return found
  }

  /// - Throws: When a response was left out.
  func checkComplete() throws {
    guard open.isEmpty else {
      throw PipelineError(.policyWorker, "the policy's worker left out \(open.count) responses of a minibatch")
    }
  }
}

extension WireFrame {
  /// The responses that a message concerns.
  fileprivate var places: [ResponsePlace] {
    get throws {
      try (header["places"]?.arrayValue ?? []).map { place in
        guard let pair = place.arrayValue?.compactMap(\.intValue), pair.count == 2 else {
          throw Fault("a place that is no pair of numbers, \(place.json.shortenedForMessage)")
        }
        return ResponsePlace(group: pair[0], response: pair[1])
      }
    }
  }
}
