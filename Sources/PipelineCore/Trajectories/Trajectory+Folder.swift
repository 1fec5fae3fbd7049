// SPDX-License-Identifier: Apache-2.0

extension Trajectory {
  /// The folder that relative paths of its images start from: the folder of its file, or the working folder for
  /// standard input.
  public var folder: String {
    let file = record.file
    guard file != "standard input", let slash = file.lastIndex(of: "/") else { return "" }
    return String(file[...slash])
  }
}
