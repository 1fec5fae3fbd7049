// SPDX-License-Identifier: Apache-2.0
// Table: rows filtered and sorted by any column. Compare: two runs or two selections on the same groups.
'use strict';

views.table = (element, parameters, turn) => {
  const height = 32;
  const input = h('input', { type: 'search', value: parameters.where || '', placeholder: 'reward < 0.5 & finish = length & step > 20', 'aria-label': 'filter', spellcheck: false, autocomplete: 'off' });
  const search = h('input', { type: 'search', value: parameters.text || '', placeholder: 'text in responses', 'aria-label': 'text in responses', class: 'search' });
  const message = h('p', { class: 'error', role: 'alert' });
  const count = h('p', { class: 'count', 'aria-live': 'polite' });
  const columns = shownColumns(parameters);
  let rows = new Int32Array(0);
  let sort = parameters.sort || '', isDown = parameters.down === '1';
  let timing = 0;

  const head = h('tr', {}, columns.map(name => h('th', { scope: 'col', 'aria-sort': sort === name ? (isDown ? 'descending' : 'ascending') : null },
    h('button', { type: 'button', onclick: () => page.go('table', { ...page.here().parameters, sort: name, down: sort === name && !isDown ? '1' : null }) }, text.line(name === 'pictures' ? 'image' : name.replace(/^rewards\./, ''), 30), sort === name ? (isDown ? ' ↓' : ' ↑') : ''))));
  const body = h('tbody', {});
  const above = h('tr', { class: 'space' }, h('td', { colspan: String(columns.length) })), below = above.cloneNode(true);
  const table = h('table', { class: 'rows' }, h('thead', {}, head), body);
  const scroller = h('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'rows' }, table);

  function apply() {
    const start = performance.now();
    let test = null;
    try {
      test = filter.compile(input.value);
      message.textContent = '';
    } catch (error) {
      append(clearOf(message), [text.line(error.message, 500)]);
      return;
    }
    const found = [];
    for (let row = 0; row < store.count; row++) if (!test || test(row)) found.push(row);
    rows = Int32Array.from(found);
    if (matches) rows = rows.filter(row => matches.has(row));
    if (sort) rows = sorted(rows, sort, isDown);
    timing = performance.now() - start;
    document.documentElement.dataset.filterMilliseconds = timing.toFixed(1);
    say();
    draw(true);
  }

  let matches = null;
  function say() {
    let right = 0, judged = 0, sum = 0, scored = 0;
    const rewards = store.column('reward');
    for (const row of rows) {
      if (store.right[row] >= 0) { judged++; right += store.right[row]; }
      if (rewards?.kind === 'number' && !Number.isNaN(rewards.data[row])) { scored++; sum += rewards.data[row]; }
    }
    count.textContent = `${number.count(rows.length)} of ${counted(store.count, 'row')}` + (scored ? `, mean reward ${number.short(sum / scored)}` : '') + (judged ? `, ${number.share(right, judged)} right` : '');
  }

  let drawn = '';
  function draw(isNew) {
    const top = Math.max(0, Math.floor(scroller.scrollTop / height) - 10);
    const end = Math.min(rows.length, top + Math.ceil(scroller.clientHeight / height || 20) + 30);
    const key = top + '-' + end;
    if (!isNew && key === drawn) return;
    drawn = key;
    above.firstChild.style.setProperty('height', top * height + 'px');
    below.firstChild.style.setProperty('height', (rows.length - end) * height + 'px');
    const list = [];
    for (let i = top; i < end; i++) list.push(rowElement(rows[i], i));
    body.replaceChildren(above, ...list, below);
    fillResponses();
  }

  function rowElement(row, index) {
    return h('tr', { class: index === at ? 'here' : null, 'data-row': String(row), onclick: event => { if (!event.target.closest('a')) location.hash = shared.rowAddress(row); } },
      columns.map(name => cell(name, row)));
  }

  function cell(name, row) {
    if (name === 'pictures') return h('td', { class: 'thumb' }, shared.pictures(row).slice(0, 1));
    if (name === 'response') return h('td', { class: 'long', 'data-response': String(row) });
    if (name === 'right') return h('td', {}, store.right[row] < 0 ? '' : store.right[row] ? h('span', { class: 'right' }, '✓') : h('span', { class: 'wrong' }, '✗'));
    if (name === 'trained') { const times = store.timesTrained(row); return h('td', { class: 'n' }, times === null ? '' : String(times)); }
    if (name === 'run') return h('td', {}, shared.sourceName(store.source(row)));
    const value = store.value(name, row);
    if (name === 'id') return h('td', {}, h('a', { href: shared.rowAddress(row) }, text.line(value, 60)));
    if (name === 'group') return h('td', {}, h('a', { href: shared.groupAddress(store.groups[store.groupOf[row]]) }, text.line(value, 60)));
    if (typeof value === 'number') return h('td', { class: 'n', title: String(value) }, number.short(value));
    return h('td', { class: name === 'question' ? 'long' : null }, value === null ? '' : text.line(value, 100));
  }

  // Responses are fetched for what is in view, once scrolling rests.
  let waiting = 0;
  function fillResponses() {
    if (!columns.includes('response')) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      for (const cell of body.querySelectorAll('td[data-response]')) {
        if (!turn.isCurrent() || !cell.isConnected) continue;
        const record = await store.record(Number(cell.dataset.response)).catch(() => null);
        cell.removeAttribute('data-response');
        if (typeof record?.response === 'string') cell.replaceChildren(text.line(record.response.slice(0, 400), 120));
      }
    }, 80);
  }

  let at = -1;
  function move(to) {
    at = Math.max(0, Math.min(rows.length - 1, to));
    const y = at * height;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    if (y > scroller.scrollTop + scroller.clientHeight - 3 * height) scroller.scrollTop = y - scroller.clientHeight + 3 * height;
    draw(true);
  }
  turn.keys = {
    j: { about: 'next row', run: () => move(at + 1) }, k: { about: 'previous row', run: () => move(at - 1) },
    ArrowDown: { run: () => move(at + 1) }, ArrowUp: { run: () => move(at - 1) },
    Enter: { about: 'open the row', run: () => { if (at >= 0) location.hash = shared.rowAddress(rows[at]); } },
  };

  /** Looks for a text in all responses, chunk by chunk. */
  async function find(wanted) {
    matches = null;
    if (!wanted) { apply(); return; }
    const low = wanted.toLowerCase(), found = new Set();
    for (const block of store.blocks) {
      for (let chunk = 0; chunk < block.chunks.length; chunk++) {
        if (!turn.isCurrent()) return;
        const lines = (await report.load('bodies', block.key + '-' + chunk)).split('\n');
        lines.forEach((line, i) => {
          // Most lines are ruled out before they are parsed; an escape may hide the text.
          if (!line || !(line.includes('\\u') || line.toLowerCase().includes(JSON.stringify(low).slice(1, -1)))) return;
          const response = JSON.parse(line).response;
          if (typeof response === 'string' && response.toLowerCase().includes(low)) found.add(block.first + block.chunks[chunk] + i);
        });
      }
      count.textContent = `searching: ${number.share(block.first + block.count, store.count)}`;
    }
    matches = found;
    apply();
  }

  input.addEventListener('input', () => { page.go('table', { ...page.here().parameters, where: input.value || null }, true); apply(); });
  search.addEventListener('change', () => { page.go('table', { ...page.here().parameters, text: search.value || null }, true); find(search.value); });
  scroller.addEventListener('scroll', () => draw(false));
  const savedPick = h('select', { 'aria-label': 'saved filters', onchange: event => { if (event.target.value) page.go('table', { ...page.here().parameters, where: event.target.value }); } });
  const drawSaved = () => savedPick.replaceChildren(h('option', { value: '' }, 'saved filters'), ...(page.kept.get('filters') || []).map(saved => h('option', { value: saved }, saved)));
  drawSaved();
  element.append(h('h1', {}, 'Table'),
    h('div', { class: 'controls filter-line' }, input, search),
    h('div', { class: 'controls' }, savedPick,
      h('button', { type: 'button', onclick: () => { const list = page.kept.get('filters') || []; if (input.value && !list.includes(input.value)) page.kept.set('filters', [...list, input.value]); drawSaved(); } }, 'save'),
      h('button', { type: 'button', onclick: () => { page.kept.set('filters', (page.kept.get('filters') || []).filter(saved => saved !== input.value)); drawSaved(); } }, 'forget'),
      columnChoice(columns),
      h('button', { type: 'button', onclick: () => saveCSV(rows, columns) }, 'CSV'), h('button', { type: 'button', onclick: () => saveJSONL(rows, count) }, 'JSONL')),
    message, count, scroller);
  turn.shown = () => { draw(true); new ResizeObserver(() => draw(false)).observe(scroller); };
  if (parameters.text) find(parameters.text); else apply();
};

