// SPDX-License-Identifier: Apache-2.0
// Filters of rows: reward < 0.5 & finish = length & step > 20
'use strict';

const filter = (() => {
  const token = /\s*(?:(&&?|\|\|?|and\b|or\b)|(!=|!~|<=|>=|==|[=<>~()!])|"((?:[^"\\]|\\.)*)"|([^\s&|=<>~()!"]+))/y;

  function tokens(text) {
    const found = [];
    token.lastIndex = 0;
    while (token.lastIndex < text.length) {
      const start = token.lastIndex;
      const match = token.exec(text);
      if (!match) {
        if (/^\s*$/.test(text.slice(start))) break;
        throw new Error(`“${text.slice(start).trim().slice(0, 20)}” cannot be read`);
      }
      if (match[1]) found.push({ kind: 'join', text: /^(&|and)/.test(match[1]) ? '&' : '|' });
      else if (match[2]) found.push({ kind: 'sign', text: match[2] === '==' ? '=' : match[2] });
      else if (match[3] !== undefined) found.push({ kind: 'value', text: match[3].replace(/\\(.)/g, '$1'), quoted: true });
      else found.push({ kind: 'value', text: match[4] });
    }
    return found;
  }

  /** The column for a name in a filter. */
  function columnNamed(name) {
    const special = specials[name];
    if (special) return special();
    const column = store.column(name) || store.column('rewards.' + name);
    if (!column) {
      const names = [...Object.keys(specials), ...store.columns.keys()];
      throw new Error(`there is no column “${name}”; there are ${names.join(', ')}`);
    }
    return column;
  }

  /** Columns that are computed. */
  const specials = {
    right: () => ({ kind: 'text', strings: ['no', 'yes'], at: row => store.right[row] }),
    trained: () => ({ kind: 'number', at: row => { const n = store.timesTrained(row); return n === null ? NaN : n; } }),
    run: () => ({ kind: 'text', strings: store.sources.map(source => source.name), at: row => store.source(row) }),
  };

  const signs = {
    '=': (a, b) => a === b, '!=': (a, b) => a !== b, '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b,
    '>=': (a, b) => a >= b,
  };

  function comparison(name, sign, value) {
    const column = columnNamed(name);
    const at = column.at || (row => column.data[row]);
    if (column.kind === 'number') {
      const number = Number(value.text);
      if (sign === '~' || sign === '!~') throw new Error(`“${name}” holds numbers, which are compared with = != < <= > >=`);
      if (value.text === '' || Number.isNaN(number)) throw new Error(`“${name}” holds numbers, and “${value.text}” is none`);
      const test = signs[sign];
      return row => { const found = at(row); return !Number.isNaN(found) && test(found, number); };
    }
    const wanted = value.text.toLowerCase();
    const test = {
      '=': text => text === value.text, '!=': text => text !== value.text, '~': text => text.toLowerCase().includes(wanted),
      '!~': text => !text.toLowerCase().includes(wanted),
    }[sign] || (text => signs[sign](Number(text), Number(value.text)));
    // Each distinct text is looked at once.
    const passes = Uint8Array.from(column.strings, text => test(text) ? 1 : 0);
    return row => { const code = at(row); return code >= 0 && passes[code] === 1; };
  }

  function presence(name) {
    const column = columnNamed(name);
    const at = column.at || (row => column.data[row]);
    return column.kind === 'number' ? row => !Number.isNaN(at(row)) : row => at(row) >= 0;
  }

  /** A function from a row to whether it passes; throws an Error that says what is wrong with the text. */
  function compile(text) {
    const list = tokens(text);
    if (!list.length) return null;
    let position = 0;
    const peek = () => list[position];
    const isSign = sign => peek()?.kind === 'sign' && peek().text === sign;

    function any() {
      let left = all();
      while (peek()?.kind === 'join' && peek().text === '|') {
        position++;
        const [a, b] = [left, all()];
        left = row => a(row) || b(row);
      }
      return left;
    }
    function all() {
      let left = one();
      while (peek()?.kind === 'join' && peek().text === '&') {
        position++;
        const [a, b] = [left, one()];
        left = row => a(row) && b(row);
      }
      return left;
    }
    function one() {
      if (isSign('!')) {
        position++;
        const inner = one();
        return row => !inner(row);
      }
      if (isSign('(')) {
        position++;
        const inner = any();
        if (!isSign(')')) throw new Error('a parenthesis is not closed');
        position++;
        return inner;
      }
      const name = peek();
      if (name?.kind !== 'value') throw new Error(name ? `a column's name is expected before “${name.text}”` : 'the filter ends early');
      position++;
      const sign = peek();
      if (sign?.kind !== 'sign' || '()!'.includes(sign.text)) return presence(name.text);
      position++;
      const value = peek();
      if (value?.kind !== 'value') throw new Error(`a value is expected after “${name.text} ${sign.text}”`);
      position++;
      return comparison(name.text, sign.text, value);
    }

    const test = any();
    if (position < list.length) throw new Error(`“&” or “|” is expected before “${peek().text}”`);
    return test;
  }

  /** A value as it is written in a filter. */
  function quoted(text) {
    return /^[^\s&|=<>~()!"]+$/.test(text) ? text : '"' + text.replace(/["\\]/g, '\\$&') + '"';
  }

  return { compile, quoted, specials: Object.keys(specials) };
})();
