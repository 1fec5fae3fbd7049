// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("import-config", .timeLimit(.minutes(15)))
struct ImportConfigTests {
  static let configs = [
    "shuffle-r1": """
    data: {train_files: geo@train, rollout_batch_size: 512, seed: 7}
    algorithm: {adv_estimator: pairwise_purning, kl_coef: 0.0}
    worker:
      actor: {purning_ratio: 0.4}
      rollout: {n: 16}
      reward: {reward_type: function, compute_score: math}
    trainer: {project_name: easy_r1, experiment_name: 3B, experience_replay: true, replay_times: 4}
    """,
    "easyr1": """
    algorithm: {adv_estimator: rloo, online_filtering: true, filter_key: accuracy, filter_low: 0.1}
    worker: {reward: {reward_function: ./mine.py:score}}
    """,
    "verl": """
    actor_rollout_ref: {actor: {ppo_mini_batch_size: 256, clip_ratio: 0.2}, rollout: {n: 5}}
    algorithm: {adv_estimator: grpo}
    """,
    "almost-empty": "trainer: {}",
  ]

  @Test("what it writes is a spec that check finds nothing wrong with", arguments: configs.keys.sorted())
  func checks(_ name: String) throws {
    let sandbox = try Sandbox()
    try sandbox.write("config.yaml", Self.configs[name] ?? "")
    let printed = try sandbox.output("shuffle-r1 import-config config.yaml --quiet")
    try sandbox.output("shuffle-r1 import-config config.yaml -q -o spec.json")
    #expect(sandbox.text("spec.json") == printed)
    #expect(try sandbox.output("shuffle-r1 check spec.json").hasPrefix("spec.json: fine: "))
  }

  @Test("what has no counterpart is listed on standard error")
  func unmapped() throws {
    let sandbox = try Sandbox()
    try sandbox.write("config.yaml", Self.configs["verl"] ?? "")
    #expect(
      try sandbox.run("shuffle-r1 import-config config.yaml").errors == """
        without a counterpart here:
          actor_rollout_ref.actor.ppo_mini_batch_size = 256: it belongs to training: --train imports that
          actor_rollout_ref.actor.clip_ratio = 0.2: it belongs to training: --train imports that
          actor_rollout_ref.rollout.n = 5: the groups of saved rollouts are fixed

        """)
  }

  static let refused: [Case] = [
    Case(
      "no such file", "shuffle-r1 import-config none.yaml",
      "shuffle-r1: error: no such file: none.yaml; give the path of a configuration (.json or .yaml)"),
    Case(
      "a spec of ours", "shuffle-r1 import-config p.json",
      """
      shuffle-r1: error: p.json:1:1: the configuration has none of 'worker', 'actor_rollout_ref', 'algorithm', 'data' \
      and 'trainer': it is neither EasyR1's nor verl's
      """),
    Case(
      "no YAML", "shuffle-r1 import-config bad.yaml", status: 2,
      """
      shuffle-r1: error: bad.yaml:2:1: not YAML: did not find expected ',' or '}' (while parsing a flow \
      mapping in line 1)
      """),
  ]

  @Test("what is no configuration is refused", arguments: refused)
  func refuses(_ refused: Case) throws {
    let sandbox = try Sandbox()
    try sandbox.write("p.json", Samples.spec)
    try sandbox.write("bad.yaml", "algorithm: {a: 1\n")
    try refused.check(in: sandbox)
  }
}
