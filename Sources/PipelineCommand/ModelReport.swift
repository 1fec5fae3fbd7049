// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import ModelInput
import PipelineAnalysis
import PipelineCore

/// The report on a model's folder.
struct ModelReport {
  let inspection: ModelInspection

  init(_ inspection: ModelInspection) { self.inspection = inspection }

  /// A few tables, as text.
  var text: String {
    var rows: [(label: String, value: String)] = []
    if let config = inspection.config {
      rows.append(("architecture", "\(config.family.title), \(config.family.architecture)"))
      if let checkpoint = inspection.checkpoint { rows += weights(checkpoint) }
      rows.append(("decoder", decoder(config.text)))
      rows.append(("positions", positions(config.text.rotary)))
      rows.append(("vision tower", config.vision.map(tower) ?? "none: prompts with images are refused"))
      rows.append(
        (
          "vocabulary",
          "\(count(config.text.vocabularySize)) rows, output embedding "
            + (config.outputEmbedding == .tied ? "tied" : "its own")
        ))
      rows.append(("context", "\(count(config.text.contextLength)) tokens"))
    }
    if let images = inspection.images { rows.append(("images", self.images(images))) }
    if let ends = inspection.checkpoint?.generation.endTokenIDs {
      rows.append(("ends answers", ends.map(endToken).joined(separator: ", ")))
    }
    rows.append(("tokenizer", tokenizer))
    rows.append(("chat template", template))
    if let checkpoint = inspection.checkpoint { rows += memory(MemoryEstimate(checkpoint)) }
    rows += files.enumerated().map { ($0 == 0 ? "files" : "", $1) }
    return inspection.folder + "\n" + Self.table(rows)
  }

  /// An id, and the token that has it.
  private func endToken(_ id: Int) -> String {
    guard case .found(_, let tokenizer) = inspection.tokenizer else { return "\(id)" }
    let text = tokenizer.decode([id])
    return text.isEmpty ? "\(id)" : "\(id) \(text)"
  }

  private func decoder(_ text: ModelConfig.Text) -> String {
    "\(text.layerCount) layers of width \(count(text.hiddenSize)), feed-forward \(count(text.intermediateSize)), "
      + "\(text.headCount) heads over \(text.keyValueHeadCount) of keys and values, each \(text.headSize) wide"
  }

  private func positions(_ rotary: ModelConfig.Rotary) -> String {
    let axes =
      switch rotary.axes {
      case .one: "rotary"
      case .chunks(let sections): "rotary, time, height and width in chunks of \(list(sections)) pairs"
      case .interleaved(let sections): "rotary, time, height and width interleaved, sections \(list(sections))"
      }
    let scaling =
      switch rotary.scaling {
      case .none: ""
      case .linear(let factor): ", all divided by \(NumberText.short(factor))"
      case .llama3(let factor, _, _, _): ", low ones divided by \(NumberText.short(factor)) as in Llama 3"
      case .yarn(let yarn): ", low ones divided by \(NumberText.short(yarn.factor)) as in YaRN"
      }
    return "\(axes); base \(NumberText.short(rotary.theta))\(scaling)"
  }

  private func tower(_ vision: ModelConfig.Vision) -> String {
    var text =
      "\(vision.depth) blocks of width \(count(vision.hiddenSize)), feed-forward "
      + "\(count(vision.intermediateSize)), \(vision.headCount) heads; patches of \(vision.patchSize) pixels, "
      + "\(vision.spatialMergeSize) x \(vision.spatialMergeSize) make a token"
    if let windows = vision.windows { text += "; windows of \(windows.size) pixels" }
    if vision.learnedPositions > 0 { text += "; \(count(vision.learnedPositions)) learned positions" }
    if !vision.deepstackBlocks.isEmpty {
      text += "; blocks \(list(vision.deepstackBlocks)) go to the first decoder layers too"
    }
    return text
  }

  private func images(_ images: ImageProcessorConfig) -> String {
    let side = images.sizeFactor * images.sizeFactor
    return "\(count(images.minPixels)) to \(count(images.maxPixels)) pixels, "
      + "\(count(max(1, images.minPixels / side))) to \(count(max(1, images.maxPixels / side))) tokens; means "
      + images.mean.map { NumberText.short($0) }.joined(separator: ", ") + ", deviations "
      + images.standardDeviation.map { NumberText.short($0) }.joined(separator: ", ")
  }

  private func list(_ numbers: [Int]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }

  /// The first of the model's files with their sizes, and how many more there are.
  private var files: [String] {
    let limit = 24
    var lines = inspection.files.prefix(limit).map { "\($0.name), \(NumberText.bytes($0.size))" }
    if inspection.files.count > limit { lines.append("and \(inspection.files.count - limit) more") }
    return lines.isEmpty ? ["none"] : lines
  }

