// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Synchronization
import Testing

@Suite("Abilities of a policy", .timeLimit(.minutes(15)))
struct PolicyTests {
  @Test("a policy can do what it was made with, and log-probabilities and training want a codec")
  func abilities() {
    let scripted = ScriptedPolicy()
    #expect(scripted.policy.abilities == [.generation, .logProbs, .training, .entropy, .entropies, .imageChanges])
    #expect(Policy(sampler: scripted.sampler).abilities == [.generation])
    #expect(Policy(logProbs: scripted, trainable: scripted, reference: scripted).abilities == [])
    #expect(Policy(codec: scripted, reference: scripted).abilities == [.reference])
  }

  @Test("limited to some abilities, it has no others", arguments: PolicyAbility.allCases)
  func limits(_ ability: PolicyAbility) {
    let scripted = ScriptedPolicy()
    var policy = scripted.policy
    policy.reference = scripted
    #expect(policy.limited(to: [ability]).abilities == [ability])
    #expect(policy.limited(to: []).abilities == [])
  }

  @Test("a stage takes the abilities that it was given, and is told of others by name")
  func context() throws {
    let scripted = ScriptedPolicy()
    let context = TrainingContext(policy: scripted.policy.limited(to: [.logProbs]))
    _ = try (context.codec, context.logProbs)
    func message(_ body: () throws -> Void) -> String? { #expect(throws: PipelineError.self) { try body() }?.message }
    func lack(_ name: String) -> String {
      "it needs the policy's ability '\(name)', and has a policy without; a stage names it in 'needs', and the spec a "
        + "policy that offers it"
    }
    #expect(message { _ = try context.sampler } == lack("generation"))
    #expect(message { _ = try context.trainable } == lack("training"))
    #expect(message { _ = try context.reference } == lack("reference"))
    #expect(message { _ = try context.entropyTrainable } == lack("entropy"))
    #expect(message { _ = try context.entropies } == lack("entropies"))
    #expect(message { _ = try TrainingContext().sampler } == "it needs a policy; run it from a spec that names one")
  }

  /// Opens a policy with other abilities than it offers.
  private struct Backend: PolicyBackend {
    static let about = ComponentAbout(name: "boaster", summary: "Offers what it does not have")
    var offers: Set<PolicyAbility> = []
    var policy = Policy()

    init(options: NoOptions, assembly: Assembly) {}
    init(offers: Set<PolicyAbility>, policy: Policy) { (self.offers, self.policy) = (offers, policy) }

    func open(_ opening: PolicyOpening) async throws -> Policy { policy }
  }

  @Test("a backend that offers more than it opens is found out, and what it opened is closed")
  func boaster() async throws {
    let closed = Mutex(0)
    let scripted = ScriptedPolicy()
    let policy = Policy(sampler: scripted.sampler, logProbs: scripted) { closed.withLock { $0 += 1 } }
    let backend = Backend(offers: Set(PolicyAbility.allCases), policy: policy)
    for (purpose, missing) in [
      (PolicyOpening.Purpose.inference, "entropies and image-changes and log-probs"),
      (.training, "entropies and entropy and image-changes and log-probs and training"),
    ] {
      let error = await #expect(throws: PipelineError.self) {
        try await backend.opened(PolicyOpening(purpose: purpose))
      }
      #expect(
        error?.description
          == "the policy 'boaster' offers \(missing), and what it opened has no such ability, or no codec to go with it; "
          + "this is a mistake in the plug-in")
    }
    #expect(closed.withLock { $0 } == 2)
    let honest = Backend(offers: [.generation, .reference], policy: policy)
    #expect(try await honest.opened(PolicyOpening(purpose: .training)).abilities == [.generation])
    #expect(closed.withLock { $0 } == 2)
  }
}
