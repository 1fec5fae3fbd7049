// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Image processor configs", .timeLimit(.minutes(15)))
struct ImageProcessorConfigTests {
  private func config(_ text: String) throws -> ImageProcessorConfig {
    try ImageProcessorConfig(JSONValue(parsing: text), file: "p.json")
  }

  @Test("the bounds on pixels are read in each form, and the top level wins")
  func pixels() throws {
    #expect(try config("{}") == ImageProcessorConfig())
    let forms = [
      #"{"min_pixels": 100, "max_pixels": 200}"#,
      #"{"size": {"shortest_edge": 100, "longest_edge": 200}}"#,
      #"{"size": {"min_pixels": 100, "max_pixels": 200}}"#,
      #"{"min_pixels": 100, "max_pixels": 200, "size": {"shortest_edge": 1, "longest_edge": 2}}"#,
      #"{"min_pixels": null, "max_pixels": null, "size": {"shortest_edge": 100, "longest_edge": 200}}"#,
      #"{"processor_class": "Qwen2_5_VLProcessor", "image_processor": {"min_pixels": 100, "max_pixels": 200}}"#,
    ]
    for form in forms {
      let config = try config(form)
      #expect(config.minPixels == 100 && config.maxPixels == 200, "\(form)")
    }
  }

  @Test("a checkpoint's folder is searched for either file")
  func folder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(
      ImageFixtures.message { _ = try ImageProcessorConfig(modelFolder: folder.path) }
        == "\(folder.path): has neither preprocessor_config.json nor processor_config.json; copy it from the "
        + "checkpoint's publisher")
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    try write(#"{"image_processor": {"max_pixels": 5000}}"#, "processor_config.json")
    #expect(try ImageProcessorConfig(modelFolder: folder.path).maxPixels == 5000)
    // As in transformers 5, the nested one counts where both are there.
    try write(#"{"max_pixels": 6000}"#, "preprocessor_config.json")
    #expect(try ImageProcessorConfig(modelFolder: folder.path).maxPixels == 5000)
    try write(#"{"processor_class": "Qwen2VLProcessor"}"#, "processor_config.json")
    #expect(try ImageProcessorConfig(modelFolder: folder.path).maxPixels == 6000)
    try write(#"{"max_pixels": "#, "preprocessor_config.json")
    let message = ImageFixtures.message { _ = try ImageProcessorConfig(modelFolder: folder.path) }
    #expect(message == "not JSON: the text ends inside a value")
  }

  @Test("what is not supported is named with file, key and value")
  func refusals() {
    func message(_ text: String) -> String? { ImageFixtures.message { _ = try config(text) } }
    #expect(message("[]") == "p.json: expected an object, found an array")
    #expect(
      message(#"{"image_processor_type": "CLIPImageProcessor"}"#)
        == "p.json: 'image_processor_type' is \"CLIPImageProcessor\", it must be one of Qwen2VLImageProcessor, "
        + "Qwen2VLImageProcessorFast, Qwen2VLImageProcessorPil, Qwen2_5_VLImageProcessor")
    #expect(
      message(#"{"resample": 2}"#)
        == "p.json: 'resample' is 2, it must be 3 (bicubic); other filters are not supported")
    #expect(
      message(#"{"do_resize": false}"#)
        == "p.json: 'do_resize' is false, it must be true; images that are not resized are not supported")
    #expect(message(#"{"do_pad": true}"#) == "p.json: 'do_pad' is true, it must be false; it is not supported")
    #expect(
      message(#"{"size": {"height": 224, "width": 224}}"#)
        == "p.json: 'size' is {\"height\":224,\"width\":224}, it must have shortest_edge and longest_edge, in pixels; "
        + "fixed sizes are not supported")
    #expect(
      message(#"{"size": {"shortest_edge": 0}}"#)
        == "p.json: 'size.shortest_edge' is 0, it must be a whole number in 1…1099511627776")
    #expect(
      message(#"{"min_pixels": 20, "max_pixels": 10}"#)
        == "p.json: the fewest pixels, 20, are more than the most, 10; swap them")
    #expect(message(#"{"image_std": [1, 0, 1]}"#) == "p.json: 'image_std' is [1,0,1], it must not be 0")
    #expect(message(#"{"image_mean": [1, 2]}"#) == "p.json: 'image_mean' is [1,2], it must be three numbers")
    #expect(
      message(#"{"patch_size": 14.5}"#) == "p.json: 'patch_size' is 14.5, it must be a whole number in 1…1024")
    #expect(message(#"{"do_rescale": 1}"#) == "p.json: 'do_rescale' is 1, it must be true or false")
  }
}
