// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
  name: "shuffle-r1",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "PipelineCore", targets: ["PipelineCore"])
  ],
  targets: [
    .target(name: "PipelineCore"),
    .target(name: "CRecordScanner"),
    .testTarget(name: "PipelineCoreTests", dependencies: ["PipelineCore"], path: "Tests/PipelineCoreTests"),
    .testTarget(
      name: "CRecordScannerTests", dependencies: ["CRecordScanner"], path: "Tests/CRecordScannerTests"),
  ],
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx20
)
