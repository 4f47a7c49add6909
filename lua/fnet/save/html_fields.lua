--- The fields of a page whose network takes rows of numbers: JavaScript. A text, for the page's script, behind
-- html_answer.lua.

return [==[

// ---- fields for the numbers of a row ----

const units = page.units ?? {};
const shown = (value, i) => units.mean ? value * units.deviation[i] + units.mean[i] : value;
const seen = (value, i) => units.mean ? (value - units.mean[i]) / units.deviation[i] : value;

// Each control has get() and set(value), in what the network sees; one_hot ones speak for several columns.
function numberControl(field, box, id) {
  const input = newElement("input", "", box);
  Object.assign(input, { id, type: "number", step: "any", required: true });
  const [low, high] = [field.low, field.high].map(end => Number(short(shown(end ?? 0, field.at))));
  let slider;
  if (low < high) {
    slider = newElement("input", "", box);
    Object.assign(slider, { type: "range", min: low, max: high, step: (high - low) / 200 });
    slider.setAttribute("aria-label", field.name);
    slider.addEventListener("input", () => { input.value = short(Number(slider.value)); });
    input.addEventListener("input", () => { slider.value = input.value; });
  }
  return {
    get: row => { row[field.at] = seen(input.value === "" ? NaN : Number(input.value), field.at); },
    set: row => {
      input.value = short(shown(row[field.at], field.at));
      if (slider) slider.value = input.value;
    },
  };
}

function choiceControl(field, box, id) {
  const select = newElement("select", "", box);
  select.id = id;
  field.categories.forEach((name, i) => {
    const option = newElement("option", "", select);
    option.textContent = name;
    option.value = i;
  });
  const places = field.categories.map((name, i) => field.at + i);
  return {
    get: row => {
      const chosen = Number(select.value);
      if (field.one_hot) places.forEach((at, i) => { row[at] = seen(i === chosen ? 1 : 0, at); });
      else row[field.at] = chosen + 1; // categories count from 1
    },
    set: row => {
      const chosen = field.one_hot ? bestOf(places.map(at => shown(row[at], at))) : Math.round(row[field.at]) - 1;
      select.value = chosen;
    },
  };
}

const controls = page.fields.map((field, i) => {
  const box = newElement("div", "field", byId("fields")), label = newElement("label", "", box);
  label.textContent = field.name;
  label.htmlFor = `field${i}`;
  return (field.categories ? choiceControl : numberControl)(field, box, label.htmlFor);
});
const width = page.fields.reduce((sum, field) => sum + (field.one_hot ? field.categories.length : 1), 0);

let untouched = null; // the sample that the fields show; rounding them for people would change it
const inputOf = index => normalise(Float32Array.from(sampleAt(index)));

function answer() {
  byId("message").textContent = "";
  if (untouched !== null) return show(inputOf(untouched), untouched);
  const row = new Float32Array(width);
  for (const control of controls) control.get(row);
  if (row.every(Number.isFinite)) show(normalise(row), null);
  else showNothing("Each field takes a number");
}

byId("fields").addEventListener("input", () => {
  untouched = null;
  answer();
});

if (samples) {
  stepper(inputOf, index => {
    for (const control of controls) control.set(sampleAt(index));
    untouched = index;
    answer();
  });
} else {
  const row = new Float32Array(width);
  for (const control of controls) control.set(row);
  answer();
}
]==]
