// SPDX-License-Identifier: Apache-2.0
// Run: what it is, and its curves. Flow: from rollout to update. Experiment: arms and seeds.
'use strict';

const curves = (() => {
  /** The figures that are shown first: what they are called, and which metrics they are. */
  const sections = [
    ['Evaluation', names => evaluationCharts(names)],
    ['Reward', names => [
      { title: 'reward', of: pickFirst(names, ['critic/rewards/mean', 'reward/overall', 'critic/score/mean']) },
      { title: 'parts of the reward', of: names.filter(name => /^reward\/[^/]+$/.test(name) && !/^reward\/(overall|kept|dropped|collapsed_share)/.test(name)) },
    ]],
    ['Selection', names => [
      { title: 'share of rollouts trained on', of: names.filter(name => /rollout_util_rate$|token_util_rate$|rollout_gradient_rate$/.test(name)) },
      { title: 'collapsed advantages', of: names.filter(name => /\/collapsed_share$/.test(name)) },
      { title: 'groups without contrast', of: names.filter(name => /(zero_variance|all_right|all_wrong)_groups$/.test(name) && name.startsWith('advantage/')) },
      { title: 'effective sample size of the draws', of: names.filter(name => /effective_sample_size$|distinct_pairs$/.test(name)) },
    ]],
    ['Policy', names => [
      { title: 'KL', of: names.filter(name => /kl/i.test(name) && /^actor\/|^kl/.test(name) && !/coef/.test(name)) },
      { title: 'entropy', of: names.filter(name => /entropy/.test(name) && name.startsWith('actor/')) },
      { title: 'gradient norm', of: names.filter(name => /grad_norm$/.test(name)) },
      { title: 'clipped tokens', of: names.filter(name => /clipfrac/.test(name)) },
      { title: 'loss', of: names.filter(name => /^actor\/.*loss$/.test(name) && !/entropy|kl/.test(name)) },
      { title: 'learning rate', of: names.filter(name => name === 'actor/lr') },
    ]],
    ['Lengths and time', names => [
      { title: 'response length', of: names.filter(name => /^response_length\/(mean|max|min)$/.test(name)) },
      { title: 'cut off at the length limit', of: names.filter(name => name === 'response_length/clip_ratio') },
      { title: 'seconds by stage', of: names.filter(name => name.startsWith('timing_s/')) },
    ]],
  ];

  function pickFirst(names, wanted) { return wanted.filter(name => names.includes(name)).slice(0, 1); }

  function evaluationCharts(names) {
    const scores = names.filter(name => /^val\/.*_low$/.test(name)).map(name => name.slice(0, -4));
    const overall = scores.filter(name => name.split('/').length === 2);
    const categories = scores.filter(name => name.split('/').length > 2);
    return [
      { title: overall.length === 1 ? overall[0].slice(4) + ', held-out questions' : 'held-out questions', of: overall },
      { title: 'by category', of: categories },
      { title: 'pass@k', of: names.filter(name => /^val\/pass@\d+$/.test(name)) },
    ];
  }

  /** All figures of a run, over all its lines. */
  function names(index) {
    const found = new Set();
    for (const kind of ['evaluations', 'metrics', 'timings']) {
      const lines = store.series[index]?.[kind] || [];
      for (const line of [lines[0], lines[lines.length >> 1], lines[lines.length - 1]]) {
        for (const name of Object.keys(line || {})) if (name !== 'step' && typeof line[name] === 'number') found.add(name);
      }
    }
    return [...found];
  }

  /** For each step of a run, its place on an axis. */
  function axis(index, kind) {
    if (kind === 'step') return step => step;
    const lines = store.series[index];
    const places = new Map([[-1, 0]]);
    let sum = 0;
    const [of, name] = kind === 'tokens' ? [lines.metrics, 'perf/response_tokens'] : [lines.timings, 'timing_s/step'];
    for (const line of of) {
      sum += line[name] || 0;
      places.set(line.step, sum);
    }
    // An evaluation before step n has seen the steps before it.
    return step => places.get(step) ?? null;
  }

  function points(index, name, at) {
    const lines = store.series[index];
    const isEvaluation = name.startsWith('val/');
    const of = name.startsWith('timing_s/') ? lines.timings : isEvaluation ? lines.evaluations : lines.metrics;
    const found = [];
    for (const line of of) {
      const value = line[name];
      const x = isEvaluation && at(line.step) === null ? at(line.step - 1) : at(line.step);
      if (value === undefined || x === null) continue;
      found.push([x, typeof value === 'number' ? value : NaN, line[name + '_low'], line[name + '_high']]);
    }
    return found.sort((a, b) => a[0] - b[0]);
  }

  function about(name) {
    return store.manifest.metrics.find(metric => {
      if (metric.name === name) return true;
      if (!metric.name.includes('<')) return false;
      const pattern = metric.name.split(/<[^>]+>/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+');
      return new RegExp('^' + pattern + '$').test(name);
    });
  }

  function events(index, at) {
    return (store.sources[index].events || []).map(event => ({
      x: at(event.step) ?? at(event.step - 1), kind: event.kind, text: event.kind === 'checkpoint' ? 'checkpoint ' + event.text : event.text,
    })).filter(event => event.x !== null);
  }

  /** A short name for a figure among others of its chart. */
  function shortNames(list) {
    if (list.length < 2) return list.map(() => '');
    let start = 0, end = 0;
    const parts = list.map(name => name.split('/'));
    while (parts.every(part => part.length > start + 1 && part[start] === parts[0][start])) start++;
    while (parts.every(part => part.length - end - 1 > start && part[part.length - 1 - end] === parts[0][parts[0].length - 1 - end])) end++;
    return parts.map(part => part.slice(start, part.length - end).join('/'));
  }

  return { sections, names, axis, points, about, events, shortNames };
})();

views.run = (element, parameters, turn) => {
  const runs = store.sources.map((source, index) => ({ source, index })).filter(({ source }) => source.kind === 'run');
  if (!runs.length) return fileSummary(element);
  const chosen = parameters.runs ? parameters.runs.split(',').map(Number).filter(index => runs.some(run => run.index === index)) : runs.slice(0, 6).map(run => run.index);
  const first = store.sources[chosen[0] ?? runs[0].index];
  const smoothing = Number(parameters.smooth ?? page.setting('smooth', 0));
  const kind = parameters.x || 'step';
  element.append(h('h1', {}, runs.length === 1 ? text.line(first.spec.name || first.name, 80) : `${runs.length} runs`));
  if (first.spec.description && runs.length === 1) element.append(h('p', {}, text.line(first.spec.description, 400)));
  element.append(runs.length === 1 ? facts(first) : runTable(runs, chosen));
  element.append(h('div', { class: 'controls' },
    shared.pick('below:', kind, [['step', 'steps'], ['tokens', 'tokens'], ['seconds', 'seconds']], value => page.go('run', { ...parameters, x: value === 'step' ? null : value })),
    shared.pick('smoothing:', smoothing, [[0, 'none'], [0.6, 'some'], [0.9, 'much']], value => { page.kept.set('smooth', Number(value)); page.go('run', { ...parameters, smooth: value }); })));
  const axes = new Map(chosen.map(index => [index, curves.axis(index, kind)]));
  const names = [...new Set(chosen.flatMap(index => curves.names(index)))];
  const shown = new Set();
  const isOver = chosen.length > 1;

  function draw(title, of, meaning) {
    for (const name of of) shown.add(name);
    const short = curves.shortNames(of);
    const series = isOver
      // One figure of several runs in a chart; several figures in charts of their own.
      ? chosen.map((index, position) => ({ name: store.sources[index].name, points: curves.points(index, of[0], axes.get(index)), color: position }))
      : of.map((name, position) => ({ name: short[position], points: curves.points(chosen[0], name, axes.get(chosen[0])), color: position }));
    const about = curves.about(of[0]);
    return chart.lines({
      title: title + (isOver && of[0] ? '' : ''), unit: about?.unit, meaning: of.map(name => name + (curves.about(name) ? ': ' + curves.about(name).meaning : '')).join('\n'),
      series, smoothing, xName: kind, events: isOver ? [] : curves.events(chosen[0], axes.get(chosen[0])),
      from: series.some(line => line.points.some(point => point[1] < 0)) ? undefined : about?.unit === 'share' || /rate$|share$|clip_ratio$|^val\//.test(of[0]) ? 0 : undefined,
      onPick: kind === 'step' ? step => page.go('table', { where: `step = ${step}` }) : null,
    });
  }

  for (const [heading, find] of curves.sections) {
    const charts = find(names).filter(({ of }) => of.length)
      .flatMap(({ title, of }) => isOver && of.length > 1 ? of.map((name, i) => draw(title + ': ' + curves.shortNames(of)[i], [name])) : [draw(title, of)]);
    if (charts.length) element.append(h('h2', {}, heading), h('div', { class: 'charts' }, charts));
  }
  const rest = names.filter(name => !shown.has(name) && !/_(low|high)$/.test(name)).sort();
  if (rest.length) {
    const box = h('div', { class: 'charts' });
    element.append(h('details', { class: 'rest', ontoggle: event => {
      if (event.target.open && !box.childNodes.length) box.append(...rest.map(name => draw(name, [name])));
    } }, h('summary', {}, `all other figures (${rest.length})`), box));
  }
  if (runs.length === 1 && first.events.some(event => event.kind === 'warning')) {
    element.append(h('h2', {}, 'Warnings'), h('ul', {}, first.events.filter(event => event.kind === 'warning').map(event =>
      h('li', {}, h('b', {}, `step ${event.step}: `), text.line(event.text, 600), '. ', text.line(event.advice, 600)))));
  }
  if (runs.length === 1) element.append(h('details', { class: 'rest' }, h('summary', {}, 'the resolved spec'), text.block(JSON.stringify(first.spec, null, 2), { class: 'code' })));
};

/** How a run stands. */
function standing(source) {
  if (source.finished) return 'finished';
  if (source.at_work) return 'going on';
  return source.steps === 0 ? 'stopped before its first step was complete' : 'stopped; `run --resume` goes on with it';
}

/** What a run has cost: rollouts, tokens, updates, seconds. */
function budget(index) {
  const series = store.series[index];
  const sum = (lines, name) => lines.reduce((sum, line) => sum + (line[name] || 0), 0);
  const rollouts = sum(series.metrics, 'rollout/kept') || sum(series.metrics, 'data/trajectories');
  return { rollouts, tokens: sum(series.metrics, 'perf/response_tokens'), updates: series.metrics[series.metrics.length - 1]?.['actor/optimizer_steps'] || 0, seconds: sum(series.timings, 'timing_s/step') };
}

function facts(source) {
  const index = store.sources.indexOf(source);
  const spec = source.spec, cost = budget(index);
  const model = spec.policy?.with?.model;
  const data = spec.source?.prompts ?? spec.source?.rollouts;
  const rows = [
    ['state', `${counted(source.steps, 'step')}, ${standing(source)}`],
    ['policy', spec.policy ? h('span', {}, text.line(String(spec.policy.use), 60), model ? [', ', text.line(String(model), 120)] : null) : 'none'],
    ['data', text.line([data].flat().join(', '), 200)],
    ['stages', h('span', {}, (source.stages || []).map((stage, i) => [i ? ' → ' : '', h('span', { title: stage.summary }, text.line(stage.name, 40))]))],
    ['cost', [cost.rollouts ? counted(cost.rollouts, 'rollout') : null, cost.tokens ? counted(cost.tokens, 'token') : null, cost.updates ? counted(cost.updates, 'update') : null, cost.seconds ? number.seconds(cost.seconds) : null].filter(Boolean).join(', ')],
    ['seed', String(spec.seed ?? '')],
    ['program', text.line(`${spec.provenance?.program ?? ''} on ${spec.provenance?.machine?.architecture ?? '?'}`, 120)],
    ['directory', text.line(source.path, 200)],
  ];
  if (!source.lineage) rows.push(['lineage', 'none: the report cannot say which stage dropped a rollout']);
  return h('table', { class: 'facts' }, h('tbody', {}, rows.filter(([, value]) => value !== '').map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)))));
}

