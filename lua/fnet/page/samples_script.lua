--- The script of a page of report.page, second part: the cells of the confusion matrix that open the samples behind
-- them, tables that sort, and what is opened for the printer. It uses `page` of script.lua.

return [==[

// ---- the samples behind a cell ----

(() => {
  const data = page.data('samples-data');
  const matrix = document.getElementById('matrix'), place = document.getElementById('cell');
  if (!data || !matrix || !place) return;

  const cells = [...matrix.querySelectorAll('button[data-right]')];
  const samples = data.list.map(([row, right, said, certain, bars, values], number) =>
    ({row, right, said, certain, bars, values, number}));
  const amount = cell => +cell.textContent.replace(/\D/g, '');
  const percent = value => (100 * value / data.parts).toFixed(1) + '%';

  const picture = (sample, size) => {
    const {name, width, height, columns} = data.sheet;
    const x = sample.number % columns * width, y = Math.floor(sample.number / columns) * height;
    return page.svg('svg', {class: 'picture ' + size, viewBox: `${x} ${y} ${width} ${height}`, role: 'img',
      'aria-label': 'sample ' + sample.row}, page.svg('use', {href: '#' + name}));
  };

  const barOf = (sample, label, value) =>
    page.html('tr', {class: label === sample.right ? 'is' : label === sample.said ? 'says' : null},
      page.html('th', {scope: 'row'}, label === 0 ? 'all others' : data.names[label - 1]),
      page.html('td', {}, page.svg('svg', {class: 'bar', 'aria-hidden': 'true'},
        page.svg('rect', {width: 100 * value / data.parts + '%', height: '100%'}))),
      page.html('td', {class: 'number'}, percent(value)));
  const barsOf = sample => page.html('table', {class: 'bars'},
    page.html('tbody', {}, ...sample.bars.map(([label, value]) => barOf(sample, label, value))));

  const valuesOf = sample => !sample.values.length ? [] : [page.html('p', {},
    sample.values.map((value, i) => `${data.columns[i]} ${value}`).join(', '))];
  const detail = sample => page.html('div', {class: 'sample'},
    ...(data.sheet ? [picture(sample, 'large')] : []),
    page.html('div', {}, page.html('h4', {}, 'sample ' + sample.row), ...valuesOf(sample), barsOf(sample)));

  const close = () => {
    const open = matrix.querySelector('[aria-pressed="true"]');
    place.replaceChildren();
    cells.forEach(cell => cell.setAttribute('aria-pressed', 'false'));
    if (open) open.focus();
  };

  const open = cell => {
    const right = +cell.dataset.right, said = +cell.dataset.said;
    const here = samples.filter(sample => sample.right === right && sample.said === said);
    const total = amount(cell);
    cells.forEach(other => other.setAttribute('aria-pressed', String(other === cell)));
    let chosen = null;
    const buttons = here.map(sample => page.html('button', {type: 'button', 'aria-pressed': 'false',
      'aria-label': `sample ${sample.row}, ${percent(sample.certain)} certain`, click() { choose(sample); }},
      ...(data.sheet ? [picture(sample, 'small')] : [`sample ${sample.row}: `]), percent(sample.certain)));
    const choose = sample => {
      buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(here[i] === sample)));
      const next = detail(sample);
      if (chosen) chosen.replaceWith(next); else place.append(next);
      chosen = next;
    };
    const kind = right === said ? 'right' : `said to be ${data.names[said - 1]}`;
    place.replaceChildren(
      page.html('header', {}, page.html('h3', {}, `${data.names[right - 1]}, ${kind}`),
        page.html('button', {type: 'button', class: 'close', click: close}, 'close')),
      page.html('p', {}, `${total} ${total === 1 ? 'sample' : 'samples'}` +
        (here.length < total ? `, ${here.length} of them here` : '') +
        `, the ${right === said ? 'least' : 'most'} certain ones first, each with how certain the network was.`),
      page.html('div', {class: 'samples'}, ...buttons));
    if (here.length) choose(here[0]);
    document.getElementById('opened').textContent = `${data.names[right - 1]}, ${kind}: ${total} samples are below`;
  };

  // One cell can be reached by Tab; arrows lead from there to the next one in their direction that is not empty.
  const reach = cell => cells.forEach(other => { other.tabIndex = other === cell ? 0 : -1; });
  const neighbour = (cell, key) => {
    const [along, across] = key === 'ArrowLeft' || key === 'ArrowRight' ? ['said', 'right'] : ['right', 'said'];
    const way = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
    return cells.filter(other => other.dataset[across] === cell.dataset[across] &&
      way * (other.dataset[along] - cell.dataset[along]) > 0)
      .sort((a, b) => way * (a.dataset[along] - b.dataset[along]))[0];
  };
  if (matrix.classList.contains('matrix')) {
    reach(cells[0]);
    matrix.addEventListener('keydown', event => {
      if (!event.key.startsWith('Arrow') || !event.target.dataset.right) return;
      event.preventDefault();
      const next = neighbour(event.target, event.key);
      if (!next) return;
      reach(next);
      next.focus();
    });
  }
  cells.forEach(cell => {
    cell.setAttribute('aria-pressed', 'false');
    cell.addEventListener('click', () => {
      if (matrix.classList.contains('matrix')) reach(cell);
      if (cell.getAttribute('aria-pressed') === 'true') close(); else open(cell);
    });
  });
  // What was confused most is open at first, so that one sees what there is to see.
  const wrong = cells.filter(cell => cell.dataset.right !== cell.dataset.said);
  if (wrong.length) open(wrong.reduce((most, cell) => amount(cell) > amount(most) ? cell : most));
  for (const element of [matrix, place]) {
    element.addEventListener('keydown', event => { if (event.key === 'Escape' && place.firstChild) close(); });
  }
})();

// ---- tables that sort ----

(() => {
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : cell.dataset.value;
  };
  const sort = button => {
    const head = button.closest('th'), table = button.closest('table'), body = table.tBodies[0];
    const rows = [...body.rows], column = head.cellIndex;
    const numeric = rows.every(row => keyOf(row, column) === '' || !isNaN(keyOf(row, column)));
    // Figures from the largest, names from the first letter; the other way round the second time.
    const before = head.getAttribute('aria-sort');
    const descending = before ? before === 'ascending' : numeric;
    const compare = (a, b) => {
      const [x, y] = [keyOf(a, column), keyOf(b, column)];
      if (numeric && (x === '' || y === '')) return (x === '') - (y === ''); // what is missing stays below
      return (descending ? -1 : 1) * (numeric ? x - y : x < y ? -1 : x > y ? 1 : 0);
    };
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    body.append(...rows.sort(compare));
  };
  document.querySelectorAll('button.sort').forEach(button => button.addEventListener('click', () => sort(button)));
})();

// ---- on paper, what is folded away is open ----

(() => {
  const script = document.querySelector('#script details');
  if (!script) return;
  let before = false;
  addEventListener('beforeprint', () => {
    before = script.open;
    script.open = true;
  });
  addEventListener('afterprint', () => { script.open = before; });
})();
]==]
