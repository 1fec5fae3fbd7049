// SPDX-License-Identifier: Apache-2.0
import LengthRewards
import PipelineCommand

await PipelineProgram.main { registry in try registry.register(BrevityReward.self) }