function runTable(runs, chosen) {
  const score = finalScore;
  return h('div', { class: 'scroll' }, h('table', { class: 'plain' }, h('thead', {}, shared.heads(['', 'run', '#steps', 'state', '#last score', '#rollouts'])),
    h('tbody', {}, runs.map(({ source, index }) => {
      const found = score(index);
      return h('tr', {},
        h('td', {}, h('input', { type: 'checkbox', checked: chosen.includes(index), 'aria-label': 'show ' + source.name, onchange: event => {
          const next = event.target.checked ? [...chosen, index] : chosen.filter(other => other !== index);
          page.go('run', { ...page.here().parameters, runs: next.join(',') });
        } })),
        h('td', { class: chosen.includes(index) ? chart.keyClass(chosen.indexOf(index)) : 'key' }, text.line(source.name, 80)),
        h('td', { class: 'n' }, number.count(source.steps)), h('td', {}, source.finished ? 'finished' : source.at_work ? 'going on' : 'stopped'),
        h('td', { class: 'n' }, found ? `${number.short(found.value)}` : '–'), h('td', { class: 'n' }, number.count(budget(index).rollouts)));
    }))));
}

/** The last evaluation of a run: { name, value, low, high, step }; or the mean reward of its last steps. */
function finalScore(index) {
  const { evaluations, metrics } = store.series[index];
  const last = evaluations[evaluations.length - 1];
  const name = last && Object.keys(last).find(name => /^val\/[^/]+_low$/.test(name))?.slice(0, -4);
  if (name) return { name, value: last[name], low: last[name + '_low'], high: last[name + '_high'], step: last.step };
  const reward = ['critic/rewards/mean', 'reward/overall', 'critic/score/mean'].find(name => metrics.length && name in metrics[metrics.length - 1]);
  if (!reward) return null;
  const part = metrics.slice(-5);
  return { name: `${reward}, last ${part.length} steps`, value: part.reduce((sum, line) => sum + line[reward], 0) / part.length, step: metrics[metrics.length - 1].step };
}

