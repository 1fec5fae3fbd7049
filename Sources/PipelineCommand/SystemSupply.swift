// SPDX-License-Identifier: Apache-2.0
import CThreads
import Foundation

/// Whether the system gives this program the threads and descriptors that it cannot work without.
///
/// Swift's tasks and Foundation wait for a thread for as long as it takes, without a word, and some of Foundation's errors say
/// nothing of descriptors. So this is found out before the first task begins.
enum SystemSupply {
  /// Files, folders and pipes that are open at once: a checkpoint that is written while all streams of a run are open.
  private static let descriptors = 40
  /// One for each core that tasks run on, one that hears signals, and what Foundation and the runtime have of their own.
  static var threads: Int { ProcessInfo.processInfo.activeProcessorCount + 4 }

  /// What is lacking and which limit to raise, in a sentence; nil where nothing is.
  static func problem() -> String? {
    let files = ct_descriptors(Int32(descriptors))
    if Int(files) < descriptors {
      return
        "the system lets this program open \(files) more files, and it needs \(descriptors); raise the limit of open files "
        + "(ulimit -n, now \(ct_limit(CT_DESCRIPTORS)))"
    }
    let found = ct_available(Int32(threads))
    if Int(found) >= threads { return nil }
    let limits = limits()
    let remedy =
      limits.isEmpty
      ? "end other programs, or raise the system's limit of processes" : "raise \(limits.joined(separator: ", or "))"
    return "the system gives this program \(found) more threads, and it needs \(threads); \(remedy)"
  }

  /// The limits that may be the reason.
  private static func limits() -> [String] {
    var limits: [String] = []
    let processes = ct_limit(CT_PROCESSES)
    if processes >= 0 { limits.append("the limit of processes (ulimit -u, now \(processes))") }
    let bytes = ct_limit(CT_ADDRESS_SPACE)
    if bytes >= 0 { limits.append("the limit of address space (ulimit -v, now \(bytes >> 10))") }
    #if os(Linux)
      if let most = containerLimit() { limits.append("the container's limit of processes (pids.max, now \(most))") }
    #endif
    return limits
  }

  /// `pids.max` of this process's control group, or of one above it.
  private static func containerLimit() -> Int? {
    let own = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    var path = own.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
    var least: Int?
    while true {
      let text = try? String(contentsOfFile: "/sys/fs/cgroup\(path)/pids.max", encoding: .utf8)
      if let most = text.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
        least = min(least ?? most, most)
      }
      guard path != "/", let slash = path.lastIndex(of: "/") else { return least }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
  }
}
