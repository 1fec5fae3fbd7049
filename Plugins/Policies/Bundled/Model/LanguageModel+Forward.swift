// SPDX-License-Identifier: Apache-2.0
package import ModelInput
package import Tensor

extension LanguageModel {
  /// Hidden states of all rows of a batch, before the last normalisation.
  package func hiddenStates(
    of batch: PackedBatch, on tape: Tape<Float>, seen: (Int, Matrix<Float>) -> Void = { _, _ in }
  ) -> Variable<Float> {
    var embeddings = decoder.embedding(batch.tokens, on: tape)
    var deepstack: [Variable<Float>] = []
    if !batch.images.isEmpty, let features = visionFeatures(of: batch.images, on: towerTape(beside: tape)) {
      embeddings = tape.replaceRows(
        of: embeddings, at: batch.imageRows, by: features.embeddings,
        sources: (0..<Int32(features.embeddings.value.rows)).map { $0 })
      deepstack = features.deepstack
    }
    return decoder(
      embeddings, positions: batch.positions, layout: batch.layout, deepstack: deepstack, at: batch.imageRows, on: tape,
      seen: seen)
  }

  /// The vision tower computes with its weights as they are, whatever the decoder samples with.
  private func towerTape(beside tape: Tape<Float>) -> Tape<Float> {
    tape.isRecording ? tape : self.tape(isRecording: false)
  }

  /// What the vision tower makes of all images, concatenated; nil for a text model.
  package func visionFeatures(of images: [ImagePatches], on tape: Tape<Float>) -> VisionFeatures? {
    guard let vision, let config = config.vision else { return nil }
    let patches = Matrix<Float>(
      rows: images.reduce(0) { $0 + $1.grid.patchCount }, columns: config.patchValueCount, pool: pool)
    var start = 0
    for image in images {
      image.values.withUnsafeBufferPointer { values in
        guard let first = values.baseAddress else { return }
        (patches.pointer + start).update(from: first, count: values.count)
      }
      start += image.values.count
    }
    return vision(patches, grids: images.map(\.grid), on: tape)
  }

  /// Log-probabilities of all response tokens of a batch, [n, 1].
  package func logProbs(of batch: PackedBatch, temperature: Double, on tape: Tape<Float>) -> Variable<Float> {
    let hidden = tape.rows(of: hiddenStates(of: batch, on: tape), at: batch.predictingRows)
    return logProbs(hidden, targets: batch.targets, temperature: temperature, on: tape)
  }

  /// The same with the entropies of the distributions that they were drawn from, [n, 1] each; for training.
  package func logProbsAndEntropies(of batch: PackedBatch, temperature: Double, on tape: Tape<Float>)
    -> (logProbs: Variable<Float>, entropies: Variable<Float>)
  {
    let hidden = tape.rows(of: hiddenStates(of: batch, on: tape), at: batch.predictingRows)
    return decoder.logProbsAndEntropies(hidden, targets: batch.targets, temperature: temperature, on: tape)
  }

  /// Log-probabilities of target tokens from hidden states, [n, 1].
  package func logProbs(
    _ hidden: Variable<Float>, targets: [Int32], temperature: Double, on tape: Tape<Float>
  ) -> Variable<Float> {
    decoder.logProbs(hidden, targets: targets, temperature: temperature, on: tape)
  }

  /// Logits [n, vocabulary] from hidden states.
  package func logits(_ hidden: Variable<Float>, on tape: Tape<Float>) -> Matrix<Float> {
    decoder.logits(hidden, on: tape)
  }

  /// Hidden states after the last normalisation.
  package func normalized(_ hidden: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    decoder.normalized(hidden, on: tape)
  }
}
