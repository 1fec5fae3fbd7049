// SPDX-License-Identifier: Apache-2.0
// Group: the rollouts of a query in a step. Trajectory: one of them. Query: the same prompt over all steps.
'use strict';

views.group = async (element, parameters, turn) => {
  if (!store.groups.length) { element.append(h('h1', {}, 'Groups'), h('p', {}, store.isComplete ? 'There are no rollouts.' : 'Loading rows…')); return; }
  const found = parameters.group === undefined ? store.groups[0] : shared.groupAt(parameters);
  if (!found) { element.append(h('h1', {}, 'There is no such group'), h('p', {}, text.line(parameters.group, 200))); return; }
  const position = store.groups.indexOf(found);
  const rows = ranked(found.rows);
  const [low, high] = shared.extent('reward');
  const most = Math.max(...rows.map(row => Math.abs(store.value('advantage', row) ?? 0)));
  const go = by => { const next = store.groups[position + by]; if (next) location.hash = shared.groupAddress(next); };
  turn.keys = {
    n: { about: 'next group', run: () => go(1) }, p: { about: 'previous group', run: () => go(-1) },
    j: { about: 'next rollout', run: () => move(1) }, k: { about: 'previous rollout', run: () => move(-1) },
    ArrowDown: { run: () => move(1) }, ArrowUp: { run: () => move(-1) },
    o: { about: 'this query over all steps', run: () => { location.hash = page.address('query', { run: found.source, group: found.group }); } },
  };
  function move(by) {
    const cards = [...element.querySelectorAll('.rollout')];
    const at = cards.indexOf(document.activeElement?.closest('.rollout'));
    cards[Math.max(0, Math.min(cards.length - 1, at < 0 ? 0 : at + by))]?.focus();
  }
  element.append(h('h1', {}, 'Group ', text.line(found.group, 80)),
    h('div', { class: 'controls' },
      h('button', { type: 'button', onclick: () => go(-1), disabled: position === 0, title: 'key p' }, '‹ previous'),
      h('button', { type: 'button', onclick: () => go(1), disabled: position === store.groups.length - 1, title: 'key n' }, 'next ›'),
      h('span', {}, `${number.count(position + 1)} of ${number.count(store.groups.length)}`),
      found.step === null ? null : h('span', {}, `step ${found.step}`),
      store.sources.length > 1 ? h('span', {}, shared.sourceName(found.source)) : null,
      h('a', { href: page.address('query', { run: found.source, group: found.group }) }, 'over all steps')));
  const first = rows[0];
  const line = found.rows.find(row => store.place(row).has);
  const record = line === undefined ? null : await someRecord(found.rows);
  const answer = store.value('answer', first);
  const values = rows.map(row => store.value('reward', row)).filter(value => value !== null);
  const rights = rows.filter(row => store.right[row] === 1).length, judged = rows.filter(row => store.right[row] >= 0).length;
  element.append(h('div', { class: 'question-box' },
    h('div', { class: 'pictures' }, shared.pictures(first, true)),
    h('div', {}, shared.promptElement(record, first),
      answer !== null ? h('p', {}, h('b', {}, 'expected answer '), h('span', { class: 'answer' }, text.line(answer, 300))) : null,
      h('p', { class: 'quiet' }, `${counted(rows.length, 'rollout')}, ${judged ? `${rights} of ${judged} right` : 'none scored'}`
        + (values.length > 1 && values.every(value => value === values[0]) ? '; all rewards are the same, so that all advantages are 0' : '')))));
  const hasPairs = rows.some(row => store.value('pair.partner', row) !== null);
  const list = h('ol', { class: 'rollouts' + (hasPairs ? ' paired' : '') });
  rows.forEach((row, rank) => list.append(rolloutCard(row, rank, { low, high, most })));
  const frame = h('div', { class: 'rollout-frame' }, list);
  element.append(frame);
  turn.shown = () => {
    if (!hasPairs) return;
    const draw = () => drawPairs(frame, list, rows);
    draw();
    new ResizeObserver(draw).observe(list);
  };
  // Responses come from their chunks, one after the other for what is in view.
  const cards = [...list.children];
  await Promise.all(rows.map(async (row, i) => {
    const record = await store.record(row).catch(() => null);
    if (turn.isCurrent()) fillCard(cards[i], row, record);
  }));
};

