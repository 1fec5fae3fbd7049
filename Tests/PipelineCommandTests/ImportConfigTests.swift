// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("import-config", .timeLimit(.minutes(15)), .ownThreads)
struct ImportConfigTests {
  static let configs = [
    "shuffle-r1.yaml": """
    data: {train_files: geo@train, rollout_batch_size: 512, seed: 7}
    algorithm: {adv_estimator: pairwise_purning, kl_coef: 0.0}
    worker:
      actor: {purning_ratio: 0.4}
      rollout: {n: 16}
      reward: {reward_type: function, compute_score: math}
    trainer: {project_name: easy_r1, experiment_name: 3B, experience_replay: true, replay_times: 4}
    """,
    "easyr1.yaml": """
    algorithm: {adv_estimator: rloo, online_filtering: true, filter_key: accuracy, filter_low: 0.1}
    worker: {reward: {reward_function: ./mine.py:score}}
    """,
    "verl.yaml": """
    actor_rollout_ref: {actor: {ppo_mini_batch_size: 256, clip_ratio: 0.2}, rollout: {n: 5}}
    algorithm: {adv_estimator: grpo}
    """,
    "trl.yaml": "{num_generations: 4, loss_type: dr_grpo, learning_rate: 1e-5}",
    "almost-empty.yaml": "trainer: {val_freq: 1}",
    "script.sh": """
    python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo data.train_files=t.parquet \\
      actor_rollout_ref.actor.entropy_coeff=0.001 actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0.1
    """,
  ]

  @Test(
    "what it writes is a spec that check finds nothing wrong with", arguments: configs.keys.sorted(), [false, true])
  func checks(_ name: String, trains: Bool) throws {
    let sandbox = try Sandbox()
    try sandbox.write(name, Self.configs[name] ?? "")
    try sandbox.write("mine.py", "def score(reward_inputs): return []\n")
    let flag = trains ? " --train" : ""
    let printed = try sandbox.output("shuffle-r1 import-config \(name)\(flag) --quiet")
    try sandbox.output("shuffle-r1 import-config \(name)\(flag) -q -o spec.json")
    #expect(sandbox.text("spec.json") == printed)
    #expect(try sandbox.output("shuffle-r1 check spec.json").hasPrefix("spec.json: fine: "))
  }

  @Test("what matters is said first, the rest is counted, or listed with --all")
  func report() throws {
    let sandbox = try Sandbox()
    try sandbox.write(
      "config.yaml",
      """
      data: {train_files: owner/set@train, val_batch_size: 3}
      worker: {actor: {model: {model_path: owner/Model-7B}, padding_free: true}, reward: {reward_function: r.py:f}, rollout: {ignore_eos: true}}
      """)
    try sandbox.write("r.py", "")
    let first = """
      to be supplied before it runs:
        source.prompts = "owner/set@train": a data set on a hub; download it, and name its files
        policy.with.model = "owner/Model-7B": a model on a hub; download it, and name its folder; 'bundled' computes on \
      the CPU, too slow for 7 billion weights; 'worker' in its place trains on GPUs, with the same options
      differs from EasyR1:
        worker.rollout.ignore_eos = true: a response ends with the model's end token

      """
    #expect(
      try sandbox.run("shuffle-r1 import-config config.yaml --train").errors
        == first + "2 settings more change no result; --all lists them\n")
    #expect(
      try sandbox.run("shuffle-r1 import-config config.yaml --train --all").errors
        == first + """
          changes no result:
            data.val_batch_size = 3: it says how the peer shares work and memory among its GPUs
            worker.actor.padding_free = true: it says how the peer shares work and memory among its GPUs

          """)
  }

  @Test("files are found from above the configuration, and named from the spec's folder")
  func places() throws {
    let sandbox = try Sandbox()
    try sandbox.output("mkdir -p repo/examples specs")
    try sandbox.write("repo/examples/config.yaml", "worker: {rollout: {n: 3}}")
    try sandbox.write("repo/examples/prompt.jinja", "{{ content }}")
    try sandbox.write(
      "repo/examples/run.sh",
      """
      python3 -m verl.trainer.main config=examples/config.yaml data.format_prompt=./examples/prompt.jinja \\
        worker.reward.reward_function=examples/r.py:f
      """)
    try sandbox.write("repo/examples/r.py", "")
    try sandbox.output(
      "shuffle-r1 import-config repo/examples/run.sh worker.rollout.top_p=0.9 --train -q -o specs/s.json")
    let spec = sandbox.text("specs/s.json")
    for text in [
      #""file": "../repo/examples/prompt.jinja""#, #""command": ["python3", "../repo/examples/r.py"]"#,
      #""n": 3"#, #""top_p": 0.9"#,
    ] { #expect(spec.contains(text), "\(text)") }
  }

  static let refused: [Case] = [
    Case(
      "no such file", "shuffle-r1 import-config none.yaml",
      "shuffle-r1: error: no such file: none.yaml; give the path of a configuration (.json or .yaml)"),
    Case(
      "a spec of ours", "shuffle-r1 import-config p.json",
      """
      shuffle-r1: error: p.json:1:1: the configuration has none of 'worker', 'actor_rollout_ref', 'algorithm', 'data' \
      and 'trainer', as EasyR1's and verl's have, nor fields of TRL's GRPOConfig, such as 'learning_rate' and \
      'num_generations'
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
