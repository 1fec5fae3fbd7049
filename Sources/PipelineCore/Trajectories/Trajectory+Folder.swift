// SPDX-License-Identifier: Apache-2.0

extension Trajectory {
  /// The folder that relative paths of its images start from: the folder of its file, or the working folder for
  /// standard input.
  public var folder: String { Self.folder(of: record.file) }

  /// The folder of a file, with a slash at its end; empty for a file in the working folder, and for standard input.
  package static func folder(of file: String) -> String {
    guard file != "standard input", let slash = file.lastIndex(of: "/") else { return "" }
    return String(file[...slash])
  }
}