/** Rows by reward, then advantage, then order: the best first. */
function ranked(rows) {
  const by = name => (a, b) => (store.value(name, b) ?? -Infinity) - (store.value(name, a) ?? -Infinity) || 0;
  const [reward, advantage] = [by('reward'), by('advantage')];
  return [...rows].sort((a, b) => reward(a, b) || advantage(a, b) || a - b);
}

async function someRecord(rows) {
  for (const row of rows.slice(0, 32)) {
    const record = await store.record(row).catch(() => null);
    if (record) return record;
  }
  return null;
}

function shortID(row) {
  const id = store.value('id', row), group = store.value('group', row);
  return id.startsWith(group + '/') ? id.slice(group.length) : id;
}

function rolloutCard(row, rank, { low, high, most }) {
  const fate = shared.fate(row);
  const parts = shared.parts(row);
  const partner = store.value('pair.partner', row);
  const draws = store.value('draws', row);
  const status = store.value('reward_status', row);
  const step = store.value('step', row);
  const length = store.value('tokens', row), characters = store.value('characters', row), finish = store.value('finish', row);
  return h('li', { class: 'rollout ' + (fate?.kind || ''), tabindex: '0', 'data-row': String(row),
    onkeydown: event => { if (event.key === 'Enter' && event.target.matches('.rollout')) location.hash = shared.rowAddress(row); } },
  h('div', { class: 'head' },
    h('span', { class: 'rank' }, String(rank + 1)),
    h('a', { href: shared.rowAddress(row), class: 'id' }, text.line(shortID(row), 40)),
    shared.right(row),
    h('span', { class: 'cell' }, h('span', { class: 'label' }, 'reward '), shared.rewardBar(store.value('reward', row), low, high)),
    parts.length > 1 ? h('span', { class: 'cell quiet' }, parts.map(([name, value], i) => [i ? ', ' : '', text.line(name, 30), ' ', number.short(value)])) : null,
    status && status !== 'scored' ? h('span', { class: 'wrong' }, text.line(status, 20)) : null,
    store.column('advantage') ? h('span', { class: 'cell' }, h('span', { class: 'label' }, 'advantage '), shared.advantageBar(store.value('advantage', row), most)) : null,
    partner !== null ? h('span', { class: 'cell quiet', title: `pair ${store.value('pair.rank', row)}, weight ${store.value('pair.weight', row)}` }, 'pair ', String(store.value('pair.rank', row)), ' with ',
      h('a', { href: page.address('trajectory', { run: store.source(row), step, id: partner }) }, text.line(partner.startsWith(store.value('group', row) + '/') ? partner.slice(store.value('group', row).length) : partner, 40))) : null,
    draws ? h('span', { class: 'draws', title: `drawn ${draws} times` }, '●'.repeat(Math.min(draws, 8)) + (draws > 8 ? '…' : ''), ` ×${draws}`) : null,
    h('span', { class: 'cell quiet' }, length !== null ? counted(length, 'token') : characters !== null ? counted(characters, 'character') : '', finish ? [', ', text.line(finish, 20)] : null)),
  fate && fate.kind === 'dropped' ? h('div', { class: 'fate' }, text.line(fate.title, 120), fate.because ? h('span', { class: 'quiet' }, ': ', text.line(fate.because, 300)) : null) : null,
  h('div', { class: 'words quiet' }, '…'));
}

