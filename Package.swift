// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// MARK: What a spec can name. ARCHITECTURE.md says what lives where.

/// A folder under `Plugins`: a target `NAMEPlugin` and, beside it under `Tests`, its tests.
struct PlugIn {
  var name: String
  var path: String
  var uses: [Target.Dependency] = []
  var excludes: [String] = []
  var testUses: [Target.Dependency] = []
  var testExcludes: [String] = []
  var hasTests = true

  var target: Target.Dependency { .init(stringLiteral: name + "Plugin") }
}

let plugIns: [PlugIn] = [
  // Steps of a pipeline.
  PlugIn(name: "Advantage", path: "Stages/Advantage", testUses: ["EstimatorsPlugin"], testExcludes: ["Fixtures"]),
  PlugIn(name: "Contrast", path: "Stages/Contrast"),
  PlugIn(name: "Entropies", path: "Stages/Entropies"),
  PlugIn(name: "Filter", path: "Stages/Filter"),
  PlugIn(name: "KLPenalty", path: "Stages/KLPenalty"),
  PlugIn(name: "PairwiseSample", path: "Stages/PairwiseSample", testExcludes: ["Fixtures"]),
  PlugIn(
    name: "ProcessStage", path: "Stages/Process", uses: ["ChildProcesses", "ComponentPrograms"], hasTests: false),
  PlugIn(name: "Replay", path: "Stages/Replay", testUses: ["StoresPlugin"]),
  PlugIn(name: "Reward", path: "Stages/Reward", testUses: ["TextRewardsPlugin"]),
  PlugIn(name: "Rollout", path: "Stages/Rollout", testUses: ["ModelInput"], testExcludes: ["Fixtures"]),
  PlugIn(name: "Shuffle", path: "Stages/Shuffle", testExcludes: ["Fixtures"]),
  PlugIn(
    name: "Subset", path: "Stages/Subset", testUses: ["AdvantagePlugin", "EstimatorsPlugin"], testExcludes: ["Fixtures"]
  ),
  PlugIn(name: "Tap", path: "Stages/Tap"),
  PlugIn(name: "Update", path: "Stages/Update", testUses: ["LossesPlugin"], testExcludes: ["Fixtures"]),
  // Judges of a response.
  PlugIn(name: "Judge", path: "Rewards/Judge", uses: ["ModelServers"], hasTests: false),
  PlugIn(
    name: "MathAnswer", path: "Rewards/MathAnswer", uses: ["MathAnswers"], excludes: ["MathAnswers"],
    testUses: ["MathAnswers"]),
  PlugIn(
    name: "ProcessReward", path: "Rewards/Process", uses: ["ChildProcesses", "ComponentPrograms"], hasTests: false),
  PlugIn(name: "TextRewards", path: "Rewards/Text", uses: ["MathAnswers"], testUses: ["MathAnswers", "RewardPlugin"]),
  // Ways from rewards to advantages, and from advantages to a gradient.
  PlugIn(name: "Estimators", path: "Advantages", hasTests: false),
  PlugIn(name: "Losses", path: "Losses", testUses: ["UpdatePlugin"], testExcludes: ["Fixtures"]),
  // Choices of prompts, and of how many rollouts each gets.
  PlugIn(name: "Samplers", path: "Samplers", excludes: ["Process"], testExcludes: ["Fixtures"]),
  PlugIn(
    name: "ProcessSampler", path: "Samplers/Process", uses: ["ChildProcesses", "ComponentPrograms"], hasTests: false),
  PlugIn(
    name: "Waves", path: "Waves", excludes: ["Process"], testUses: ["EstimatorsPlugin"], testExcludes: ["Fixtures"]),
  PlugIn(name: "ProcessWaves", path: "Waves/Process", uses: ["ChildProcesses", "ComponentPrograms"], hasTests: false),
  // Stores of trajectories.
  PlugIn(name: "Stores", path: "Replay", excludes: ["Process"], testExcludes: ["Fixtures"]),
  PlugIn(name: "ProcessStore", path: "Replay/Process", uses: ["ChildProcesses", "ComponentPrograms"], hasTests: false),
  // Models.
  PlugIn(
    name: "Bundled", path: "Policies/Bundled", uses: ["CKernels", "Files", "ModelInput", "Tensor"],
    testUses: ["CImageCodecs", "CKernels", "ModelInput", "RoundingBounds", "Tensor"], testExcludes: ["Fixtures"]),
  PlugIn(name: "OpenAI", path: "Policies/OpenAI", uses: ["ModelServers"], hasTests: false),
  PlugIn(
    name: "Worker", path: "Policies/Worker/Client", uses: ["ChildProcesses", "Files", "ModelInput"],
    testUses: ["BundledPlugin", "ModelInput"], testExcludes: ["Fixtures"]),
]

