// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Builds layers from their tensors, in the order from input to output: it is that of the optimizer's sums.
extension ModelWeights {
  func linear(_ tensors: LinearTensors) throws -> LinearLayer {
    LinearLayer(
      weight: try productWeight(tensors.weights), bias: tensors.biases.isEmpty ? nil : try vector(tensors.biases),
      adapters: try adapters(of: tensors.weights))
  }

  func norm(_ tensors: NormTensors) throws -> Norm {
    switch tensors {
    case .rootMeanSquare(let weight, let epsilon):
      .rootMeanSquare(weight: try vector([weight]), epsilon: epsilon)
    case .layer(let weight, let bias, let epsilon):
      .layer(weight: try vector([weight]), bias: try vector([bias]), epsilon: epsilon)
    }
  }

  func layer(_ tensors: LayerTensors) throws -> TransformerLayer {
    TransformerLayer(
      firstNorm: try norm(tensors.firstNorm), projection: try linear(tensors.attention.projection),
      headNorms: try tensors.attention.headNorms.map {
        HeadNorms(query: try vector([$0.query]), key: try vector([$0.key]), epsilon: $0.epsilon)
      },
      output: try linear(tensors.attention.output), secondNorm: try norm(tensors.secondNorm),
      feedForward: try feedForward(tensors.feedForward))
  }

  func merger(_ tensors: MergerTensors) throws -> PatchMerger {
    PatchMerger(
      norm: try norm(tensors.norm), place: tensors.place, first: try linear(tensors.first),
      second: try linear(tensors.second))
  }

  private func feedForward(_ tensors: FeedForwardTensors) throws -> FeedForward {
    switch tensors {
    case .gated(let gateAndUp, let down): .gated(gateAndUp: try linear(gateAndUp), down: try linear(down))
    case .plain(let first, let activation, let second):
      .plain(first: try linear(first), activation: activation, second: try linear(second))
    }
  }
}
