// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("All samplers", .timeLimit(.minutes(15)))
struct SamplerLawsTests {
  @Test("obey the laws of samplers")
  func laws() async throws {
    try await SamplerLaws.check { EpochsSampler(assembly: .plain()) }
    try await SamplerLaws.check { GRESOSampler(assembly: .plain()) }
    try await SamplerLaws.check { MoPPSSampler(assembly: .plain()) }
    try await SamplerLaws.check(reach: .notEveryPrompt) { AdaRFTSampler(assembly: .plain()) }
    try await SamplerLaws.check { VarianceSampler(assembly: .plain()) }
    try await SamplerLaws.check { DifficultyPoolsSampler(assembly: .plain()) }
  }

  @Test("obey them with other options")
  func options() async throws {
    try await SamplerLaws.check {
      var options = GRESOOptions()
      (options.judge, options.pEasy, options.pHard, options.least) = (.mean, 0.05, 0.05, 0.001)
      return GRESOSampler(options: options, assembly: .plain())
    }
    try await SamplerLaws.check {
      var options = MoPPSSampler.Options()
      (options.strategy, options.candidates, options.decay) = (.threshold, 3, 0.5)
      return MoPPSSampler(options: options, assembly: .plain())
    }
    try await SamplerLaws.check {
      var options = AdaRFTSampler.Options()
      options.repeat = .oncePerEpoch
      return AdaRFTSampler(options: options, assembly: .plain())
    }
    try await SamplerLaws.check {
      var options = VarianceSampler.Options()
      (options.mixture, options.memory) = (0.9, 0.5)
      return VarianceSampler(options: options, assembly: .plain())
    }
    try await SamplerLaws.check {
      var options = VarianceSampler.Options()
      (options.estimate, options.probeEvery, options.memory) = (.probe, 3, 0.5)
      return VarianceSampler(options: options, assembly: .plain())
    }
  }
}