  private func weights(_ checkpoint: Checkpoint) -> [(label: String, value: String)] {
    let parts = checkpoint.parameterCounts
    let vision = parts.vision == 0 ? "" : "vision \(count(parts.vision)), "
    return [
      (
        "parameters",
        "\(count(checkpoint.parameterCount)): \(vision)language \(count(parts.language)), "
          + "embeddings \(count(parts.embeddings))"
      ),
      ("numbers", types(checkpoint).map { "\($0.name) \(NumberText.percent($0.share))" }.joined(separator: ", ")),
    ]
  }

  /// The number formats with the share of the weights in each.
  private func types(_ checkpoint: Checkpoint) -> [(name: String, share: Double)] {
    TensorType.allCases.compactMap { type in
      let count = checkpoint.tensors.reduce(0) { $0 + ($1.dtype == type ? $1.count : 0) }
      return count == 0 ? nil : (type.rawValue, Double(count) / Double(max(1, checkpoint.parameterCount)))
    }
  }

  /// What fits into this machine's memory, with the options' defaults and what a run samples by default.
  private func fitting(_ estimate: MemoryEstimate) -> String {
    var lora = AdapterOptions()
    lora.rank = Self.exampleRank
    let rows = BundledPolicy.Options().rowsPerMicroBatch
    let uses: [(String, MemoryEstimate.Use)] = [
      ("inference", .inference), ("training adapters of rank \(lora.rank)", .adapters(lora)),
      ("training all weights of the decoder", .training(vision: .frozen)),
    ]
    var lines: [String] = []
    for (name, use) in uses {
      let report = MemoryReport(estimate.memory(use, rowsPerMicroBatch: rows, sampling: [SamplingLoad()]))
      let bytes = NumberText.bytes(report.memory.byteCount)
      lines.append(
        report.fits
          ? "\(name) fits here (\(bytes))" : "\(name) does not (\(bytes) of \(NumberText.bytes(report.available)))")
      if !report.fits {
        lines.append("to change that: " + report.memory.remedies.joined(separator: "; or "))
        break
      }
    }
    return lines.joined(separator: "; ")
  }

  private static let exampleRank = 16

  private func memory(_ memory: MemoryEstimate) -> [(label: String, value: String)] {
    let mapped =
      memory.mappedWeights > 0 ? ", \(NumberText.bytes(memory.mappedWeights)) more stay in the files, mapped" : ""
    let hasTower = inspection.config?.vision != nil
    let training =
      NumberText.bytes(memory.trainingWeights + memory.packedWeights.training + memory.gradientsAndMoments(.frozen))
      + " of weights, their packed form, gradients and two moments"
    let patches = NumberText.bytes(memory.activationsPerThousandPatches)
    return [
      (
        "inference",
        "\(NumberText.bytes(memory.widenedWeights + memory.packedWeights.inference)) of weights in memory\(mapped); "
          + "\(NumberText.bytes(memory.cachePerThousandTokens)) of keys and values for 1,000 tokens"
      ),
      (
        "training",
        hasTower
          ? "\(training) with the vision tower frozen, "
            + "\(NumberText.bytes(memory.trainingWeights + memory.packedWeights.training + memory.gradientsAndMoments(.trained))) with it trained"
          : training
      ),
      ("this machine", fitting(memory)),
      (
        "activations",
        "about \(NumberText.bytes(memory.activationsPerThousandRows)) for 1,000 rows of prompts and responses"
          + "\(hasTower ? ", \(patches) for 1,000 image patches" : "") (estimated: \(MemoryEstimate.method))"
      ),
    ]
  }

  private var tokenizer: String {
    switch inspection.tokenizer {
    case .found(let files, let tokenizer):
      "\(files.joined(separator: " and ")), \(count(tokenizer.count)) ids, \(tokenizer.divisionDescription)"
        + (tokenizer.missingBytes == 0
          ? "" : "; \(tokenizer.missingBytes) bytes have no token and are left out of texts")
    case .missing: "missing: prompts and responses must be tokens already"
    case .unusable: "cannot be used"
    }
  }

  private var template: String {
    switch inspection.template {
    case .published: "the published one of Qwen2.5-VL"
    case .own(let file): "its own, in \(file)"
    case .some(.none):
      inspection.config?.family.hasQwenTemplate == false
        ? "missing: prompts must be tokens; add chat_template.jinja to give messages"
        : "missing: prompts get the published one of Qwen2.5-VL"
    case nil: "cannot be used"
    }
  }

  private func count(_ value: Int) -> String { NumberText.count(value) }

