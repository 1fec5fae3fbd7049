// SPDX-License-Identifier: Apache-2.0
// The data of the report: pieces that arrive by report.take, and columns over all rows.
'use strict';

const report = (() => {
  const arrived = new Map();
  const waiting = new Map();
  let single = null;

  /** A piece of data has come: its kind, its key, and JSON or lines of JSON as text. */
  function take(kind, key, text) {
    const name = kind + '/' + key;
    const wait = waiting.get(name);
    if (wait) wait.resolve(text);
    else arrived.set(name, text);
  }

  /** Takes the pieces that stand in the page itself, where the report is a single file. */
  function takeSingle() {
    const element = document.getElementById('report-data');
    if (!element) return;
    single = JSON.parse(element.textContent);
    for (const [kind, key, text] of single.parts) arrived.set(kind + '/' + key, text);
    element.remove();
  }

  /** The text of a piece. `again` is a number that makes a browser ask for it anew. */
  function load(kind, key, again) {
    const name = kind + '/' + key;
    if (single) {
      return arrived.has(name) ? Promise.resolve(arrived.get(name)) : Promise.reject(new Error('the report has no ' + name));
    }
    const wait = waiting.get(name);
    if (wait) return wait.promise;
    let resolve, reject;
    const promise = new Promise((yes, no) => { resolve = yes; reject = no; });
    waiting.set(name, { promise, resolve });
    const script = document.createElement('script');
    const file = kind + (key === '' ? '' : '-' + key) + '.js';
    script.src = 'data/' + file + (again === undefined ? '' : '?' + again);
    script.onerror = () => { reject(new Error('data/' + file + ' cannot be loaded')); };
    document.head.append(script);
    return promise.finally(() => { waiting.delete(name); script.remove(); });
  }

  /** The address of an image file. */
  function picture(name) {
    if (single) return single.pictures[name] || '';
    return 'pictures/' + name;
  }

  return { take, takeSingle, load, picture, isSingle: () => single !== null };
})();

/** A column over all rows: numbers with NaN for none, or codes of texts with -1 for none. */
class Column {
  constructor(name, room) {
    this.name = name;
    this.kind = 'number';
    this.data = new Float64Array(room).fill(NaN);
    this.strings = [];
    this.codes = new Map();
  }

  grow(room) {
    if (this.data.length >= room) return;
    const more = this.kind === 'number' ? new Float64Array(room).fill(NaN) : new Int32Array(room).fill(-1);
    more.set(this.data);
    this.data = more;
  }

  code(text) {
    let code = this.codes.get(text);
    if (code === undefined) {
      code = this.strings.length;
      this.strings.push(text);
      this.codes.set(text, code);
    }
    return code;
  }

  /** Numbers so far become texts: another block has texts under this name. */
  becomeText() {
    const codes = new Int32Array(this.data.length).fill(-1);
    for (let row = 0; row < codes.length; row++) {
      if (!Number.isNaN(this.data[row])) codes[row] = this.code(String(this.data[row]));
    }
    this.kind = 'text';
    this.data = codes;
  }

  /** Takes a block's values and codes, from a row on. */
  add(values, codes, first) {
    if (this.kind === 'number' && values.some(value => typeof value === 'string')) this.becomeText();
    if (this.kind === 'number') {
      for (let row = 0; row < codes.length; row++) if (codes[row]) this.data[first + row] = values[codes[row] - 1];
    } else {
      const map = values.map(value => this.code(String(value)));
      for (let row = 0; row < codes.length; row++) if (codes[row]) this.data[first + row] = map[codes[row] - 1];
    }
  }

  value(row) {
    if (this.kind === 'number') return Number.isNaN(this.data[row]) ? null : this.data[row];
    return this.data[row] < 0 ? null : this.strings[this.data[row]];
  }
}

