--- The drawing of a page whose network takes pictures: JavaScript. A text, for the page's script, behind
-- html_answer.lua.
-- Invariant: the picture lies in an array, never read back from a canvas, which browsers that protect their users
-- may answer with noise; only a file's picture has to come that way.

return [==[

// ---- the pad: bytes, finer than what the network sees ----

const { height, width, channels } = page.picture;
const fine = Math.max(1, Math.round(280 / Math.max(height, width))); // its points to one of the network's
const padHeight = height * fine, padWidth = width * fine;
const ground = page.light ? 255 : 0;
const pad = new Float32Array(padHeight * padWidth * channels);
const canvas = byId("pad"), context = canvas.getContext("2d");
const seenCanvas = byId("seen"), seenContext = seenCanvas.getContext("2d");
const GREY = [0.299, 0.587, 0.114]; // of red, green and blue (ITU-R BT.601)

let untouched = null; // the sample that lies on the pad
let isEmpty = true; // nothing is on it
let isDrawing = true; // what is on it began as no sample, so it may be moved to the middle
let cursor = null; // where the keys have moved the brush
let penDown = false;

Object.assign(canvas, { width: padWidth, height: padHeight });
Object.assign(seenCanvas, { width, height });
canvas.style.aspectRatio = seenCanvas.style.aspectRatio = `${width} / ${height}`;
canvas.style.maxWidth = `calc(80vh * ${width / height})`; // a high picture fits into the window
seenCanvas.style.maxWidth = `calc(11rem * ${width / height})`;

function paint(context, values, wide, high) {
  const image = context.createImageData(wide, high);
  for (let i = 0; i < wide * high; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = values[i * channels + c % channels];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// ---- from the pad to the network ----

// A part of the pad in another size, averaged over areas: top, left, bottom and right in points.
function resize(part, high, wide) {
  const result = new Float32Array(high * wide * channels);
  const y = (part.bottom - part.top) / high, x = (part.right - part.left) / wide;
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      const top = part.top + row * y, left = part.left + column * x, at = (row * wide + column) * channels;
      const sums = new Array(channels).fill(0);
      for (let i = Math.floor(top); i < top + y; i++) {
        const share = Math.min(i + 1, top + y) - Math.max(i, top);
        for (let k = Math.floor(left); k < left + x; k++) {
          const area = share * (Math.min(k + 1, left + x) - Math.max(k, left));
          const from = (Math.min(i, padHeight - 1) * padWidth + Math.min(k, padWidth - 1)) * channels;
          for (let c = 0; c < channels; c++) sums[c] += area * pad[from + c];
        }
      }
      for (let c = 0; c < channels; c++) result[at + c] = sums[c] / (y * x);
    }
  }
  return result;
}

// The rectangle that holds what differs from the ground; null where nothing does.
function extentOf(values, high, wide) {
  let top = high, left = wide, bottom = 0, right = 0;
  for (let i = 0; i < high; i++) {
    for (let k = 0; k < wide; k++) {
      if (Math.abs(values[i * wide + k] - ground) < 51) continue;
      top = Math.min(top, i);
      bottom = Math.max(bottom, i + 1);
      left = Math.min(left, k);
      right = Math.max(right, k + 1);
    }
  }
  return top < bottom ? { top, left, bottom, right } : null;
}

// How much of a picture the longer side of its thing fills, on the average of the samples.
function usualFill() {
  let sum = 0, number = 0;
  for (let i = 0; samples && i < samples.count; i++) {
    const extent = extentOf(bytesOfSample(i), height, width);
    if (!extent) continue;
    sum += Math.max((extent.bottom - extent.top) / height, (extent.right - extent.left) / width);
    number++;
  }
  return number > 0 ? sum / number : 1;
}

// The drawing as the samples are: in the middle, as large as theirs.
function centred() {
  const extent = extentOf(pad, padHeight, padWidth);
  const result = new Float32Array(height * width).fill(ground);
  if (!extent) return result;
  const own = Math.max((extent.bottom - extent.top) / padHeight, (extent.right - extent.left) / padWidth);
  const size = (length, most) => Math.max(1, Math.min(most, Math.round(length / fine * fill / own)));
  const high = size(extent.bottom - extent.top, height), wide = size(extent.right - extent.left, width);
  const part = resize(extent, high, wide), top = (height - high) >> 1, left = (width - wide) >> 1;
  for (let i = 0; i < high; i++) {
    result.set(part.subarray(i * wide, (i + 1) * wide), (top + i) * width + left);
  }
  return result;
}

function bytesOfPad() {
  if (isDrawing && byId("centre")?.checked) return centred();
  return resize({ top: 0, left: 0, bottom: padHeight, right: padWidth }, height, width);
}

// Bytes as the network sees them.
const [dark, bright] = page.levels, scale = Math.fround((bright - dark) / 255);
const levelsOf = bytes => normalise(Float32Array.from(bytes, byte => dark + Math.fround(byte * scale)));

function bytesOfSample(index) {
  const values = sampleAt(index);
  if (samples.type === "uint8") return values;
  return Float32Array.from(values, value => (value - dark) / (bright - dark) * 255);
}

function inputOf(index) {
  const values = sampleAt(index);
  return samples.type === "uint8" ? levelsOf(values) : normalise(Float32Array.from(values));
}

const fill = channels === 1 ? usualFill() : 1;

// ---- showing it ----

let isPlanned = false;

// Before the next frame, once for all that happens until then.
function refresh() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => {
    isPlanned = false;
    draw();
  });
}

