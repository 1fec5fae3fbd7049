// SPDX-License-Identifier: Apache-2.0

/// The names of a scope, and where their values come from.
///
/// Jinja decides this before it renders: a name that is stored anywhere in a scope is a variable of that scope from its
/// beginning, which one can see: a loop that reads a name which is set further down outside finds it undefined.
///
/// Source: `Symbols` in `jinja2/idtracking.py`.
final class Symbols {
  /// Where a variable lives.
  struct Place: Hashable {
    let function: Int
    let index: Int
  }

  enum Load {
    case parameter
    case outer(Place)
    case context(Text)
    case nothing
  }

  /// The variables of a scope by name, shared by the copies of its branches; and the counts of all functions.
  private final class Slots {
    var places: [Text: Place] = [:]
  }

  let parent: Symbols?
  let function: Int
  private let counts: FunctionCounts
  private let slots: Slots
  private var references: [Text: Place] = [:]
  private(set) var loads: [Place: Load] = [:]
  private var stores: Set<Text> = []

  init(parent: Symbols?, function: Int, counts: FunctionCounts) {
    self.parent = parent
    self.function = function
    self.counts = counts
    slots = Slots()
  }

  private init(copying other: Symbols) {
    parent = other.parent
    function = other.function
    counts = other.counts
    slots = other.slots
    references = other.references
    loads = other.loads
    stores = other.stores
  }

  /// The same names, for a branch that may not be taken.
  func copy() -> Symbols { Symbols(copying: self) }

  func find(_ name: Text) -> Place? { references[name] ?? parent?.find(name) }

  private func define(_ name: Text, _ load: Load) {
    let place = slots.places[name] ?? Place(function: function, index: counts.next(function))
    slots.places[name] = place
    references[name] = place
    loads[place] = load
  }

  func store(_ name: Text) {
    stores.insert(name)
    guard references[name] == nil else { return }
    define(name, parent?.find(name).map { .outer($0) } ?? .nothing)
  }

  func declareParameter(_ name: Text) {
    stores.insert(name)
    define(name, .parameter)
  }

  func load(_ name: Text) {
    if find(name) == nil { define(name, .context(name)) }
  }

  /// Takes the names of branches: what only a branch stores begins as it is outside.
  func update(_ branches: [Symbols]) {
    let stored = branches.reduce(into: Set<Text>()) { $0.formUnion($1.stores) }.subtracting(stores)
    for branch in branches {
      references.merge(branch.references) { $1 }
      loads.merge(branch.loads) { $1 }
      stores.formUnion(branch.stores)
    }
    for name in stored {
      guard let place = find(name) else { continue }
      loads[place] = parent?.find(name).map { .outer($0) } ?? .context(name)
    }
  }
}

/// How many variables each function has.
final class FunctionCounts {
  private(set) var counts: [Int]
  init(functions: Int) { counts = Array(repeating: 0, count: functions) }
  func next(_ function: Int) -> Int {
    counts[function] += 1
    return counts[function] - 1
  }
}
