--- The script of a page of report.page, first part: curves that zoom and say their values. Plain JavaScript, as
-- browsers have it since 2021, without a library: what is needed here is short, does what the rest of the page
-- does for keyboards and screen readers, and nothing has to be taken from elsewhere or kept up to date. It runs in
-- strict mode under a policy without eval; texts become text nodes, never HTML.

return [==[

'use strict';

const page = (() => {
  // The space of names of drawings, from one that stands in the page, which holds no address.
  const drawing = document.querySelector('svg');
  const space = drawing && drawing.namespaceURI;

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === 'function') element.addEventListener(name, value);
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  return {
    // The value in a script element; null where the page has none.
    data(name) {
      const element = document.getElementById(name);
      return element && JSON.parse(element.textContent);
    },
    // An element with attributes, listeners, and children, which are elements or texts.
    html: (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children),
    svg: (tag, attributes, ...children) => fill(document.createElementNS(space, tag), attributes, children),
  };
})();

// ---- curves ----

(() => {
  const data = page.data('curves-data'), place = document.getElementById('curves');
  if (!data || !place) return;

  const HEIGHT = 250, LEFT = 54, RIGHT = 14, TOP = 10, BOTTOM = 28;
  const every = data.panels.flatMap(panel => panel.curves.flatMap(curve => curve.x));
  const epochs = [...new Set(every)].sort((a, b) => a - b);
  const first = epochs[0], last = epochs[epochs.length - 1];
  const view = {from: first, to: last}; // the epochs that are seen
  let cursor = null; // the epoch whose values are told, null: the last one that is seen
  let drag = null; // while a range is chosen: its two ends
  const told = page.html('span', {class: 'epoch'}); // says which epoch's values are told

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const isFraction = title => /accuracy$/.test(title);
  const tell = (title, value) => {
    if (value === undefined) return 'none'; // of an epoch that its runs have not
    if (value === null) return 'not finite';
    if (isFraction(title)) return (100 * value).toFixed(2) + '%';
    const size = Math.abs(value);
    if (value === 0) return '0';
    if (size >= 1e6 || size < 1e-4) return (+value.toPrecision(3)).toExponential().replace('e+', 'e');
    return String(+value.toPrecision(4));
  };

  const mark = (title, value) => isFraction(title) ? +(100 * value).toFixed(4) + '%' : tell(title, value);

  // Round numbers between two: 1, 2 or 5 times a power of ten apart, about `count` of them.
  const ticks = (low, high, count, least) => {
    const rough = Math.max((high - low) / count, least || 0, Number.MIN_VALUE);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.7);
    const list = [];
    for (let i = Math.ceil(low / step - 1e-9); i <= Math.floor(high / step + 1e-9); i++) list.push(i * step);
    return list;
  };
  // The same on a scale of powers of ten; takes and gives logarithms.
  const logTicks = (low, high) => {
    const factors = high - low < 1.2 ? [1, 2, 3, 5] : high - low < 3 ? [1, 3] : [1], list = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const factor of factors) {
        const value = power + Math.log10(factor);
        if (value >= low && value <= high) list.push(value);
      }
    }
    return list;
  };

  const nearest = epoch => {
    const seen = epochs.filter(x => x >= view.from - 1e-9 && x <= view.to + 1e-9);
    const list = seen.length ? seen : epochs;
    return list.reduce((best, x) => Math.abs(x - epoch) < Math.abs(best - epoch) ? x : best, list[0]);
  };
  const shown = () => cursor === null ? nearest(view.to) : nearest(cursor);

  const nameOf = curve => {
    const name = data.groups[curve.group - 1];
    return data.groups.length === 1 ? curve.part : name + (curve.part === 'training' ? '' : ', ' + curve.part);
  };
  const colourOf = curve => {
    const parts = {training: 1, validation: 2, test: 3};
    return 'c' + (data.groups.length === 1 ? parts[curve.part] : (curve.group - 1) % 8 + 1);
  };

  const panels = data.panels.map((panel, number) => {
    const {title, curves} = panel;
    const values = curves.flatMap(curve => [...curve.y, ...(curve.low || [])]).filter(value => value !== null);
    const logs = !isFraction(title) && values.length > 0 && values.every(value => value > 0);
    let logarithmic = false, scales = null;

    const keys = curves.map(curve => page.html('b', {}));
    const caption = page.html('figcaption', {}, page.html('h3', {}, title), ...curves.map((curve, i) =>
      page.html('span', {class: 'key'},
        page.svg('svg', {'aria-hidden': 'true', viewBox: '0 0 22 10'},
          page.svg('line', {class: `line ${curve.part} ${colourOf(curve)}`, x1: 1, x2: 21, y1: 5, y2: 5})),
        (curves.length > 1 ? nameOf(curve) + ' ' : ''), keys[i])));
    if (logs) {
      caption.append(page.html('button', {type: 'button', 'aria-pressed': 'false', click(event) {
        logarithmic = !logarithmic;
        event.currentTarget.setAttribute('aria-pressed', logarithmic);
        draw();
      }}, 'log scale'));
    }
    const plot = page.html('div', {class: 'plot', tabindex: 0, role: 'slider', 'aria-label': title + ' by epoch',
      'aria-valuemin': first, 'aria-valuemax': last});
    const figure = page.html('figure', {}, caption, plot);

    const scale = value => logarithmic ? Math.log10(value) : value;
    const range = () => {
      let low = Infinity, high = -Infinity;
      for (const curve of curves) {
        curve.x.forEach((x, i) => {
          if (x < view.from - 1e-9 || x > view.to + 1e-9) return;
          for (const value of [curve.y[i], curve.low && curve.low[i], curve.high && curve.high[i]]) {
            if (typeof value !== 'number') continue;
            low = Math.min(low, scale(value));
            high = Math.max(high, scale(value));
          }
        });
      }
      if (low > high) return [0, 1];
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      return [low - room, high + room];
    };

    // The parts of a curve without gaps, as points of the drawing.
    const stretches = (curve, values) => {
      const list = [[]];
      curve.x.forEach((x, i) => {
        if (values[i] === null) list.push([]);
        else list[list.length - 1].push([scales.x(x), scales.y(scale(values[i]))]);
      });
      return list.filter(points => points.length > 0);
    };
    const path = points => 'M' + points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L');

    const curveOf = curve => {
      const parts = [], colour = colourOf(curve);
      if (curve.low) {
        const low = stretches(curve, curve.low), high = stretches(curve, curve.high);
        low.forEach((points, i) => parts.push(page.svg('path', {class: `band ${colour}`,
          d: path([...points, ...high[i].slice().reverse()]) + 'Z'})));
      }
      for (const points of stretches(curve, curve.y)) {
        parts.push(page.svg('path', {class: `line ${curve.part} ${colour}`, d: path(points)}));
      }
      const seen = curve.x.filter(x => x >= view.from && x <= view.to).length;
      curve.x.forEach((x, i) => {
        const isTold = x === shown();
        if (curve.y[i] === null || !isTold && seen > 25) return;
        parts.push(page.svg('circle', {class: `point ${colour}`, cx: scales.x(x), cy: scales.y(scale(curve.y[i])),
          r: isTold ? 4.5 : 2.5}));
      });
      return page.svg('g', {}, ...parts);
    };

    function draw() {
      const width = Math.max(220, Math.round(plot.clientWidth || 480));
      const [low, high] = range(), span = view.to - view.from || 1;
      const start = view.to > view.from ? view.from : view.from - 0.5; // one epoch stands in the middle
      const bottom = HEIGHT - BOTTOM, right = width - RIGHT;
      scales = {
        width,
        x: epoch => LEFT + (right - LEFT) * (epoch - start) / span,
        y: value => TOP + (bottom - TOP) * (high - value) / (high - low),
        epoch: x => clamp(start + span * (x - LEFT) / (right - LEFT), view.from, view.to),
      };
      const axes = page.svg('g', {class: 'axes'});
      for (const value of logarithmic ? logTicks(low, high) : ticks(low, high, 5)) {
        const y = scales.y(value);
        axes.append(page.svg('line', {class: 'grid', x1: LEFT, x2: right, y1: y, y2: y}),
          page.svg('text', {x: LEFT - 8, y: y + 4, 'text-anchor': 'end'},
            mark(title, logarithmic ? 10 ** value : Math.abs(value) < 1e-12 ? 0 : value)));
      }
      for (const value of ticks(view.from, view.to, width / 70, 1)) {
        axes.append(page.svg('text', {x: scales.x(value), y: HEIGHT - 8, 'text-anchor': 'middle'},
          String(+value.toFixed(6))));
      }
      axes.append(page.svg('text', {x: LEFT - 8, y: HEIGHT - 8, 'text-anchor': 'end'}, 'epoch'));
      axes.append(page.svg('line', {class: 'base', x1: LEFT, x2: right, y1: bottom, y2: bottom}));
      const at = scales.x(shown()), inside = page.svg('g', {'clip-path': `url(#clip${number})`});
      if (cursor !== null) inside.append(page.svg('line', {class: 'mark', x1: at, x2: at, y1: TOP, y2: bottom}));
      inside.append(...curves.map(curveOf));
      if (drag) {
        const [a, b] = drag.map(scales.x);
        inside.append(page.svg('rect', {class: 'select', x: Math.min(a, b), y: TOP, width: Math.abs(b - a),
          height: bottom - TOP}));
      }
      plot.replaceChildren(page.svg('svg', {viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true'},
        page.svg('clipPath', {id: `clip${number}`},
          page.svg('rect', {x: LEFT - 6, y: 0, width: right - LEFT + 12, height: bottom + 6})), axes, inside));
      say();
    }

    function say() {
      const here = shown(), texts = curves.map(curve => tell(title, curve.y[curve.x.indexOf(here)]));
      texts.forEach((text, i) => { keys[i].textContent = text; });
      told.textContent = 'epoch ' + here;
      plot.setAttribute('aria-valuenow', here);
      const words = curves.map((curve, i) => `${nameOf(curve)} ${texts[i]}`);
      plot.setAttribute('aria-valuetext', `epoch ${here}: ${words.join(', ')}`);
    }

    const epochAt = event => {
      const box = plot.getBoundingClientRect();
      return scales.epoch((event.clientX - box.left) * scales.width / box.width);
    };
    plot.addEventListener('pointermove', event => {
      cursor = nearest(epochAt(event));
      if (drag) drag[1] = epochAt(event);
      drawAll();
    });
    plot.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      drag = [epochAt(event), epochAt(event)];
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener('pointerup', () => {
      if (!drag) return;
      const [low, high] = drag.slice().sort((a, b) => a - b);
      drag = null;
      if (scales.x(high) - scales.x(low) > 8) look(low, high); else drawAll();
    });
    plot.addEventListener('pointercancel', () => { // a pen that has begun to scroll the page
      drag = null;
      drawAll();
    });
    plot.addEventListener('pointerleave', event => {
      if (drag || event.pointerType === 'touch') return; // a finger that has gone still points
      cursor = null;
      drawAll();
    });
    plot.addEventListener('dblclick', () => look(first, last));
    plot.addEventListener('blur', () => {
      cursor = null;
      drawAll();
    });
    plot.addEventListener('keydown', event => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const here = epochs.indexOf(shown());
      const steps = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10,
        Home: -here, End: epochs.length - 1 - here};
      const zooms = {'+': 0.5, '=': 0.5, '-': 2, '0': Infinity, Escape: Infinity};
      if (event.key in steps) go(here + steps[event.key]);
      else if (event.key in zooms) zoom(zooms[event.key]);
      else return;
      event.preventDefault();
    });
    return {figure, plot, draw};
  });

  function drawAll() { panels.forEach(panel => panel.draw()); }

  // Shows the epochs from low to high, two of them at least.
  function look(low, high) {
    const least = Math.min(last - first, 1.5);
    const middle = (low + high) / 2, half = Math.max(high - low, least) / 2;
    view.from = clamp(middle - half, first, last - 2 * half);
    view.to = clamp(middle + half, first + 2 * half, last);
    drawAll();
  }

  function zoom(factor) {
    const middle = cursor === null ? (view.from + view.to) / 2 : cursor;
    const half = (view.to - view.from) / 2 * factor;
    if (half < (last - first) / 2) look(middle - half, middle + half); else look(first, last);
  }

  // To an epoch by its place in the list; the view follows.
  function go(index) {
    cursor = epochs[clamp(index, 0, epochs.length - 1)];
    if (cursor < view.from) look(cursor, cursor + view.to - view.from);
    else if (cursor > view.to) look(cursor - (view.to - view.from), cursor);
    else drawAll();
  }

  const tool = (text, label, factor) =>
    page.html('button', {type: 'button', 'aria-label': label, title: label, click: () => zoom(factor)}, text);
  place.replaceChildren(
    page.html('div', {class: 'tools', role: 'group', 'aria-label': 'zoom of all curves'}, tool('+', 'zoom in', 0.5),
      tool('\u2212', 'zoom out', 2), tool('all epochs', 'show all epochs', Infinity), told),
    ...panels.map(panel => panel.figure));
  drawAll();
  new ResizeObserver(drawAll).observe(place);
})();
]==]