function fillCard(card, row, record) {
  const words = card.querySelector('.words');
  if (!record || typeof record.response !== 'string') {
    words.replaceChildren(record ? 'the record has no response' : store.place(row).has ? 'the run did not keep this response' : '');
    return;
  }
  const found = text.answer(record.response);
  const expected = store.value('answer', row);
  words.classList.remove('quiet');
  const parts = [];
  if (found) {
    parts.push(h('div', { class: 'given' }, h('b', {}, 'answer '), h('span', { class: 'answer', title: 'in ' + found.sign }, text.line(found.text, 120)),
      expected !== null ? [h('span', { class: 'quiet' }, ' expected '), text.line(expected, 120)] : null));
  }
  parts.push(text.block(record.response.length > 1200 ? record.response.slice(0, 1200) + '…' : record.response, { class: 'clamped' }));
  words.replaceChildren(...parts);
}

/** Lines between the partners of pairs, left of the rollouts. */
function drawPairs(frame, list, rows) {
  frame.querySelector('svg.pairs')?.remove();
  const cards = [...list.children];
  const byID = new Map(rows.map((row, i) => [store.value('id', row), i]));
  const width = Number.parseFloat(getComputedStyle(list).paddingLeft) || 40;
  const top = frame.getBoundingClientRect().top;
  const middle = i => { const box = cards[i].getBoundingClientRect(); return box.top - top + Math.min(16, box.height / 2); };
  const svg = chart.s('svg', { class: 'pairs', width, height: frame.clientHeight, 'aria-hidden': 'true' });
  rows.forEach((row, i) => {
    if (store.value('pair.side', row) !== 'high') return;
    const other = byID.get(store.value('pair.partner', row));
    if (other === undefined) return;
    const rank = store.value('pair.rank', row) ?? 0;
    const x = width - 8 - Math.max(0, Math.min(rank, 7)) * ((width - 14) / 8);
    const [a, b] = [middle(i), middle(other)];
    const isDrawn = shared.fate(row)?.kind === 'kept' || shared.fate(rows[other])?.kind === 'kept';
    svg.append(chart.s('path', { class: 'pair ' + (isDrawn ? '' : 'undrawn'), d: `M${width},${a}H${x + 4}Q${x},${a} ${x},${a + Math.sign(b - a) * 4}V${b - Math.sign(b - a) * 4}Q${x},${b} ${x + 4},${b}H${width}` },
      chart.s('title', {}, `pair ${rank}`)));
  });
  frame.prepend(svg);
}

// Trajectory

views.trajectory = async (element, parameters, turn) => {
  const row = shared.rowAt(parameters);
  if (row === null) { element.append(h('h1', {}, 'There is no such trajectory'), h('p', {}, text.line(parameters.id || '', 200))); return; }
  const group = store.groups[store.groupOf[row]];
  const order = ranked(group.rows);
  const place = order.indexOf(row);
  const go = by => { const next = order[place + by]; if (next !== undefined) location.hash = shared.rowAddress(next); };
  turn.keys = {
    j: { about: 'next rollout of the group', run: () => go(1) }, k: { about: 'previous rollout of the group', run: () => go(-1) },
    u: { about: 'up to the group', run: () => { location.hash = shared.groupAddress(group); } },
    s: { about: 'formulas as source', run: () => { page.kept.set('source', !page.setting('source', false)); page.show(); } },
  };
  const line = await store.line(row);
  const record = line ? JSON.parse(line) : null;
  const id = store.value('id', row);
  element.append(h('h1', {}, text.line(id, 100)), h('div', { class: 'controls' },
    h('a', { href: shared.groupAddress(group), title: 'key u' }, '↑ group'),
    h('button', { type: 'button', onclick: () => go(-1), disabled: place === 0, title: 'key k' }, '‹ better'),
    h('button', { type: 'button', onclick: () => go(1), disabled: place === order.length - 1, title: 'key j' }, 'worse ›'),
    h('span', {}, `number ${place + 1} of ${order.length}`), group.step === null ? null : h('span', {}, `step ${group.step}`),
    store.sources.length > 1 ? shared.sourceName(group.source) : null));
  const fate = shared.fate(row);
  element.append(h('div', { class: 'two' }, factTable(row, fate, record),
    h('div', { class: 'question-box' }, h('div', { class: 'pictures' }, shared.pictures(row, true)), shared.promptElement(record, row))));
  element.append(h('h2', {}, 'Response'));
  if (typeof record?.response === 'string') {
    const showsSource = page.setting('source', false);
    element.append(h('div', { class: 'controls' }, h('label', {}, h('input', { type: 'checkbox', checked: showsSource, onchange: event => { page.kept.set('source', event.target.checked); page.show(); } }), ' formulas as source (s)')),
      text.response(record.response, { source: showsSource }));
  } else element.append(h('p', { class: 'quiet' }, record ? 'the record has no response' : 'the run did not keep this response'));
  if (Array.isArray(record?.tokens) && record.tokens.length) element.append(tokenView(record, await store.tokenTexts(group.source)));
  append(element, [otherSteps(row)]);
  element.append(h('details', { class: 'rest' }, h('summary', {}, `the line of JSONL, ${number.count(line.length)} characters`), line ? text.block(line, { class: 'code' }) : h('p', { class: 'quiet' }, 'none')));
};

