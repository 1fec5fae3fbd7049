// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Training with bad input", .timeLimit(.minutes(15)), .ownThreads)
struct BadTrainingTests {
  let sandbox: Sandbox
  private static let simple = "shuffle-r1 run simple.json -q -o out"

  init() throws {
    sandbox = try Sandbox.withTraining()
    try sandbox.run(
      #"""
      sed 's/, "answer": "[^"]*"//' prompts.jsonl > noanswer.jsonl
      sed '/"q02"/!s/, "answer": "[^"]*"//' prompts.jsonl > oneanswer.jsonl
      sed 's/image.png/gone.png/' prompts.jsonl > noimage.jsonl
      grep gone noimage.jsonl > allgone.jsonl
      sed 's/"answer": "[^"]*"/"answer": "never"/' prompts.jsonl > never.jsonl
      sed 's/"id": "q0."/"id": "q00"/' prompts.jsonl > twice.jsonl
      mkdir untold; cp model/*.safetensors model/c*.json model/g*.json model/p*.json untold
      """#)
  }

  private static let unbegun: Set = ["out", "out/.lock", "out/resolved.json"]

  static let refused: [Case] = [
    Case(
      "prompts without answers", "\(simple) --set source.prompts=noanswer.jsonl", leaves: unbegun,
      """
      shuffle-r1: error: noanswer.jsonl:1:1: no line of noanswer.jsonl can be used (11 bad); the first: the source \
      provides 'answer', but this record has no such key
      """),
    Case(
      "too few prompts with an answer", "\(simple) --set source.prompts=oneanswer.jsonl", leaves: unbegun,
      """
      shuffle-r1: error: oneanswer.jsonl holds 1 groups, fewer than a batch of 3; lower source.batch.groups to 1 or \
      less, or add records
      """),
    Case(
      "a reward that wants answers of prompts that promise none", "\(simple) --set source.provides=[]", status: 2,
      """
      shuffle-r1: error: simple.json:6:13: stage 'reward' reads 'answer', which nothing before it writes; put a stage \
      before it that does, or say "provides": ["answer"] in the source
      """),
    Case(
      "fewer prompts than a batch", "\(simple) --set source.batch.groups=50", leaves: unbegun,
      """
      shuffle-r1: error: prompts.jsonl holds 11 groups, fewer than a batch of 50; lower source.batch.groups to 11 or \
      less, or add records
      """),
    Case(
      "a model that is not there", "\(simple) --set policy.with.model=nowhere", leaves: unbegun,
      "shuffle-r1: error: nowhere has no config.json; it must be the folder of a model"),
    Case(
      "a model that is not named", "\(simple) --set policy.with={}", status: 2,
      "shuffle-r1: error: --set:1:13: 'model' is missing; name the folder of a model"),
    Case(
      "evaluation prompts that are not there",
      "\(simple) --set training.evaluation.prompts=none.jsonl --set training.evaluation.sampling.max_tokens=3",
      """
      shuffle-r1: error: cannot open none.jsonl, which 'training.evaluation.prompts' of simple.json names; a path is \
      relative to the spec's folder, one of --set to the working folder
      """),
    Case(
      "a learning rate that is no number", "\(simple) --set stages.update.learning_rate.rate=NaN", status: 2,
      "shuffle-r1: error: --set:1:29: 'learning_rate.rate' must be a number, found 'NaN'"),
  ]

  @Test("what cannot be trained on is refused with a remedy, before anything is trained", arguments: refused)
  func refuses(_ refused: Case) throws { try refused.check(in: sandbox) }

  @Test("check says with place what a spec alone shows to be impossible")
  func checks() throws {
    func check(_ spec: String) throws -> String {
      try sandbox.write("bad.json", spec)
      let outcome = try sandbox.run("shuffle-r1 check bad.json")
      #expect(outcome.status == 2)
      return outcome.errors
    }
    let policy = #""policy": {"use": "bundled", "with": {"model": "m"}},"#
    #expect(
      try check(#"{"source": {"prompts": "prompts.jsonl"}, "stages": ["rollout"]}"#)
        == """
        shuffle-r1: error: bad.json:1:53: stage 'rollout' works with a policy, and the spec names none; add "policy": \
        {"use": "bundled", "with": {"model": "DIR"}}

        """)
    #expect(
      try check("{\(policy)\n" + #""source": {"rollouts": "rollouts.jsonl"}, "stages": ["update"]}"#)
        == """
        shuffle-r1: error: bad.json:2:54: stage 'update' reads 'advantage', which nothing before it writes; put a stage \
        before it that does (advantage), or say "provides": ["advantage"] in the source

        """)
    #expect(
      try check("{\(policy)\n" + #""source": {"rollouts": "rollouts.jsonl"}, "stages": ["rollout"]}"#)
        == """
        shuffle-r1: error: bad.json:2:54: stage 'rollout' makes rollouts of prompts, but the source has saved rollouts; \
        name 'prompts' in their place, or leave the stage out

        """)
    #expect(
      try check(
        "{\(policy)\n" + #""source": {"rollouts": "rollouts.jsonl", "provides": ["reward"]}, "stages": ["#
          + #"{"use": "filter", "with": {"max_attempts": 3}}]}"#)
          == """
          shuffle-r1: error: bad.json:2:86: stage 'filter' asks for more rollouts, but nothing before it makes any; start \
          from 'prompts' with a rollout stage, or leave max_attempts at 1

          """)
  }

  @Test("prompts whose images are missing leave, with a warning; where none is left, the run stops")
  func missingImages() throws {
    let some = try sandbox.run(
      "shuffle-r1 run simple.json -o out --set source.prompts=noimage.jsonl --set source.batch.groups=9")
    #expect(some.status == 0)
    #expect(
      some.errors.contains(
        "prompts cannot be used; the first: gone.png: no such image file; check the path and the folder that it is "
          + "relative to\n"))
    #expect(try sandbox.records(in: "out/lineage.jsonl").contains { $0["rule"] == "unusable-prompt" })
    let all = try sandbox.run("\(Self.simple) --overwrite --set source.prompts=allgone.jsonl")
    #expect(all.status == 1)
    #expect(
      all.errors
        == "shuffle-r1: error: stage 'rollout', step 0: none of the 3 prompts can be used; the first: gone.png: no such "
        + "image file; check the path and the folder that it is relative to\n")
  }

  @Test("a prompt that comes twice is left out the second time")
  func prompTwice() throws {
    let outcome = try sandbox.run(
      "shuffle-r1 run simple.json -o out --set source.prompts=twice.jsonl --set source.batch.groups=1 --set training.steps=1"
    )
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("the prompt 'q00' has occurred before; give each prompt its own id"))
  }

  @Test("a reward that never varies is warned about once, with advice, and the run goes on")
  func constantReward() throws {
    let outcome = try sandbox.run(
      "shuffle-r1 run simple.json -o out --set source.prompts=never.jsonl --set training.steps=8")
    #expect(outcome.status == 0)
    let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("every reward has been the same") }
    #expect(
      warnings == [
        "warning: step 4, training: every reward has been the same for 5 steps (now 0.0); read some rollouts: are answers "
          + "given and found, is the reward function right, is the task too hard or too easy?"
      ])
    #expect(sandbox.completeSteps(of: "out") == 8)
  }

  @Test("a limit that cuts every response off is warned about, with what to raise")
  func cutOff() throws {
    let outcome = try sandbox.run("shuffle-r1 run simple.json -o out --set stages.rollout.sampling.max_tokens=1")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.contains(
        "warning: step 0, rollout: every response was cut off at 1 tokens; raise sampling.max_tokens of the rollout stage"
      ))
  }

  @Test(
    "a learning rate that diverges stops the run, and the last good checkpoint is there", arguments: ["1e3", "1e30"])
  func diverges(_ rate: String) throws {
    try sandbox.output("\(Self.simple) --set training.steps=2")
    let before = sandbox.tree("out/checkpoints")
    let outcome = try sandbox.run(
      "\(Self.simple) --resume --accept-changes --set stages.update.learning_rate.rate=\(rate)")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("stage 'update', step 2: the policy"))
    #expect(
      outcome.errors.contains("it is diverging, and the step is not saved; lower learning_rate.rate, and continue"))
    #expect(sandbox.tree("out/checkpoints") == before)
    #expect(try sandbox.run("shuffle-r1 model out/checkpoints/latest").status == 0)
    try sandbox.output("\(Self.simple) --resume --accept-changes; \(Self.simple) --overwrite -o whole")
    #expect(sandbox.training(in: "out") == sandbox.training(in: "whole"))
  }

  @Test("a disk that is full while a checkpoint is saved costs no checkpoint")
  func fullDisk() throws {
    // A limit on the size of files stands for the disk: it lies between that of the weights and the optimizer's state.
    let outcome = try sandbox.run(
      """
      \(Self.simple) --set training.steps=2 --set stages.rollout.n=2; rm -rf whole; cp -r out whole
      trap '' XFSZ; ulimit -f 170; \(Self.simple) --resume --accept-changes --set stages.rollout.n=2
      """)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains(
        "shuffle-r1: error: cannot save the checkpoint step-4: cannot write out/checkpoints/")
        || outcome.errors.contains(
          "shuffle-r1: error: cannot save the checkpoint step-4: cannot write /")
    )
    #expect(outcome.errors.contains("What was saved before is as it was; mend that, and continue with --resume"))
    #expect(sandbox.tree("out/checkpoints") == sandbox.tree("whole/checkpoints"))
    try sandbox.output(
      "\(Self.simple) --resume --set stages.rollout.n=2; shuffle-r1 run simple.json -q --overwrite -o whole --set stages.rollout.n=2"
    )
    #expect(sandbox.training(in: "out") == sandbox.training(in: "whole"))
  }

  @Test("a run of another spec or another model is not continued unasked")
  func otherRun() throws {
    try sandbox.output("\(Self.simple) --set training.steps=2")
    let differs = "shuffle-r1: error: the spec or its input differs from what out was started with"
    let remedy =
      "undo that to resume, resume all the same with --accept-changes, or start anew with --overwrite"
    try Case(
      "another spec", "\(Self.simple) --resume", status: 2,
      "\(differs) (results: training.steps was 2, is 4); \(remedy)"
    ).check(in: sandbox)
    try sandbox.run("printf 'x' | dd of=model/model.safetensors bs=1 seek=80000 conv=notrunc 2> /dev/null")
    try Case(
      "other weights", "\(Self.simple) --resume --set training.steps=2", status: 2,
      "\(differs) (data: the policy's model has other files); \(remedy)"
    ).check(in: sandbox)
    try Case(
      "another model", "\(Self.simple) --resume --set training.steps=2 --set policy.with.model=other", status: 2,
      #"\#(differs) (data: policy.with.model was "../model", is "../other", "#
        + "the policy's model has other files); \(remedy)"
    ).check(in: sandbox)
    try sandbox.output("\(Self.simple) --resume --accept-changes")
    #expect(sandbox.completeSteps(of: "out") == 4)
    try sandbox.run("rm -r out/checkpoints/step-4")
    try sandbox.changeState(of: "out") { $0.replacing(#""finished":true"#, with: #""finished":false"#) }
    try Case(
      "a checkpoint that is gone", "\(Self.simple) --resume",
      """
      4 complete steps are in out; continue with --resume
      shuffle-r1: error: out/checkpoints/step-4, from which the run would continue, is gone; put it back, or start anew \
      with --overwrite
      """
    ).check(in: sandbox)
  }

  @Test("two runs never train in one directory")
  func twoRuns() throws {
    let outcome = try sandbox.run(
      """
      mkfifo pipe.jsonl
      \(Self.simple) --set source.prompts=pipe.jsonl & first=$!
      until [ -e out/resolved.json ]; do sleep 0.01; done
      for option in '' --resume --overwrite; do \(Self.simple) --set source.prompts=pipe.jsonl $option; echo $?; done
      cat prompts.jsonl > pipe.jsonl; wait $first; echo $?
      """)
    #expect(outcome.output == "1\n1\n1\n0\n")
    let refusal = "shuffle-r1: error: another run is at work in out; wait for it, or name another --output\n"
    #expect(outcome.errors == String(repeating: refusal, count: 3))
    #expect(sandbox.completeSteps(of: "out") == 4)
  }

  @Test("a model without a tokenizer cannot be trained on prompts in words")
  func withoutTokenizer() throws {
    let outcome = try sandbox.run("\(Self.simple) --set policy.with.model=untold")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains(
        "untold has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give records 'prompt_tokens' and "
          + "'tokens'"))
  }

  @Test("an evaluation that nothing scores is refused before the first step")
  func unscored() throws {
    let outcome = try sandbox.run("shuffle-r1 run train.json -q -o out --set training.evaluation.score=accuracy/beauty")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors
        == "shuffle-r1: error: none of the 6 responses of the evaluation has the score 'accuracy/beauty'; name 'reward' or a part "
        + "of it in training.evaluation.score, and see that the reward stage can judge its prompts\n")
    #expect(sandbox.completeSteps(of: "out") == 0)
  }
}
