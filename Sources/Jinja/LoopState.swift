// SPDX-License-Identifier: Apache-2.0

/// The variable `loop`.
///
/// Source: `LoopContext` in `jinja2/runtime.py`.
final class LoopState: Object {
  private let iteration: Iteration
  private var ahead: [Item] = []
  private var index = -1
  private var knownLength: Int?
  private var previous: Item?
  private var currentItem: Item?
  private var changedValues: [Item]?

  init(_ iteration: Iteration, length: Int?) {
    self.iteration = iteration
    knownLength = length
    super.init(depth: iteration.depth + 1)
  }

  override var typeName: String { "LoopContext" }
  override func length(_ interpreter: Interpreter) throws(TemplateError) -> Int? { try length() }
  override func represented(_ writer: inout ReprWriter) throws(TemplateError) {
    writer.write("<LoopContext \(index + 1)/\(try length())>")
  }

  /// Moves to the next item.
  func advance() throws(TemplateError) -> Item? {
    let next = ahead.isEmpty ? try iteration.nextItem() : ahead.removeFirst()
    guard let next else { return nil }
    index += 1
    previous = currentItem
    currentItem = next
    return next
  }

  private func peek() throws(TemplateError) -> Item? {
    if ahead.isEmpty, let next = try iteration.nextItem() { ahead.append(next) }
    return ahead.first
  }

  private func length() throws(TemplateError) -> Int {
    if let knownLength { return knownLength }
    while let item = try iteration.nextItem() { ahead.append(item) }
    let length = ahead.count + index + 1
    knownLength = length
    return length
  }

  override func attribute(_ name: Text, _ interpreter: Interpreter) throws(TemplateError) -> Item? {
    switch name.string {
    case "index": .int(index + 1)
    case "index0": .int(index)
    case "first": .bool(index == 0)
    case "last": .bool(try peek() == nil)
    case "length": .int(try length())
    case "revindex": .int(try length() - index)
    case "revindex0": .int(try length() - index - 1)
    case "depth": .int(1)
    case "depth0": .int(0)
    case "previtem":
      index == 0 ? .undefined(Missing("there is no previous item")) : previous
    case "nextitem": try peek() ?? .undefined(Missing("there is no next item"))
    case "cycle": .object(Function("cycle", depth: depth, cycle))
    case "changed": .object(Function("changed", depth: depth, changed))
    default: nil
    }
  }

  private func cycle(_: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    guard !arguments.positional.isEmpty else { throw TemplateError(.type, "no items for cycling given") }
    return arguments.positional[index % arguments.positional.count]
  }

  private func changed(_: Interpreter, _ arguments: Arguments) -> Item {
    guard changedValues != arguments.positional else { return .bool(false) }
    changedValues = arguments.positional
    return .bool(true)
  }
}