function factTable(row, fate, record) {
  const facts = [];
  const add = (name, value) => { if (value !== null && value !== undefined && value !== '') facts.push([name, value]); };
  const partner = store.value('pair.partner', row);
  if (fate) add('fate', h('span', { class: fate.kind }, text.line(fate.title, 160), fate.because ? h('span', { class: 'quiet' }, ': ', text.line(fate.because, 400)) : null));
  add('reward', h('span', {}, exact(store.value('reward', row)), ' ', shared.right(row), shared.parts(row).map(([name, value]) => [', ', text.line(name, 40), ' ', exact(value)])));
  const status = store.value('reward_status', row);
  if (status !== 'scored') add('reward status', status && text.line([status, store.value('reward_reason', row)].filter(Boolean).join(': '), 400));
  add('advantage', store.value('advantage', row) === null ? null : exact(store.value('advantage', row)));
  if (partner !== null) {
    add('pair', h('span', {}, `${store.value('pair.side', row)} side of pair ${store.value('pair.rank', row)}, weight `, exact(store.value('pair.weight', row)), ', with ',
      h('a', { href: page.address('trajectory', { run: store.source(row), step: store.value('step', row), id: partner }) }, text.line(partner, 80))));
  }
  add('draws', store.value('draws', row));
  add('weight in the loss', store.value('loss_weight', row) === null ? null : exact(store.value('loss_weight', row)));
  const response = record?.response;
  const found = typeof response === 'string' ? text.answer(response) : null;
  const expected = store.value('answer', row);
  if (found) add('answer', h('span', {}, h('span', { class: 'answer' }, text.line(found.text, 300)), h('span', { class: 'quiet' }, ` in ${found.sign}`)));
  add('expected', expected === null ? null : h('span', { class: 'answer' }, text.line(expected, 300)));
  add('length', [store.value('tokens', row) === null ? null : counted(store.value('tokens', row), 'token'), store.value('characters', row) === null ? null : counted(store.value('characters', row), 'character')].filter(Boolean).join(', '));
  const known = new Set(['id', 'group', 'step', 'question', 'answer', 'reward', 'reward_status', 'reward_reason', 'advantage', 'draws', 'loss_weight', 'tokens', 'characters', 'pictures', 'outcome', 'stage', 'rule']);
  for (const [name, column] of store.columns) {
    if (known.has(name) || name.startsWith('pair.') || name.startsWith('rewards.')) continue;
    const value = column.value(row);
    if (value !== null) add(text.line(name, 40), typeof value === 'number' ? exact(value) : text.line(value, 200));
  }
  return h('table', { class: 'facts' }, h('tbody', {}, facts.map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)))));
}

function exact(value) { return value === null ? '–' : h('span', { title: String(value) }, number.short(value)); }

