// SPDX-License-Identifier: Apache-2.0
// What the views share. Each is views[NAME](element, parameters, turn): it fills the element.
'use strict';

const views = {};

const shared = (() => {
  /** The rows with an id, in the order of the report. */
  function rowsOfID(id) {
    const column = store.column('id');
    const code = column?.codes.get(id);
    const rows = [];
    if (code !== undefined) for (let row = 0; row < store.count; row++) if (column.data[row] === code) rows.push(row);
    return rows;
  }

  /** The row that an address names. */
  function rowAt({ run, step, id }) {
    const rows = rowsOfID(id ?? '');
    const fits = row => (run === undefined || store.source(row) === Number(run)) && (step === undefined || String(store.value('step', row) ?? '') === step);
    return rows.find(fits) ?? null;
  }

  /** The group that an address names. */
  function groupAt({ run, step, group }) {
    return store.groups.find(found => found.group === group && (run === undefined || found.source === Number(run))
      && (step === undefined || String(found.step ?? '') === step)) || null;
  }

  function rowAddress(row) {
    return page.address('trajectory', { run: store.source(row), step: store.value('step', row), id: store.value('id', row) });
  }

  function groupAddress(group) { return page.address('group', { run: group.source, step: group.step, group: group.group }); }

  /** Images of a row: small copies that lead to the originals. */
  function pictures(row, isLarge) {
    return store.pictures(row).map(picture => {
      if (picture.reason) return h('span', { class: 'no-picture', title: picture.reason }, 'image: ', text.line(picture.reason, isLarge ? 300 : 60));
      const image = h('img', {
        src: report.picture(isLarge ? picture.name : picture.small), alt: `image of ${picture.width} × ${picture.height} pixels`, loading: 'lazy',
        width: String(picture.width), height: String(picture.height), class: isLarge ? 'large' : 'small',
      });
      if (isLarge && picture.width < 200) image.classList.add('tiny');
      return report.isSingle() ? image : h('a', { href: report.picture(picture.name), target: '_blank', rel: 'noopener', title: `${picture.width} × ${picture.height}, the original` }, image);
    });
  }

  /** The parts of a reward: [name, value]. */
  function parts(row) {
    const found = [];
    for (const [name, column] of store.columns) {
      if (!name.startsWith('rewards.')) continue;
      const value = column.value(row);
      if (value !== null) found.push([name.slice(8), value]);
    }
    return found;
  }

  /** What became of a row, in words: { kind, title, because }. */
  function fate(row) {
    const outcome = store.value('outcome', row);
    if (outcome === null) return null;
    if (outcome === 'dropped') {
      const stage = store.value('stage', row), rule = store.value('rule', row);
      const about = store.sources[store.source(row)].stages?.find(found => found.name === stage);
      return { kind: 'dropped', title: `dropped by ${stage}: ${rule}`, because: about?.rules?.[rule] || '' };
    }
    const times = store.timesTrained(row);
    if (times === 0) return { kind: 'dropped', title: 'kept, but drawn into no minibatch', because: '' };
    return { kind: 'kept', title: times === 1 ? 'trained on once' : `trained on ${times} times`, because: '' };
  }

  function rewardBar(value, low, high) {
    if (value === null) return h('span', { class: 'quiet' }, 'none');
    const share = high > low ? (value - low) / (high - low) : 1;
    return h('span', { class: 'measure', title: String(value) }, h('span', { class: 'track' }, h('span', { class: 'fill', style: { width: Math.max(2, 100 * share).toFixed(1) + '%' } })), number.short(value));
  }

  function advantageBar(value, most) {
    if (value === null) return h('span', { class: 'quiet' }, '–');
    const share = most > 0 ? Math.min(1, Math.abs(value) / most) * 50 : 0;
    return h('span', { class: 'measure', title: String(value) }, h('span', { class: 'track middle' },
      h('span', { class: 'fill ' + (value < 0 ? 'minus' : 'plus'), style: value < 0 ? { right: '50%', width: share.toFixed(1) + '%' } : { left: '50%', width: share.toFixed(1) + '%' } })), number.signed(value));
  }

  /** The extent of a column over all rows. */
  function extent(name) {
    const column = store.column(name);
    let low = Infinity, high = -Infinity;
    if (column?.kind === 'number') for (let row = 0; row < store.count; row++) {
      const value = column.data[row];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 1];
  }

  /** The prompt as messages: [{ role, parts: [{ text } or { image }] }]. */
  function messages(prompt) {
    if (typeof prompt === 'string') return chatTurns(prompt);
    if (!Array.isArray(prompt)) return [];
    return prompt.map(message => ({
      role: String(message?.role ?? ''),
      parts: (Array.isArray(message?.content) ? message.content : [message?.content]).map(part => {
        if (typeof part === 'string') return { text: part };
        if (part && typeof part === 'object') {
          if (typeof part.text === 'string') return { text: part.text };
          const image = part.image ?? part.image_url?.url ?? part.image_url ?? part.url ?? part.path ?? part.value;
          if (part.type === 'image' || part.type === 'image_url' || image !== undefined) return { image: typeof image === 'string' ? image : '' };
          return { text: JSON.stringify(part) };
        }
        return { text: '' };
      }),
    }));
  }

  /** The turns of a prompt that a chat template has rendered. */
  function chatTurns(prompt) {
    if (!prompt.includes('<|im_start|>')) return [{ role: 'user', parts: [{ text: prompt }] }];
    return prompt.split('<|im_start|>').filter(turn => turn.trim()).map(turn => {
      const end = turn.indexOf('\n');
      return { role: end < 0 ? turn.trim() : turn.slice(0, end).trim(), parts: [{ text: (end < 0 ? '' : turn.slice(end + 1)).replace(/<\|im_end\|>\s*$/, '') }] };
    }).filter(turn => turn.role !== 'assistant' || turn.parts[0].text);
  }

  function promptElement(record, row) {
    const turns = messages(record?.prompt);
    let image = 0;
    return h('div', { class: 'prompt' }, turns.map(turn => h('div', { class: 'turn' }, h('b', { class: 'role' }, text.line(turn.role, 40)),
      turn.parts.map(part => part.image !== undefined
        ? h('div', { class: 'path quiet' }, `image ${++image}: `, text.line(part.image || 'named by the record', 200))
        : text.rich(part.text)))),
    turns.length ? null : h('p', { class: 'quiet' }, row !== undefined && store.value('question', row) ? text.line(store.value('question', row), 400) : 'the report has no prompt for this row'));
  }

  function right(row) {
    const found = store.right[row];
    return found < 0 ? h('span', { class: 'quiet' }, '–') : found ? h('span', { class: 'right' }, '✓ right') : h('span', { class: 'wrong' }, '✗ wrong');
  }

  function sourceName(index) { return text.line(store.sources[index].name, 80); }

  /** A row of headings; those that begin with # stand over numbers. */
  function heads(names) {
    return h('tr', {}, names.map(name => h('th', { scope: 'col', class: name[0] === '#' ? 'n' : null }, name.replace(/^#/, ''))));
  }

  function pick(label, value, options, onchange) {
    return h('label', { class: 'pick' }, label + ' ', h('select', { onchange: event => onchange(event.target.value) },
      options.map(([key, name]) => h('option', { value: String(key), selected: String(key) === String(value) }, name))));
  }

  return { rowsOfID, rowAt, groupAt, rowAddress, groupAddress, pictures, parts, fate, rewardBar, advantageBar, extent, messages, promptElement, right, sourceName, heads, pick };
})();
