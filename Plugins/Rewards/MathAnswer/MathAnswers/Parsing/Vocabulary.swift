// SPDX-License-Identifier: Apache-2.0

/// What the words and the commands of TeX stand for.
enum Vocabulary {
  /// How a command of TeX is read.
  enum Command {
    case token(Token)
    /// Wide space, as between two answers.
    case gap
    /// It leaves no trace: `\left`, `\displaystyle`, `\mathbf`, `\vec`.
    case nothing
    /// A mark over what follows: over one letter it makes another variable, `\bar{z}`; else it leaves no trace.
    case accent(Symbol)
    /// It leaves no trace and neither does its argument: `\hspace{1em}`.
    case nothingWithArgument
    /// Its argument is words: `\text{…}`.
    case words
    /// Its argument is the name of a function: `\operatorname{lcm}`.
    case functionName
    /// Its argument is a letter that names a set: `\mathbb{R}`.
    case blackboard
  }

  /// What the name after a backslash stands for; nil for one that is not known.
  static func command(_ name: ArraySlice<UInt8>) -> Command? { commands[Symbol.hash(name)] }

  /// What a word without a backslash stands for, whatever its case; nil for one that is not known.
  static func word(_ lowercased: ArraySlice<UInt8>) -> Token? { words[Symbol.hash(lowercased)] }

  /// The function whose name a run of letters starts with, as in `sinx`, and the length of the name.
  static func functionPrefix(of run: ArraySlice<UInt8>) -> (Token, Int)? {
    for length in [6, 4, 3, 2] where run.count > length {
      if let token = gluedFunctions[Symbol.hash(run.prefix(length))] { return (token, length) }
    }
    return nil
  }

  private static let functions: [(String, Function)] = [
    ("sin", .sine), ("cos", .cosine), ("tan", .tangent), ("tg", .tangent), ("cot", .cotangent), ("ctg", .cotangent),
    ("sec", .secant), ("csc", .cosecant), ("cosec", .cosecant), ("arcsin", .arcsine), ("arccos", .arccosine),
    ("arctan", .arctangent), ("arctg", .arctangent), ("arccot", .arccotangent), ("asin", .arcsine),
    ("acos", .arccosine), ("atan", .arctangent), ("sinh", .hyperbolicSine), ("cosh", .hyperbolicCosine),
    ("tanh", .hyperbolicTangent), ("exp", .exponential), ("ln", .naturalLogarithm), ("log", .logarithm),
    ("gcd", .greatestDivisor), ("lcm", .leastMultiple), ("max", .maximum), ("min", .minimum), ("abs", .absolute),
    ("floor", .floor), ("ceil", .ceiling), ("arg", .argument), ("sgn", .sign), ("det", .determinant),
  ]

  private static let gluedFunctions: [UInt64: Token] = {
    var table: [UInt64: Token] = [:]
    for (name, function) in functions
    where ["sin", "cos", "tan", "ln", "log", "arctan", "arcsin", "arccos"].contains(name) {
      table[Symbol.hash(name.utf8)] = .function(function)
    }
    table[Symbol.hash("sqrt".utf8)] = .root(takesDigit: false)
    return table
  }()

  private static let greek = [
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "varrho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "ell", "hbar", "aleph",
  ]

  private static let words: [UInt64: Token] = {
    var table: [UInt64: Token] = [:]
    func add(_ names: String, _ token: Token) {
      for name in names.split(separator: " ") { table[Symbol.hash(name.utf8)] = token }
    }
    for (name, function) in functions { add(name, .function(function)) }
    for name in greek where name.first?.isLowercase == true { add(name, .symbol(Symbol(name.utf8))) }
    add("pi", .symbol(.pi))
    add("sqrt", .root(takesDigit: false))
    add("inf infinity infty oo", .infinity)
    add("and", .and)
    add("or", .or)
    add("union", .union)
    add("per", .per)
    add("square sq squared", .unitPower(2))
    add("cubic cu cubed", .unitPower(3))
    add("times", .times)
    // Short words of sentences, which would else be variables side by side.
    let sentenceWords =
      "is the so in of to are for we it has be by at as on no not if then thus but was get from all any can this that"
      + " with which when let now its our you an he she they will hence since both only also equals equal than"
      + " yes none there here have had how why what who one two six ten cut cat dog red out up down off new old"
    for word in sentenceWords.split(separator: " ") { table[Symbol.hash(word.utf8)] = .word(Array(word.utf8)) }
    return table
  }()

  /// Relations of which only the name is known, and what each is called read from right to left.
  private static let namedRelations = [
    ("subset", "supset"), ("subseteq", "supseteq"), ("subsetneq", "supsetneq"), ("nsubseteq", "nsupseteq"),
    ("ll", "gg"),
    ("prec", "succ"), ("preceq", "succeq"), ("perp", "perp"), ("parallel", "parallel"), ("nparallel", "nparallel"),
    ("propto", "propto"), ("nmid", "nmid-reversed"), ("models", "models-reversed"), ("vdash", "dashv"),
    ("circ", "circ-reversed"), ("leftarrow", "rightarrow-reversed"),
  ]

