// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import BundledPlugin
import ContrastPlugin
import EntropiesPlugin
import EstimatorsPlugin
import FilterPlugin
import JudgePlugin
import KLPenaltyPlugin
import LossesPlugin
import MathAnswerPlugin
import OpenAIPlugin
import PairwiseSamplePlugin
public import PipelineCore
import ProcessRewardPlugin
import ProcessSamplerPlugin
import ProcessStagePlugin
import ProcessStorePlugin
import ProcessWavesPlugin
import ReplayPlugin
import RewardPlugin
import RolloutPlugin
import SamplersPlugin
import ShufflePlugin
import StoresPlugin
import SubsetPlugin
import TapPlugin
import TextRewardsPlugin
import UpdatePlugin
import WavesPlugin
import WorkerPlugin

extension Registry {
  /// The components that come with the program.
  public static func standard() throws -> Registry {
    var registry = Registry()
    try registry.register(RolloutStage.self)
    try registry.register(RewardStage.self)
    try registry.register(EntropiesStage.self)
    try registry.register(ContrastStage.self)
    try registry.register(KLPenaltyStage.self)
    try registry.register(ReplayStage.self)
    try registry.register(AdvantageStage.self)
    try registry.register(FilterStage.self)
    try registry.register(PairwiseSampleStage.self)
    try registry.register(SubsetStage.self)
    try registry.register(ShuffleStage.self)
    try registry.register(UpdateStage.self)
    try registry.register(TapStage.self)
    try registry.register(ProcessStage.self)

    try registry.register(BoxedAnswerReward.self)
    try registry.register(ChoiceReward.self)
    try registry.register(ExactReward.self)
    try registry.register(NumericReward.self)
    try registry.register(CountingReward.self)
    try registry.register(ContainsReward.self)
    try registry.register(IoUReward.self)
    try registry.register(JSONShapeReward.self)
    try registry.register(BoxedFormatReward.self)
    try registry.register(AnswerTagFormatReward.self)
    try registry.register(ThinkFormatReward.self)
    try registry.register(LengthReward.self)
    try registry.register(SoftOverlongReward.self)
    try registry.register(RepetitionReward.self)
    try registry.register(WeightedRewards.self)
    try registry.register(JudgeReward.self)
    try registry.register(ProcessReward.self)
    try registry.register(MathAnswerReward.self)

    try registry.register(GRPOEstimator.self)
    try registry.register(DrGRPOEstimator.self)
    try registry.register(RLOOEstimator.self)
    try registry.register(GRPOPassKEstimator.self)
    try registry.register(ReinforcePlusPlusEstimator.self)
    try registry.register(ReMaxEstimator.self)
    try registry.register(SeenStatisticsEstimator.self)
    try registry.register(OPOEstimator.self)
    try registry.register(MaxRLEstimator.self)
    try registry.register(ReinforceEstimator.self)
    try registry.register(ADORAEstimator.self)
    try registry.register(RLZVPEstimator.self)

    try registry.register(ClipLoss.self)
    try registry.register(GSPOLoss.self)
    try registry.register(GSPOTokenLoss.self)
    try registry.register(CISPOLoss.self)
    try registry.register(SAPOLoss.self)
    try registry.register(ReinforceLoss.self)
    try registry.register(NLLLoss.self)

    try registry.register(BundledPolicyBackend.self)
    try registry.register(OpenAIPolicyBackend.self)
    try registry.register(WorkerPolicyBackend.self)

    try registry.register(EpochsSampler.self)
    try registry.register(GRESOSampler.self)
    try registry.register(MoPPSSampler.self)
    try registry.register(AdaRFTSampler.self)
    try registry.register(VarianceSampler.self)
    try registry.register(DifficultyPoolsSampler.self)
    try registry.register(ProcessSampler.self)

    try registry.register(PilotWaves.self)
    try registry.register(ReinforceAdaWaves.self)
    try registry.register(ProcessWaves.self)

    try registry.register(SSRStore.self)
    try registry.register(ARPOStore.self)
    try registry.register(RePOStore.self)
    try registry.register(ProcessReplayStore.self)
    return registry
  }
}
