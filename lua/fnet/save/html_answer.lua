--- The answer of a page: JavaScript that shows what the network gives, as bars or as numbers, and steps through the
-- samples that the page has. A text, for the page's script, behind html_network.lua.

return [==[

// ---- the page's facts and parts ----

const page = JSON.parse(document.getElementById("page").textContent);
const network = networkOf(page.network);
const byId = id => document.getElementById(id);

function newElement(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

const percent = share => (100 * share).toFixed(1) + "%";
const short = number => String(Number(number.toPrecision(5)));

// ---- what the network sees ----

// (x - mean) / deviation, in float32, as data.normalise does it.
function normalise(values) {
  for (const { mean, deviation } of page.normalise) {
    for (let i = 0; i < values.length; i++) {
      const k = i % mean.length;
      values[i] = Math.fround(values[i] - mean[k]) / deviation[k];
    }
  }
  return values;
}

// The samples that the page has, each as it lies in the data set.
const samples = page.samples && {
  ...page.samples,
  values: page.samples.type === "uint8" ? bytesOf(page.samples.data) : floatsOf(page.samples.data),
};

function sampleAt(index) {
  const size = samples.values.length / samples.count;
  return samples.values.subarray(index * size, (index + 1) * size);
}

// ---- the answer ----

const ROWS_MOST = 20, ROWS_BEST = 10; // names with a bar each; of more the most probable ones are shown
// A single number is said in words alone.
const count = !page.classes ? (page.outputs > 1 ? page.outputs : 0)
  : page.classes.length > ROWS_MOST ? ROWS_BEST : page.classes.length;

const rows = Array.from({ length: count }, () => {
  const row = newElement("li", "row", byId("bars"));
  const name = newElement("span", "name", row);
  const bar = page.classes && newElement("span", "bar", row);
  if (bar) bar.setAttribute("aria-hidden", "true");
  return { row, name, fill: bar && newElement("span", "fill", bar), value: newElement("span", "value", row) };
});

function probabilitiesOf(result) {
  if (page.adds_up) return Array.from(result);
  const most = largest(result), powers = Array.from(result, score => Math.exp(score - most));
  const sum = sumOf(powers);
  return powers.map(power => power / sum);
}

const bestOf = list => list.indexOf(Math.max(...list));

function showProbabilities(shares) {
  const best = bestOf(shares);
  let order = shares.map((share, i) => i);
  if (order.length > count) order = order.sort((a, b) => shares[b] - shares[a]).slice(0, count);
  order.forEach((index, i) => {
    const { row, name, fill, value } = rows[i];
    name.textContent = page.classes[index];
    fill.style.transform = `scaleX(${shares[index]})`;
    value.textContent = percent(shares[index]);
    row.classList.toggle("best", index === best);
  });
  return `${Math.round(100 * shares[best])}% certain: ${page.classes[best]}`;
}

// A number of the result in the units of the table.
function inUnits(number, i) {
  const { target_mean: mean, target_deviation: deviation } = page.units ?? {};
  return mean ? number * deviation[i] + mean[i] : number;
}

function showNumbers(result) {
  rows.forEach(({ name, value }, i) => {
    name.textContent = `result ${i + 1}`;
    value.textContent = short(inUnits(result[i], i));
  });
  return rows.length > 1 ? "The network gives these numbers" : `The network says ${short(inUnits(result[0], 0))}`;
}

let quiet; // a screen reader is told when the answer has stood still

function tell(text) {
  byId("answer").textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { byId("spoken").textContent = `${text}. ${byId("truth").textContent}`; }, 700);
}

// What the data set says of a sample, beside what the network says.
function truthOf(index, shares) {
  const truth = byId("truth");
  const label = index !== null && samples.labels ? samples.labels[index] - 1 : null;
  const targets = index !== null && samples.targets;
  truth.className = "";
  truth.textContent = "";
  if (label !== null) {
    const right = label === bestOf(shares);
    truth.className = right ? "right" : "wrong";
    truth.textContent = `The data set says: ${page.classes[label]}. ${right ? "✓ Right." : "✗ Wrong."}`;
  } else if (targets) {
    const own = targets.slice(index * page.outputs, (index + 1) * page.outputs);
    truth.textContent = `The data set says: ${own.map((number, i) => short(inUnits(number, i))).join(", ")}`;
  }
}

// Shows what the network makes of its input; `index` says which sample it is, null for none.
function show(input, index) {
  const result = network(input);
  if (!result.every(Number.isFinite)) return showNothing("The network gives no finite number for this");
  if (page.classes) {
    const shares = probabilitiesOf(result);
    truthOf(index, shares);
    tell(showProbabilities(shares));
  } else {
    truthOf(index);
    tell(showNumbers(result));
  }
  byId("result").classList.remove("empty");
}

function showNothing(text) {
  byId("result").classList.add("empty");
  byId("truth").textContent = "";
  for (const { row, fill, value } of rows) {
    row.classList.remove("best");
    if (fill) fill.style.transform = "scaleX(0)";
    value.textContent = "";
  }
  if (page.classes) rows.forEach(({ name }, i) => { name.textContent = page.classes[i]; });
  tell(text);
}

// ---- stepping through the samples ----

let current = -1; // which one was shown last

// `inputOf(index)` is what the network sees of a sample, `open(index)` shows it.
function stepper(inputOf, open) {
  if (!samples) return;
  const step = to => {
    current = (to + samples.count) % samples.count;
    byId("place").textContent = `${current + 1} of ${samples.count}`;
    open(current);
  };
  const isWrong = index => bestOf(Array.from(network(inputOf(index)))) !== samples.labels[index] - 1;
  byId("previous").addEventListener("click", () => step(current - 1));
  byId("next").addEventListener("click", () => step(current + 1));
  byId("mistake")?.addEventListener("click", () => {
    for (let i = 1; i <= samples.count; i++) {
      const index = (current + i) % samples.count;
      if (isWrong(index)) return step(index);
    }
    byId("message").textContent = `The network is right about all ${samples.count} of these.`;
  });
  step(0);
}
]==]