  private static let commands: [UInt64: Command] = {
    var table: [UInt64: Command] = [:]
    func add(_ names: String, _ command: Command) {
      for name in names.split(separator: " ") { table[Symbol.hash(name.utf8)] = command }
    }
    for (name, function) in functions { add(name, .token(.function(function))) }
    for name in greek { add(name, .token(.symbol(Symbol(name.utf8)))) }
    add("ldots dots cdots dotsc dotsb", .token(.symbol(Symbol("dots"))))
    add("pi", .token(.symbol(.pi)))
    add("imath", .token(.symbol(.i)))
    add("jmath", .token(.symbol(Symbol(UInt8(ascii: "j")))))
    add("lg", .token(.function(.logarithm)))
    add("Re", .token(.function(.realPart)))
    add("Im", .token(.function(.imaginaryPart)))
    add("infty infin", .token(.infinity))
    add("pm", .token(.plusMinus))
    add("mp", .token(.minusPlus))
    add("times cdot ast star bullet", .token(.times))
    add("div", .token(.divide))
    add("frac dfrac tfrac cfrac", .token(.fraction))
    add("sqrt surd", .token(.root(takesDigit: true)))
    add("binom dbinom tbinom", .token(.binomial))
    add("sum", .token(.function(.sum)))
    add("prod", .token(.function(.product)))
    add("int iint oint", .token(.integral))
    add("lim limsup liminf", .token(.limit))
    add("le leq leqslant leqq", .token(.relation(.lessOrEqual)))
    add("ge geq geqslant geqq", .token(.relation(.greaterOrEqual)))
    add("lt", .token(.relation(.less)))
    add("gt", .token(.relation(.greater)))
    add("ne neq", .token(.relation(.notEqual)))
    add("approx approxeq simeq sim cong doteq", .token(.relation(.approximately)))
    add("equiv", .token(.relation(.congruent)))
    add("in isin", .token(.relation(.element)))
    add("notin", .token(.relation(.notElement)))
    add(
      "to rightarrow longrightarrow mapsto Rightarrow implies Longrightarrow iff Leftrightarrow",
      .token(.relation(.arrow)))
    for (name, reversed) in namedRelations {
      let (relation, other) = (Symbol(name.utf8), Symbol(reversed.utf8))
      table[Symbol.hash(name.utf8)] = .token(.relation(.named(relation, other)))
      table[Symbol.hash(reversed.utf8)] = .token(.relation(.named(other, relation)))
    }
    add("cup bigcup", .token(.union))
    add("cap bigcap", .token(.intersection))
    add("setminus backslash smallsetminus", .token(.setDifference))
    add("emptyset varnothing", .token(.numberSet(.empty)))
    add("reals R", .token(.numberSet(.reals)))
    add("mid", .token(.bar))
    add("vert lvert rvert", .token(.bar))
    add("Vert lVert rVert", .token(.doubleBar))
    add("lbrace", .token(.open(UInt8(ascii: "s"))))
    add("rbrace", .token(.close(UInt8(ascii: "s"))))
    add("lbrack", .token(.open(UInt8(ascii: "["))))
    add("rbrack", .token(.close(UInt8(ascii: "]"))))
    add("langle", .token(.open(UInt8(ascii: "<"))))
    add("rangle", .token(.close(UInt8(ascii: "<"))))
    add("lfloor", .token(.open(UInt8(ascii: "f"))))
    add("rfloor", .token(.close(UInt8(ascii: "f"))))
    add("lceil", .token(.open(UInt8(ascii: "c"))))
    add("rceil", .token(.close(UInt8(ascii: "c"))))
    add("degree", .token(.unit(.degree)))
    add("prime", .token(.prime))
    add("land wedge", .token(.conjunction))
    add("lor vee", .token(.disjunction))
    add("neg lnot", .token(.minus))
    add("over", .token(.over))
    add("choose", .token(.choose))
    add("euro", .token(.unit(.euro)))
    add("pounds", .token(.unit(.pound)))
    add(
      "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle"
        + " scriptstyle limits nolimits mathbf boldsymbol bm mathit mathcal mathsf mathfrak vec"
        + " overrightarrow overleftarrow underline enspace thinspace"
        + " boxed fbox framebox angle measuredangle triangle therefore because space nobreak allowbreak"
        + " hline cline nonumber rm bf it sf tt em large Large small normalsize mathstrut strut",
      .nothing)
    add("bar overline", .accent(Symbol("bar")))
    add("tilde widetilde", .accent(Symbol("tilde")))
    add("hat widehat", .accent(.hat))
    add("dot", .accent(Symbol("dot")))
    add("ddot", .accent(Symbol("ddot")))
    add("hspace vspace phantom hphantom vphantom color label tag ref cline", .nothingWithArgument)
    add("quad qquad", .gap)
    add("bmod", .token(.modulo))
    add("pmod pod mod", .token(.modulus))
    add("text textbf textit textrm textnormal textsf texttt mbox hbox mathrm mathnormal emph", .words)
    add("operatorname", .functionName)
    add("mathbb Bbb", .blackboard)
    return table
  }()

  /// The set of a letter after `\mathbb`.
  static func numberSet(_ letter: UInt8) -> NumberSet? {
    switch letter {
    case UInt8(ascii: "N"): .naturals
    case UInt8(ascii: "Z"): .integers
    case UInt8(ascii: "Q"): .rationals
    case UInt8(ascii: "R"): .reals
    case UInt8(ascii: "C"): .complexes
    default: nil
    }
  }
}
