// SPDX-License-Identifier: Apache-2.0
import CHTTPServer
import Files
import Foundation
import PipelineCore
import Synchronization

/// Serves a report's folder to this machine alone.
///
/// The address has a token that nobody can guess, and only the files that a report consists of can be had, from this folder,
/// and never through a link. A request that names another host is refused: that is a page elsewhere which tries to read
/// this one by a name that it makes lead here.
package final class ReportServer {
  /// Where the page is.
  package let address: String
  private let server: OpaquePointer
  private let site: Unmanaged<ServedSite>

  /// Starts to serve a folder.
  ///
  /// - Parameter port: 0 for any that is free.
  /// - Throws: When the port is taken.
  package init(folder path: String, port: UInt16 = 0) throws {
    let token = AtomicFile.unpredictable() + AtomicFile.unpredictable()
    let site = Unmanaged.passRetained(ServedSite(folder: try Folder(path: path), token: token))
    var bound: UInt16 = 0
    guard
      let server = chttp_start(
        port,
        { context, method, path, host in
          guard let context, let method, let path else {
            return chttp_answer(status: 400, file: -1, size: 0, type: nil)
          }
          return Unmanaged<ServedSite>.fromOpaque(context).takeUnretainedValue().answer(
            method: String(cString: method), path: String(cString: path), host: host.map { String(cString: $0) })
        }, site.toOpaque(), &bound)
    else {
      let reason = String(cString: strerror(errno))
      site.release()
      throw PipelineError(
        .inputOutput,
        "cannot listen on port \(port) of this machine: \(reason); name another with --port, or leave it out")
    }
    (self.server, self.site) = (server, site)
    site.takeUnretainedValue().port.withLock { $0 = bound }
    address = "http://127.0.0.1:\(bound)/\(token)/"
  }

  deinit {
    chttp_stop(server)
    site.release()
  }
}