function clearOf(element) { element.replaceChildren(); return element; }

/** The columns of the table: of the address, the reader, the run, or those that there are values for. */
function shownColumns(parameters) {
  const known = name => store.columns.has(name) || filter.specials.includes(name) || name === 'response';
  const named = parameters.columns ? parameters.columns.split(',') : page.setting('columns', null);
  if (Array.isArray(named)) {
    const found = named.map(name => known(name) ? name : known('rewards.' + name) ? 'rewards.' + name : null).filter(Boolean);
    if (found.length) return found;
  }
  const parts = [...store.columns.keys()].filter(name => name.startsWith('rewards.'));
  return ['pictures', store.sources.length > 1 ? 'run' : null, 'step', 'id', 'question', 'answer', 'right', 'reward', ...(parts.length > 1 ? parts.slice(0, 4) : []), 'advantage', 'trained', 'stage', 'tokens', store.columns.has('tokens') ? null : 'characters', 'finish', 'response']
    .filter(name => name && known(name) && (name !== 'trained' || store.columns.has('outcome')));
}

function columnChoice(columns) {
  const names = ['response', ...filter.specials, ...store.columns.keys()];
  return h('details', { class: 'choice' }, h('summary', {}, 'columns'), h('div', { class: 'choices' }, names.map(name => h('label', {},
    h('input', { type: 'checkbox', checked: columns.includes(name), onchange: event => {
      const next = event.target.checked ? [...columns, name] : columns.filter(other => other !== name);
      page.kept.set('columns', next);
      page.go('table', { ...page.here().parameters, columns: next.join(',') });
    } }), ' ', text.line(name, 40))),
  h('button', { type: 'button', onclick: () => { page.kept.set('columns', null); page.go('table', { ...page.here().parameters, columns: null }); page.show(); } }, 'as the run says')));
}

