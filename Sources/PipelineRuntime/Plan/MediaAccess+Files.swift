// SPDX-License-Identifier: Apache-2.0
import Files
package import PipelineCore

extension MediaAccess {
  /// With the folders that data files lie in once links are followed: a file that is a link into a store has its images there.
  package func including(files: [String]) -> MediaAccess {
    var access = self
    for file in files where file != "-" {
      let folder = "/" + RealPath(file).components.dropFirst().dropLast().joined(separator: "/")
      if !access.roots.contains(folder) { access.roots.append(folder) }
    }
    return access
  }
}
