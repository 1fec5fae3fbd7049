// SPDX-License-Identifier: Apache-2.0
import CKernels
import PipelineCore
import Tensor

/// Whether a model's adapters count; without them it is the model that they were made for.
final class AdapterSwitch {
  var isOn = true
}

/// A low-rank change of one matrix: `scale · up · down`.
struct Adapter {
  /// The matrix that it changes.
  let target: TensorDeclaration
  /// [rank, input], `lora_A`.
  let down: Variable<Float>
  /// [output, rank], `lora_B`.
  let up: Variable<Float>
  private let scale: Double
  private let column: Int
  private let isOn: AdapterSwitch

  /// An adapter that changes nothing yet, or a saved one.
  ///
  /// Drawn as by peft: `down` uniform within ±1/√input, `up` zero; from the name of the matrix alone.
  /// - Parameter column: The first column of the layer's result that the matrix gives.
  /// - Throws: When the saved adapters lack it, or have another shape.
  init(
    of target: TensorDeclaration, at column: Int, _ settings: AdapterSettings, from saved: SavedAdapters?,
    isOn: AdapterSwitch, pool: MemoryPool
  ) throws {
    self.target = target
    (scale, self.column, self.isOn) = (settings.scale, column, isOn)
    let (rows, columns) = (target.shape[0], target.shape[1])
    let downValues = Matrix<Float>(rows: settings.rank, columns: columns, pool: pool)
    let upValues = Matrix<Float>(rows: rows, columns: settings.rank, pool: pool)
    if let saved {
      try saved.read(Self.tensor(target, "A", [settings.rank, columns]), into: downValues.elements)
      try saved.read(Self.tensor(target, "B", [rows, settings.rank]), into: upValues.elements)
    } else {
      var draw = PhiloxGenerator(seed: 0, purpose: "lora \(target.name)")
      let bound = 1 / Double(columns).squareRoot()
      for index in 0..<downValues.count { downValues.pointer[index] = Float((2 * draw.uniform() - 1) * bound) }
      upValues.clear()
    }
    down = Variable(downValues, needsGradient: true, pool: pool)
    up = Variable(upValues, needsGradient: true, pool: pool)
  }

  /// Its two matrices, for the optimizer and for saving.
  var parameters: [Parameter] {
    [("A", down), ("B", up)].map { side, variable in
      Parameter(
        tensors: [Self.tensor(target, side, [variable.value.rows, variable.value.columns])], variable: variable,
        isVision: false)
    }
  }

  func add(to y: Variable<Float>, of x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    isOn.isOn ? tape.addLowRank(of: x, down: down, up: up, scale: scale, to: y, at: column) : y
  }

  /// Adds the change to the matrix.
  func merge(into weights: UnsafeMutableBufferPointer<Float>) {
    let (rows, columns, rank) = (target.shape[0], target.shape[1], down.value.rows)
    ck_gemm(
      CK_FLOAT, false, false, rows, columns, rank, scale, up.value.pointer, rank, down.value.pointer, columns, 1,
      weights.baseAddress, columns)
  }

  private static func tensor(_ target: TensorDeclaration, _ side: String, _ shape: [Int]) -> TensorDeclaration {
    TensorDeclaration("\(target.name.dropLast(".weight".count)).lora_\(side).weight", shape)
  }
}