/** What there is to say of rollouts without a run. */
function fileSummary(element) {
  const name = store.sources.map(source => source.name).join(', ');
  element.append(h('h1', {}, text.line(name, 100)));
  const rewards = store.column('reward');
  const groups = store.groups.length;
  const equal = store.groups.filter(group => {
    const values = group.rows.map(row => rewards?.data[row]).filter(value => !Number.isNaN(value));
    return values.length > 1 && values.every(value => value === values[0]);
  }).length;
  let right = 0, judged = 0;
  for (let row = 0; row < store.count; row++) if (store.right[row] >= 0) { judged++; right += store.right[row]; }
  const facts = [
    ['rollouts', number.count(store.count)], ['groups', `${number.count(groups)}, of ${number.short(store.count / Math.max(1, groups))} on average`],
    ['groups with equal rewards', `${number.count(equal)} (${number.share(equal, groups)}): they give no gradient`],
    ['right', judged ? `${number.share(right, judged)} by ${store.accuracyColumn.replace('rewards.', '')} ≥ ${number.short(store.rightFrom)}` : 'no reward'],
  ];
  element.append(h('table', { class: 'facts' }, h('tbody', {}, facts.map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value))))));
  if (!store.isComplete) { element.append(h('p', { class: 'quiet' }, 'Loading rows…')); return; }
  const steps = new Map();
  for (const group of store.groups) {
    const step = group.step ?? 0;
    if (!steps.has(step)) steps.set(step, []);
    steps.get(step).push(...group.rows);
  }
  const charts = [];
  const means = (name, title, unit) => {
    const column = store.column(name);
    if (column?.kind !== 'number' || steps.size < 2) return;
    const points = [...steps].sort((a, b) => a[0] - b[0]).map(([step, rows]) => {
      const values = rows.map(row => column.data[row]).filter(value => !Number.isNaN(value));
      return [step, values.length ? values.reduce((a, b) => a + b, 0) / values.length : NaN];
    });
    charts.push(chart.lines({ title, unit, series: [{ name: '', points }], xName: 'step', onPick: step => page.go('table', { where: `step = ${step}` }) }));
  };
  means('reward', 'mean reward', '');
  for (const name of store.columns.keys()) if (name.startsWith('rewards.')) means(name, 'mean ' + name.slice(8), '');
  means('tokens', 'mean response length', 'tokens');
  if (!store.column('tokens')) means('characters', 'mean response length', 'characters');
  element.append(h('div', { class: 'charts' }, charts));
  element.append(h('h2', {}, 'Rewards'), chart.bars(histogram('reward'), store.count));
  const finish = store.column('finish');
  if (finish?.kind === 'text') element.append(h('h2', {}, 'How responses end'), chart.bars(counts('finish'), store.count));
}

