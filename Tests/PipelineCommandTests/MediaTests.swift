// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import PipelineCore
import Testing

@Suite("Which images records may name", .timeLimit(.minutes(15)), .ownThreads)
struct MediaTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withModel()
    try sandbox.output(
      "mkdir -p data/pictures elsewhere && mv image.png elsewhere && cp elsewhere/image.png data/pictures")
  }

  private func prompts(_ image: String) throws {
    try sandbox.write("data/prompts.jsonl", #"{"id":"a","prompt":"How many?"}"# + "\n" + Self.record("b", image))
  }

  private static func record(_ id: String, _ image: String) -> String {
    #"{"id":"\#(id)","prompt":[{"role":"user","content":[{"type":"image","image":"\#(image)"}]}]}"# + "\n"
  }

  private static let generate = "shuffle-r1 generate --model model data/prompts.jsonl --n 1 --max-tokens 1"

  /// What is said of the record with an image.
  private func complaint(_ image: String, _ options: String = "") throws -> String {
    try prompts(image)
    let outcome = try sandbox.run("\(Self.generate) \(options) > out.jsonl")
    return outcome.errors
  }

  @Test("what lies in the folder of the data is read, however it is named")
  func inside() throws {
    let folder = try sandbox.output("cd data; pwd -P").filter { $0 != "\n" }
    try sandbox.output("ln -s pictures/image.png data/link.png")
    for image in [
      "pictures/image.png", "./pictures/../pictures/image.png", folder + "/pictures/image.png",
      "file://\(folder)/pictures/image.png", "link.png",
    ] {
      #expect(try !complaint(image).contains("outside"), "\(image)")
      #expect(try sandbox.records(in: "out.jsonl").count == 2)
    }
  }

  @Test("what lies elsewhere is a bad record, wherever it leads and whether there is such a file")
  func outside() throws {
    let folder = try sandbox.output("pwd -P").filter { $0 != "\n" }
    try sandbox.output("ln -s ../elsewhere/image.png data/link.png && ln -s ../elsewhere data/linked")
    for image in [
      "../elsewhere/image.png", folder + "/elsewhere/image.png", "file://\(folder)/elsewhere/image.png", "link.png",
      "linked/image.png", "/etc/passwd", "../elsewhere/none.png", "pictures/../../elsewhere/image.png",
    ] {
      let errors = try complaint(image)
      #expect(
        errors.contains("the image lies outside the data's folder (data/); if images there are meant, name their "),
        "\(errors)")
      #expect(try sandbox.records(in: "out.jsonl").count == 1, "\(image)")
    }
    #expect(
      try complaint("../elsewhere/image.png").contains(
        #"name their folder in the source, "image_roots": ["\#(folder)/elsewhere"], or with --image-root"#))
    #expect(try !complaint("../elsewhere/image.png", "--image-root elsewhere").contains("outside"))
    #expect(try !complaint("link.png", "--image-root elsewhere").contains("outside"))
    #expect(try complaint("linked/../../elsewhere/image.png", "--image-root data/pictures").contains("outside"))
  }

  @Test("a run goes by image_roots of its source, and says what to name there")
  func run() throws {
    try prompts("../elsewhere/image.png")
    try sandbox.write(
      "p.json",
      """
      {"policy": {"use": "bundled", "with": {"model": "model"}},
       "source": {"prompts": "data/prompts.jsonl"},
       "stages": [{"use": "rollout", "with": {"n": 1, "sampling": {"max_tokens": 1}}}]}
      """)
    let outcome = try sandbox.run("shuffle-r1 run p.json -o out")
    #expect(outcome.errors.contains("1 of 2 prompts cannot be used"))
    #expect(
      outcome.errors.contains("the image lies outside the data's folder (./data/)")
        || outcome.errors.contains("(data/)"))
    try sandbox.output(#"shuffle-r1 run p.json -q -o whole --set 'source.image_roots=["elsewhere"]'"#)
    #expect(try sandbox.records(in: "whole/selected.jsonl").count == 2)
    #expect(sandbox.text("whole/resolved.json").contains("../elsewhere"))
  }

  @Test("what a run or generate has written is read where it lies, by its user alone")
  func written() throws {
    try prompts("../elsewhere/image.png")
    try sandbox.output("mkdir far; \(Self.generate) --image-root elsewhere -o far/rollouts.jsonl")
    try sandbox.output("shuffle-r1 logprobs --model model far/rollouts.jsonl -o far/scored.jsonl")
    #expect(try sandbox.records(in: "far/scored.jsonl").count == 2)

    try sandbox.write(
      "p.json",
      """
      {"policy": {"use": "bundled", "with": {"model": "model"}},
       "source": {"prompts": "data/prompts.jsonl", "image_roots": ["elsewhere"]},
       "stages": [{"use": "rollout", "with": {"n": 1, "sampling": {"max_tokens": 1}}}]}
      """)
    try sandbox.output("shuffle-r1 run p.json -q -o deep/run")
    for file in ["selected.jsonl", "rollouts.jsonl.zst"] {
      try sandbox.output("shuffle-r1 logprobs --model model deep/run/\(file) -o deep/scored.jsonl --force")
      #expect(try sandbox.records(in: "deep/scored.jsonl").count == 2)
    }

    // The same records for another user, or from elsewhere.
    let outcome = try sandbox.run("XDG_STATE_HOME=$PWD/none shuffle-r1 logprobs --model model far/rollouts.jsonl")
    #expect(outcome.errors.contains("the image lies outside the data's folder (far/)"))
    try sandbox.output("mkdir got && cp far/rollouts.jsonl got")
    #expect(try sandbox.run("shuffle-r1 logprobs --model model got/rollouts.jsonl").errors.contains("outside"))
  }

  @Test("a server is sent what has been found to be an image, and addresses only of hosts that are allowed")
  func servers() async throws {
    // A text that begins like a PNG, and a real one.
    try sandbox.write(
      "data/secret.png", Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + Data("password".utf8))
    let images = [
      "secret.png", "https://images.example.org/a.png", "http://169.254.169.254/latest", "http://2852039166/",
      "http://images.example.org@169.254.169.254/", "https://pictures.example.net/b.png", "http://localhost/c.png",
      "pictures/image.png",
    ]
    try sandbox.write(
      "data/prompts.jsonl", images.enumerated().map { Self.record("r\($0)", $1) }.joined())
    let server = try FakeServer()
    let command = "shuffle-r1 generate --server \(server.url) --model good data/prompts.jsonl --n 1 --max-tokens 4"
    let closed = try sandbox.run(command + " > closed.jsonl")
    #expect(try sandbox.records(in: "closed.jsonl").count == 1, "\(closed.errors)")
    let open = try sandbox.run(command + " --image-host images.example.org --image-host '*.example.net' > open.jsonl")
    #expect(try sandbox.records(in: "open.jsonl").count == 3, "\(open.errors)")
    #expect(open.errors.contains("the PNG image is damaged"))
    let refused = try sandbox.run(command + " --image-host 10.0.0.1 > none.jsonl")
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains(
        "--image-host is '10.0.0.1': an address inside a network is passed on to nobody; name a host that all can reach"
      ))
  }
}
