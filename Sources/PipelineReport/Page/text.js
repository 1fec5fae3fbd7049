// SPDX-License-Identifier: Apache-2.0
// Elements, numbers, and text that nobody trusts. Text from records becomes text nodes, never markup.
'use strict';

/** An element with properties and children; texts become text nodes. */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'style') for (const [key, part] of Object.entries(value)) element.style.setProperty(key, part);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== 'string') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

const number = {
  /** A number of at most four significant digits. */
  short(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return '–';
    if (!Number.isFinite(value)) return String(value);
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return number.count(value);
    const size = Math.abs(value);
    if (size >= 1e15 || size < 1e-4) return value.toExponential(2).replace(/\.?0+e/, 'e');
    const digits = Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(size))));
    const text = value.toFixed(digits);
    return digits ? text.replace(/\.?0+$/, '').replace(/^-0$/, '0') : number.count(Math.round(value));
  },
  signed(value) { return (value > 0 ? '+' : '') + number.short(value); },
  count(value) { return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ','); },
  share(part, whole) { return whole ? number.percent(part / whole) : '–'; },
  percent(share) {
    if (share === null || Number.isNaN(share)) return '–';
    if (share === 0 || share === 1) return share * 100 + ' %';
    const percent = share * 100;
    if (percent < 0.1) return '<0.1 %';
    if (percent > 99.9) return '>99.9 %';
    return (percent < 9.95 || percent > 99 ? percent.toFixed(1).replace(/\.0$/, '') : percent.toFixed(0)) + ' %';
  },
  seconds(value) {
    if (value < 60) return number.short(value) + ' s';
    if (value < 3600) return Math.floor(value / 60) + ':' + String(Math.floor(value % 60)).padStart(2, '0') + ' min';
    return Math.floor(value / 3600) + ':' + String(Math.floor(value / 60 % 60)).padStart(2, '0') + ' h';
  },
};

/** `1 rollout`, `2 queries`. */
function counted(count, noun) {
  return number.count(count) + ' ' + (count === 1 ? noun : noun.endsWith('y') ? noun.slice(0, -1) + 'ies' : noun + 's');
}

