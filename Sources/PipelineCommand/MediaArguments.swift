// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore

/// Which images records may name, beside those in the folder of their own file.
struct MediaArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder that images of the records may lie in, beside that of their file; may be repeated.",
      valueName: "folder"))
  var imageRoot: [String] = []

  @Option(
    help: ArgumentHelp(
      "A host whose addresses of images are passed on to a server, such as images.example.org; may be repeated.",
      valueName: "host"))
  var imageHost: [String] = []

  var access: MediaAccess { MediaAccess(roots: imageRoot, hosts: imageHost) }

  func validate() throws {
    for host in imageHost {
      if let problem = MediaAccess.problem(ofHost: host) { throw ValidationError("--image-host \(problem)") }
    }
  }
}
