// SPDX-License-Identifier: Apache-2.0

/// A file or folder that a spec names.
public struct SpecPath: Codable, Sendable, Hashable, SelfDescribingOption {
  /// What a path is relative to.
  public enum Base: Sendable, Hashable {
    /// The folder that the spec is in.
    case specFolder
    /// The folder that the program was started in, for paths given by `--set`.
    case workingFolder
  }

  /// The path as it was written.
  public var text: String
  /// What it is relative to.
  public var base: Base

  /// A path to a file.
  public init(_ text: String, base: Base = .specFolder) {
    self.text = text
    self.base = base
  }

  /// Whether this is `-`: standard input or output.
  public var isStandardStream: Bool { text == "-" }

  /// The path relative to the working folder.
  ///
  /// - Parameter specFolder: The folder of the spec, which the assembled pipeline knows.
  public func resolved(in specFolder: String) -> String {
    if base == .workingFolder || isStandardStream || text.hasPrefix("/") || specFolder.isEmpty { return text }
    return specFolder.hasSuffix("/") ? specFolder + text : specFolder + "/" + text
  }

  /// Reads a string.
  public init(from decoder: any Decoder) throws {
    let place = (decoder as? any OptionTreeDecoder)?.location(of: nil)
    text = try decoder.singleValueContainer().decode(String.self)
    guard !text.unicodeScalars.contains("\0") else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "must be a path without NUL"))
    }
    base = place.map(\.isOnCommandLine) == true ? .workingFolder : .specFolder
  }

  /// Writes the path as it was written.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    try single.encode(text)
  }

  /// A string.
  public static let schema: JSONValue = ["type": "string", "minLength": 1]
}

/// One file or a list of them.
public struct SpecPaths: Codable, Sendable, Hashable, SelfDescribingOption {
  /// The files, in order.
  public var paths: [SpecPath]

  /// Names files.
  public init(_ paths: [SpecPath] = []) { self.paths = paths }

  /// Reads a string or a list of strings.
  public init(from decoder: any Decoder) throws {
    if (try? decoder.singleValueContainer().decode(String.self)) != nil {
      paths = [try SpecPath(from: decoder)]
    } else if var list = try? decoder.unkeyedContainer() {
      paths = []
      while !list.isAtEnd { paths.append(try list.decode(SpecPath.self)) }
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be a file name or a list of them"))
    }
  }

  /// Writes a string for one file, or else a list.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    if paths.count == 1 { try single.encode(paths[0]) } else { try single.encode(paths) }
  }

  /// A string or a list of strings.
  public static let schema: JSONValue = [
    "oneOf": [SpecPath.schema, ["type": "array", "items": SpecPath.schema, "minItems": 1]]
  ]
}
