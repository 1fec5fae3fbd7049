// SPDX-License-Identifier: Apache-2.0
// Formulas: the part of TeX that responses to problems use, as MathML, which browsers set themselves. What it does not know
// is left as source. Fractions, roots, powers, indices, Greek, functions, sums, brackets, matrices, cases, text and accents.
'use strict';

const formula = (() => {
  const space = 'http://www.w3.org/1998/Math/MathML';
  const m = (tag, ...children) => {
    const element = document.createElementNS(space, tag);
    element.append(...children);
    return element;
  };
  const row = list => list.length === 1 ? list[0] : m('mrow', ...list);
  const operator = (sign, properties) => {
    const element = m('mo', sign);
    for (const [name, value] of Object.entries(properties || {})) element.setAttribute(name, value);
    return element;
  };

  const words = (list, kind) => Object.fromEntries(list.trim().split(/\s+/).map(pair => pair.split(':')).map(([name, sign]) => [name, [kind, sign]]));
  const signs = {
    ...words('alpha:α beta:β gamma:γ delta:δ epsilon:ϵ varepsilon:ε zeta:ζ eta:η theta:θ vartheta:ϑ iota:ι kappa:κ lambda:λ mu:μ nu:ν xi:ξ pi:π rho:ρ sigma:σ tau:τ upsilon:υ phi:ϕ varphi:φ chi:χ psi:ψ omega:ω Gamma:Γ Delta:Δ Theta:Θ Lambda:Λ Xi:Ξ Pi:Π Sigma:Σ Upsilon:Υ Phi:Φ Psi:Ψ Omega:Ω infty:∞ partial:∂ nabla:∇ ell:ℓ hbar:ℏ emptyset:∅ varnothing:∅ angle:∠ triangle:△ degree:° prime:′ dots:… ldots:… cdots:⋯ vdots:⋮ ddots:⋱ forall:∀ exists:∃ Re:ℜ Im:ℑ aleph:ℵ square:□ checkmark:✓ top:⊤ bot:⊥', 'mi'),
    ...words('cdot:⋅ times:× div:÷ pm:± mp:∓ ast:∗ star:⋆ circ:∘ bullet:∙ cap:∩ cup:∪ wedge:∧ vee:∨ land:∧ lor:∨ lnot:¬ neg:¬ oplus:⊕ otimes:⊗ setminus:∖ leq:≤ le:≤ geq:≥ ge:≥ neq:≠ ne:≠ approx:≈ equiv:≡ cong:≅ sim:∼ simeq:≃ propto:∝ ll:≪ gg:≫ in:∈ notin:∉ ni:∋ subset:⊂ subseteq:⊆ supset:⊃ supseteq:⊇ parallel:∥ perp:⊥ mid:∣ nmid:∤ to:→ rightarrow:→ leftarrow:← leftrightarrow:↔ Rightarrow:⇒ Leftarrow:⇐ Leftrightarrow:⇔ implies:⟹ iff:⟺ mapsto:↦ longrightarrow:⟶ uparrow:↑ downarrow:↓ therefore:∴ because:∵ lt:< gt:> lbrace:{ rbrace:} langle:⟨ rangle:⟩ lfloor:⌊ rfloor:⌋ lceil:⌈ rceil:⌉ vert:| Vert:‖', 'mo'),
    colon: ['mo', ':'],
    ...words('sum:∑ prod:∏ int:∫ iint:∬ oint:∮ bigcup:⋃ bigcap:⋂', 'large'),
  };
  const functions = new Set('sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp det dim ker gcd lcm deg arg max min sup inf lim Pr mod'.split(' '));
  const limits = new Set('lim max min sup inf gcd'.split(' '));
  const spaces = { ',': '0.17em', ':': '0.22em', '>': '0.22em', ';': '0.28em', '!': '0em', ' ': '0.33em', quad: '1em', qquad: '2em' };
  const accents = { hat: '^', widehat: '^', bar: '¯', overline: '¯', vec: '→', overrightarrow: '→', dot: '˙', ddot: '¨', tilde: '~', widetilde: '~' };
  const variants = { mathbb: 0, mathbf: 0, mathcal: 0, mathit: 0, boldsymbol: 0, bm: 0, mathsf: 0, mathtt: 0 };
  const double = { R: 'ℝ', N: 'ℕ', Z: 'ℤ', Q: 'ℚ', C: 'ℂ', P: 'ℙ', E: '𝔼', F: '𝔽' };
  const upright = new Set(['text', 'textbf', 'textit', 'textrm', 'mathrm', 'operatorname', 'mbox']);
  const brackets = { matrix: ['', ''], pmatrix: ['(', ')'], bmatrix: ['[', ']'], vmatrix: ['|', '|'], Bmatrix: ['{', '}'], cases: ['{', ''], array: ['', ''], aligned: ['', ''], align: ['', ''], 'align*': ['', ''], gathered: ['', ''], smallmatrix: ['', ''] };

  class Unknown extends Error {}

  class Parser {
    constructor(source) {
      this.source = source;
      this.position = 0;
      this.depth = 0;
    }

    peek() { return this.source[this.position]; }
    skip() { while (/\s/.test(this.peek() ?? '')) this.position++; }

    command() {
      const match = /\\([A-Za-z]+|[\s\S])/y;
      match.lastIndex = this.position;
      const found = match.exec(this.source);
      if (!found) throw new Unknown();
      this.position += found[0].length;
      return found[1];
    }

    /** What stands in braces, as it is. */
    raw() {
      this.skip();
      if (this.peek() !== '{') throw new Unknown();
      const end = text.closing(this.source, this.position);
      if (end < 0) throw new Unknown();
      const inner = this.source.slice(this.position + 1, end);
      this.position = end + 1;
      return inner;
    }

    /** An argument: braces or one thing. */
    argument() {
      this.skip();
      if (this.peek() === undefined) throw new Unknown();
      return this.peek() === '{' ? this.group() : this.atom();
    }

    group() {
      this.position++;
      const list = this.list(() => this.peek() === '}');
      if (this.peek() !== '}') throw new Unknown();
      this.position++;
      return row(list);
    }

    /** Things up to an end. */
    list(ends) {
      if (++this.depth > 40) throw new Unknown();
      const list = [];
      for (;;) {
        this.skip();
        if (this.peek() === undefined || ends()) break;
        list.push(this.scripted());
      }
      this.depth--;
      return list;
    }

    scripted() {
      let base = this.peek() === '_' || this.peek() === '^' ? m('mrow') : this.atom();
      const isLarge = base.isLarge;
      let low = null, high = null;
      for (;;) {
        this.skip();
        const sign = this.peek();
        if (sign === '_' && !low) { this.position++; low = this.argument(); }
        else if (sign === '^' && !high) { this.position++; high = this.argument(); }
        else if (sign === "'") { this.position++; high = high ? m('mrow', high, m('mo', '′')) : m('mo', '′'); }
        else break;
      }
      if (!low && !high) return base;
      const [under, over, both] = isLarge ? ['munder', 'mover', 'munderover'] : ['msub', 'msup', 'msubsup'];
      if (low && high) return m(both, base, low, high);
      return low ? m(under, base, low) : m(over, base, high);
    }

    atom() {
      const sign = this.peek();
      if (sign === '{') return this.group();
      if (sign === '\\') return this.named(this.command());
      if (sign === '}' || sign === '&') throw new Unknown();
      const digits = /\d+(?:[.,]\d+)*/y;
      digits.lastIndex = this.position;
      const found = digits.exec(this.source);
      if (found) {
        this.position += found[0].length;
        return m('mn', found[0]);
      }
      const character = String.fromCodePoint(this.source.codePointAt(this.position));
      this.position += character.length;
      if (/\p{L}/u.test(character)) return m('mi', character);
      if (character === '~') return m('mspace');
      if (character === '%' || character === '#') throw new Unknown();
      return operator(character === '-' ? '−' : character === '*' ? '∗' : character, '()[]|'.includes(character) ? { stretchy: 'false' } : {});
    }

    named(name) {
      if (Object.hasOwn(signs, name)) {
        const [kind, sign] = signs[name];
        if (kind !== 'large') return m(kind, sign);
        const element = operator(sign);
        element.isLarge = !'∫∬∮'.includes(sign);
        return element;
      }
      if (functions.has(name)) {
        const element = m('mi', name);
        element.isLarge = limits.has(name);
        return element;
      }
      if (Object.hasOwn(spaces, name)) {
        const element = m('mspace');
        element.setAttribute('width', spaces[name]);
        return element;
      }
      if (Object.hasOwn(accents, name)) {
        const element = m('mover', this.argument(), operator(accents[name], { stretchy: /wide|over/.test(name) ? 'true' : 'false' }));
        element.setAttribute('accent', 'true');
        return element;
      }
      if (Object.hasOwn(variants, name)) {
        const inner = this.argument();
        if (name === 'mathbb' && double[inner.textContent]) return m('mi', double[inner.textContent]);
        inner.classList?.add(name === 'mathbf' || name === 'boldsymbol' || name === 'bm' ? 'bold' : 'plain');
        return inner;
      }
      if (upright.has(name)) {
        const inner = this.raw();
        if (/\\/.test(inner.replace(/\\[%$&_#{} ]/g, ''))) throw new Unknown();
        return m('mtext', inner.replace(/\\([%$&_#{} ])/g, '$1').replace(/^ | $/g, '\u00a0'));
      }
      switch (name) {
        case 'frac': case 'dfrac': case 'tfrac': case 'cfrac': return m('mfrac', this.argument(), this.argument());
        case 'binom': case 'dbinom': {
          const element = m('mfrac', this.argument(), this.argument());
          element.setAttribute('linethickness', '0');
          return m('mrow', operator('('), element, operator(')'));
        }
        case 'sqrt': {
          this.skip();
          if (this.peek() !== '[') return m('msqrt', this.argument());
          this.position++;
          const degree = row(this.list(() => this.peek() === ']'));
          if (this.peek() !== ']') throw new Unknown();
          this.position++;
          return m('mroot', this.argument(), degree);
        }
        case 'boxed': {
          this.skip();
          const end = this.peek() === '{' ? text.closing(this.source, this.position) : -1;
          const words = end < 0 ? '' : this.source.slice(this.position + 1, end);
          // A word in a box is an answer, not a product of variables.
          const isWords = /^[\p{L}\p{N} .,:;'-]*\p{L}{2}[\p{L}\p{N} .,:;'-]*$/u.test(words);
          const inner = isWords ? m('mtext', this.raw()) : this.argument();
          const box = m('mrow', inner);
          box.classList.add('boxed');
          return box;
        }
        case 'left': return this.fenced();
        case 'big': case 'Big': case 'bigg': case 'Bigg': case 'bigl': case 'bigr': case 'Bigl': case 'Bigr':
          return operator(this.delimiter(), { stretchy: 'false' });
        case 'begin': return this.environment();
        case 'underline': return m('munder', this.argument(), operator('_'));
        case 'stackrel': case 'overset': { const over = this.argument(); return m('mover', this.argument(), over); }
        case 'underset': { const under = this.argument(); return m('munder', this.argument(), under); }
        case 'displaystyle': case 'textstyle': case 'limits': case 'nolimits': return m('mrow');
        case '{': case '}': case '%': case '$': case '&': case '#': case '_': return operator(name, { stretchy: 'false' });
        case '|': return operator('‖', { stretchy: 'false' });
        case 'pmod': return m('mrow', m('mspace'), operator('('), m('mi', 'mod'), m('mspace'), this.argument(), operator(')'));
        case 'bmod': return m('mi', 'mod');
        case 'not': { const inner = this.atom(); return operator(inner.textContent + '\u0338'); }
        default: throw new Unknown();
      }
    }

    delimiter() {
      this.skip();
      if (this.peek() === '\\') {
        const name = this.command();
        if (name === '{' || name === '}') return name;
        if (name === '|') return '‖';
        if (signs[name]) return signs[name][1];
        throw new Unknown();
      }
      const sign = this.peek();
      if (sign === undefined) throw new Unknown();
      this.position++;
      return sign === '.' ? '' : sign;
    }

    isNext(command) { return this.source.startsWith('\\' + command, this.position) && !/[A-Za-z]/.test(this.source[this.position + command.length + 1] ?? ''); }

    fenced() {
      const open = this.delimiter();
      const list = this.list(() => this.isNext('right'));
      if (!this.isNext('right')) throw new Unknown();
      this.command();
      const close = this.delimiter();
      return m('mrow', operator(open, { stretchy: 'true' }), ...list, operator(close, { stretchy: 'true' }));
    }

    environment() {
      const name = this.raw();
      if (!Object.hasOwn(brackets, name)) throw new Unknown();
      if (name === 'array') this.raw();
      const table = m('mtable');
      if (name === 'cases' || name.startsWith('align')) table.setAttribute('columnalign', 'left');
      let cells = [];
      for (;;) {
        const cell = this.list(() => this.peek() === '&' || this.source.startsWith('\\\\', this.position) || this.isNext('end') || this.isNext('hline'));
        cells.push(m('mtd', ...cell));
        if (this.peek() === '&') { this.position++; continue; }
        if (this.isNext('hline')) { this.command(); cells.pop(); continue; }
        table.append(m('mtr', ...cells));
        cells = [];
        if (this.source.startsWith('\\\\', this.position)) { this.position += 2; continue; }
        if (!this.isNext('end')) throw new Unknown();
        this.command();
        if (this.raw() !== name) throw new Unknown();
        const [open, close] = brackets[name];
        return m('mrow', operator(open, { stretchy: 'true' }), table, operator(close, { stretchy: 'true' }));
      }
    }
  }

  /** The formula as an element, or null where it has something that is not known here. */
  function render(source, isDisplayed) {
    if (source.length > 4000 || !source.trim()) return null;
    try {
      const parser = new Parser(source);
      const list = parser.list(() => false);
      const math = m('math', row(list));
      if (isDisplayed) math.setAttribute('display', 'block');
      return math;
    } catch (error) {
      if (error instanceof Unknown || error instanceof RangeError) return null;
      throw error;
    }
  }

  return { render };
})();
