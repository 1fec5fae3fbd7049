// SPDX-License-Identifier: Apache-2.0
import PeerConfigurations
import Testing

@Suite("Shell scripts of recipes", .timeLimit(.minutes(15)))
struct ShellScriptTests {
  private func commands(_ script: String, _ environment: [String: String] = [:]) -> [[String]] {
    ShellScript(script, environment: environment, folder: "/folder").commands
  }

  @Test("a command over several lines, with variables, quotes, defaults and comments")
  func command() {
    let script = #"""
      #!/bin/bash
      set -x  # trace
      export LOG=1
      MODEL=Qwen/Model-3B  # a remark
      NAME=${NAME:-run_$(date +%Y)}
      PROMPT="""Think first.
       Then answer in \boxed{}."""
      python3 -m verl.trainer.main \
          config=examples/config.yaml \
          data.system_prompt="${PROMPT}" \
          model.path=${MODEL} \
          name=$NAME \
          trainer.logger=['console','wandb'] \
          kwargs='{"n":16,"top_p":0.7}' $@
      """#
    #expect(
      commands(script) == [
        [
          "python3", "-m", "verl.trainer.main", "config=examples/config.yaml",
          "data.system_prompt=Think first.\n Then answer in \\boxed{}.", "model.path=Qwen/Model-3B",
          "name=run_$(date +%Y)", "trainer.logger=[console,wandb]", #"kwargs={"n":16,"top_p":0.7}"#,
        ]
      ])
  }

  @Test("lists, joined words, arithmetic, the environment and the working folder")
  func values() {
    let script = """
      prompt=$((1024 * 2)); response=$(( (prompt + 1024) * 2 ))
      DATA=(data.a=1 "data.b=two words")
      DATA+=(data.c=$HOME/x)
      MORE="m.x=1 \\
        m.y=2"
      DIR=$(pwd)
      go "${DATA[@]}" $MORE dir=$DIR/y len=${response} none=$NOWHERE "${EMPTY[@]}" only=${1:-vllm}
      """
    #expect(
      commands(script, ["HOME": "/base"]) == [
        [
          "go", "data.a=1", "data.b=two words", "data.c=/base/x", "m.x=1", "m.y=2", "dir=/folder/y", "len=6144",
          "none=${NOWHERE}", "only=vllm",
        ]
      ])
  }

  @Test("conditions that the text decides are followed, others count as false; functions run where they are called")
  func conditions() {
    let script = """
      backend=fsdp
      if [ "$backend" = "megatron" ]; then config=m; elif [[ $backend == "fsdp" ]]; then
        config=f
      else
        config=other
      fi
      if [ -f some-file ]; then config=found; fi
      [ -z "$UNSET" ] && extra=yes
      case "$backend" in
        megatron) kind=1 ;;
        fsdp | fsdp2) kind=2 ;;
        *) kind=3 ;;
      esac
      for size in 3B 7B; do echo $size; done
      launch() {
        start config=$config kind=$kind size=$size extra=$extra > log.txt 2>&1
      }
      cat <<END
      start nothing
      END
      launch
      """
    #expect(commands(script).last == ["start", "config=f", "kind=2", "size=3B", "extra=yes"])
    #expect(commands(script).contains(["start", "nothing"]) == false)
  }

  @Test(
    "what is broken ends, and says something or nothing",
    arguments: [
      "if", "a=(", "\"", "'", "$((", "${", "case x in", "f() {", "<<", "a && ", "`", ")", "done", "[[ a && b", "$",
    ])
  func broken(script: String) {
    #expect(commands(script + "\n").count <= 2)
  }

  @Test("where only unknown conditions lead to a training, they count as true")
  func unknownConditions() throws {
    let script = """
      if [ "$NODE_RANK" == "0" ]; then
        python3 -m verl.trainer.main_ppo algorithm.adv_estimator=rloo
      else
        sleep 10
      fi
      """
    #expect(commands(script) == [["sleep", "10"]])
    #expect(try Imported(script, file: "run.sh")["stages.advantage.estimator"] == #""rloo""#)
  }

  @Test("arithmetic overflows and divisions by zero stay as they were written")
  func arithmetic() {
    #expect(
      commands("go a=$((1 / 0)) b=$((9223372036854775807 + 1)) c=$((7 % 4 - -1))") == [
        ["go", "a=$((1 / 0))", "b=$((9223372036854775807 + 1))", "c=4"]
      ])
  }
}
