// SPDX-License-Identifier: Apache-2.0

/// An ability of a policy: a stage names those that it needs, a backend those that it offers.
public enum PolicyAbility: String, Sendable, Hashable, CaseIterable {
  /// Responses to prompts; see ``ResponseSampler``.
  case generation
  /// Log-probabilities of given responses; see ``LogProbSource``.
  case logProbs = "log-probs"
  /// Gradients and optimizer steps; see ``TrainablePolicy``.
  case training
  /// Log-probabilities under the initial weights of the run.
  case reference
  /// Gradients of the entropy of each token's distribution; see ``EntropyTrainablePolicy``.
  case entropy
  /// Entropies of the distributions of given responses' tokens; see ``EntropySource``.
  case entropies
  /// Images that are changed before they are looked at; see ``ImageChange``.
  case imageChanges = "image-changes"
}