/** The tokens of a response, coloured by what the record knows of them. */
function tokenView(record, texts) {
  const tokens = record.tokens;
  const has = name => Array.isArray(record[name]) && record[name].length === tokens.length && record[name].some(value => typeof value === 'number');
  const kinds = [];
  if (has('logprobs')) kinds.push(['logprobs', 'log-probability', i => record.logprobs[i]]);
  if (has('old_logprobs') && has('logprobs')) kinds.push(['ratio', 'ratio to the sampling policy', i => Math.exp(record.old_logprobs[i] - record.logprobs[i])]);
  if (has('ref_logprobs') && has('logprobs')) kinds.push(['reference', 'log-ratio to the reference', i => record.logprobs[i] - record.ref_logprobs[i]]);
  for (const name of ['entropy', 'entropies', 'token_entropy']) if (has(name)) kinds.push([name, 'entropy', i => record[name][i]]);
  if (has('advantages')) kinds.push(['advantages', 'advantage', i => record.advantages[i]]);
  if (Array.isArray(record.loss_mask) && record.loss_mask.length === tokens.length) kinds.push(['mask', 'trained on', i => Number(record.loss_mask[i])]);
  const box = h('div', { class: 'tokens' });
  const most = 4000;
  let kind = kinds.find(([name]) => name === page.kept.get('tokens')) || kinds.find(([name]) => name === store.settings.token_colors) || kinds[0];
  function draw() {
    const values = kind ? tokens.slice(0, most).map((_, i) => kind[2](i)) : [];
    const finite = values.filter(Number.isFinite);
    const low = Math.min(...finite), high = Math.max(...finite);
    box.replaceChildren(...tokens.slice(0, most).map((token, i) => {
      const value = values[i];
      const known = texts.get(token);
      const label = known ?? String(token);
      const element = h('span', { class: 'token ' + (kind ? level(kind[0], value, low, high) : ''),
        title: `token ${token}${known !== undefined ? ' ' + JSON.stringify(known) : ''}, number ${i}` + kinds.map(([, name, at]) => `\n${name} ${at(i)}`).join('') }, known === undefined ? label : text.nodes(label.replace(/\n/g, '⏎\n')));
      if (known === undefined) element.classList.add('number');
      return element;
    }), tokens.length > most ? h('span', { class: 'quiet' }, ` ${counted(tokens.length - most, 'token')} more`) : '');
  }
  draw();
  return h('section', {}, h('h2', {}, 'Tokens'),
    h('div', { class: 'controls' }, kinds.length ? shared.pick('coloured by', kind[0], kinds.map(([name, label]) => [name, label]), value => { page.kept.set('tokens', value); kind = kinds.find(([name]) => name === value); draw(); }) : h('span', { class: 'quiet' }, 'the record has token ids alone'),
      kinds.length ? h('span', { class: 'scale' }, [0, 1, 2, 3, 4].map(i => h('span', { class: 'token h' + i }, ['least', '', '', '', 'most'][i] || ' ')), kind[0] === 'logprobs' ? ' surprising' : '') : null), box);
}

/** How strongly a token is coloured: unlikely ones most. */
function level(kind, value, low, high) {
  if (!Number.isFinite(value)) return 'none';
  if (kind === 'mask') return value ? 'h0' : 'masked';
  if (kind === 'logprobs') return 'h' + [0.1, 0.7, 1.6, 3].filter(limit => -value > limit).length;
  if (kind === 'ratio') return 'h' + [0.02, 0.1, 0.2, 0.5].filter(limit => Math.abs(value - 1) > limit).length;
  const share = high > low ? (value - low) / (high - low) : 0;
  return 'h' + Math.min(4, Math.floor(share * 5));
}

