// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import PipelineSpec

/// A folder of its own, gone with the object.
final class Scratch: Sendable {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ data: Data) throws { try data.write(to: URL(fileURLWithPath: path + "/" + name)) }

  func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path + "/" + name) ?? Data(), as: UTF8.self)
  }
}

extension Assembly {
  /// Of components that name no others.
  static let empty = Assembly(registry: Registry(), reader: SpecOptionsReader())
}

/// An image that any reader takes for one, by its first bytes.
let imageBytes =
  Data(
    base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
  ?? Data()

/// Asks a server for rollouts of prompts as a spec would.
struct Asking {
  var server: FakeServer
  var options = OpenAIPolicyBackend.Options()
  var sampling = RolloutSampler.Options()
  var environment: [String: String] = [:]

  init(_ server: FakeServer, model: String) {
    self.server = server
    options.url = server.url
    options.model = model
    options.backoffSeconds = 0.001
    options.retries = 2
    sampling.count = 3
  }

  /// Folders that images may lie in.
  var roots: [String] = []

  func policy(cacheFolder: String? = nil) async throws -> any ResponseSampler {
    let backend = OpenAIPolicyBackend(options: options, assembly: .empty)
    return try backend.sampler(
      PolicyOpening(purpose: .inference, cacheFolder: cacheFolder, media: MediaAccess(roots: roots)),
      environment: environment)
  }

  /// The outcome for each prompt.
  func outcomes(_ prompts: [String] = ["a", "b"], cacheFolder: String? = nil) async throws -> [RolloutSampler.Outcome] {
    try await outcomes(of: prompts.map { .string($0) }, cacheFolder: cacheFolder)
  }

  /// The outcome for each prompt, a text or messages.
  func outcomes(of prompts: [JSONValue], cacheFolder: String? = nil) async throws -> [RolloutSampler.Outcome] {
    let records = prompts.enumerated().map { index, prompt in
      Trajectory(id: "p\(index)", group: "p\(index)", fields: [.prompt: prompt])
    }
    return try await RolloutSampler(sampler: policy(cacheFolder: cacheFolder), options: sampling)
      .rollouts(of: records)
  }

  /// The rollouts of all prompts, which must all have some.
  func rollouts(_ prompts: [String] = ["a", "b"], cacheFolder: String? = nil) async throws -> [Trajectory] {
    var all: [Trajectory] = []
    for outcome in try await outcomes(prompts, cacheFolder: cacheFolder) {
      switch outcome {
      case .rollouts(let rollouts, _): all += rollouts
      case .failed(let reason): throw PipelineError(.invalidData, reason)
      case .skipped: break
      }
    }
    return all
  }
}
