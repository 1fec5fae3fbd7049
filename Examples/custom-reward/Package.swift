// SPDX-License-Identifier: Apache-2.0
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "brevity",
  platforms: [.macOS(.v15)],
  dependencies: [
    // In a package of your own: .package(url: "…/shuffle-r1", from: "0.1.0")
    .package(name: "shuffle-r1", path: "../..")
  ],
  targets: [
    .target(
      name: "LengthRewards",
      dependencies: [.product(name: "PipelineCore", package: "shuffle-r1")]),
    .executableTarget(
      name: "brevity",
      dependencies: ["LengthRewards", .product(name: "PipelineCommand", package: "shuffle-r1")]),
    .testTarget(
      name: "LengthRewardsTests",
      dependencies: [
        "LengthRewards",
        .product(name: "PipelineCore", package: "shuffle-r1"),
        .product(name: "PipelineTesting", package: "shuffle-r1"),
      ]),
  ]
)
