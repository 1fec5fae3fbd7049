// SPDX-License-Identifier: Apache-2.0
package import ModelInput
import PipelineCore
package import Tensor

/// The purpose of a model's weights.
package enum WeightUse: Sendable, Hashable {
  /// Inference: weights in bfloat16 stay in the mapped checkpoint, unless sampling has weights in a format of its own.
  case inference
  /// Training, in single precision.
  case training(vision: VisionUse)
  /// Training of adapters alone: weights in bfloat16 stay in the mapped checkpoint, the others do not change either.
  case adapters(AdapterSettings)
}

/// A matrix of weights, with the checkpoint's tensors that form its rows.
package struct Parameter {
  /// The tensors, in order.
  package let tensors: [TensorDeclaration]
  /// The weights and their gradient.
  package let variable: Variable<Float>
  /// Whether it belongs to the vision tower.
  package let isVision: Bool

  /// A parameter.
  package init(tensors: [TensorDeclaration], variable: Variable<Float>, isVision: Bool) {
    self.tensors = tensors
    self.variable = variable
    self.isVision = isVision
  }

  /// Its name.
  package var name: String { tensors.map(\.name).joined(separator: "+") }
}

/// Builds the layers of a model from the tensors of a checkpoint, and collects the parameters.
final class ModelWeights {
  private(set) var parameters: [Parameter] = []
  /// The adapters, in the order of their layers.
  private(set) var adapters: [Adapter] = []
  private let checkpoint: Checkpoint
  private let use: WeightUse
  private let pool: MemoryPool
  /// Whether weights in bfloat16 stay in the mapped checkpoint.
  private let mapsWeights: Bool
  private let savedAdapters: SavedAdapters?
  private let projector: Set<TensorDeclaration>
  /// Whether adapters count.
  let adapterSwitch = AdapterSwitch()

  init(_ checkpoint: Checkpoint, use: WeightUse, sampling: WeightFormat, pool: MemoryPool) throws {
    self.checkpoint = checkpoint
    self.use = use
    self.pool = pool
    if case .training = use { mapsWeights = false } else { mapsWeights = sampling == .float32 }
    projector = Set(checkpoint.config.projectorTensors)
    if case .adapters(let settings) = use {
      savedAdapters = try settings.checkpoint.map {
        try SavedAdapters(checkpoint: $0, family: checkpoint.config.family)
      }
    } else {
      savedAdapters = nil
    }
  }

  /// A vector, such as a norm's weights or a bias; several are concatenated.
  func vector(_ tensors: [TensorDeclaration]) throws -> Variable<Float> { try variable(tensors, isVector: true) }

  /// A matrix whose rows are read; the rows of several tensors are concatenated.
  func matrix(_ tensors: [TensorDeclaration]) throws -> RowWeight {
    if mapsWeights, let pieces = try stored(tensors) { return .stored(pieces) }
    return .variable(try variable(tensors, isVector: false))
  }

  /// The weight of a linear layer; for inference it takes its memory once, in the order of products.
  func productWeight(_ tensors: [TensorDeclaration]) throws -> Weight {
    guard use == .inference else { return try matrix(tensors).ofProducts }
    if mapsWeights, let pieces = try stored(tensors) { return .stored(pieces) }
    let tape = Tape<Float>(workers: Workers(threads: 1), pool: pool, isRecording: false)
    return .packed(PackedWeight(tape.packedTranspose(of: try values(of: tensors, isVector: false))))
  }

  private func values(of declarations: [TensorDeclaration], isVector: Bool) throws -> Matrix<Float> {
    let tensors = try declarations.map(tensor)
    let rows = isVector ? 1 : tensors.reduce(0) { $0 + $1.shape[0] }
    let columns = tensors.reduce(0) { $0 + $1.count } / rows
    let matrix = Matrix<Float>(rows: rows, columns: columns, pool: pool)
    var start = 0
    for tensor in tensors {
      let target = UnsafeMutableBufferPointer(rebasing: matrix.elements[start..<start + tensor.count])
      tensor.copy(into: target)
      tensor.release()
      guard allFinite(target) else { throw Self.notFinite(tensor.name) }
      start += tensor.count
    }
    return matrix
  }

  private func variable(_ declarations: [TensorDeclaration], isVector: Bool) throws -> Variable<Float> {
    let variable = Variable(
      try values(of: declarations, isVector: isVector), needsGradient: learns(declarations[0]), keepsPacked: !isVector,
      pool: pool)
    parameters.append(
      Parameter(tensors: declarations, variable: variable, isVision: declarations[0].isOfTower))
    return variable
  }

  private func learns(_ tensor: TensorDeclaration) -> Bool {
    switch use {
    case .inference, .adapters: false
    case .training(.trained): true
    case .training(.projector): !tensor.isOfTower || projector.contains(tensor)
    case .training(.frozen): !tensor.isOfTower
    }
  }

  private func stored(_ declarations: [TensorDeclaration]) throws -> [BFloat16Matrix]? {
    var pieces: [BFloat16Matrix] = []
    for tensor in try declarations.map(tensor) {
      guard tensor.dtype == .bfloat16 else { return nil }
      guard tensor.isFinite else { throw Self.notFinite(tensor.name) }
      let piece = tensor.withBFloat16 { numbers -> BFloat16Matrix? in
        guard let start = numbers.baseAddress else { return nil }
        let rows = tensor.shape[0]
        return BFloat16Matrix(rows: rows, columns: tensor.count / rows, pointer: start, owner: Owner(tensor))
      }
      guard let piece, let piece else { return nil }
      pieces.append(piece)
    }
    return pieces
  }

  /// The adapters of a linear layer's tensors.
  func adapters(of declarations: [TensorDeclaration]) throws -> [Adapter] {
    guard case .adapters(let settings) = use else { return [] }
    var column = 0
    return try declarations.compactMap { declaration -> Adapter? in
      defer { column += declaration.shape[0] }
      guard settings.covers(declaration) else { return nil }
      let adapter = try Adapter(
        of: declaration, at: column, settings, from: savedAdapters, isOn: adapterSwitch, pool: pool)
      parameters += adapter.parameters
      adapters.append(adapter)
      return adapter
    }
  }

  private static func notFinite(_ name: String) -> PipelineError {
    PipelineError(
      .invalidData, "the weights '\(name)' hold NaN or infinity; the checkpoint is damaged, take another")
  }

  private func tensor(_ declaration: TensorDeclaration) throws -> StoredTensor {
    guard let tensor = checkpoint.tensor(named: declaration.name) else {
      throw PipelineError(.invalidData, "the checkpoint has no tensor '\(declaration.name)'")
    }
    return tensor
  }

  /// Keeps a mapped tensor alive.
  private final class Owner {
    let tensor: StoredTensor
    init(_ tensor: StoredTensor) { self.tensor = tensor }
  }
}
