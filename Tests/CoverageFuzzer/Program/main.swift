// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to one of the readers of foreign input, guided by the edges that they reach: `coverage-fuzzer READER -OPTION…`.
//
// The options are those of libFuzzer. Tests/CoverageFuzzer/run builds it with instrumentation and runs every reader. A crash,
// a hang of ten seconds, memory beyond the limit, and a broken promise (what was written reads back differently) are findings.
import Driver
import Foundation

let name = CommandLine.arguments.dropFirst().first ?? ""
guard let reader = Reader.all[name] else {
  print("coverage-fuzzer READER -OPTION…; the readers are: \(Reader.all.keys.sorted().joined(separator: ", "))")
  exit(2)
}
Reader.current = reader

var arguments = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map {
  strdup($0) as UnsafeMutablePointer<CChar>?
}
arguments.append(nil)
var count = Int32(arguments.count - 1)
let status = arguments.withUnsafeMutableBufferPointer { buffer in
  var vector = buffer.baseAddress
  return LLVMFuzzerRunDriver(&count, &vector) { data, size in
    Reader.current(UnsafeRawBufferPointer(start: data, count: size))
    return 0
  }
}
exit(status)
