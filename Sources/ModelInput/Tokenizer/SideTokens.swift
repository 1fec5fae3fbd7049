// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Added tokens in the files next to a vocabulary: `tokenizer_config.json`, `added_tokens.json`,
/// `special_tokens_map.json`.
enum SideTokens {
  /// The tokens in the order of their ids; the first file that describes a token counts.
  static func read(folder: String) throws -> [AddedToken] {
    var tokens: [ExactText: AddedToken] = [:]
    let configFile = folder + "/tokenizer_config.json"
    for member in try DocumentFile.object(configFile)?["added_tokens_decoder"]?.objectValue ?? [] {
      let place = "\(configFile): 'added_tokens_decoder.\(member.key)'"
      guard let id = Int(member.key) else { throw PipelineError(.invalidData, "\(place) is no id") }
      let token = try TokenizerDocument.addedToken(member.value, id: id, place: place)
      tokens[ExactText(token.content)] = token
    }
    let listFile = folder + "/added_tokens.json"
    if let list = try DocumentFile.object(listFile) {
      let special = try specialContents(folder: folder)
      for (content, id) in try TokenizerDocument.vocabulary(list, path: listFile)
      where tokens[ExactText(content)] == nil && !content.isEmpty {
        let isSpecial = special.contains(ExactText(content))
        // Such lists are older than the flag; their tokens in Qwen2.5 are found in the original text.
        tokens[ExactText(content)] = AddedToken(
          content: content, id: id, kind: isSpecial ? .special : .plain, search: .original)
      }
    }
    return tokens.values.sorted { $0.id < $1.id }
  }

  private static func specialContents(folder: String) throws -> Set<ExactText> {
    var contents: Set<ExactText> = []
    for member in try DocumentFile.object(folder + "/special_tokens_map.json")?.objectValue ?? [] {
      for value in member.value.arrayValue ?? [member.value] {
        if let content = value.stringValue ?? value["content"]?.stringValue { contents.insert(ExactText(content)) }
      }
    }
    return contents
  }
}
