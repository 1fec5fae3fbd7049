// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("PhiloxGenerator", .timeLimit(.minutes(15)))
struct PhiloxGeneratorTests {
  @Test("draws equal NumPy's Philox with the same key and counter")
  func equalsNumPy() {
    // numpy 2.4: Philox(key=[7, fnv1a(b"shuffle")], counter=[0, 3, 1, 0]).random_raw(6)
    var generator = PhiloxGenerator(seed: 7, purpose: "shuffle", position: (3, 1, 0))
    let drawn = (0..<6).map { _ in generator.next() }
    #expect(
      drawn == [
        3602378894939698914, 2503605191159793371, 2359361589091782666,
        13636728755220599498, 1489113049103406180, 4165201426549711554,
      ])
  }

  @Test("uniform numbers lie strictly between 0 and 1")
  func uniformIsOpen() {
    var generator = PhiloxGenerator(seed: 1, purpose: "test")
    for _ in 0..<10_000 {
      let value = generator.uniform()
      #expect(value > 0 && value < 1)
    }
    #expect(PhiloxGenerator.uniform(from: .min) > 0)
    #expect(PhiloxGenerator.uniform(from: .max) < 1)
  }
}
