// SPDX-License-Identifier: Apache-2.0

/// The files of a new package.
struct PluginTemplate {
  /// A file and its contents.
  struct File {
    let path: String
    let text: String
  }

  let kind: PluginKind
  let name: String
  let source: ToolkitSource

  /// The type's name: `brevity` is a `BrevityReward`.
  var type: String { name.split(separator: "-").map(\.capitalized).joined() + kind.suffix }

  /// All files.
  var files: [File] {
    [
      File(path: "Package.swift", text: manifest),
      File(path: "Sources/\(type)/\(type).swift", text: component),
      File(path: "Sources/\(type)PlugIn/PlugIn.swift", text: plugIn),
      File(path: "Sources/\(name)/main.swift", text: main),
      File(path: "Tests/\(type)Tests/\(type)Tests.swift", text: tests),
      File(path: "pipeline.json", text: spec),
      File(path: "rollouts.jsonl", text: rollouts),
      File(path: "README.md", text: readme),
      File(path: ".gitignore", text: ".build/\nruns/\n"),
    ] + python
  }

  /// The same in Python, where a program can do it too.
  private var python: [File] {
    if kind == .store {
      let store = "{ \"use\": \"process\", \"with\": { \"command\": [\"python3\", \"store.py\"] } }"
      return [
        File(path: "store.py", text: pythonStore),
        File(path: "pipeline-python.json", text: spec("", naming: store)),
      ]
    }
    if kind == .waves {
      let waves = "{ \"use\": \"process\", \"with\": { \"command\": [\"python3\", \"waves.py\"], \"first\": 2 } }"
      return [
        File(path: "waves.py", text: pythonWaves),
        File(path: "pipeline-python.json", text: spec(policy, naming: waves)),
      ]
    }
    guard kind == .sampler else { return [] }
    let sampler = "{ \"use\": \"process\", \"with\": { \"command\": [\"python3\", \"sampler.py\"] } }"
    return [
      File(path: "sampler.py", text: pythonSampler),
      File(path: "pipeline-python.json", text: spec("", naming: sampler)),
    ]
  }

  private var manifest: String {
    """
    // swift-tools-version: 6.2
    import PackageDescription

    let core = Target.Dependency.product(name: "PipelineCore", package: "\(source.identity)")

    let package = Package(
      name: "\(name)",
      platforms: [.macOS(.v15)],
      products: [
        // Loaded at run time: lib\(type)PlugIn.so.
        .library(name: "\(type)PlugIn", type: .dynamic, targets: ["\(type)PlugIn"])
      ],
      dependencies: [
        \(source.dependency)
      ],
      targets: [
        .target(name: "\(type)", dependencies: [core]),
        .target(name: "\(type)PlugIn", dependencies: ["\(type)", core]),
        // The whole program, with it compiled in.
        .executableTarget(
          name: "\(name)",
          dependencies: ["\(type)", .product(name: "PipelineCommand", package: "\(source.identity)")]),
        .testTarget(
          name: "\(type)Tests",
          dependencies: ["\(type)", core, .product(name: "PipelineTesting", package: "\(source.identity)")]),
      ]
    )

    """
  }

  private var plugIn: String {
    """
    import \(type)
    import PipelineCore

    @_cdecl("shuffle_r1_plugin")
    public func plugIn(_ host: UnsafeRawPointer) -> UnsafePointer<CChar>? {
      PlugIn.register(with: host) { registry in try registry.register(\(type).self) }
    }

    """
  }

  private var main: String {
    """
    import \(type)
    import PipelineCommand

    await PipelineProgram.main { registry in try registry.register(\(type).self) }

    """
  }

  private var spec: String { spec(policy, naming: "\"\(name)\"") }

  private var policy: String {
    kind.needsModel ? "\n  \"policy\": { \"use\": \"bundled\", \"with\": { \"model\": \"model\" } }," : ""
  }

  /// - Parameter component: What the spec names, as JSON.
  private func spec(_ policy: String, naming component: String) -> String {
    let source =
      switch kind {
      case .sampler:
        "\"rollouts\": \"rollouts.jsonl\", \"provides\": [\"answer\"], \"order\": \"shuffled\", \"epochs\": 3,\n"
          + "    \"batch\": { \"groups\": 1 }, \"sampler\": \(component)"
      case .store:
        "\"rollouts\": \"rollouts.jsonl\", \"provides\": [\"answer\"], \"order\": \"shuffled\", \"epochs\": 3,\n"
          + "    \"batch\": { \"groups\": 1 }"
      case .waves: "\"prompts\": \"prompts.jsonl\", \"provides\": [\"answer\"]"
      default: "\"rollouts\": \"rollouts.jsonl\", \"provides\": [\"answer\"]"
      }
    return """
      {\(policy)
        "source": { \(source) },
        "stages": [
          \(kind.stages(naming: kind == .store || kind == .waves ? component : name))
        ]
      }

      """
  }

  private var rollouts: String {
    let answers = [("6 x 7", "42", ["42", "42", "48", "13"]), ("9 + 8", "17", ["17", "17", "17", "98"])]
    return answers.enumerated().map { group, question in
      question.2.enumerated().map { number, answer in
        let thought = String(repeating: "Let me see. ", count: number)
        return #"{"id": "q\#(group)/\#(number)", "group": "q\#(group)", "prompt": "What is \#(question.0)?", "#
          + #""answer": "\#(question.1)", "response": "\#(thought)\\boxed{\#(answer)}", "finish": "stop"}"#
      }.joined(separator: "\n")
    }.joined(separator: "\n") + "\n"
  }

  private var readme: String {
    let run =
      kind.needsModel
      ? "swift run -c release \(name) check pipeline.json              # training wants a model: 'policy' of the spec"
      : "swift run -c release \(name) run pipeline.json"
    return """
      # \(name)

      \(kind.noun) for [shuffle-r1](https://arxiv.org/abs/2508.05612)'s \
      toolkit.

      ```sh
      swift test                                                      # the laws, and an example of yours
      swift run -c release \(name) describe \(name)
      \(run)
      swift build -c release --product \(type)PlugIn
      shuffle-r1 describe \(name) --plugin .build/release/lib\(type)PlugIn.so
      ```
      \(python.first.map { "\nThe same in Python, without any build: `\($0.path)`, which `pipeline-python.json` names.\n" } ?? "")
      """
  }
}
