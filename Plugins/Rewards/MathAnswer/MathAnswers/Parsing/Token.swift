// SPDX-License-Identifier: Apache-2.0

/// The pieces that an answer is read into.
enum Token {
  case number(Decimal)
  case symbol(Symbol)
  case function(Function)
  case infinity
  case plus, minus, plusMinus, minusPlus, times, divide, colon
  case power
  /// `\bmod` between two numbers.
  case modulo
  /// `\pmod`: what follows is the modulus of the relation before it.
  case modulus
  case underscore
  case factorial
  case prime
  case unit(Unit)
  /// `square`, `cubic`: the power of the unit that follows.
  case unitPower(Int)
  case per
  /// `(`, `[`, `{` of TeX, `s` for the braces of a set, `<` of a vector, `f` and `c` of floor and ceiling.
  case open(UInt8)
  case close(UInt8)
  case bar
  case doubleBar
  case comma, semicolon, and, or
  /// `\land`, `\lor`: between statements, or between answers.
  case conjunction, disjunction
  /// `\over`, `\choose`: between the two halves of a group.
  case over, choose
  case relation(Relation)
  case union, intersection, setDifference
  case fraction
  /// TeX gives `\sqrt` the next digit alone, a plain `√` the whole number.
  case root(takesDigit: Bool)
  case binomial
  case limit
  case integral
  /// A word in lower case.
  case word([UInt8])
  case ampersand
  case newRow
  case beginMatrix(isDeterminant: Bool)
  case endMatrix
  case numberSet(NumberSet)
}

/// A token with what stood before it.
struct Lexeme {
  var token: Token
  var followsSpace: Bool
}

/// Why a text could not be read as an answer.
enum ReadingFault: Error {
  /// It is no expression that is known here.
  case notAnAnswer
  /// It is larger or deeper than the bounds.
  case tooLarge
}