function counts(name) {
  const column = store.column(name);
  const found = new Array(column.strings.length).fill(0);
  for (let row = 0; row < store.count; row++) if (column.data[row] >= 0) found[column.data[row]]++;
  return column.strings.map((label, i) => ({ label: text.line(label, 60), count: found[i], href: page.address('table', { where: `${name} = ${filter.quoted(label)}` }) }))
    .sort((a, b) => b.count - a.count).slice(0, 20);
}

function histogram(name) {
  const column = store.column(name);
  if (column?.kind !== 'number') return [];
  const distinct = new Map();
  for (let row = 0; row < store.count; row++) {
    const value = column.data[row];
    if (!Number.isNaN(value)) distinct.set(value, (distinct.get(value) || 0) + 1);
  }
  if (distinct.size <= 12) {
    return [...distinct].sort((a, b) => a[0] - b[0]).map(([value, count]) => ({ label: number.short(value), count, href: page.address('table', { where: `${name} = ${value}` }) }));
  }
  const values = [...distinct.keys()];
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  const bins = Array.from({ length: 10 }, (_, i) => ({ from: low + (high - low) * i / 10, to: low + (high - low) * (i + 1) / 10, count: 0 }));
  for (const [value, count] of distinct) bins[Math.min(9, Math.floor((value - low) / (high - low) * 10))].count += count;
  return bins.map((bin, i) => ({ label: `${number.short(bin.from)} – ${number.short(bin.to)}`, count: bin.count,
    href: page.address('table', { where: `${name} >= ${bin.from} & ${name} ${i === 9 ? '<=' : '<'} ${bin.to}` }) }));
}