  /// Labels and values side by side; values are wrapped to fit 100 columns.
  private static func table(_ rows: [(label: String, value: String)]) -> String {
    let width = rows.map(\.label.count).max() ?? 0
    var lines = ""
    for row in rows {
      var label = row.label
      var current = ""
      func close() {
        lines += "  " + label + String(repeating: " ", count: width - label.count) + "  " + current + "\n"
        (label, current) = ("", "")
      }
      for word in row.value.split(separator: " ") {
        if !current.isEmpty, current.count + 1 + word.count > 96 - width { close() }
        current += (current.isEmpty ? "" : " ") + word
      }
      close()
    }
    return lines
  }
}

extension ModelReport {
  /// The same as JSON; unknown values are left out.
  var json: JSONValue {
    var members: [JSONValue.Member] = [.init("folder", .string(inspection.folder))]
    if let config = inspection.config {
      members.append(.init("family", .string(config.family.rawValue)))
      members.append(.init("architecture", .string(config.family.architecture)))
      members.append(.init("context_length", .number(config.text.contextLength)))
      members.append(.init("vocabulary_size", .number(config.text.vocabularySize)))
      members.append(.init("tied_embeddings", .bool(config.outputEmbedding == .tied)))
      members.append(.init("decoder", Self.json(config.text)))
      if let vision = config.vision { members.append(.init("vision", Self.json(vision))) }
    }
    if let checkpoint = inspection.checkpoint {
      let parts = checkpoint.parameterCounts
      members.append(
        .init(
          "parameters",
          [
            "total": .number(checkpoint.parameterCount), "vision": .number(parts.vision),
            "language": .number(parts.language), "embeddings": .number(parts.embeddings),
          ]))
      members.append(.init("dtypes", .array(types(checkpoint).map { .string($0.name) })))
      members.append(.init("memory", Self.json(MemoryEstimate(checkpoint))))
    }
    if let images = inspection.images {
      members.append(
        .init("images", ["min_pixels": .number(images.minPixels), "max_pixels": .number(images.maxPixels)]))
    }
    members.append(.init("tokenizer", tokenizerJSON))
    members.append(.init("chat_template", templateJSON))
    members.append(
      .init("files", .array(inspection.files.map { ["name": .string($0.name), "bytes": .number($0.size)] })))
    members.append(.init("problems", .array(inspection.problems.map { .string($0.description) })))
    return .object(members)
  }

  private var tokenizerJSON: JSONValue {
    switch inspection.tokenizer {
    case .found(let files, let tokenizer):
      ["state": "found", "files": .array(files.map { .string($0) }), "tokens": .number(tokenizer.count)]
    case .missing: ["state": "missing"]
    case .unusable: ["state": "unusable"]
    }
  }

  private var templateJSON: JSONValue {
    switch inspection.template {
    case .published: ["state": "published"]
    case .own(let file): ["state": "own", "file": .string(file)]
    case .some(.none): ["state": "missing"]
    case nil: ["state": "unusable"]
    }
  }

  private static func json(_ text: ModelConfig.Text) -> JSONValue {
    [
      "layers": .number(text.layerCount), "hidden_size": .number(text.hiddenSize),
      "intermediate_size": .number(text.intermediateSize), "heads": .number(text.headCount),
      "key_value_heads": .number(text.keyValueHeadCount), "head_size": .number(text.headSize),
    ]
  }

  private static func json(_ vision: ModelConfig.Vision) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("blocks", .number(vision.depth)), .init("hidden_size", .number(vision.hiddenSize)),
      .init("intermediate_size", .number(vision.intermediateSize)), .init("heads", .number(vision.headCount)),
      .init("patch_size", .number(vision.patchSize)), .init("merge_size", .number(vision.spatialMergeSize)),
    ]
    if let windows = vision.windows { members.append(.init("window_size", .number(windows.size))) }
    if !vision.deepstackBlocks.isEmpty {
      members.append(.init("deepstack_blocks", .array(vision.deepstackBlocks.map { .number($0) })))
    }
    return .object(members)
  }

  private static func json(_ memory: MemoryEstimate) -> JSONValue {
    [
      "inference": [
        "weights_in_memory": .number(memory.widenedWeights + memory.packedWeights.inference),
        "weights_mapped": .number(memory.mappedWeights),
        "keys_and_values_per_1000_tokens": .number(memory.cachePerThousandTokens),
      ],
      "training": [
        "weights": .number(memory.trainingWeights), "packed_weights": .number(memory.packedWeights.training),
        "gradients_and_moments_vision_frozen": .number(memory.gradientsAndMoments(.frozen)),
        "gradients_and_moments_vision_trained": .number(memory.gradientsAndMoments(.trained)),
        "activations_per_1000_rows": .number(memory.activationsPerThousandRows),
        "activations_per_1000_patches": .number(memory.activationsPerThousandPatches),
        "activations_are": .string("estimated: " + MemoryEstimate.method),
      ],
    ]
  }
}
