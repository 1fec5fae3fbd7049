// SPDX-License-Identifier: Apache-2.0
import CSHA256
import Files
import Testing

@Suite("SHA-256", .timeLimit(.minutes(15)))
struct SHA256Tests {
  @Test(
    "gives the digests of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func known(_ text: String, _ digits: String) {
    var hash = SHA256()
    hash.add(Array(text.utf8))
    #expect(hash.digits == digits)
  }

  @Test("gives the same for the same bytes, in whatever parts, with the processor's instructions and without")
  func parts() {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 * 31 + $0 / 7) }
    for count in [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1_000] {
      var whole = SHA256()
      whole.add(Array(bytes[..<count]))
      var parts = SHA256()
      for byte in bytes[..<count] { parts.add([byte]) }
      #expect(parts.digits == whole.digits)
      var portable = sha256_context()
      sha256_start(&portable)
      sha256_add_portable(&portable, bytes, count)
      var digest = [UInt8](repeating: 0, count: 32)
      sha256_digest(&portable, &digest)
      let digits = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      #expect(digits == whole.digits)
    }
  }

  @Test("goes on after its digits were asked for, and a copy goes on by itself")
  func copies() {
    var hash = SHA256()
    hash.add(Array("ab".utf8))
    var copy = hash
    #expect(hash.digits == copy.digits)
    copy.add(Array("x".utf8))
    hash.add(Array("c".utf8))
    #expect(hash.digits == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(copy.digits != hash.digits)
  }
}
