// SPDX-License-Identifier: Apache-2.0
// Charts: lines over steps with bands, events and a cursor; bars.
'use strict';

const chart = (() => {
  const space = 'http://www.w3.org/2000/svg';
  const s = (tag, attributes, ...children) => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) element.setAttribute(name, value);
    element.append(...children.flat());
    return element;
  };
  // Okabe and Ito's colours, which people with any kind of colour vision tell apart; lines differ in their dashes too.
  const colorCount = 7;
  // Four dashes and seven colours make 28 lines that differ.
  const dashes = ['', '6 3', '2 3', '8 3 2 3'];
  /** The class of a line's key; the markers of colours that come again are hollow, then round, then both. */
  const keyClass = index => 'key c' + index % colorCount + ['', ' hollow', ' round', ' hollow round'][Math.floor(index / colorCount) % 4];

  /** About `count` round numbers that span a range. */
  function ticks(low, high, count) {
    const span = high - low || 1;
    const raw = span / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= raw * 0.999);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
    return found;
  }

  /** Values with an exponential moving average, which starts unbiased; gaps stay gaps. */
  function smoothed(points, factor) {
    if (!factor) return points;
    let mean = 0, weight = 0;
    return points.map(([x, y, ...band]) => {
      if (y === null || !Number.isFinite(y)) return [x, y, ...band];
      mean = factor * mean + (1 - factor) * y;
      weight = factor * weight + (1 - factor);
      return [x, mean / weight, ...band];
    });
  }

  /** At most `most` points: of each stretch the least and the greatest, so that no peak is lost. */
  function thinned(points, most) {
    if (points.length <= most) return points;
    const found = [];
    const size = points.length / (most / 2);
    for (let start = 0; start < points.length; start += size) {
      const part = points.slice(Math.floor(start), Math.floor(start + size)).filter(point => point[1] !== null);
      if (!part.length) continue;
      let low = part[0], high = part[0];
      for (const point of part) {
        if (point[1] < low[1]) low = point;
        if (point[1] > high[1]) high = point;
      }
      found.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
    }
    return found;
  }

  /**
   * A chart of lines.
   *
   * series: [{ name, points: [[x, y, low?, high?]], color }]; events: [{ x, kind, text }]; onPick(x) when a point is chosen.
   */
  function lines({ title, unit, meaning, series, events, smoothing, xName, from, to, onPick, height }) {
    const figure = h('figure', { class: 'chart' });
    const caption = h('figcaption', {}, h('b', { title: meaning || null }, title), unit ? h('span', { class: 'quiet' }, ' ' + unit) : null);
    const readout = h('output', { class: 'readout' });
    const frame = h('div', { class: 'frame', tabindex: '0', role: 'img' });
    figure.append(caption, frame, readout);
    const shown = series.map((line, index) => ({
      ...line, color: line.color ?? index, points: smoothed(line.points, smoothing).filter(point => Number.isFinite(point[0])), raw: line.points,
    })).filter(line => line.points.some(point => Number.isFinite(point[1])));
    if (series.length > 1) caption.append(legend(shown));
    if (!shown.length) {
      frame.replaceWith(h('p', { class: 'quiet' }, 'no values'));
      return figure;
    }
    const all = shown.flatMap(line => line.points);
    const xs = all.map(point => point[0]);
    const values = all.flatMap(point => [point[1], point[2], point[3]]).filter(value => typeof value === 'number' && Number.isFinite(value));
    let [low, high] = [Math.min(...limit(values)), Math.max(...limit(values))];
    if (from !== undefined) low = Math.min(low, from);
    if (to !== undefined) high = Math.max(high, to);
    if (low === high) { low -= Math.abs(low) * 0.1 || 0.5; high += Math.abs(high) * 0.1 || 0.5; }
    const pad = (high - low) * 0.05;
    if (!(from !== undefined && low === from)) low -= pad;
    if (!(to !== undefined && high === to)) high += pad;
    let [left, right] = [Math.min(...limit(xs)), Math.max(...limit(xs))];
    if (left === right) { left -= 0.5; right += 0.5; }
    const last = shown.map(line => `${line.name || title}: ${number.short(line.points.findLast(point => Number.isFinite(point[1]))?.[1])}`).join(', ');
    frame.setAttribute('aria-label', `${title} over ${xName || 'steps'}; last ${last}`);
    const tall = height || 150;
    const [marginLeft, marginRight, marginTop, marginBottom] = [46, 8, 6, 20];
    let cursor = null;

    function draw() {
      const width = Math.max(160, frame.clientWidth || 320);
      const X = x => marginLeft + (x - left) / (right - left) * (width - marginLeft - marginRight);
      const Y = y => marginTop + (high - y) / (high - low) * (tall - marginTop - marginBottom);
      const svg = s('svg', { viewBox: `0 0 ${width} ${tall}`, width, height: tall, 'aria-hidden': 'true' });
      for (const y of ticks(low, high, 5)) {
        svg.append(s('line', { class: 'grid', x1: marginLeft, x2: width - marginRight, y1: Y(y), y2: Y(y) }),
          s('text', { class: 'tick', x: marginLeft - 5, y: Y(y) + 3.5, 'text-anchor': 'end' }, number.short(y)));
      }
      for (const x of ticks(left, right, Math.max(2, Math.min(8, width / 80)))) {
        svg.append(s('text', { class: 'tick', x: X(x), y: tall - 5, 'text-anchor': 'middle' }, xName === 'seconds' ? number.seconds(x) : short(x)));
      }
      for (const event of events || []) {
        if (!(event.x >= left && event.x <= right)) continue;
        svg.append(s('line', { class: 'event ' + event.kind, x1: X(event.x), x2: X(event.x), y1: marginTop, y2: tall - marginBottom },
          s('title', {}, event.text)));
        if (event.kind === 'warning') svg.append(s('text', { class: 'event-sign', x: X(event.x), y: marginTop + 9, 'text-anchor': 'middle' }, '▲', s('title', {}, event.text)));
      }
      for (const line of shown) {
        const points = thinned(line.points, 2 * width);
        const band = points.filter(point => Number.isFinite(point[2]) && Number.isFinite(point[3]));
        if (band.length > 1) {
          svg.append(s('path', { class: 'band c' + line.color % colorCount,
            d: 'M' + band.map(point => `${X(point[0]).toFixed(1)},${Y(point[3]).toFixed(1)}`).join('L') + 'L'
              + [...band].reverse().map(point => `${X(point[0]).toFixed(1)},${Y(point[2]).toFixed(1)}`).join('L') + 'Z' }));
        }
        if (smoothing && line.raw.length < 4000) svg.append(s('path', { class: 'line faint c' + line.color % colorCount, d: path(line.raw, X, Y) }));
        svg.append(s('path', { class: 'line c' + line.color % colorCount, 'stroke-dasharray': dashes[line.color % dashes.length], d: path(points, X, Y) }));
        if (points.length < 40) {
          for (const point of points) if (Number.isFinite(point[1])) svg.append(s('circle', { class: 'dot c' + line.color % colorCount, cx: X(point[0]), cy: Y(point[1]), r: 2 }));
        }
      }
      if (cursor !== null) {
        svg.append(s('line', { class: 'cursor', x1: X(cursor), x2: X(cursor), y1: marginTop, y2: tall - marginBottom }));
        for (const line of shown) {
          const point = nearest(line.points, cursor);
          if (point && Number.isFinite(point[1])) svg.append(s('circle', { class: 'dot c' + line.color % colorCount, cx: X(point[0]), cy: Y(point[1]), r: 3.5 }));
        }
      }
      frame.replaceChildren(svg);
      frame.at = clientX => left + (clientX - frame.getBoundingClientRect().left - marginLeft) / (width - marginLeft - marginRight) * (right - left);
    }

    function say() {
      if (cursor === null) { readout.replaceChildren(); return; }
      const near = (events || []).filter(event => Math.abs(event.x - cursor) <= (right - left) / 60);
      append(clear(readout), [`${xName === 'seconds' ? number.seconds(cursor) : (xName || 'step') + ' ' + number.short(cursor)}  `,
        ...shown.map((line, index) => {
          const point = nearest(line.points, cursor), raw = nearest(line.raw, cursor);
          if (!point || !Number.isFinite(point[1])) return null;
          const band = Number.isFinite(raw[2]) ? ` (${number.short(raw[2])}–${number.short(raw[3])})` : '';
          return h('span', { class: keyClass(line.color), title: String(raw[1]) }, `${shown.length > 1 ? (line.name || title) + ' ' : ''}${number.short(point[1])}${band}`);
        }), ...near.map(event => h('span', { class: 'event-text' }, event.text))]);
    }

    function move(x) {
      if (x === null) cursor = null;
      else {
        const point = nearest(shown[0].points, Math.max(left, Math.min(right, x)));
        cursor = point ? point[0] : null;
      }
      draw();
      say();
    }
    frame.addEventListener('pointermove', event => move(frame.at(event.clientX)));
    frame.addEventListener('pointerleave', () => move(null));
    frame.addEventListener('click', () => { if (onPick && cursor !== null) onPick(cursor); });
    frame.addEventListener('keydown', event => {
      const points = shown[0].points;
      const index = cursor === null ? points.length - 1 : points.findIndex(point => point[0] === cursor);
      if (event.key === 'ArrowLeft') move(points[Math.max(0, index - 1)][0]);
      else if (event.key === 'ArrowRight') move(points[Math.min(points.length - 1, index + 1)][0]);
      else if (event.key === 'Enter' && onPick && cursor !== null) onPick(cursor);
      else if (event.key === 'Escape') move(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    new ResizeObserver(draw).observe(frame);
    return figure;
  }

  /** Spread arguments have a limit; extremes of a thinned list are those of the whole. */
  function limit(values) {
    if (values.length < 50000) return values;
    let low = Infinity, high = -Infinity;
    for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    return [low, high];
  }

  function path(points, X, Y) {
    let d = '', isDown = false;
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) { isDown = false; continue; }
      d += (isDown ? 'L' : 'M') + X(x).toFixed(1) + ',' + Y(y).toFixed(1);
      isDown = true;
    }
    return d;
  }

  function nearest(points, x) {
    let low = 0, high = points.length - 1;
    if (high < 0) return null;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && Math.abs(points[low - 1][0] - x) <= Math.abs(points[low][0] - x) ? points[low - 1] : points[low];
  }

  /** A number below an axis: 12k, 3.4M. */
  function short(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return number.short(value / 1e6) + 'M';
    if (size >= 1e4) return number.short(value / 1e3) + 'k';
    return number.short(value);
  }

  function legend(series) {
    return h('span', { class: 'legend' }, series.map((line, index) => h('span', { class: keyClass(line.color ?? index) }, line.name)));
  }

  function clear(element) { element.replaceChildren(); return element; }

  /** Bars with labels: [{ label, count, href?, kind? }]; `whole` for shares. */
  function bars(rows, whole) {
    const most = Math.max(1, ...rows.map(row => row.count));
    return h('table', { class: 'bars' }, h('tbody', {}, rows.map(row => h('tr', {},
      h('th', { scope: 'row' }, row.href ? h('a', { href: row.href }, row.label) : row.label),
      h('td', { class: 'bar-cell' }, h('span', { class: 'bar ' + (row.kind || ''), style: { width: (100 * row.count / most).toFixed(2) + '%' } })),
      h('td', { class: 'n' }, number.count(row.count)), h('td', { class: 'n quiet' }, number.share(row.count, whole))))));
  }

  return { lines, bars, legend, s, keyClass };
})();