/** The same id in other steps. */
function otherSteps(row) {
  const rows = shared.rowsOfID(store.value('id', row)).filter(other => store.source(other) === store.source(row));
  if (rows.length < 2) return null;
  return h('section', {}, h('h2', {}, 'In other steps'), h('div', { class: 'scroll' }, h('table', { class: 'plain' },
    h('thead', {}, shared.heads(['step', '#reward', '#advantage', 'what became of it'])),
    h('tbody', {}, rows.map(other => h('tr', { class: other === row ? 'here' : null }, h('td', {}, h('a', { href: shared.rowAddress(other) }, String(store.value('step', other)))),
      h('td', { class: 'n' }, number.short(store.value('reward', other))), h('td', { class: 'n' }, number.short(store.value('advantage', other))), h('td', {}, text.line(shared.fate(other)?.title || '', 120))))))));
}

// Query over time

views.query = async (element, parameters, turn) => {
  if (parameters.group === undefined) return queryList(element, parameters, turn);
  const groups = store.groups.filter(found => found.group === parameters.group && (parameters.run === undefined || found.source === Number(parameters.run)))
    .sort((a, b) => a.source - b.source || (a.step ?? 0) - (b.step ?? 0));
  if (!groups.length) { element.append(h('h1', {}, 'There is no such query'), h('p', {}, text.line(parameters.group, 200))); return; }
  const row = groups[0].rows[0];
  element.append(h('h1', {}, 'Query ', text.line(parameters.group, 80)));
  const record = await someRecord(groups[0].rows);
  const answer = store.value('answer', row);
  element.append(h('div', { class: 'question-box' }, h('div', { class: 'pictures' }, shared.pictures(row, true)), h('div', {}, shared.promptElement(record, row),
    answer === null ? null : h('p', {}, h('b', {}, 'expected answer '), h('span', { class: 'answer' }, text.line(answer, 300))))));
  const course = groups.map(found => ({ found, ...rightShare(found) }));
  const story = courseOf(course);
  element.append(h('p', {}, story.text));
  const bySource = new Map();
  for (const item of course) {
    if (!bySource.has(item.found.source)) bySource.set(item.found.source, []);
    bySource.get(item.found.source).push([item.found.step ?? 0, item.share ?? NaN]);
  }
  if (course.length > 1) element.append(chart.lines({ title: 'right', unit: 'share of rollouts', xName: 'step', from: 0, to: 1, series: [...bySource].map(([source, points]) => ({ name: store.sources[source].name, points })) }));
  element.append(h('div', { class: 'scroll' }, h('table', { class: 'plain' }, h('thead', {}, shared.heads(['#step', ...(bySource.size > 1 ? ['run'] : []), '#right', '#mean reward', 'answers', ''])),
    h('tbody', {}, course.map(({ found, right, judged, mean }) => {
      const cell = h('td', { class: 'quiet' }, '…');
      answersOf(found).then(list => cell.replaceChildren(...list));
      return h('tr', {}, h('td', { class: 'n' }, h('a', { href: shared.groupAddress(found) }, found.step === null ? 'all' : String(found.step))),
        bySource.size > 1 ? h('td', {}, shared.sourceName(found.source)) : null,
        h('td', { class: 'n' }, judged ? `${right} of ${judged}` : '–'), h('td', { class: 'n' }, number.short(mean)), cell,
        h('td', {}, found === story.success ? 'first success' : found === story.regression ? 'first regression' : ''));
    })))));
};

