--- The network of a page: JavaScript that computes what html.lua has exported. A text, for the page's script.
-- Invariant: numbers are stored as float32, and the products of a dense layer or a convolution are added in the
-- order that fnet's kernels have, each sum rounded to float32. JavaScript has no fused multiply-add; but a product
-- of two floats is exact in its doubles, so only a sum that lies just between two floats may be rounded otherwise.
-- Chains of more than 4096 products, which fnet cuts into blocks, are added in double.

return [==[
"use strict";

// ---- the layers: functions of a step, where its result goes, and what it takes ----

// exp, log and the like are those of the browser, in double; what is stored is a float.
const each = formula => (step, y, x) => {
  for (let i = 0; i < x.length; i++) y[i] = formula(x[i], step.value);
};

const logistic = x => 1 / (1 + Math.exp(-x));
const softplus = x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

// x times the share of the normal distribution below x; beyond u = |x| that share is exp(-u * u / 2) t P(t).
const BEYOND = [-0.010418425691522026, 0.069819725763949625, -0.18698331505956664, 0.25560479611883313,
  -0.22007389145660686, 0.15874197122254377, -0.026758848571804203, 0.066272855204263126, 0.059298268976399011,
  0.075469197786170075, 0.083493316775134177, 0.087766955669977775, 0.087767393257089779];

const gelu = x => {
  const above = Math.max(-40, x), held = Math.min(40, above), u = Math.abs(held), t = 1 / (u * 0.22 + 1);
  let series = BEYOND[0];
  for (let k = 1; k < BEYOND.length; k++) series = series * t + BEYOND[k];
  const beyond = series * t * Math.exp(u * u * -0.5);
  return above * (held > 0 ? 1 - beyond : beyond);
};

// The rows of features, the last axis, each through f(row of x, row of y).
const eachRow = f => (step, y, x) => {
  const features = step.shape[step.shape.length - 1];
  for (let at = 0; at < x.length; at += features) {
    f(x.subarray(at, at + features), y.subarray(at, at + features), step);
  }
};

const largest = x => x.reduce((most, value) => Math.max(most, value), -Infinity);

function softmaxRow(x, y) {
  const most = largest(x);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += y[i] = Math.exp(x[i] - most);
  for (let i = 0; i < x.length; i++) y[i] /= sum;
}

function logSoftmaxRow(x, y) {
  const most = largest(x);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i] - most);
  for (let i = 0; i < x.length; i++) y[i] = x[i] - most - Math.log(sum);
}

function batchNormRow(x, y, step) {
  for (let i = 0; i < x.length; i++) y[i] = Math.fround(x[i] * step.factor[i]) + step.shift[i];
}

function layerNormRow(x, y, step) {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const squares = x.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const inverse = 1 / Math.sqrt(squares / x.length + step.epsilon);
  for (let i = 0; i < x.length; i++) {
    y[i] = Math.fround((x[i] - mean) * inverse) * step.weight[i] + step.bias[i];
  }
}

// Sums that begin with the bias; what is added to them is rounded as it is stored.
const newSums = (step, length) => new (length > 4096 ? Float64Array : Float32Array)(step.units);

function begin(sums, bias) {
  if (bias) sums.set(bias);
  else sums.fill(0);
}

function dense(step, y, x) {
  const { units, weight, bias } = step, inputs = weight.length / units;
  const sums = step.sums ??= newSums(step, inputs);
  for (let from = 0, to = 0; from < x.length; from += inputs, to += units) {
    begin(sums, bias);
    for (let k = 0; k < inputs; k++) {
      const value = x[from + k], first = k * units;
      if (value === 0) continue; // as much of a drawing is
      for (let j = 0; j < units; j++) sums[j] += value * weight[first + j];
    }
    y.set(sums, to);
  }
}

