// SPDX-License-Identifier: Apache-2.0
// Addresses, keys, settings, and the start.
'use strict';

const page = (() => {
  const pages = [
    ['run', 'Run', 'r'], ['flow', 'Flow', 'f'], ['group', 'Groups', 'g'], ['query', 'Queries', 'q'], ['table', 'Table', 't'],
    ['compare', 'Compare', 'c'], ['experiment', 'Experiment', 'x'],
  ];
  let current = null;
  let again = 0;

  // Addresses: #/table?where=reward%20%3C%200.5

  function address(name, parameters) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters || {})) {
      if (value !== null && value !== undefined && value !== '') query.set(key, String(value));
    }
    const text = query.toString();
    return '#/' + name + (text ? '?' + text : '');
  }

  function here() {
    const [name, query] = location.hash.replace(/^#\//, '').split('?');
    return { name: name || 'run', parameters: Object.fromEntries(new URLSearchParams(query || '')) };
  }

  /** Goes to a view; with `replace`, without a new step back. */
  function go(name, parameters, replace) {
    const to = address(name, parameters);
    if (to === location.hash) return;
    if (replace) {
      history.replaceState(null, '', to);
      if (current) current.parameters = here().parameters;
    } else location.hash = to;
  }

  // Settings that the reader keeps, over those of the run

  const kept = {
    get(name) {
      try { return JSON.parse(localStorage.getItem('shuffle-r1:' + name)); } catch { return null; }
    },
    set(name, value) {
      try { localStorage.setItem('shuffle-r1:' + name, JSON.stringify(value)); } catch { /* a browser may keep nothing */ }
    },
  };

  /** A setting: the reader's, else the run's, else a default. */
  function setting(name, otherwise) {
    return kept.get(name) ?? store.settings[name] ?? otherwise;
  }

  // Showing

  async function show() {
    const { name, parameters } = here();
    const view = views[name];
    const main = document.getElementById('main');
    // What an earlier view still waits for must not draw into this one.
    const turn = current = { name, parameters, keys: {}, isCurrent: () => current === turn };
    drawBar();
    if (!view) {
      main.replaceChildren(h('h1', {}, 'There is no such view'), h('p', {}, h('a', { href: address('run') }, 'to the run')));
      return;
    }
    const element = h('div', { class: 'view ' + name });
    try {
      await view(element, parameters, turn);
    } catch (error) {
      element.append(h('p', { class: 'error', role: 'alert' }, 'This view cannot be shown: ', text.line(String(error.message || error), 400)));
      console.error(error);
    }
    if (turn !== current) return;
    main.replaceChildren(element);
    document.title = (element.querySelector('h1')?.textContent || 'report') + ' – shuffle-r1';
    if (turn.shown) turn.shown();
  }

  /** Draws the view anew where it is: there is more to show. */
  async function refresh() {
    const top = window.scrollY;
    await show();
    window.scrollTo(0, top);
  }

  function drawBar() {
    const name = here().name;
    const shown = pages.filter(([page]) => page !== 'experiment' || store.sources?.filter(source => source.kind === 'run').length > 1)
      .filter(([page]) => page !== 'compare' || store.sources?.length > 1)
      .filter(([page]) => page !== 'flow' || store.sources?.some(source => source.kind === 'run'));
    const active = name === 'trajectory' ? 'group' : name;
    document.getElementById('bar').replaceChildren(
      h('nav', { 'aria-label': 'views' }, shown.map(([page, label, key]) =>
        h('a', { href: address(page), 'aria-current': page === active ? 'page' : null, title: `key ${key}` }, label))),
      h('span', { class: 'tools' },
        store.manifest?.live ? h('span', { class: 'live', title: 'new steps appear as they end' }, 'live') : null,
        h('button', { type: 'button', title: 'light or dark (key d)', 'aria-label': 'light or dark', onclick: switchTheme }, '◐'),
        h('button', { type: 'button', title: 'keys (key ?)', 'aria-label': 'help', onclick: help }, '?')));
  }

  function drawNotes() {
    const notes = [];
    const { sample, bad, left_out_columns: columns } = store.manifest;
    if (sample && sample.shown < sample.of) {
      notes.push(`A sample: ${number.count(sample.shown)} of ${counted(sample.of, 'rollout')}, whole groups chosen at random. `
        + 'Curves of runs are of all.');
    }
    if (bad.count) {
      notes.push(h('details', {}, h('summary', {}, `${counted(bad.count, 'record')} could not be used`),
        h('ul', {}, bad.first.map(record => h('li', {}, text.line(`${record.file}:${record.line}:${record.column}: ${record.reason}`, 500)))),
        bad.count > bad.first.length ? `and ${number.count(bad.count - bad.first.length)} more` : null));
    }
    if (columns.length) notes.push(h('details', {}, h('summary', {}, `${counted(columns.length, 'field')} have no column, since there are too many`), text.line(columns.join(', '), 2000)));
    document.getElementById('notes').replaceChildren(...notes.map(note => h('div', { class: 'note' }, note)));
    const sources = store.sources;
    const of = sources.length === 1 ? text.line(sources[0].name, 80) : counted(sources.length, sources.every(source => source.kind === 'run') ? 'run' : 'source');
    document.getElementById('foot').replaceChildren(h('span', {}, `${counted(store.manifest.rows, 'rollout')} of `, of, `; written by ${store.manifest.program}`));
  }

  function applyTheme() {
    const theme = kept.get('theme');
    if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  }

  function switchTheme() {
    const isDark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    kept.set('theme', isDark ? 'light' : 'dark');
    applyTheme();
  }

  // Keys

  function help() {
    const dialog = document.getElementById('help');
    const own = Object.entries(current?.keys || {});
    const rows = [
      ...pages.map(([, label, key]) => [key, label]), ['/', 'the filter'], ['d', 'light or dark'], ['?', 'these keys'],
      ...own.filter(([, { about }]) => about).map(([key, { about }]) => [key, about]),
    ];
    dialog.replaceChildren(h('h2', {}, 'Keys'),
      h('table', { class: 'plain' }, h('tbody', {}, rows.map(([key, label]) => h('tr', {}, h('td', {}, h('kbd', {}, key)), h('td', {}, label))))),
      h('h2', {}, 'Filters'),
      h('p', {}, h('code', {}, 'reward < 0.5 & finish = length & step > 20'), ' – columns compared with = != < <= > >= and ~ for “contains”, joined with & and |, negated with !, grouped with ( ). A name alone: the row has a value there.'),
      h('form', { method: 'dialog' }, h('button', { autofocus: true }, 'close')));
    dialog.showModal();
  }

  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) {
      if (event.key === 'Escape') target.blur();
      return;
    }
    if (document.getElementById('help').open) return;
    const own = current?.keys[event.key];
    if (own) {
      event.preventDefault();
      own.run();
      return;
    }
    const page = pages.find(([, , key]) => key === event.key);
    if (page) location.hash = address(page[0]);
    else if (event.key === 'd') switchTheme();
    else if (event.key === '?') help();
    else if (event.key === '/') {
      const input = document.querySelector('input[type=search]');
      if (input) input.focus(); else location.hash = address('table');
    } else return;
    event.preventDefault();
  });

  // The start, and what comes later

  async function start() {
    applyTheme();
    report.takeSingle();
    try {
      await store.readManifest();
    } catch (error) {
      document.getElementById('main').replaceChildren(h('p', { class: 'error', role: 'alert' },
        'The data of this report is missing: the folder “data” belongs beside this page. ', text.line(String(error.message), 200)));
      return;
    }
    drawBar();
    drawNotes();
    await store.readSeries();
    store.judge();
    // The curves need no rows, and are shown while those are read.
    const first = here().name === 'run' || here().name === 'experiment' ? show() : null;
    await store.readRows();
    store.judge();
    await first;
    store.isComplete = true;
    await show();
    document.documentElement.dataset.ready = 'yes';
    window.addEventListener('hashchange', () => { show().then(() => window.scrollTo(0, 0)); });
    if (store.manifest.live) setTimeout(follow, 2000);
  }

  /** Looks whether a run that goes on has come further. */
  async function follow() {
    try {
      if (await store.readManifest(++again)) {
        const before = store.count;
        await store.readSeries();
        await store.readRows();
        store.judge();
        drawNotes();
        const isBusy = document.activeElement instanceof HTMLInputElement || document.getElementById('help').open;
        const name = here().name;
        // A reader's place in a trajectory or a group does not change while they read it.
        if (!isBusy && (name === 'run' || name === 'flow' || name === 'experiment' || (name === 'table' && store.count > before && window.scrollY < 50))) await refresh();
        document.documentElement.dataset.rows = String(store.count);
      }
      setTimeout(follow, 2000);
    } catch {
      document.querySelector('.live')?.replaceChildren('no longer live');
    }
  }

  return { address, go, here, kept, setting, show, refresh, start, get current() { return current; } };
})();

page.start();
