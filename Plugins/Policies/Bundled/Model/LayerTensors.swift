// SPDX-License-Identifier: Apache-2.0
import ModelInput

// What a layer is made of, by the names and shapes of a checkpoint's tensors. A family lists its tensors with these once;
// they are checked against the files, loaded and saved.

/// The tensors of a linear layer; the rows of several are put side by side.
struct LinearTensors {
  let weights: [TensorDeclaration]
  /// As many as weights, or none.
  let biases: [TensorDeclaration]

  /// Linear layers of the same input, given by name and width.
  init(_ parts: [(name: String, rows: Int)], columns: Int, hasBias: Bool) {
    weights = parts.map { TensorDeclaration($0.name + ".weight", [$0.rows, columns]) }
    biases = hasBias ? parts.map { TensorDeclaration($0.name + ".bias", [$0.rows]) } : []
  }

  /// One linear layer.
  init(_ name: String, rows: Int, columns: Int, hasBias: Bool) {
    self.init([(name, rows)], columns: columns, hasBias: hasBias)
  }

  /// The convolution that patches go through: a linear layer of a patch's values.
  init(patches name: String, _ config: ModelConfig.Vision, hasBias: Bool) {
    let shape = [
      config.hiddenSize, config.channelCount, config.temporalPatchSize, config.patchSize, config.patchSize,
    ]
    weights = [TensorDeclaration(name + ".weight", shape)]
    biases = hasBias ? [TensorDeclaration(name + ".bias", [config.hiddenSize])] : []
  }

  var all: [TensorDeclaration] {
    weights.indices.flatMap { biases.isEmpty ? [weights[$0]] : [weights[$0], biases[$0]] }
  }
}

/// The tensors of a norm.
enum NormTensors {
  case rootMeanSquare(TensorDeclaration, epsilon: Double)
  case layer(weight: TensorDeclaration, bias: TensorDeclaration, epsilon: Double)

  /// A norm by the root mean square.
  static func rootMeanSquare(_ name: String, width: Int, epsilon: Double) -> NormTensors {
    .rootMeanSquare(TensorDeclaration(name + ".weight", [width]), epsilon: epsilon)
  }

  /// A layer norm.
  static func layer(_ name: String, width: Int, epsilon: Double) -> NormTensors {
    .layer(
      weight: TensorDeclaration(name + ".weight", [width]), bias: TensorDeclaration(name + ".bias", [width]),
      epsilon: epsilon)
  }

  var all: [TensorDeclaration] {
    switch self {
    case .rootMeanSquare(let weight, _): [weight]
    case .layer(let weight, let bias, _): [weight, bias]
    }
  }
}

/// The tensors of attention.
struct AttentionTensors {
  /// Queries, keys and values.
  let projection: LinearTensors
  let output: LinearTensors
  /// The norms of each head's queries and keys.
  var headNorms: (query: TensorDeclaration, key: TensorDeclaration, epsilon: Double)?

  var all: [TensorDeclaration] {
    projection.all + (headNorms.map { [$0.query, $0.key] } ?? []) + output.all
  }
}

/// The tensors of a feed-forward part.
enum FeedForwardTensors {
  case gated(gateAndUp: LinearTensors, down: LinearTensors)
  case plain(first: LinearTensors, activation: ModelConfig.Activation, second: LinearTensors)

  /// `gate_proj`, `up_proj` and `down_proj`.
  static func gated(_ prefix: String, width: Int, inner: Int, hasBias: Bool) -> FeedForwardTensors {
    .gated(
      gateAndUp: LinearTensors(
        [(prefix + "gate_proj", inner), (prefix + "up_proj", inner)], columns: width, hasBias: hasBias),
      down: LinearTensors(prefix + "down_proj", rows: width, columns: inner, hasBias: hasBias))
  }

  var all: [TensorDeclaration] {
    switch self {
    case .gated(let gateAndUp, let down): gateAndUp.all + down.all
    case .plain(let first, _, let second): first.all + second.all
    }
  }
}

/// The tensors of a ``TransformerLayer``.
struct LayerTensors {
  let firstNorm: NormTensors
  let attention: AttentionTensors
  let secondNorm: NormTensors
  let feedForward: FeedForwardTensors

  /// From input to output.
  var all: [TensorDeclaration] { firstNorm.all + attention.all + secondNorm.all + feedForward.all }
}

/// The tensors of a ``PatchMerger``.
struct MergerTensors {
  let norm: NormTensors
  let place: PatchMerger.NormPlace
  let first: LinearTensors
  let second: LinearTensors

  var all: [TensorDeclaration] { norm.all + first.all + second.all }
}