function draw() {
  paint(context, pad, padWidth, padHeight);
  if (cursor) {
    for (const [colour, size] of [["#000", 3], ["#fff", 1]]) {
      context.beginPath();
      context.arc(cursor.x, cursor.y, Math.max(3, radius()), 0, 2 * Math.PI);
      Object.assign(context, { strokeStyle: colour, lineWidth: size });
      context.stroke();
    }
  }
  byId("hint").hidden = !isEmpty;
  const bytes = untouched === null ? bytesOfPad() : bytesOfSample(untouched);
  paint(seenContext, bytes, width, height);
  if (isEmpty) showNothing("Draw something");
  else show(untouched === null ? levelsOf(bytes) : inputOf(untouched), untouched);
}

// ---- drawing ----

const radius = () => Number(byId("brush").value) * fine;

function shade() {
  const input = byId("shade");
  if (channels === 1) return [page.light ? 255 - input.value : Number(input.value)];
  return [1, 3, 5].map(i => parseInt(input.value.slice(i, i + 2), 16));
}

function changed() {
  untouched = null;
  isEmpty = false;
  byId("message").textContent = "";
  refresh();
}

// A line of round ends, smooth at its edge.
function line(from, to) {
  const size = radius(), colour = shade(), dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
  const first = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - size - 1));
  const last = (a, b, most) => Math.min(most, Math.ceil(Math.max(a, b) + size + 1));
  for (let y = first(from.y, to.y); y < last(from.y, to.y, padHeight); y++) {
    for (let x = first(from.x, to.x); x < last(from.x, to.x, padWidth); x++) {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      const along = square > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / square)) : 0;
      const share = Math.min(1, Math.max(0, size + 0.5 - Math.hypot(px - along * dx, py - along * dy)));
      const at = (y * padWidth + x) * channels;
      if (share > 0) for (let c = 0; c < channels; c++) pad[at + c] += share * (colour[c] - pad[at + c]);
    }
  }
  changed();
}

function clear() {
  pad.fill(ground);
  [untouched, isEmpty, isDrawing, penDown] = [null, true, true, false];
  byId("message").textContent = "";
  refresh();
}

function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  return { x: x * padWidth, y: y * padHeight };
}

let last = null; // where the pointer was; of several fingers the first one draws

