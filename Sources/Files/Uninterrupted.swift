// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Makes a system call, again if a signal interrupts it.
///
/// - Parameter call: Returns -1 and sets `errno` where it fails.
func uninterrupted(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}