views.flow = (element, parameters) => {
  const runs = store.sources.map((source, index) => ({ source, index })).filter(({ source }) => source.kind === 'run');
  const index = Number(parameters.run ?? runs[0].index);
  const source = store.sources[index];
  const from = parameters.from === undefined ? -Infinity : Number(parameters.from), to = parameters.to === undefined ? Infinity : Number(parameters.to);
  element.append(h('h1', {}, 'From rollout to update'));
  const last = Math.max(0, source.steps - 1);
  element.append(h('div', { class: 'controls' },
    runs.length > 1 ? shared.pick('run:', index, runs.map(run => [run.index, run.source.name]), value => page.go('flow', { ...parameters, run: value })) : null,
    stepInput('steps', parameters.from ?? 0, value => page.go('flow', { ...parameters, from: value })), stepInput('to', parameters.to ?? last, value => page.go('flow', { ...parameters, to: value }))));
  if (!source.lineage) { element.append(h('p', {}, 'This run wrote no lineage, so that nothing is known of what its stages dropped.')); return; }
  const where = [`step >= ${Number.isFinite(from) ? from : 0}`, Number.isFinite(to) ? `step <= ${to}` : null, runs.length > 1 || store.sources.length > 1 ? `run = ${filter.quoted(source.name)}` : null].filter(Boolean).join(' & ');
  const outcome = store.column('outcome'), stage = store.column('stage'), rule = store.column('rule'), step = store.column('step'), draws = store.column('draws');
  let total = 0, kept = 0, trained = 0, distinct = 0;
  const dropped = new Map();
  for (const block of store.blocks) {
    if (block.source !== index) continue;
    for (let row = block.first; row < block.first + block.count; row++) {
      const at = step?.data[row];
      if (at < from || at > to) continue;
      total++;
      if (outcome?.strings[outcome.data[row]] === 'kept') {
        kept++;
        const times = store.timesTrained(row);
        trained += times;
        if (times > 0) distinct++;
      } else if (outcome?.data[row] >= 0) {
        const key = (stage?.value(row) ?? '?') + '\n' + (rule?.value(row) ?? '?');
        dropped.set(key, (dropped.get(key) || 0) + 1);
      }
    }
  }
  let left = total;
  const link = more => page.address('table', { where: where + (more ? ' & ' + more : '') });
  const share = count => (100 * count / Math.max(1, total)).toFixed(2) + '%';
  const rows = [];
  const known = source.stages.map(found => found.name);
  const others = [...new Set([...dropped.keys()].map(key => key.split('\n')[0]))].filter(name => !known.includes(name));
  for (const found of [...source.stages, ...others.map(name => ({ name, summary: '', rules: {} }))]) {
    const rules = [...dropped].filter(([key]) => key.startsWith(found.name + '\n')).map(([key, count]) => ({ rule: key.split('\n')[1], count }));
    const came = left;
    left -= rules.reduce((sum, rule) => sum + rule.count, 0);
    rows.push(h('tr', {},
      h('th', { scope: 'row', title: found.summary }, text.line(found.name, 40)),
      h('td', { class: 'flow-cell' }, h('span', { class: 'flow-bar' }, h('span', { class: 'left', style: { width: share(left) } }),
        rules.map((rule, i) => h('a', { class: 'lost l' + i % 3, style: { width: share(rule.count) }, href: link(`stage = ${filter.quoted(found.name)} & rule = ${filter.quoted(rule.rule)}`), title: `${rule.rule}: ${number.count(rule.count)}`, 'aria-label': `${rule.rule}: ${number.count(rule.count)}` })))),
      h('td', { class: 'n' }, number.count(came)), h('td', { class: 'n' }, number.count(left))));
    for (const rule of rules) {
      rows.push(h('tr', { class: 'rule' }, h('td', {}), h('td', { colspan: '2' }, h('a', { href: link(`stage = ${filter.quoted(found.name)} & rule = ${filter.quoted(rule.rule)}`) }, text.line(rule.rule, 60)),
        found.rules?.[rule.rule] ? [': ', text.line(found.rules[rule.rule], 300)] : null), h('td', { class: 'n' }, '−' + number.count(rule.count))));
    }
  }
  element.append(h('p', {}, `${counted(total, 'rollout')} came in, ${number.count(distinct)} (${number.share(distinct, total)}) were trained on`
    + (draws ? `, in ${number.count(trained)} draws` : '') + '. A bar’s full part went on; click a lost part to see it.'));
  element.append(h('div', { class: 'scroll' }, h('table', { class: 'flow-table' }, h('thead', {}, h('tr', {}, h('th', {}, 'stage'), h('th', {}), h('th', { class: 'n' }, 'came'), h('th', { class: 'n' }, 'left'))), h('tbody', {}, rows))),
    h('p', {}, h('a', { href: link('trained > 0') }, `the ${number.count(distinct)} that were trained on`), ' · ', h('a', { href: link('trained > 2') }, 'those drawn three times or more')));
};