function conv2d(step, y, x) {
  const { units, weight, bias, channels, groups, rows, columns } = step;
  const depth = channels / groups, wide = units / groups;
  const sums = step.sums ??= newSums(step, weight.length / units);
  for (let row = 0, to = 0; row < rows.count; row++) {
    for (let column = 0; column < columns.count; column++, to += units) {
      const top = row * rows.stride - rows.before, left = column * columns.stride - columns.before;
      begin(sums, bias);
      for (let i = Math.max(0, -top); i < Math.min(rows.kernel, rows.size - top); i++) {
        for (let k = Math.max(0, -left); k < Math.min(columns.kernel, columns.size - left); k++) {
          const from = ((top + i) * columns.size + left + k) * channels, tap = i * columns.kernel + k;
          for (let c = 0; c < channels; c++) {
            const value = x[from + c];
            if (value === 0) continue;
            const group = Math.floor(c / depth), at = (tap * depth + c - group * depth) * units;
            for (let j = group * wide; j < (group + 1) * wide; j++) sums[j] += value * weight[at + j];
          }
        }
      }
      y.set(sums, to);
    }
  }
}

// The places of a window, each through f(numbers of one channel within the picture, places of the whole window).
const pool = f => (step, y, x) => {
  const { channels, rows, columns } = step, values = [];
  for (let row = 0, to = 0; row < rows.count; row++) {
    for (let column = 0; column < columns.count; column++) {
      const top = row * rows.stride - rows.before, left = column * columns.stride - columns.before;
      for (let c = 0; c < channels; c++) {
        values.length = 0;
        for (let i = Math.max(0, top); i < Math.min(rows.size, top + rows.kernel); i++) {
          for (let k = Math.max(0, left); k < Math.min(columns.size, left + columns.kernel); k++) {
            values.push(x[(i * columns.size + k) * channels + c]);
          }
        }
        y[to++] = f(values, step.whole);
      }
    }
  }
};

const sumOf = values => values.reduce((sum, value) => sum + value, 0);

const layers = {
  ReLU: each(x => x > 0 || Number.isNaN(x) ? x : 0),
  LeakyReLU: each((x, slope) => x > 0 ? x : x * slope),
  ELU: each((x, alpha) => x > 0 ? x : alpha * Math.expm1(x)),
  SELU: each(x => 1.05070102 * (x > 0 ? x : 1.67326319 * Math.expm1(x))),
  Sigmoid: each(logistic),
  SiLU: each(x => Math.max(-200, x) * logistic(x)),
  Tanh: each(Math.tanh),
  Softplus: each(softplus),
  GELU: each(gelu),
  Softmax: eachRow(softmaxRow),
  LogSoftmax: eachRow(logSoftmaxRow),
  BatchNorm: eachRow(batchNormRow),
  LayerNorm: eachRow(layerNormRow),
  Dense: dense,
  Conv2D: conv2d,
  MaxPool2D: pool(largest),
  AvgPool2D: pool((values, whole) => sumOf(values) / (whole || values.length)),
  GlobalAvgPool(step, y, x) {
    const channels = y.length, places = x.length / channels;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let i = c; i < x.length; i += channels) sum += x[i];
      y[c] = sum / places;
    }
  },
  Residual(step, y, x, inner) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] + inner[i];
  },
  Concat(step, y, ...parts) {
    const rows = y.length / step.shape[step.shape.length - 1];
    for (let row = 0, to = 0; row < rows; row++) {
      for (const part of parts) {
        const own = part.length / rows;
        y.set(part.subarray(row * own, (row + 1) * own), to);
        to += own;
      }
    }
  },
};

// ---- a network from its description ----

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// The file has its floats with the lowest byte first, whatever this machine has.
function floatsOf(base64) {
  const view = new DataView(bytesOf(base64).buffer), floats = new Float32Array(view.byteLength / 4);
  for (let i = 0; i < floats.length; i++) floats[i] = view.getFloat32(4 * i, true);
  return floats;
}

// A function of a sample, an array of floats, that gives the result; which is overwritten by the next one.
function networkOf(description) {
  const weights = floatsOf(description.weights);
  const steps = description.steps.map(step => {
    const own = { ...step, y: new Float32Array(step.shape.reduce((a, b) => a * b, 1)) };
    for (const [name, [first, count]] of Object.entries(step.tensors)) {
      own[name] = weights.subarray(first, first + count);
    }
    return own;
  });
  return sample => {
    const values = [sample];
    for (const step of steps) {
      const taken = step.takes.map(value => values[value]);
      if (step.layer) layers[step.layer](step, step.y, ...taken);
      values.push(step.layer ? step.y : taken[0]); // without a layer it is the same numbers in another shape
    }
    return values[description.result];
  };
}
]==]
