// SPDX-License-Identifier: Apache-2.0

/// A place in a text that a user wrote.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  /// The file as the user named it, or the option that the text came from, such as `--set`.
  public let file: String
  /// The line, from 1.
  public let line: Int
  /// The column in characters, from 1.
  public let column: Int

  /// Names a place.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// The file name of places in the arguments of `--set` and `--with`.
  package static let commandLineOptions = ["--set", "--with", "--policy"]

  /// Whether the text was on the command line, so that its paths start from the working folder.
  public var isOnCommandLine: Bool { Self.commandLineOptions.contains(file) }

  /// `file:line:column`, as compilers print it and editors understand it.
  public var description: String { "\(file):\(line):\(column)" }
}

/// What is wrong with a spec, its data or its surroundings, where, and what to do about it.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
  /// The kind of error; more kinds may be added.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// The code in kebab-case.
    public let rawValue: String
    /// Names a code.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The spec, an option or a command-line argument is wrong.
    public static let invalidSpec = Code(rawValue: "invalid-spec")
    /// The input data is wrong.
    public static let invalidData = Code(rawValue: "invalid-data")
    /// A file cannot be read or written.
    public static let inputOutput = Code(rawValue: "input-output")
    /// A server cannot be reached, or refuses to work.
    public static let server = Code(rawValue: "server")
    /// A plug-in threw or broke its contract.
    public static let plugIn = Code(rawValue: "plug-in")
    /// A registered name is taken or unknown.
    public static let registry = Code(rawValue: "registry")
  }

  /// The kind of error.
  public let code: Code
  /// What is wrong and what to do, in one or two sentences without a full stop at the end.
  public let message: String
  /// Where, if it is a place in a text.
  public let location: SourceLocation?

  /// Describes an error.
  public init(_ code: Code, _ message: String, at location: SourceLocation? = nil) {
    self.code = code
    self.message = message
    self.location = location
  }

  /// `file:line:column: message`.
  public var description: String { location.map { "\($0): \(message)" } ?? message }
}

/// Several errors that are shown together, in the order of the text that they are about.
public struct PipelineErrors: Error, Sendable, CustomStringConvertible {
  /// The errors, at least one.
  public let errors: [PipelineError]

  /// Collects errors.
  public init(_ errors: [PipelineError]) { self.errors = errors }

  /// One line for each error.
  public var description: String { errors.map(\.description).joined(separator: "\n") }

  /// Transforms every element, and throws all errors together.
  ///
  /// - Throws: At once the first error that is not a pipeline error; at the end ``PipelineErrors``.
  public static func gather<Element, Result>(
    _ elements: [Element], _ transform: (Element) throws -> Result
  ) throws -> [Result] {
    var results: [Result] = []
    var errors: [PipelineError] = []
    for element in elements {
      do {
        results.append(try transform(element))
      } catch let error as PipelineError {
        errors.append(error)
      } catch let several as PipelineErrors {
        errors.append(contentsOf: several.errors)
      }
    }
    if !errors.isEmpty { throw PipelineErrors(errors) }
    return results
  }
}
