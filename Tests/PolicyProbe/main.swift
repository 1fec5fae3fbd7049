// SPDX-License-Identifier: Apache-2.0
// Shows single steps of the bundled policy, for the scripts in Tests/Parity that compare them with a reference.
//
//   policy-probe encode DIR < texts.jsonl    a JSON string a line → its ids
//   policy-probe decode DIR < ids.jsonl      ids a line → text, and the same decoded as a stream
//   policy-probe chat DIR < messages.jsonl   messages a line → the rendered prompt and its ids
//   policy-probe speed DIR < texts.jsonl     tokens, seconds to encode and to decode them, best of five
//   policy-probe open DIR                    opens a checkpoint: its tensors, and the seconds it took
//   policy-probe read DIR                    converts all its weights to Float, and says how fast
//   policy-probe log-probs DIR [THREADS] < groups.jsonl   log-probabilities of responses
//   policy-probe greedy DIR [THREADS] < prompts.jsonl     the greedy response
//   policy-probe gradients DIR [THREADS] < groups.jsonl   gradients of the mean of −log p of all response tokens
//   policy-probe train DIR TO [RANK] < groups.jsonl       a step on that loss, of the weights or of adapters; saves, and prints
//                                                         log-probabilities after
//   policy-probe measure DIR [THREADS] < group.json       seconds and memory of loading, scoring and generating
//   policy-probe benchmark DIR [THREADS]     times rollouts, log-probs and an update, for Tests/Benchmarks/policy
//   policy-probe worker DIR PROMPTS RESPONSES TOKENS [COMMAND …]   what a worker takes beside its computation
//   policy-probe kernels                     the instruction sets that this machine has
//   policy-probe engine                      the kernels in use, how they round, and the error of their products
//   policy-probe save DIR TO [source|F32|F16|BF16] [SHARD BYTES]
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch arguments.first {
  case "encode"?: try TokenizerProbe(arguments).encode()
  case "decode"?: try TokenizerProbe(arguments).decode()
  case "chat"?: try TokenizerProbe(arguments).chat()
  case "speed"?: try TokenizerProbe(arguments).speed()
  case "log-probs"?: try await PolicyProbe(arguments).logProbs()
  case "greedy"?: try await PolicyProbe(arguments).greedy()
  case "gradients"?: try await PolicyProbe(arguments, training: true).gradients()
  case "train"? where (3...4).contains(arguments.count):
    let rank = arguments.count == 4 ? Int(arguments[3]) ?? 0 : 0
    try await PolicyProbe(Array(arguments.prefix(2)), training: true, rank: rank).train(to: arguments[2])
  case "measure"?: try await PolicyProbe(arguments).measure()
  case "worker"?: try await WorkerProbe(arguments).run()
  case "open"? where arguments.count == 2: try CheckpointProbe(arguments).open()
  case "read"? where arguments.count == 2: try CheckpointProbe(arguments).read()
  case "benchmark"? where (2...3).contains(arguments.count): try await BenchmarkProbe(arguments).run()
  case "kernels"? where arguments.count == 1: EngineProbe().available()
  case "engine"? where arguments.count == 1: try EngineProbe().run()
  case "save"? where (3...5).contains(arguments.count): try CheckpointProbe(arguments).save()
  default:
    let actions =
      "encode|decode|chat|speed|log-probs|greedy|gradients|train|measure|benchmark|worker|open|read|kernels|engine|save"
    FileHandle.standardError.write(Data("usage: policy-probe \(actions) DIR …\n".utf8))
    exit(64)
  }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
