// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// The stages, each built exactly as a third party would build theirs: on PipelineCore alone.
let stages = [
  "Advantage", "Filter", "KLPenalty", "MathAnswer", "PairwiseSample", "Reward", "Rollout", "Shuffle", "Tap", "Update",
]

/// The stages whose tests read `Fixtures` beside their sources.
let stagesWithFixtures: Set = ["Advantage", "PairwiseSample", "Shuffle", "Update"]

let package = Package(
  name: "shuffle-r1",
  platforms: [.macOS(.v15)],
  products: [
    // Dynamic: a plug-in that is loaded at run time shares the one of the program, instead of having its own.
    .library(name: "PipelineCore", type: .dynamic, targets: ["PipelineCore"]),
    .library(name: "PipelineTesting", targets: ["PipelineTesting"]),
    .library(name: "PipelineCommand", targets: ["PipelineCommand"]),
    .executable(name: "shuffle-r1", targets: ["shuffle-r1"]),
    .plugin(name: "NewPlugin", targets: ["NewPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Contracts.
    .target(name: "PipelineCore"),
    .target(name: "PipelineTesting", dependencies: ["PipelineCore"]),

    // Machinery.
    .target(name: "PipelineSpec", dependencies: ["PipelineCore", "CJSON", "Yams"]),
    .target(
      name: "PipelineIO", dependencies: ["PipelineCore", "CRecordScanner", "CZlib", "CZstd"]),
    .target(name: "PipelineRuntime", dependencies: ["PipelineCore", "PipelineIO", "PipelineSpec"]),

    .target(
      name: "PipelineAnalysis", dependencies: ["PipelineCore", "PipelineIO", "PipelineRuntime"]),

    // Programs beside this one.
    .target(name: "CChildProcess"),
    .target(name: "ChildProcesses", dependencies: ["CChildProcess"]),

    // The bundled policy.
    .target(name: "QwenVL", dependencies: ["CImageCodecs", "CKernels", "PipelineCore", "Tensor"]),

    // Models behind servers.
    .target(name: "ModelServers", dependencies: ["CCurl", "PipelineCore", "PipelineIO", "PipelineSpec", "QwenVL"]),
    // `swift package new-plugin reward NAME`.
    .plugin(
      name: "NewPlugin",
      capability: .command(
        intent: .custom(
          verb: "new-plugin", description: "Make a package with a reward, a stage, an advantage estimator or a loss"))),

    // Rewards and stages in other languages; the file in Bridge runs Python functions.
    .target(
      name: "ProcessPlugin", dependencies: ["ChildProcesses", "PipelineCore"], path: "Plugins/Process",
      resources: [.embedInCode("Bridge/shuffle_r1_bridge.py")]),
    // A policy in a process of its own.
    .target(name: "PolicyWorker", dependencies: ["ChildProcesses", "PipelineCore", "QwenVL"]),

    // Shims over C and C++.
    .target(
      name: "CImageCodecs", linkerSettings: ["png", "jpeg", "webp", "webpdemux"].map { .linkedLibrary($0) }),
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "CJSON", linkerSettings: [.linkedLibrary("jsoncpp")]),
    .target(name: "CRecordScanner"),
    .target(name: "CStandardStreams"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),

    // The bundled policy's engine.
    .target(
      name: "CKernels",
      linkerSettings: [
        .linkedLibrary("openblas", .when(platforms: [.linux])),
        .linkedFramework("Accelerate", .when(platforms: [.macOS])),
      ]),
    .target(name: "Tensor", dependencies: ["CKernels"]),

    // The command line.
    .target(
      name: "PipelineCommand",
      dependencies: [
        "CStandardStreams", "ModelServers", "PipelineAnalysis", "PipelineCore", "PipelineIO", "PipelineRuntime",
        "PipelineSpec", "PolicyWorker", "ProcessPlugin", "QwenVL",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ] + stages.map { .init(stringLiteral: $0 + "Plugin") }),
    .executableTarget(
      name: "shuffle-r1", dependencies: ["PipelineCommand"],
      // A plug-in that is loaded at run time must find the program's PipelineCore, not one of its own.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic"], .when(platforms: [.linux]))]),

    // Feeds mutated records and specs to the readers; `make fuzz` runs it.
    .executableTarget(
      name: "fuzz-reader", dependencies: ["PipelineCommand", "PipelineCore", "PipelineIO", "PipelineSpec"],
      path: "Tests/FuzzReader"),

    // Shows single steps of the policy to the scripts in Tests/Parity.
    .executableTarget(
      name: "policy-probe", dependencies: ["CKernels", "PipelineCore", "PipelineTesting", "PolicyWorker", "QwenVL"],
      path: "Tests/PolicyProbe"),

    // Grades pairs of answers for the benchmark and the fuzz run of math-answer.
    .executableTarget(
      name: "math-answer-probe", dependencies: ["MathAnswerPlugin", "PipelineCore"], path: "Tests/MathAnswerProbe"),

    // Trains the vision tower of the bundled model; Examples/easy-vqa/make-model runs it.
    .executableTarget(
      name: "easy-vqa-tower", dependencies: ["PipelineCore", "QwenVL", "Tensor"], path: "Examples/easy-vqa/tower"),

    // Tests mirror Sources and Plugins.
    .testTarget(name: "PipelineCoreTests", dependencies: ["PipelineCore"]),
    .testTarget(name: "PipelineTestingTests", dependencies: ["PipelineCore", "PipelineTesting"]),
    .testTarget(name: "PipelineSpecTests", dependencies: ["PipelineCore", "PipelineSpec"]),
    .testTarget(
      name: "PipelineIOTests", dependencies: ["PipelineCore", "PipelineIO"], exclude: ["Formats/Fixtures"]),
    .testTarget(
      name: "PipelineRuntimeTests",
      dependencies: ["PipelineCore", "PipelineIO", "PipelineRuntime", "PipelineSpec", "PipelineTesting"]),
    .testTarget(
      name: "PipelineAnalysisTests",
      dependencies: ["PipelineAnalysis", "PipelineCore", "PipelineIO", "PipelineRuntime"]),
    .testTarget(name: "QwenVLTests", dependencies: ["PipelineCore", "QwenVL", "Tensor"], exclude: ["Fixtures"]),
    .target(name: "FakeServer", dependencies: ["PipelineCore"], path: "Tests/FakeServer", exclude: ["fake_server.py"]),
    .testTarget(
      name: "ModelServersTests",
      dependencies: ["FakeServer", "ModelServers", "PipelineCore", "PipelineSpec", "PipelineTesting"]),
    .testTarget(name: "ChildProcessesTests", dependencies: ["ChildProcesses"]),
    .testTarget(
      name: "ProcessPluginTests", dependencies: ["PipelineCore", "PipelineTesting", "ProcessPlugin", "RewardPlugin"]),
    .testTarget(
      name: "PolicyWorkerTests", dependencies: ["PipelineCore", "PipelineTesting", "PolicyWorker", "QwenVL"],
      exclude: ["Fixtures"]),
    .testTarget(name: "CRecordScannerTests", dependencies: ["CRecordScanner"]),
    .testTarget(name: "TensorTests", dependencies: ["CKernels", "Tensor"]),
    .testTarget(
      name: "PipelineCommandTests",
      // The tests run the built program, so it must be there.
      dependencies: ["FakeServer", "PipelineCommand", "PipelineCore", "PipelineIO", "shuffle-r1"],
      exclude: ["Fixtures", "Goldens"]),
  ]
    + stages.map {
      .target(name: $0 + "Plugin", dependencies: ["PipelineCore"], path: "Plugins/" + $0)
    }
    + stages.map {
      .testTarget(
        name: $0 + "PluginTests",
        dependencies: ["PipelineCore", "PipelineTesting", .init(stringLiteral: $0 + "Plugin")],
        exclude: stagesWithFixtures.contains($0) ? ["Fixtures"] : [])
    },
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx20
)