function stepInput(label, value, onchange) {
  return h('label', { class: 'pick' }, label + ' ', h('input', { type: 'number', min: '0', value: String(value), onchange: event => onchange(event.target.value) }));
}

// Experiment

const statistics = (() => {
  // The 97.5 % quantile of Student's t, by degrees of freedom.
  const t = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];
  /** Mean and half width of its 95 % interval by the t distribution. */
  function mean(values) {
    const n = values.length;
    if (!n) return null;
    const m = values.reduce((a, b) => a + b, 0) / n;
    if (n < 2) return { mean: m, half: null, n };
    const variance = values.reduce((sum, value) => sum + (value - m) ** 2, 0) / (n - 1);
    return { mean: m, half: (n - 1 < t.length ? t[n - 1] : 1.96 + 2.4 / (n - 1)) * Math.sqrt(variance / n), n };
  }
  return { mean };
})();

/** Runs as arms: the part of a run's name that is no seed. */
function arms(runs) {
  const seedPart = /(^|[\/_.\-])s(?:eed)?[-_=]?\d+(?=$|[\/_.\-])/i;
  const found = new Map();
  for (const { source, index } of runs) {
    const name = source.name.replace(seedPart, '').replace(/^[\/_.\-]+|[\/_.\-]+$/g, '') || source.spec.name || 'all';
    if (!found.has(name)) found.set(name, []);
    const inName = source.name.match(/(?:^|[\/_.\-])s(?:eed)?[-_=]?(\d+)(?=$|[\/_.\-])/i);
    found.get(name).push({ index, seed: inName ? Number(inName[1]) : source.spec.seed });
  }
  return [...found].map(([name, runs]) => ({ name, runs }));
}

