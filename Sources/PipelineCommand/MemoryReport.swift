// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineAnalysis
import PipelineCore

/// Whether a policy fits into this machine's memory.
struct MemoryReport {
  let memory: PolicyMemory
  let available: Int

  /// - Parameter available: The memory of the machine in bytes.
  init(_ memory: PolicyMemory, available: Int = MachineMemory.byteCount) {
    self.memory = memory
    self.available = available
  }

  var fits: Bool { memory.byteCount <= available }

  /// `the policy takes about 5.2 GB (weights 2.0 GB, …), which fits here`, or what to change.
  var sentence: String {
    let parts = memory.parts.filter { $0.byteCount > 0 }
      .map { "\($0.name) \(NumberText.bytes($0.byteCount))" }.joined(separator: ", ")
    let found = "the policy takes about \(NumberText.bytes(memory.byteCount)) (\(parts))"
    if fits { return found + ", which fits here" }
    return found + ", more than the \(NumberText.bytes(available)) that this machine has: "
      + memory.remedies.joined(separator: "; or ")
  }
}

/// The memory of the machine, or of the container that this program runs in.
enum MachineMemory {
  static var byteCount: Int {
    let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    #if os(Linux)
      return min(physical, containerLimit ?? physical)
    #else
      return physical
    #endif
  }

  /// `memory.max` of this process's control group, or of one above it.
  private static var containerLimit: Int? {
    let own = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    var path = own.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
    var least: Int?
    while true {
      let text = try? String(contentsOfFile: "/sys/fs/cgroup\(path)/memory.max", encoding: .utf8)
      if let most = text.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
        least = min(least ?? most, most)
      }
      guard path != "/", let slash = path.lastIndex(of: "/") else { return least }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
  }
}
