// SPDX-License-Identifier: Apache-2.0

extension Trajectory {
  /// The folder that relative paths of its images start from: that of its file, for standard input the working folder.
  public var folder: String {
    let file = record.file
    guard file != "standard input", let slash = file.lastIndex(of: "/") else { return "" }
    return String(file[...slash])
  }
}