let package = Package(
  name: "shuffle-r1",
  platforms: [.macOS(.v15)],
  products: [
    // Dynamic: a plug-in that is loaded at run time shares the one of the program, instead of having its own.
    .library(name: "PipelineCore", type: .dynamic, targets: ["PipelineCore"]),
    .library(name: "PipelineTesting", targets: ["PipelineTesting"]),
    .library(name: "PipelineRuntime", targets: ["PipelineRuntime", "PipelineSpec", "StandardPlugins"]),
    .library(name: "PipelineCommand", targets: ["PipelineCommand"]),
    .executable(name: "shuffle-r1", targets: ["shuffle-r1"]),
    .plugin(name: "NewPlugin", targets: ["NewPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // The contracts, and their laws.
    .target(name: "PipelineCore", dependencies: ["CRecordScanner"]),
    .target(name: "PipelineTesting", dependencies: ["PipelineCore"]),

    // Files: atomic, durable, append-only and temporary, with one table of errors.
    .target(name: "Files", dependencies: ["CDirectIO", "CSHA256", "PipelineCore"]),

    // From a spec and records to a run.
    .target(name: "PipelineSpec", dependencies: ["PipelineCore", "CJSON", "Yams"]),
    .target(
      name: "PipelineIO", dependencies: ["CRecordScanner", "CZlib", "CZstd", "Files", "Jinja", "PipelineCore"],
      resources: [.embedInCode("Columns/shuffle_r1_columns.py")]),
    .target(
      name: "PipelineRuntime", dependencies: ["Files", "PipelineCore", "PipelineIO", "PipelineSpec"],
      // A run is driven by an actor; what it calls stays on it.
      swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
    .target(
      name: "PipelineAnalysis",
      dependencies: ["Files", "PipelineCore", "PipelineIO", "PipelineRuntime", "PipelineSpec"]),
    // A run or rollouts as a page for a browser; `Page` holds the page.
    .target(
      name: "PipelineReport",
      dependencies: [
        "CHTTPServer", "Files", "ModelInput", "PipelineAnalysis", "PipelineCore", "PipelineIO", "PipelineRuntime",
      ],
      resources: [
        "index.html", "report.css", "store.js", "filter.js", "text.js", "formula.js", "chart.js", "views.js", "runs.js",
        "groups.js", "table.js", "page.js",
      ].map { .embedInCode("Page/" + $0) }),
    .target(name: "PeerConfigurations", dependencies: ["PipelineCore", "PipelineSpec"]),
    .target(name: "StandardPlugins", dependencies: ["PipelineCore"] + plugIns.map(\.target)),

    // What several plug-ins are built on.
    .target(name: "Tensor", dependencies: ["CKernels"]),
    .target(name: "Jinja"),
    .target(name: "MathAnswers", path: "Plugins/Rewards/MathAnswer/MathAnswers"),
    .target(name: "ModelInput", dependencies: ["CImageCodecs", "Files", "Jinja", "PipelineCore"]),
    .target(
      name: "ModelServers",
      dependencies: ["CCurl", "Files", "ModelInput", "PipelineCore", "PipelineIO", "PipelineSpec"]),
    .target(name: "ChildProcesses", dependencies: ["CChildProcess"]),
    .target(
      name: "ComponentPrograms", dependencies: ["ChildProcesses", "PipelineCore"],
      resources: [.embedInCode("Bridge/shuffle_r1_bridge.py")]),

    // The command line.
    .target(
      name: "PipelineCommand",
      dependencies: [
        "BundledPlugin", "CStandardStreams", "CThreads", "ChildProcesses", "Files", "ModelInput", "PeerConfigurations",
        "PipelineAnalysis", "PipelineCore", "PipelineIO", "PipelineReport", "PipelineRuntime", "PipelineSpec",
        "StandardPlugins",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "shuffle-r1", dependencies: ["PipelineCommand"],
      // A plug-in that is loaded at run time must find the program's PipelineCore, not one of its own.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic"], .when(platforms: [.linux]))]),

    // `swift package new-plugin reward NAME`.
    .plugin(
      name: "NewPlugin",
      capability: .command(
        intent: .custom(
          verb: "new-plugin",
          description:
            "Make a package with a reward, a stage, an estimator, a loss, a sampler, a wave policy or a replay store")),
      path: "Plugins/Tools/NewPlugin"),

    // Shims over C and C++.
    .target(name: "CChildProcess"),
    .target(
      name: "CImageCodecs",
      linkerSettings: ["png", "jpeg", "webp", "webpdemux", "gif", "tiff"].map { .linkedLibrary($0) }),
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "CHTTPServer", linkerSettings: [.linkedLibrary("microhttpd")]),
    .target(name: "CJSON", linkerSettings: [.linkedLibrary("jsoncpp")]),
    .target(name: "CDirectIO"),
    .target(name: "CKernels"),
    .target(name: "CRecordScanner"),
    .target(name: "CSHA256"),
    .target(name: "CStandardStreams"),
    .target(name: "CThreads"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),

    // Tests mirror Sources and Plugins.
    .target(name: "FakeServer", dependencies: ["PipelineCore"], path: "Tests/FakeServer", exclude: ["fake_server.py"]),
    .testTarget(name: "PipelineCoreTests", dependencies: ["PipelineCore"]),
    .testTarget(name: "FilesTests", dependencies: ["CSHA256", "Files", "PipelineCore"]),
    .testTarget(name: "JinjaTests", dependencies: ["Jinja"]),
    .testTarget(name: "PipelineTestingTests", dependencies: ["PipelineCore", "PipelineTesting"]),
    .testTarget(name: "PipelineSpecTests", dependencies: ["PipelineCore", "PipelineSpec"]),
    .testTarget(
      name: "PipelineIOTests", dependencies: ["Files", "PipelineCore", "PipelineIO"], exclude: ["Formats/Fixtures"]),
    .testTarget(
      name: "PipelineRuntimeTests",
      dependencies: ["Files", "PipelineCore", "PipelineIO", "PipelineRuntime", "PipelineSpec", "PipelineTesting"]),
    .testTarget(
      name: "PeerConfigurationsTests", dependencies: ["PeerConfigurations", "PipelineCore", "PipelineSpec"]),
    .testTarget(
      name: "StandardPluginsTests", dependencies: ["PipelineCore", "PipelineTesting", "StandardPlugins"]),
    .testTarget(
      name: "PipelineAnalysisTests",
      dependencies: [
        "PipelineAnalysis", "PipelineCore", "PipelineIO", "PipelineRuntime", "PipelineSpec", "PipelineTesting",
        "StandardPlugins",
      ]),
    .testTarget(
      name: "PipelineReportTests",
      dependencies: ["ModelInput", "PipelineCore", "PipelineIO", "PipelineReport", "StandardPlugins"]),
    // How far rounding may take numbers apart.
    .target(name: "RoundingBounds", path: "Tests/RoundingBounds"),
    .testTarget(
      name: "ModelServersTests",
      dependencies: [
        "FakeServer", "JudgePlugin", "ModelServers", "OpenAIPlugin", "PipelineCore", "PipelineSpec", "PipelineTesting",
      ]),
    .testTarget(name: "ChildProcessesTests", dependencies: ["ChildProcesses"]),
    .testTarget(
      name: "ComponentProgramsTests",
      dependencies: [
        "ComponentPrograms", "PipelineCore", "PipelineTesting", "ProcessRewardPlugin", "ProcessSamplerPlugin",
        "ProcessStagePlugin", "ProcessWavesPlugin", "RewardPlugin",
      ]),
    .testTarget(name: "CRecordScannerTests", dependencies: ["CRecordScanner"]),
    // Runs every kernel in float and in double.
    .target(
      name: "KernelCheck", dependencies: ["CKernels"], path: "Tests/KernelCheck", exclude: ["Program"]),
    .testTarget(name: "TensorTests", dependencies: ["CKernels", "KernelCheck", "RoundingBounds", "Tensor"]),
    .testTarget(
      name: "PipelineCommandTests",
      // The tests run the built program, so it must be there.
      dependencies: [
        "FakeServer", "Files", "PipelineCommand", "PipelineCore", "PipelineIO", "RoundingBounds", "shuffle-r1",
      ],
      exclude: ["Fixtures", "Goldens"]),
  ]
    + plugIns.map {
      .target(
        name: $0.name + "Plugin", dependencies: ["PipelineCore"] + $0.uses, path: "Plugins/" + $0.path,
        exclude: $0.excludes)
    }
    + plugIns.filter(\.hasTests).map {
      .testTarget(
        name: $0.name + "PluginTests",
        dependencies: ["PipelineCore", "PipelineTesting", $0.target] + $0.testUses, exclude: $0.testExcludes)
    },
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx20
)

// Only `make tools` needs them: fuzzers, probes and trainers that tests, benchmarks and examples run.
if Context.environment["SHUFFLE_R1_TOOLS"] != nil {
  package.targets += [
    // Feeds mutated records and specs to the readers; `make fuzz` runs it.
    .executableTarget(
      name: "fuzz-reader", dependencies: ["PipelineCommand", "PipelineCore", "PipelineIO", "PipelineSpec"],
      path: "Tests/FuzzReader"),

    // Shows single steps of the policy to the scripts in Tests/Parity.
    .executableTarget(
      name: "policy-probe",
      dependencies: [
        "BundledPlugin", "CKernels", "KernelCheck", "ModelInput", "PipelineCore", "PipelineTesting", "Tensor",
        "WorkerPlugin",
      ],
      path: "Tests/PolicyProbe"),

    // The program for Valgrind, whose instructions `make bench-check` counts.
    .executableTarget(name: "instruction-probe", dependencies: ["PipelineCommand"], path: "Tests/InstructionProbe"),

    // Grades pairs of answers for the benchmark and the fuzz run of math-answer.
    .executableTarget(
      name: "math-answer-probe", dependencies: ["MathAnswers", "PipelineCore"], path: "Tests/MathAnswerProbe"),

    // Trains the vision tower of the bundled model; Examples/easy-vqa/make-model runs it.
    .executableTarget(
      name: "easy-vqa-tower", dependencies: ["BundledPlugin", "ModelInput", "PipelineCore", "Tensor"],
      path: "Examples/easy-vqa/tower"),
  ]
}

// Only `make fuzz-coverage` needs it, which builds all with instrumentation.
if Context.environment["SHUFFLE_R1_FUZZ"] != nil {
  package.targets += [
    .target(name: "Driver", path: "Tests/CoverageFuzzer/Driver"),
    .executableTarget(
      name: "coverage-fuzzer",
      dependencies: [
        "BundledPlugin", "ComponentPrograms", "Driver", "Jinja", "MathAnswers", "ModelInput", "ModelServers",
        "PeerConfigurations", "PipelineCore", "PipelineIO", "PipelineReport", "PipelineRuntime", "PipelineSpec",
        "StandardPlugins", "WorkerPlugin",
      ],
      path: "Tests/CoverageFuzzer/Program"),
  ]
}

for target in package.targets where ![.system, .plugin].contains(target.type) {
  target.swiftSettings =
    (target.swiftSettings ?? [])
    // Tests are compiled in half the time without optimization, and run as fast: they call what is optimized.
    + (target.type == .test ? [.unsafeFlags(["-Onone"])] : [])
    + ["ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility"].map { .enableUpcomingFeature($0) }
}

// Only `make docs` needs it: builds of the program, and packages that depend on it, do not resolve it.
if Context.environment["SHUFFLE_R1_DOCS"] != nil {
  package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
