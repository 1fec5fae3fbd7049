// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import StandardPlugins
import Testing

/// What holds for every component that comes with the program.
@Suite("The standard registry", .timeLimit(.minutes(15)))
struct StandardRegistryTests {
  static let components: [(kind: ComponentKind, name: String)] = {
    guard let registry = try? Registry.standard() else { return [] }
    return ComponentKind.allCases.flatMap { kind in registry.names(of: kind).map { (kind, $0) } }
  }()

  @Test("says of every component what the laws ask for, and describes its options", arguments: components)
  func laws(_ kind: ComponentKind, _ name: String) throws {
    let type = try #require(Registry.standard().component(kind, name))
    try AboutLaws.check(type)
    func options<C: Component>(_ type: C.Type) throws { try OptionsLaws.check(C.Options.self) }
    try options(type)
  }

  @Test("has components of every kind")
  func kinds() {
    #expect(Set(Self.components.map(\.kind)) == Set(ComponentKind.allCases))
  }
}
