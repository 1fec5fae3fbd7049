// SPDX-License-Identifier: Apache-2.0
import CCurl
import Foundation

/// The bytes of all answers in transit.
final class HTTPLoad {
  var bytes = 0
}

/// What a request has received so far; used only by the thread of the transfers.
final class HTTPReceiver {
  private let longestAnswer: Int
  private let limits: HTTPClient.Limits
  private let load: HTTPLoad
  private var headers: [String: String] = [:]
  private var headerBytes = 0
  private var body: [UInt8] = []
  private var fault: HTTPFault?
  /// Whether the part of the answer that matters has arrived.
  private var isEnough = false
  /// The transfer, which knows the status.
  var transfer: UnsafeMutableRawPointer?

  init(longestAnswer: Int, limits: HTTPClient.Limits, load: HTTPLoad) {
    (self.longestAnswer, self.limits, self.load) = (min(longestAnswer, limits.answer), limits, load)
  }

  /// The receiver that libcurl was given.
  static func at(_ pointer: UnsafeMutableRawPointer?) -> HTTPReceiver {
    guard let pointer else { preconditionFailure("libcurl gives back what it was given") }
    return Unmanaged<HTTPReceiver>.fromOpaque(pointer).takeUnretainedValue()
  }

  private var status: Int { transfer.map { curl_status($0) } ?? 0 }

  /// Takes a line of the header, or of a trailer; a return value other than `count` ends the transfer.
  func receive(header bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
    headerBytes += count
    if headerBytes > limits.remark {
      fault = .broken("its header does not end")
      return 0
    }
    let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    if line.hasPrefix("HTTP/") { headers = [:] }
    guard let colon = line.firstIndex(of: ":") else { return count }
    let name = line[..<colon].lowercased()
    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
    if HTTPClient.headersRead.contains(name) { headers[name] = value }
    // A server that announces too much need not send it.
    if name == "content-length", (200..<300).contains(status), let length = Double(value),
      length > Double(longestAnswer)
    {
      fault = .tooLarge(limit: longestAnswer)
      return 0
    }
    return count
  }

  /// Takes a piece of the body; a return value other than `count` ends the transfer.
  func receive(body bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
    if !(200..<300).contains(status), body.count + count > limits.remark {
      isEnough = true
      return 0
    }
    if body.count + count > longestAnswer {
      fault = .tooLarge(limit: longestAnswer)
      return 0
    }
    if load.bytes + count > limits.together {
      fault = .tooLargeTogether(limit: limits.together)
      return 0
    }
    load.bytes += count
    body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    return count
  }

  /// The answer, once the transfer has ended with a code.
  func result(of code: CURLcode) -> Result<HTTPAnswer, any Error> {
    if let fault { return .failure(fault) }
    if code == CURLE_OK || isEnough {
      return .success(HTTPAnswer(status: status, headers: headers, body: body))
    }
    let words = String(cString: curl_easy_strerror(code))
    let found: HTTPFault =
      switch code {
      case CURLE_COULDNT_RESOLVE_HOST: .unreachable("there is no such host")
      case CURLE_COULDNT_RESOLVE_PROXY:
        .unreachable(
          "there is no host of the name that the environment gives "
            + "for the proxy")
      case CURLE_COULDNT_CONNECT: .unreachable("nothing answers there")
      case CURLE_OPERATION_TIMEDOUT: .timedOut
      case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_INVALIDCERTSTATUS:
        .unreachable("no secure connection: \(words)")
      case CURLE_UNSUPPORTED_PROTOCOL: .broken("what answers there does not speak HTTP")
      case CURLE_WEIRD_SERVER_REPLY: .broken("the answer there is not valid HTTP")
      case CURLE_GOT_NOTHING: .broken("it was closed without an answer")
      case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR: .broken("it was closed in the middle of the answer")
      // libcurl reports this for a line of 100 KB.
      case CURLE_OUT_OF_MEMORY: .broken("a line of its header is too long, or there is no memory for it")
      default: .broken(words)
      }
    return .failure(found)
  }

  /// Returns its share of the sum.
  func discard() {
    load.bytes -= body.count
    body = []
  }
}