const store = {
  manifest: null,
  /** Rows that have been read. */
  count: 0,
  columns: new Map(),
  blocks: [],
  /** Groups of one step: { source, step, group, rows }. */
  groups: [],
  /** For each row, its group. */
  groupOf: [],
  groupKeys: new Map(),
  /** For each run: the lines of metrics, timings and evaluations. */
  series: [],
  seriesRead: new Map(),
  chunks: new Map(),
  tokens: new Map(),

  get sources() { return this.manifest.sources; },
  get settings() { return this.manifest.settings; },

  column(name) { return this.columns.get(name); },
  value(name, row) {
    const column = this.columns.get(name);
    return column ? column.value(row) : null;
  },

  /** Reads the manifest, and resolves to whether it says more than before. */
  async readManifest(again) {
    const text = await report.load('manifest', '', again);
    if (text === this.manifestText) return false;
    this.manifestText = text;
    this.manifest = JSON.parse(text);
    return true;
  },

  /** Reads the series of all runs, as far as they are new. */
  async readSeries() {
    await Promise.all(this.sources.map(async (source, index) => {
      const lines = this.series[index] || (this.series[index] = { metrics: [], timings: [], evaluations: [] });
      for (const [name, count] of Object.entries(source.series || {})) {
        if (name === 'tokens') continue;
        const key = index + '-' + name;
        for (let part = this.seriesRead.get(key) || 0; part < count; part++) {
          this.seriesRead.set(key, part + 1);
          const text = await report.load('series', key + '-' + part);
          for (const line of text.split('\n')) if (line) lines[name].push(JSON.parse(line));
        }
      }
    }));
  },

  /** The texts of a run's tokens by their ids. */
  async tokenTexts(index) {
    const count = this.sources[index].series?.tokens || 0;
    const known = this.tokens.get(index) || { parts: 0, texts: new Map() };
    this.tokens.set(index, known);
    while (known.parts < count) {
      const texts = JSON.parse(await report.load('tokens', index + '-' + known.parts++));
      for (const [id, text] of Object.entries(texts)) known.texts.set(Number(id), text);
    }
    return known.texts;
  },

  /** Reads the columns of the blocks that are new; `onBlock` is told after each. */
  async readRows(onBlock) {
    const room = Math.max(this.manifest.rows, 16);
    for (let block = this.blocks.length; block < this.manifest.blocks; block++) {
      const text = await report.load('rows', String(block));
      this.addBlock(JSON.parse(text), String(block), room);
      if (onBlock) onBlock();
    }
  },

  addBlock(block, key, room) {
    const first = this.count;
    const end = first + block.count;
    room = Math.max(room, end);
    for (const column of this.columns.values()) column.grow(room);
    for (const { name, values, codes } of block.columns) {
      let column = this.columns.get(name);
      if (!column) this.columns.set(name, column = new Column(name, room));
      column.add(values, this.decoded(codes, values.length), first);
    }
    this.blocks.push({ key, first, count: block.count, chunks: block.chunks, source: block.source });
    this.count = end;
    this.addToGroups(block.source, first, end);
  },

  decoded(codes, valueCount) {
    const binary = atob(codes);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return valueCount < 256 ? bytes : new Uint16Array(bytes.buffer);
  },

  addToGroups(source, first, end) {
    const group = this.columns.get('group'), step = this.columns.get('step');
    if (!this.groupKeys.has(source)) this.groupKeys.set(source, new Map());
    const keys = this.groupKeys.get(source);
    for (let row = first; row < end; row++) {
      const at = step && step.kind === 'number' && !Number.isNaN(step.data[row]) ? step.data[row] : -1;
      // A number below 2^53: steps below 2^31, and four million groups.
      const key = (at + 1) * 4194304 + group.data[row];
      let index = keys.get(key);
      if (index === undefined) {
        index = this.groups.length;
        keys.set(key, index);
        this.groups.push({ source, step: at < 0 ? null : at, code: group.data[row], group: group.strings[group.data[row]], rows: [] });
      }
      this.groups[index].rows.push(row);
      this.groupOf[row] = index;
    }
  },

  blockOf(row) {
    let low = 0, high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].first <= row) low = middle; else high = middle - 1;
    }
    return this.blocks[low];
  },

  source(row) { return this.blockOf(row).source; },

  /** The chunk with a row's line: its key, and the line's place in it. */
  place(row) {
    const block = this.blockOf(row);
    const at = row - block.first;
    let chunk = 0;
    while (chunk + 1 < block.chunks.length && block.chunks[chunk + 1] <= at) chunk++;
    return { key: block.key + '-' + chunk, line: at - block.chunks[chunk], has: block.chunks.length > 0 };
  },

  /** The line of JSONL of a row, or an empty text. */
  async line(row) {
    const place = this.place(row);
    if (!place.has) return '';
    const lines = await this.chunk(place.key);
    return lines[place.line] || '';
  },

  /** The record of a row, or null. */
  async record(row) {
    const line = await this.line(row);
    return line ? JSON.parse(line) : null;
  },

  /** The lines of a chunk; the last few dozen are kept. */
  async chunk(key) {
    let lines = this.chunks.get(key);
    if (!lines) {
      lines = report.load('bodies', key).then(text => text.split('\n'));
      this.chunks.set(key, lines);
      if (this.chunks.size > 96) this.chunks.delete(this.chunks.keys().next().value);
    }
    return lines;
  },

  // What is right

  /** The column that says whether a response is right. */
  get accuracyColumn() {
    const named = this.settings.accuracy;
    const tries = named ? ['rewards.' + named, named] : ['rewards.accuracy', 'rewards.acc', 'accuracy', 'reward'];
    return tries.find(name => this.columns.get(name)?.kind === 'number') || 'reward';
  },

  /** The value from which it is. */
  get rightFrom() {
    if (typeof this.settings.right_from === 'number') return this.settings.right_from;
    const column = this.columns.get(this.accuracyColumn);
    if (!column || column.kind !== 'number') return 0.5;
    let low = Infinity, high = -Infinity;
    for (let row = 0; row < this.count; row++) {
      const value = column.data[row];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low < 0 || high > 1 ? low + (high - low) / 2 : 0.5;
  },

  /** Recomputes what is right, after rows or settings have changed. */
  judge() {
    const column = this.columns.get(this.accuracyColumn), from = this.rightFrom;
    this.right = new Int8Array(this.count).fill(-1);
    if (!column || column.kind !== 'number') return;
    for (let row = 0; row < this.count; row++) {
      const value = column.data[row];
      if (!Number.isNaN(value)) this.right[row] = value >= from ? 1 : 0;
    }
  },

  /** How often a row was trained on: as often as it was drawn, once if nothing was drawn; null where no lineage says. */
  timesTrained(row) {
    const outcome = this.value('outcome', row);
    if (outcome === null) return null;
    if (outcome !== 'kept') return 0;
    const draws = this.value('draws', row);
    return draws === null ? 1 : draws;
  },

  /** The images of a row: { name, width, height, small } or { reason }. */
  pictures(row) {
    const text = this.value('pictures', row);
    if (!text) return [];
    return text.split('\n').map(entry => {
      if (entry[0] === '!') return { reason: entry.slice(1) };
      const [name, width, height, small] = entry.split(':');
      return { name, width: Number(width), height: Number(height), small };
    });
  },
};
