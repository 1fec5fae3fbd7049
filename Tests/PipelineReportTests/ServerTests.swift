// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineReport
import Testing

@Suite("the server of view", .timeLimit(.minutes(15)))
struct ReportServerTests {
  let scratch: Scratch
  let server: ReportServer

  init() async throws {
    scratch = try Scratch()
    try await report(
      [try scratch.write("rollouts.jsonl", OutputTests.harm + "\n")], into: try FolderSink(path: scratch.path)
    )
    .advance()
    server = try ReportServer(folder: scratch.path)
  }

  private var token: String { server.address.split(separator: "/").last.map(String.init) ?? "" }
  private var port: UInt16 {
    server.address.split(separator: ":").last?.split(separator: "/").first.flatMap { UInt16($0) } ?? 0
  }

  /// The answer to a request, as it comes.
  private func answer(_ path: String, method: String = "GET", host: String? = nil) throws -> String {
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let socket = socket(AF_INET, kind, 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    let request = "\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nConnection: close\r\n\r\n"
    _ = request.withCString { send(socket, $0, strlen($0), 0) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = recv(socket, &buffer, buffer.count, 0), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("the page and its files are served to those who have the token")
  func served() throws {
    #expect(token.count == 32)
    let page = try answer("/\(token)/")
    #expect(page.hasPrefix("HTTP/1.1 200") && page.contains("text/html; charset=utf-8"))
    #expect(page.contains("frame-ancestors 'none'") && page.contains("nosniff"))
    #expect(page.hasSuffix(try scratch.read("index.html")))
    #expect(try answer("/\(token)/data/manifest.js?7").hasSuffix(try scratch.read("data/manifest.js")))
    #expect(try answer("/\(token)/report.css", host: "localhost:\(port)").hasPrefix("HTTP/1.1 200"))
  }

  @Test(
    "nothing else",
    arguments: [
      "/", "/index.html", "/TOKEN", "/WRONG/", "/TOKEN/rollouts.jsonl", "/TOKEN/../rollouts.jsonl",
      "/TOKEN/data/../index.html",
      "/TOKEN/%2e%2e/rollouts.jsonl", "/TOKEN/data/", "/TOKEN/data/link.js", "/TOKEN//etc/passwd", "/TOKEN/data/x.html",
    ])
  func refused(_ path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/data/link.js", withDestinationPath: "../rollouts.jsonl")
    let wrong = String(token.reversed())
    #expect(
      try answer(path.replacing("TOKEN", with: token).replacing("WRONG", with: wrong)).hasPrefix("HTTP/1.1 404"))
  }

  @Test("no other method, and no other host, which would be a page elsewhere")
  func guarded() throws {
    #expect(try answer("/\(token)/", method: "POST").hasPrefix("HTTP/1.1 405"))
    #expect(try answer("/\(token)/", host: "example.org").hasPrefix("HTTP/1.1 403"))
    #expect(try answer("/\(token)/", host: "127.0.0.1").hasPrefix("HTTP/1.1 403"))
  }
}