canvas.addEventListener("pointerdown", event => {
  if (event.button !== 0 || !event.isPrimary) return;
  canvas.setPointerCapture(event.pointerId);
  cursor = null;
  last = placeOf(event);
  line(last, last);
});
canvas.addEventListener("pointermove", event => {
  if (!last || !event.isPrimary) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const step of events.length > 0 ? events : [event]) {
    const place = placeOf(step);
    line(last, place);
    last = place;
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, event => { if (event.isPrimary) last = null; });
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener("keydown", event => {
  const way = WAYS[event.key];
  if (!way && event.key !== " ") return;
  event.preventDefault();
  const from = cursor ?? { x: padWidth / 2, y: padHeight / 2 };
  cursor = from;
  if (way) {
    cursor = { x: Math.min(padWidth, Math.max(0, from.x + way[0] * fine)),
      y: Math.min(padHeight, Math.max(0, from.y + way[1] * fine)) };
  } else {
    penDown = !penDown;
  }
  if (penDown) line(from, cursor);
  refresh();
});
canvas.addEventListener("blur", () => {
  [cursor, penDown] = [null, false];
  refresh();
});

// ---- pictures from files ----

// Light things on a dark ground, or as the samples are; the ground and the brightest point as far apart as can be.
function likeSamples(box) {
  const border = [], wide = padWidth;
  for (let x = box.left; x < box.right; x++) border.push(pad[box.top * wide + x], pad[(box.bottom - 1) * wide + x]);
  for (let y = box.top; y < box.bottom; y++) border.push(pad[y * wide + box.left], pad[y * wide + box.right - 1]);
  let paper = sumOf(border) / border.length, most = 0;
  const isInverted = paper > 127.5;
  if (isInverted) paper = 255 - paper;
  const level = value => Math.max(0, (isInverted ? 255 - value : value) - paper);
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) most = Math.max(most, level(pad[y * wide + x]));
  }
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const value = most < 13 ? 0 : level(pad[y * wide + x]) / most * 255;
      pad[y * wide + x] = page.light ? 255 - value : value;
    }
  }
}

async function openFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    byId("message").textContent = "This file is no picture that the browser can read.";
    return;
  }
  // Grey pictures keep their form, with the ground beside them; coloured ones fill the pad, as in training.
  const ratio = Math.min(padWidth / bitmap.width, padHeight / bitmap.height);
  const wide = channels === 3 ? padWidth : Math.max(1, Math.round(bitmap.width * ratio));
  const high = channels === 3 ? padHeight : Math.max(1, Math.round(bitmap.height * ratio));
  const left = (padWidth - wide) >> 1, top = (padHeight - high) >> 1;
  const paper = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  Object.assign(paper.canvas, { width: wide, height: high });
  Object.assign(paper, { fillStyle: "#fff", imageSmoothingQuality: "high" });
  paper.fillRect(0, 0, wide, high);
  paper.drawImage(bitmap, 0, 0, wide, high);
  const { data } = paper.getImageData(0, 0, wide, high);
  clear();
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const from = 4 * (y * wide + x), at = ((top + y) * padWidth + left + x) * channels;
      if (channels === 3) pad.set(data.subarray(from, from + 3), at);
      else pad[at] = GREY[0] * data[from] + GREY[1] * data[from + 1] + GREY[2] * data[from + 2];
    }
  }
  if (channels === 1) likeSamples({ top, left, bottom: top + high, right: left + wide });
  changed();
}

byId("file").addEventListener("change", event => {
  if (event.target.files[0]) openFile(event.target.files[0]);
  event.target.value = ""; // so that the same file may be chosen again
});
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) openFile(event.dataTransfer.files[0]);
});
addEventListener("paste", event => {
  if (event.clipboardData.files[0]) openFile(event.clipboardData.files[0]);
});

// ---- samples on the pad ----

function openSample(index) {
  const bytes = bytesOfSample(index);
  for (let y = 0; y < padHeight; y++) {
    for (let x = 0; x < padWidth; x++) {
      const from = (Math.floor(y / fine) * width + Math.floor(x / fine)) * channels;
      for (let c = 0; c < channels; c++) pad[(y * padWidth + x) * channels + c] = bytes[from + c];
    }
  }
  [untouched, isEmpty, isDrawing] = [index, false, false];
  byId("message").textContent = "";
  refresh();
}

byId("clear").addEventListener("click", clear);
byId("centre")?.addEventListener("change", refresh);
clear();
stepper(inputOf, openSample);
]==]