views.experiment = (element, parameters) => {
  const runs = store.sources.map((source, index) => ({ source, index })).filter(({ source }) => source.kind === 'run');
  const all = arms(runs);
  const baseline = all.find(arm => arm.name === parameters.baseline) || all[0];
  const figures = [...new Set(runs.flatMap(({ index }) => curves.names(index)))];
  const scores = figures.filter(name => figures.includes(name + '_low') || ['critic/rewards/mean', 'reward/overall'].includes(name));
  const figure = scores.includes(parameters.figure) ? parameters.figure : scores[0];
  element.append(h('h1', {}, `${counted(all.length, 'arm')}, ${counted(runs.length, 'run')}`));
  element.append(h('div', { class: 'controls' },
    shared.pick('figure:', figure, scores.map(name => [name, name]), value => page.go('experiment', { ...parameters, figure: value })),
    shared.pick('compared with:', baseline.name, all.map(arm => [arm.name, arm.name]), value => page.go('experiment', { ...parameters, baseline: value }))));
  if (!figure) { element.append(h('p', {}, 'The runs have no evaluation and no mean reward yet.')); return; }
  const end = run => {
    const points = curves.points(run.index, figure, step => step).filter(point => Number.isFinite(point[1]));
    if (!points.length) return null;
    if (figure.startsWith('val/')) return points[points.length - 1][1];
    const part = points.slice(-5);
    return part.reduce((sum, point) => sum + point[1], 0) / part.length;
  };
  const ends = new Map(all.map(arm => [arm, new Map(arm.runs.map(run => [run.seed, end(run)]).filter(([, value]) => value !== null))]));
  const interval = found => found === null ? '–' : number.short(found.mean) + (found.half === null ? '' : ' ± ' + number.short(found.half));
  const seeds = [...new Set(all.flatMap(arm => arm.runs.map(run => run.seed)))].sort((a, b) => a - b);
  const cost = arm => arm.runs.map(run => budget(run.index));
  const average = (list, name) => list.reduce((sum, item) => sum + item[name], 0) / list.length;
  element.append(h('div', { class: 'scroll' }, h('table', { class: 'plain' },
    h('caption', {}, `${figure}${figure.startsWith('val/') ? ' at the last evaluation' : ', mean of the last 5 steps'}; ± is half the 95 % interval of the mean over seeds by the t distribution; differences are taken seed by seed.`),
    h('thead', {}, h('tr', {}, ['arm', 'mean', `difference from ${baseline.name}`, ...seeds.map(seed => 'seed ' + seed), 'rollouts', 'tokens', 'updates', 'time'].map((name, i) => h('th', { class: i ? 'n' : null }, text.line(name, 60))))),
    h('tbody', {}, all.map((arm, position) => {
      const own = ends.get(arm), other = ends.get(baseline);
      const paired = [...own].filter(([seed]) => other.has(seed)).map(([seed, value]) => value - other.get(seed));
      const difference = arm === baseline ? null : statistics.mean(paired);
      const costs = cost(arm);
      return h('tr', {}, h('th', { scope: 'row', class: chart.keyClass(position) }, text.line(arm.name, 60)),
        h('td', { class: 'n' }, interval(statistics.mean([...own.values()]))),
        h('td', { class: 'n' }, arm === baseline ? '' : difference ? `${number.signed(difference.mean)}${difference.half === null ? '' : ' ± ' + number.short(difference.half)} (${counted(difference.n, 'seed')})` : 'no seed in common'),
        seeds.map(seed => { const run = arm.runs.find(run => run.seed === seed); return h('td', { class: 'n' }, run && own.has(seed) ? h('a', { href: page.address('run', { runs: run.index }) }, number.short(own.get(seed))) : ''); }),
        ['rollouts', 'tokens', 'updates'].map(name => h('td', { class: 'n' }, number.count(Math.round(average(costs, name))))), h('td', { class: 'n' }, number.seconds(average(costs, 'seconds'))));
    })))));
  const series = all.map((arm, position) => {
    const at = new Map();
    for (const run of arm.runs) for (const [x, y] of curves.points(run.index, figure, step => step)) {
      if (!Number.isFinite(y)) continue;
      if (!at.has(x)) at.set(x, []);
      at.get(x).push(y);
    }
    return { name: arm.name, color: position, points: [...at].sort((a, b) => a[0] - b[0]).map(([x, values]) => { const found = statistics.mean(values); return [x, found.mean, found.half === null ? undefined : found.mean - found.half, found.half === null ? undefined : found.mean + found.half]; }) };
  });
  element.append(chart.lines({ title: figure, series, xName: 'step', height: 280, meaning: 'the mean over seeds; bands are 95 % intervals of it' }));
};
