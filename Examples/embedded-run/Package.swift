// SPDX-License-Identifier: Apache-2.0
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "embedded-run",
  platforms: [.macOS(.v15)],
  dependencies: [
    // In a package of your own: .package(url: "…/shuffle-r1", from: "0.1.0")
    .package(name: "shuffle-r1", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "embedded-run",
      dependencies: [
        .product(name: "PipelineCore", package: "shuffle-r1"),
        .product(name: "PipelineRuntime", package: "shuffle-r1"),
      ])
  ]
)