function sorted(rows, name, isDown) {
  const column = store.column(name);
  let key;
  if (name === 'right') key = row => store.right[row];
  else if (name === 'trained') key = row => store.timesTrained(row) ?? -1;
  else if (name === 'run') key = row => store.source(row);
  else if (!column) return rows;
  else if (column.kind === 'number') key = row => column.data[row];
  else {
    const order = column.strings.map((text, code) => [text, code]).sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
    const place = new Int32Array(order.length);
    order.forEach(([, code], i) => { place[code] = i; });
    key = row => column.data[row] < 0 ? NaN : place[column.data[row]];
  }
  const keys = new Float64Array(store.count);
  for (const row of rows) keys[row] = key(row);
  // Rows without a value come last, whatever the direction.
  return rows.slice().sort((a, b) => {
    const [x, y] = [keys[a], keys[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? (Number.isNaN(y) ? a - b : 1) : -1;
    return (isDown ? y - x : x - y) || a - b;
  });
}

function save(parts, name, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  h('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** A cell of CSV; one that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
  return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
}

function saveCSV(rows, columns) {
  const names = columns.filter(name => name !== 'pictures' && name !== 'response');
  const value = (name, row) => name === 'right' ? ['', 'no', 'yes'][store.right[row] + 1] : name === 'trained' ? store.timesTrained(row) : name === 'run' ? store.sources[store.source(row)].name : store.value(name, row);
  const lines = [names.map(csvCell).join(',')];
  for (const row of rows) lines.push(names.map(name => csvCell(value(name, row))).join(','));
  save([lines.join('\n') + '\n'], 'rows.csv', 'text/csv');
}

async function saveJSONL(rows, count) {
  const parts = [];
  let lacking = 0;
  for (let i = 0; i < rows.length; i++) {
    const line = await store.line(rows[i]);
    if (line) parts.push(line + '\n'); else lacking++;
    if (i % 500 === 0) count.textContent = `writing: ${number.share(i, rows.length)}`;
  }
  count.textContent = `${counted(parts.length, 'line')} written` + (lacking ? `; of ${counted(lacking, 'row')} the run did not keep the record` : '');
  save(parts, 'rows.jsonl', 'application/jsonl');
}

// Compare

views.compare = async (element, parameters, turn) => {
  if (store.sources.length < 2) { element.append(h('h1', {}, 'Compare'), h('p', {}, 'Name two runs or more: shuffle-r1 report runs/one runs/other --output report')); return; }
  const a = Number(parameters.a ?? 0), b = Number(parameters.b ?? 1);
  const options = store.sources.map((source, index) => [index, source.name]);
  element.append(h('h1', {}, 'Compare'), h('div', { class: 'controls' },
    shared.pick('left:', a, options, value => page.go('compare', { ...parameters, a: value })), shared.pick('right:', b, options, value => page.go('compare', { ...parameters, b: value }))));
  const key = group => (group.step ?? '') + '\n' + group.group;
  const left = new Map(store.groups.filter(group => group.source === a).map(group => [key(group), group]));
  const common = store.groups.filter(group => group.source === b && left.has(key(group))).map(group => [left.get(key(group)), group]);
  if (!common.length) { element.append(h('p', {}, 'The two have no group of one step in common.')); return; }
  if (parameters.group !== undefined) return comparedGroup(element, common, parameters, turn);
  const trained = row => store.timesTrained(row) ?? 1;
  const compared = common.map(([x, y]) => {
    const byID = new Map(y.rows.map(row => [store.value('id', row), row]));
    let both = 0, onlyLeft = 0, onlyRight = 0, flips = 0, same = 0;
    const seen = new Set();
    for (const row of x.rows) {
      const other = byID.get(store.value('id', row));
      const [here, there] = [trained(row) > 0, other !== undefined && trained(other) > 0];
      if (here && there) both++; else if (here) onlyLeft++; else if (there) onlyRight++;
      if (other === undefined) continue;
      seen.add(other);
      same++;
      if (store.right[row] >= 0 && store.right[other] >= 0 && store.right[row] !== store.right[other]) flips++;
    }
    for (const row of y.rows) if (!seen.has(row) && trained(row) > 0) onlyRight++;
    return { x, y, both, onlyLeft, onlyRight, flips, same, meanLeft: rightShare(x).mean, meanRight: rightShare(y).mean };
  });
  const sum = name => compared.reduce((sum, item) => sum + item[name], 0);
  const union = sum('both') + sum('onlyLeft') + sum('onlyRight');
  const onlyFlips = parameters.flips === '1';
  element.append(h('p', {}, `${counted(compared.length, 'group')} in common. Trained on by both: ${number.count(sum('both'))} (${number.share(sum('both'), union)}), only left: ${number.count(sum('onlyLeft'))}, only right: ${number.count(sum('onlyRight'))}. `
    + `Right in one and wrong in the other: ${number.count(sum('flips'))} of ${counted(sum('same'), 'rollout')} with the same id.`));
  element.append(h('div', { class: 'controls' }, h('label', {}, h('input', { type: 'checkbox', checked: onlyFlips, onchange: event => page.go('compare', { ...parameters, flips: event.target.checked ? '1' : null }) }), ' only groups with such flips')));
  const shown = compared.filter(item => !onlyFlips || item.flips).slice(0, 500);
  element.append(h('div', { class: 'scroll' }, h('table', { class: 'plain' }, h('thead', {}, shared.heads(['', 'group', '#step', '#mean reward, left', '#right', '#both', '#only left', '#only right', '#flips'])),
    h('tbody', {}, shown.map(item => h('tr', {}, h('td', { class: 'thumb' }, shared.pictures(item.x.rows[0]).slice(0, 1)),
      h('td', {}, h('a', { href: page.address('compare', { a, b, group: item.x.group, step: item.x.step }) }, text.line(store.value('question', item.x.rows[0]) || item.x.group, 80))),
      h('td', { class: 'n' }, String(item.x.step ?? '')), ...[item.meanLeft, item.meanRight].map(value => h('td', { class: 'n' }, number.short(value))), ...[item.both, item.onlyLeft, item.onlyRight, item.flips].map(value => h('td', { class: 'n' }, number.count(value)))))))));
};

async function comparedGroup(element, common, parameters, turn) {
  const at = common.findIndex(([x]) => x.group === parameters.group && String(x.step ?? '') === String(parameters.step ?? ''));
  if (at < 0) { element.append(h('p', {}, 'The two do not have this group in common.')); return; }
  const [x, y] = common[at];
  const go = by => { const next = common[at + by]; if (next) page.go('compare', { ...parameters, group: next[0].group, step: next[0].step }); };
  turn.keys = { n: { about: 'next group', run: () => go(1) }, p: { about: 'previous group', run: () => go(-1) } };
  element.append(h('h2', {}, text.line(x.group, 80), x.step === null ? '' : `, step ${x.step}`), h('div', { class: 'controls' }, h('button', { type: 'button', onclick: () => go(-1), disabled: at === 0 }, '‹ previous'), h('button', { type: 'button', onclick: () => go(1), disabled: at === common.length - 1 }, 'next ›')));
  element.append(h('div', { class: 'question-box' }, h('div', { class: 'pictures' }, shared.pictures(x.rows[0], true)), shared.promptElement(await someRecord(x.rows), x.rows[0])));
  const ids = new Map(y.rows.map(row => [store.value('id', row), row]));
  const isShared = x.rows.some(row => ids.has(store.value('id', row)));
  const cardsOf = group => {
    const rows = ranked(group.rows), other = group === x ? y : x;
    const others = new Map(other.rows.map(row => [store.value('id', row), row]));
    const [low, high] = shared.extent('reward');
    const most = Math.max(...rows.map(row => Math.abs(store.value('advantage', row) ?? 0)));
    return h('ol', { class: 'rollouts' }, rows.map((row, rank) => {
      const card = rolloutCard(row, rank, { low, high, most });
      const twin = others.get(store.value('id', row));
      if (isShared && twin !== undefined && (store.timesTrained(row) ?? 1) > 0 && (store.timesTrained(twin) ?? 1) > 0) card.classList.add('both');
      if (twin !== undefined && store.right[row] >= 0 && store.right[twin] >= 0 && store.right[row] !== store.right[twin]) card.classList.add('flip');
      store.record(row).catch(() => null).then(record => { if (turn.isCurrent()) fillCard(card, row, record); });
      return card;
    }));
  };
  element.append(h('p', { class: 'quiet' }, isShared ? 'Marked: trained on by both.' : 'The two have no rollout in common; their responses are their own.'));
  element.append(h('div', { class: 'side-by-side' }, [x, y].map(group => h('section', {}, h('h3', {}, shared.sourceName(group.source)), cardsOf(group)))));
}
