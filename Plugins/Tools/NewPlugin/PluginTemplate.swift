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

  private var spec: String {
    let policy = kind == .loss ? "\n  \"policy\": { \"use\": \"bundled\", \"with\": { \"model\": \"model\" } }," : ""
    return """
      {\(policy)
        "source": { "rollouts": "rollouts.jsonl", "provides": ["answer"] },
        "stages": [
          \(kind.stages(naming: name))
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
      kind == .loss
      ? "swift run -c release \(name) check pipeline.json              # training wants a model: 'policy' of the spec"
      : "swift run -c release \(name) run pipeline.json"
    return """
      # \(name)

      A \(kind == .advantage ? "advantage estimator" : kind.rawValue) for [shuffle-r1](https://arxiv.org/abs/2508.05612)'s \
      toolkit.

      ```sh
      swift test                                                      # the laws, and an example of yours
      swift run -c release \(name) describe \(name)
      \(run)
      swift build -c release --product \(type)PlugIn
      shuffle-r1 describe \(name) --plugin .build/release/lib\(type)PlugIn.so
      ```

      """
  }
}
