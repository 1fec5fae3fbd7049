// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
import PipelineCommand
import Synchronization

// The program with a main thread that waits. That of an asynchronous `main` leaves, which Valgrind 3.19 does not survive.
let status = Mutex<Int32>(0)
let done = DispatchSemaphore(value: 0)
Task.detached {
  let found = await PipelineProgram.run(Array(CommandLine.arguments.dropFirst()))
  status.withLock { $0 = found.rawValue }
  done.signal()
}
done.wait()
exit(status.withLock { $0 })
