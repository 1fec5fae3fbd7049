// SPDX-License-Identifier: Apache-2.0

/// What an answer says, as it was written: a number, an expression, a set, a relation, a matrix, words.
indirect enum Node {
  case number(Decimal)
  case symbol(Symbol)
  case infinity
  case sum([Node])
  case product([Node])
  case quotient(Node, Node)
  case power(Node, Node)
  case negative(Node)
  /// `±` before a term, or `∓`.
  case plusMinus(Node, isFlipped: Bool)
  case call(Function, [Node])
  /// A function of which only the name is known, as `f(x)`.
  case opaque(Symbol, [Node])
  case unit(Unit)
  /// `7:32:5`; of two parts it is a quotient.
  case ratio([Node])

  /// Parts in order, between brackets.
  case tuple(Brackets, [Node])
  /// Parts without brackets.
  case list([Node], Connective)
  /// Parts between braces, in no order.
  case set([Node])
  case union([Node])
  case intersection([Node])
  case difference(Node, Node)
  case numberSet(NumberSet)
  case matrix([[Node]])
  case relation(Node, [Link])
  /// Words in lower case, without space.
  case text([UInt8])

  /// A relation and what stands to its right.
  struct Link {
    let relation: Relation
    let node: Node
  }
}

/// The brackets around a tuple or an interval.
struct Brackets: Equatable {
  let opens: UInt8
  let closes: UInt8

  static let round = Brackets(opens: UInt8(ascii: "("), closes: UInt8(ascii: ")"))
  /// Whether the lower end belongs to the interval.
  var holdsLower: Bool { opens == UInt8(ascii: "[") }
  /// Whether the upper end belongs to the interval.
  var holdsUpper: Bool { closes == UInt8(ascii: "]") }
}

/// What connects the parts of a list.
enum Connective {
  case comma
  case and
  case or
}

/// The sets that have a letter.
enum NumberSet {
  case empty
  case naturals
  case integers
  case rationals
  case reals
  case complexes
}

/// The relations.
enum Relation: Equatable {
  case equal
  case notEqual
  case less
  case lessOrEqual
  case greater
  case greaterOrEqual
  case approximately
  case congruent
  case element
  case notElement
  case arrow
  /// Any other, such as `⊂`, by its name, with what it is called read from right to left.
  case named(Symbol, Symbol)

  /// Whether it is one of the four that order numbers.
  var isOrder: Bool {
    switch self {
    case .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }

  /// Whether it says that its left side is the smaller one.
  var isLess: Bool { self == .less || self == .lessOrEqual }

  /// Whether its sides can be exchanged, or are those of an order.
  var isOfNumbers: Bool {
    switch self {
    case .equal, .notEqual, .approximately, .congruent, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    case .element, .notElement, .arrow, .named: false
    }
  }

  /// Whether it is one such as `⊥`, by its name.
  var isSymmetric: Bool { if case .named(let name, let reversed) = self { name == reversed } else { false } }

  /// The relation with its sides exchanged.
  var flipped: Relation {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    case .named(let name, let reversed): .named(reversed, name)
    default: self
    }
  }
}

/// The functions with a meaning.
enum Function {
  case sine, cosine, tangent, cotangent, secant, cosecant
  case arcsine, arccosine, arctangent, arccotangent, arcsecant, arccosecant
  case hyperbolicSine, hyperbolicCosine, hyperbolicTangent
  case exponential
  case naturalLogarithm
  /// `\log` without a base: of one argument; else the base is the second.
  case logarithm
  case absolute
  case floor
  case ceiling
  /// The second argument is the degree.
  case root
  case factorial
  case doubleFactorial
  case binomial
  case greatestDivisor
  case leastMultiple
  case maximum
  case minimum
  case realPart
  case imaginaryPart
  case conjugate
  case argument
  case sign
  /// The remainder of a division, with the sign of the divisor.
  case modulo
  /// A whole number in another base, which is the second argument.
  case inBase
  /// Index, first and last value, body.
  case sum
  case product
  case determinant

  /// The function that undoes it.
  var inverse: Function? {
    switch self {
    case .sine: .arcsine
    case .cosine: .arccosine
    case .tangent: .arctangent
    case .cotangent: .arccotangent
    case .secant: .arcsecant
    case .cosecant: .arccosecant
    default: nil
    }
  }
}
