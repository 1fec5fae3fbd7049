// SPDX-License-Identifier: Apache-2.0
import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Reads a page.
enum URLSessionText {
  static func get(_ address: String) async throws -> String {
    guard let url = URL(string: address) else { throw URLError(.badURL) }
    return String(decoding: try await URLSession.shared.data(from: url).0, as: UTF8.self)
  }
}