const text = (() => {
  // Controls, soft hyphens, marks of direction, zero-width characters, half surrogates.
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  const names = {
    7: 'bell', 8: 'backspace', 13: 'carriage return', 27: 'escape', 0x200b: 'zero-width space', 0x200c: 'zero-width non-joiner',
    0x200d: 'zero-width joiner', 0x200e: 'left-to-right mark', 0x200f: 'right-to-left mark', 0x202a: 'left-to-right embedding',
    0x202b: 'right-to-left embedding', 0x202c: 'end of embedding', 0x202d: 'left-to-right override', 0x202e: 'right-to-left override',
    0x2066: 'left-to-right isolate', 0x2067: 'right-to-left isolate', 0x2068: 'first-strong isolate', 0x2069: 'end of isolate',
    0xfeff: 'byte order mark', 0xad: 'soft hyphen',
  };
  const firstPart = 20000, furtherPart = 400000;

  /** A text as nodes in which what cannot be seen is named. */
  function nodes(string) {
    const found = [];
    let last = 0;
    for (const match of string.matchAll(hidden)) {
      // The joiner of emoji, and the mark that chooses their form, do what they are for.
      if ((match[0] === '\u200d' || match[0] === '\ufe0f') && match.index > 0 && string.charCodeAt(match.index - 1) > 0x2000) continue;
      if (match.index > last) found.push(document.createTextNode(string.slice(last, match.index)));
      const code = match[0].charCodeAt(0);
      const name = 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
      found.push(h('span', { class: 'mark', title: name + (names[code] ? ', ' + names[code] : '') }, code === 27 ? '␛' : name));
      last = match.index + match[0].length;
    }
    if (last < string.length) found.push(document.createTextNode(string.slice(last)));
    return found;
  }

  /** An element with a text of any length: its beginning, and the rest on demand. */
  function block(string, properties) {
    const element = h('div', { dir: 'auto', ...properties, class: 'text ' + (properties?.class || '') });
    let shown = cut(string, 0, firstPart);
    append(element, nodes(string.slice(0, shown)));
    if (shown < string.length) {
      const more = h('button', { type: 'button', class: 'more', onclick: () => {
        const end = cut(string, shown, furtherPart);
        more.before(...nodes(string.slice(shown, end)));
        shown = end;
        if (shown >= string.length) more.remove(); else label();
      } });
      const label = () => { more.textContent = `${number.count(string.length - shown)} characters more`; };
      label();
      element.append(more);
    }
    return element;
  }

  /** Where a part of a text ends, not within a pair of surrogates. */
  function cut(string, start, length) {
    let end = Math.min(string.length, start + length);
    if (end < string.length && /[\udc00-\udfff]/.test(string[end])) end--;
    return end;
  }

  /** A text of one line, cut. */
  function line(string, limit) {
    const short = string.length > limit ? string.slice(0, cut(string, 0, limit)) + '…' : string;
    return h('bdi', {}, nodes(short.replace(/\s+/g, ' ')));
  }

  /** The answer that a response gives, by the usual signs: the last \boxed{…}, <answer>…</answer>, or “#### …”. */
  function answer(response) {
    const boxed = response.lastIndexOf('\\boxed{');
    if (boxed >= 0) {
      let depth = 0;
      for (let i = boxed + 6; i < response.length && i < boxed + 4000; i++) {
        if (response[i] === '\\') i++;
        else if (response[i] === '{') depth++;
        else if (response[i] === '}' && --depth === 0) return { text: response.slice(boxed + 7, i), sign: '\\boxed{}' };
      }
    }
    const end = response.lastIndexOf('</answer>');
    const start = end < 0 ? -1 : response.lastIndexOf('<answer>', end);
    if (start >= 0) return { text: response.slice(start + 8, end).trim(), sign: '<answer>' };
    const hashes = response.lastIndexOf('####');
    if (hashes >= 0) return { text: response.slice(hashes + 4).split('\n')[0].trim(), sign: '####' };
    return null;
  }

  /** A response: its thought folded, formulas set. */
  function response(string, options) {
    const element = h('div', { class: 'response' });
    if (string.length > 400000) {
      // Too long to look for parts in; it is shown as it is.
      element.append(block(string));
      return element;
    }
    const start = string.indexOf('<think>');
    const end = string.indexOf('</think>');
    let rest = string;
    if (end >= 0 || start >= 0) {
      const from = start >= 0 && (end < 0 || start < end) ? start : -1;
      if (from > 0) element.append(rich(string.slice(0, from), options));
      const thought = string.slice(from >= 0 ? from + 7 : 0, end >= 0 ? end : string.length);
      const words = thought.trim() ? thought.trim().split(/\s+/).length : 0;
      const isOpen = options?.openThought || end < 0;
      element.append(h('details', { class: 'thought', open: isOpen },
        h('summary', {}, 'thought, ', counted(words, 'word'), end < 0 ? ', not closed' : ''), rich(thought, options)));
      rest = end >= 0 ? string.slice(end + 8) : '';
    }
    if (rest.trim() || !element.childNodes.length) element.append(rich(rest.replace(/^\n+/, ''), options));
    return element;
  }

  const delimiters = /\$\$([\s\S]{1,4000}?)\$\$|\\\[([\s\S]{1,4000}?)\\\]|\\\(([\s\S]{1,4000}?)\\\)|\$((?:[^$\n\\]|\\.){1,1000}?)\$(?!\d)|(\\boxed\{)/g;

  /** Text with its formulas set, where that is wanted and they can be read. */
  function rich(string, options) {
    if (options?.source || string.length > firstPart) return block(string);
    const element = h('div', { class: 'text', dir: 'auto' });
    let last = 0;
    delimiters.lastIndex = 0;
    for (let match; (match = delimiters.exec(string));) {
      let source = match[1] ?? match[2] ?? match[3] ?? match[4];
      let end = match.index + match[0].length;
      if (match[5]) {
        end = closing(string, match.index + 6) + 1;
        if (!end) continue;
        source = string.slice(match.index, end);
      }
      const math = formula.render(source, match[1] !== undefined || match[2] !== undefined);
      if (!math) continue;
      append(element, nodes(string.slice(last, match.index)));
      element.append(h('span', { class: 'formula', title: string.slice(match.index, end) }, math));
      last = end;
      delimiters.lastIndex = end;
    }
    append(element, nodes(string.slice(last)));
    return element;
  }

  /** Where the brace at a position is closed, or -1. */
  function closing(string, open) {
    let depth = 0;
    for (let i = open; i < string.length && i < open + 4000; i++) {
      if (string[i] === '\\') i++;
      else if (string[i] === '{') depth++;
      else if (string[i] === '}' && --depth === 0) return i;
    }
    return -1;
  }

  return { nodes, block, line, answer, response, rich, closing };
})();
