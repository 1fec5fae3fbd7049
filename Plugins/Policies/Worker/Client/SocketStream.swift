// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import PipelineCore

/// A worker that was started elsewhere, over a socket.
///
/// Reads and writes wait on queues of their own, so that no caller blocks a thread that others need.
final class SocketStream: WorkerStream {
  private let descriptor: Int32
  private let name: String
  private let reading = DispatchQueue(label: "policy worker, reading")
  private let writing = DispatchQueue(label: "policy worker, writing")

  /// Connects, and retries until the time limit: the worker may start later than the pipeline.
  ///
  /// - Throws: When nothing listens there.
  init(_ address: WorkerAddress, seconds: Double) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    name =
      switch address {
      case .host(let host, let port): "\(host):\(port)"
      case .path(let path): "unix:\(path)"
      }
    while true {
      let failure: Int32
      switch Self.connect(address) {
      case .success(let descriptor):
        self.descriptor = descriptor
        return
      case .failure(let error): failure = error.number
      }
      guard ContinuousClock.now + .milliseconds(500) < deadline else {
        throw PipelineError(
          .policyWorker,
          "no policy's worker answers at \(name): \(String(cString: strerror(failure))); start one there with "
            + "`python -m shuffle_r1_worker --listen ADDRESS`, and check policy.with.connect")
      }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  deinit { close(descriptor) }

  func read(count: Int, before deadline: ContinuousClock.Instant) async throws -> [UInt8]? {
    try await withCheckedThrowingContinuation { continuation in
      reading.async { continuation.resume(with: Result { try self.receive(count, deadline) }) }
    }
  }

  func write(_ bytes: [UInt8], before deadline: ContinuousClock.Instant) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      writing.async { continuation.resume(with: Result { try self.transmit(bytes, deadline) }) }
    }
  }

  func end(graceSeconds: Double) async -> WorkerEnd {
    shutdown(descriptor, Int32(SHUT_RDWR))
    return WorkerEnd(cause: "at \(name) closed the connection; its standard error says why")
  }

  private func receive(_ count: Int, _ deadline: ContinuousClock.Instant) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      try wait(Int16(POLLIN), deadline)
      let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: done), count - done, 0) }
      if got > 0 {
        done += got
      } else if got == 0 {
        if done == 0 { return nil }
        throw ChildFailure.closed
      } else if errno != EINTR && errno != EAGAIN {
        throw ChildFailure.closed
      }
    }
    return bytes
  }

  private func transmit(_ bytes: [UInt8], _ deadline: ContinuousClock.Instant) throws {
    var done = 0
    while done < bytes.count {
      try wait(Int16(POLLOUT), deadline)
      let sent = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done, Self.sendFlags)
      }
      if sent >= 0 {
        done += sent
      } else if errno != EINTR && errno != EAGAIN {
        throw ChildFailure.closed
      }
    }
  }

  private func wait(_ events: Int16, _ deadline: ContinuousClock.Instant) throws {
    while true {
      let left = deadline - .now
      guard left > .zero else { throw ChildFailure.late }
      var state = pollfd(fd: descriptor, events: events, revents: 0)
      let milliseconds = min(60_000, max(1, Int(left / .milliseconds(1))))
      let ready = poll(&state, 1, Int32(milliseconds))
      if ready > 0 { return }
      if ready < 0, errno != EINTR { throw ChildFailure.closed }
    }
  }

  private struct SystemError: Error { let number: Int32 }

  #if os(Linux)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    private static let sendFlags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
  #else
    private static let stream = SOCK_STREAM
    private static let sendFlags = MSG_DONTWAIT
  #endif

  private static func connect(_ address: WorkerAddress) -> Result<Int32, SystemError> {
    switch address {
    case .path(let path): return connect(path: path)
    case .host(let host, let port):
      var hints = addrinfo()
      hints.ai_socktype = stream
      var found: UnsafeMutablePointer<addrinfo>?
      guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else {
        return .failure(SystemError(number: EHOSTUNREACH))
      }
      defer { freeaddrinfo(found) }
      var last = EHOSTUNREACH
      var next = found
      while let info = next?.pointee {
        switch connect(info.ai_family, info.ai_addr, info.ai_addrlen) {
        case .success(let descriptor):
          var one: Int32 = 1
          setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
          return .success(descriptor)
        case .failure(let error): last = error.number
        }
        next = info.ai_next
      }
      return .failure(SystemError(number: last))
    }
  }

  private static func connect(path: String) -> Result<Int32, SystemError> {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(AF_UNIX, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func connect(
    _ family: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t
  ) -> Result<Int32, SystemError> {
    let descriptor = socket(family, stream, 0)
    guard descriptor >= 0 else { return .failure(SystemError(number: errno)) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    #if os(macOS)
      var one: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, socklen_t(MemoryLayout<Int32>.size))
    #endif
    guard Foundation.connect(descriptor, address, length) == 0 else {
      let number = errno
      close(descriptor)
      return .failure(SystemError(number: number))
    }
    return .success(descriptor)
  }
}