/** The answers of a group's rollouts with how often each was given. */
async function answersOf(group) {
  const counts = new Map();
  for (const row of group.rows.slice(0, 64)) {
    const record = await store.record(row).catch(() => null);
    const found = typeof record?.response === 'string' ? text.answer(record.response)?.text ?? 'no answer' : null;
    if (found !== null) counts.set(found, (counts.get(found) || 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6).map(([answer, count], i) => h('span', {}, i ? ', ' : '', `${count}× `, text.line(answer, 40)));
}

function rightShare(group) {
  let right = 0, judged = 0, sum = 0, scored = 0;
  const rewards = store.column('reward');
  for (const row of group.rows) {
    if (store.right[row] >= 0) { judged++; right += store.right[row]; }
    const value = rewards?.kind === 'number' ? rewards.data[row] : NaN;
    if (!Number.isNaN(value)) { scored++; sum += value; }
  }
  return { right, judged, share: judged ? right / judged : null, mean: scored ? sum / scored : null };
}

/** First success: the first step in which most rollouts are right. First regression: after it, the first in which most are wrong. */
function courseOf(course) {
  const judged = course.filter(item => item.share !== null);
  const success = judged.find(item => item.share > 0.5);
  const regression = success && judged.slice(judged.indexOf(success) + 1).find(item => item.share < 0.5);
  const name = item => item.found.step === null ? 'here' : `in step ${item.found.step}`;
  const words = `Asked in ${counted(course.length, 'step')}; ` + (!judged.length ? 'never scored.' : !success ? 'never were most of its rollouts right.'
    : `most rollouts first right ${name(success)}` + (regression ? `, first wrong again ${name(regression)}.` : judged.indexOf(success) < judged.length - 1 ? ', and right ever since.' : '.'));
  return { text: words, success: success?.found, regression: regression?.found };
}

function queryList(element, parameters, turn) {
  const byQuery = new Map();
  for (const group of store.groups) {
    const key = group.source + '\n' + group.group;
    if (!byQuery.has(key)) byQuery.set(key, []);
    byQuery.get(key).push(group);
  }
  const queries = [...byQuery.values()].map(groups => {
    const course = groups.sort((a, b) => (a.step ?? 0) - (b.step ?? 0)).map(found => ({ found, ...rightShare(found) }));
    const judged = course.filter(item => item.share !== null);
    const share = judged.length ? judged.reduce((sum, item) => sum + item.right, 0) / judged.reduce((sum, item) => sum + item.judged, 0) : NaN;
    const change = judged.length > 1 ? judged[judged.length - 1].share - judged[0].share : 0;
    return { first: groups[0], row: groups[0].rows[0], times: groups.length, share, change, story: courseOf(course) };
  });
  const sorts = { times: ['asked most often', (a, b) => b.times - a.times], hard: ['least often right', (a, b) => a.share - b.share], worse: ['became worse', (a, b) => a.change - b.change], better: ['became better', (a, b) => b.change - a.change] };
  const sort = sorts[parameters.sort] ? parameters.sort : 'times';
  queries.sort(sorts[sort][1]);
  const shown = 200, start = Number(parameters.from || 0);
  element.append(h('h1', {}, `${counted(queries.length, 'query')}`), h('div', { class: 'controls' },
    shared.pick('sorted by:', sort, Object.entries(sorts).map(([key, [label]]) => [key, label]), value => page.go('query', { ...parameters, sort: value, from: null })),
    start > 0 ? h('a', { href: page.address('query', { ...parameters, from: Math.max(0, start - shown) }) }, '‹ previous') : null,
    start + shown < queries.length ? h('a', { href: page.address('query', { ...parameters, from: start + shown }) }, 'next ›') : null));
  element.append(h('div', { class: 'scroll' }, h('table', { class: 'plain queries' }, h('thead', {}, shared.heads(['', 'question', '#asked', '#right', '#change', '#first right', '#first wrong again'])),
    h('tbody', {}, queries.slice(start, start + shown).map(query => h('tr', {},
      h('td', { class: 'thumb' }, shared.pictures(query.row).slice(0, 1)),
      h('td', {}, h('a', { href: page.address('query', { run: query.first.source, group: query.first.group }) }, text.line(store.value('question', query.row) || query.first.group, 100))),
      h('td', { class: 'n' }, number.count(query.times)), h('td', { class: 'n' }, number.percent(query.share)), h('td', { class: 'n' }, query.times > 1 ? number.signed(Math.round(query.change * 100)) + ' %' : ''),
      h('td', { class: 'n' }, query.story.success ? String(query.story.success.step ?? '') : ''), h('td', { class: 'n' }, query.story.regression ? String(query.story.regression.step ?? '') : '')))))));
}
