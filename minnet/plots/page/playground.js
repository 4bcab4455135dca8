// Runs a trained model in the page. Its weights and settings stand in the element #model; nothing
// is fetched and nothing is sent.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("model").textContent);
  const main = document.getElementById("playground");

  // --- the model -----------------------------------------------------------------------------
  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Float64Array.from(new Float32Array(bytes.buffer));
  }
  for (const step of data.steps) {
    for (const name of ["W", "b", "alpha", "scale", "shift"]) if (name in step) step[name] = unpack(step[name]);
    if (step.W) step.trained = { W: step.W.slice(), b: step.b.slice() };
  }
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const horner = (coefficients, x) => coefficients.reduce((sum, c) => sum * x + c, 0);
  const erf = (x) => {  // within 1.5e-7: Abramowitz and Stegun (1964), 7.1.26
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const tail = t * horner([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592], t);
    return Math.sign(x) * (1 - tail * Math.exp(-x * x));
  };
  const curves = {
    ReLU: (x) => Math.max(x, 0),
    LeakyReLU: (x, slope) => (x > 0 ? x : slope * x),
    ELU: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
    SELU: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
    Softplus: softplus,
    GELU: (x, approximate) => {
      const z = Math.max(-10, Math.min(10, x));
      if (!approximate) return 0.5 * x * (1 + erf(z * Math.SQRT1_2));
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * z * (1 + 0.044715 * z * z)));
    },
    Sigmoid: sigmoid,
    Tanh: Math.tanh,
    SiLU: (x) => x * sigmoid(x),
    Mish: (x) => x * Math.tanh(softplus(x)),
    ReLU6: (x) => Math.min(Math.max(x, 0), 6),
    HardSigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
    HardSiLU: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
    Softsign: (x) => x / (1 + Math.abs(x)),
    Exponential: Math.exp,
  };
  const runs = {
    same: (step, x) => x,
    curve: (step, x) => x.map((number) => curves[step.curve](number, ...step.settings)),
    prelu: (step, x) => x.map((number, i) => (number > 0 ? number : step.alpha[i] * number)),
    affine: (step, x) => x.map((number, i) => step.scale[i] * number + step.shift[i]),
    softmax: (step, x) => {
      const top = Math.max(...x);
      const e = x.map((number) => Math.exp(number - top));
      const total = e.reduce((sum, number) => sum + number, 0);
      return e.map((number) => number / total);
    },
    // y = x W + b, with W row by row: the weights of input i are W[i M … i M + M - 1].
    dense: (step, x) => {
      const y = step.b.slice();
      const M = y.length;
      for (let i = 0; i < step.inputs; i++) {
        if (x[i] === 0) continue;
        for (let j = 0; j < M; j++) y[j] += x[i] * step.W[i * M + j];
      }
      return y;
    },
  };
  // What f gives for each window and channel: it is handed the pixels' places, without the margin.
  function slide(step, f) {
    const [H, W, C] = step.from;
    const [rows, columns, F] = step.to;
    const y = new Float64Array(rows * columns * F);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const places = [];
        for (let u = 0; u < step.size[0]; u++)
          for (let v = 0; v < step.size[1]; v++) {
            const [p, q] = [i * step.strides[0] + u - step.margins[0], j * step.strides[1] + v - step.margins[1]];
            if (p >= 0 && p < H && q >= 0 && q < W) places.push([(p * W + q) * C, (u * step.size[1] + v) * C]);
          }
        f(places, y.subarray((i * columns + j) * F, (i * columns + j + 1) * F));
      }
    return y;
  }
  // y = b + Σ x W over the rows, columns and channels of the window: W lies as (h, w, C, F).
  runs.conv = (step, x) => slide(step, (places, y) => {
    const [C, F] = [step.from[2], y.length];
    y.set(step.b);
    for (const [pixel, weight] of places)
      for (let c = 0; c < C; c++) {
        const number = x[pixel + c];
        if (number === 0) continue;
        const row = (weight + c) * F;
        for (let f = 0; f < F; f++) y[f] += number * step.W[row + f];
      }
  });
  runs.max_pool = (step, x) => slide(step, (places, y) => y.forEach((_, c) => (y[c] = Math.max(...places.map(([pixel]) => x[pixel + c])))));
  runs.mean_pool = (step, x) => slide(step, (places, y) => y.forEach((_, c) => (y[c] = places.reduce((sum, [pixel]) => sum + x[pixel + c], 0) / places.length)));
  runs.channel_mean = (step, x) => {
    const C = step.channels;
    const y = new Float64Array(C);
    x.forEach((number, k) => (y[k % C] += number / (x.length / C)));
    return y;
  };
  const channels = new Map(); // of steps whose output is shown as maps
  for (const layer of data.layers) if (layer.maps) channels.set(layer.step, layer.maps[2]);
  const off = new Set(); // "step:unit", or "step:channel" of maps
  function forward(x) {
    const outputs = [Float64Array.from(x)];
    data.steps.forEach((step, s) => {
      let y = runs[step.kind](step, outputs[s]);
      const C = channels.get(s) || y.length;
      if (off.size) y = y.map((number, j) => (off.has(`${s}:${j % C}`) ? 0 : number));
      outputs.push(y);
    });
    return outputs;
  }

  // --- a drawing, brought to 8×8 numbers as minnet.pretrained.mnist_8x8.preprocess does --------
  function stretch(size, to) {
    const rows = [];
    for (let k = 0; k < to; k++) {
      const at = Math.min(Math.max(((k + 0.5) * size) / to - 0.5, 0), size - 1);
      const low = Math.min(Math.floor(at), Math.max(0, size - 2));
      const share = at - low;
      if (size === 1) rows.push([[0, 1]]);
      else rows.push([[low, Math.fround(1 - share)], [low + 1, Math.fround(share)]]);
    }
    return rows;
  }
  // Rounded to float32 after every term, as NumPy multiplies the two matrices.
  const weighted = (terms, value) => terms.reduce((sum, [k, w]) => Math.fround(sum + w * value(k)), 0);
  function roundHalfEven(number) {
    const below = Math.floor(number);
    if (number - below !== 0.5) return Math.round(number);
    return below % 2 === 0 ? below : below + 1;
  }
  function preprocess(ink, side) {
    let [top, bottom, first, last] = [side, -1, side, -1];
    for (let r = 0; r < side; r++)
      for (let c = 0; c < side; c++)
        if (ink[r * side + c]) [top, bottom, first, last] = [Math.min(top, r), Math.max(bottom, r), Math.min(first, c), Math.max(last, c)];
    const small = new Float64Array(64);
    if (bottom < 0) return small;
    const [height, width] = [bottom - top + 1, last - first + 1];
    const wide = Math.max(4, Math.min(32, roundHalfEven((32 * width) / height)));
    const left = Math.floor((32 - wide) / 2);
    const down = stretch(height, 32);
    const across = stretch(width, wide);
    for (let r = 0; r < 32; r++) {
      const row = Array.from({ length: width }, (_, c) => weighted(down[r], (k) => (ink[(top + k) * side + first + c] ? 1 : 0)));
      for (let c = 0; c < wide; c++)
        if (weighted(across[c], (k) => row[k]) > 0.5) small[(r >> 2) * 8 + ((left + c) >> 2)] += 1 / 16;
    }
    return small;
  }

  // --- the page ------------------------------------------------------------------------------
  function element(tag, parent, name = "", text = "", attributes = {}) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  }
  function button(parent, text, act) {
    const made = element("button", parent, "", text, { type: "button" });
    made.addEventListener("click", act);
    return made;
  }
  const show = (number) => (number === 0 ? "0" : Math.abs(number) >= 1e-3 && Math.abs(number) < 1e5 ? number.toFixed(4) : number.toExponential(2));
  const columns = element("div", main, "columns");
  const inputs = element("section", columns, "inputs");
  const answers = element("section", columns, "says");
  const layers = element("section", columns, "layers");
  const panel = element("section", columns, "panel");
  element("h2", inputs, "", "Input");
  element("h2", layers, "", "Layers");
  element("h2", answers, "", data.classes.length > 1 ? "What it says" : "Output");
  const bars = element("div", answers, "answers", "", { role: "status" });

  let x = new Float64Array(data.size);
  let outputs = forward(x);
  let chosen = null; // { layer, unit }

  // Units: the stronger, the fuller; a minus sign where negative.
  const groups = data.layers.map((layer, g) => {
    const block = element("div", layers);
    const [H, W, C] = layer.maps || [1, 1, 0];
    const width = C || outputs[layer.step + 1].length;
    const word = C ? "map" : "unit";
    element("p", block, "", `${layer.name}: ${width} ${word}${width === 1 ? "" : "s"}${C ? ` of ${H}×${W}` : ""}`);
    const units = element("div", block, "units", "", { role: "group", "aria-label": layer.name });
    const made = Array.from({ length: width }, (_, j) => {
      const unit = element("button", units, C ? "unit map" : "unit", "", { type: "button", tabindex: j ? "-1" : "0" });
      if (C) element("canvas", unit, "", "", { width: W, height: H });
      unit.addEventListener("click", () => choose(g, j));
      return unit;
    });
    units.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const to = by && made[made.indexOf(event.target) + by];
      if (!to) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    });
    return made;
  });

  // A map: the stronger, the fuller; one colour for positive numbers and one for negative ones.
  const parts = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
  const [above, below] = [parts(data.colours[0]), parts(data.colours[1])];
  function paintMap(canvas, map, most) {
    const brush = canvas.getContext("2d");
    const image = brush.createImageData(canvas.width, canvas.height);
    map.forEach((number, k) => image.data.set([...(number < 0 ? below : above), 255 * Math.abs(number) / most], 4 * k));
    brush.putImageData(image, 0, 0);
  }

  function update() {
    outputs = forward(x);
    data.layers.forEach((layer, g) => {
      const values = outputs[layer.step + 1];
      const most = Math.max(...values.map(Math.abs), 1e-12);
      groups[g].forEach((unit, j) => {
        const isOff = off.has(`${layer.step}:${j}`);
        unit.classList.toggle("off", isOff);
        unit.classList.toggle("chosen", Boolean(chosen) && chosen.layer === g && chosen.unit === j);
        if (layer.maps) {
          const map = values.filter((_, k) => k % layer.maps[2] === j);
          paintMap(unit.firstChild, map, most);
          unit.title = `${layer.name}, map ${j}: from ${show(Math.min(...map))} to ${show(Math.max(...map))}${isOff ? ", switched off" : ""}`;
          unit.setAttribute("aria-label", unit.title);
          return;
        }
        const share = Math.round((Math.abs(values[j]) / most) * 100);
        unit.style.background = `color-mix(in srgb, ${values[j] < 0 ? "currentColor" : "var(--accent)"} ${share * (values[j] < 0 ? 0.35 : 1)}%, transparent)`;
        unit.textContent = values[j] < 0 ? "−" : "";
        unit.title = `${layer.name}[${j}] = ${show(values[j])}${isOff ? ", switched off" : ""}`;
        unit.setAttribute("aria-label", unit.title);
      });
    });
    const last = outputs[outputs.length - 1];
    const most = Math.max(...last.map(Math.abs), 1e-12);
    const probabilities = last.every((number) => number >= 0 && number <= 1);
    const top = last.indexOf(Math.max(...last));
    bars.replaceChildren();
    last.forEach((number, k) => {
      const kind = k === top && last.length > 1 ? "top" : "";
      element("span", bars, kind, data.classes[k]);
      const bar = element("div", element("div", bars), "bar");
      bar.style.width = `${(Math.abs(number) / (probabilities ? 1 : most)) * 100}%`;
      element("span", bars, `number ${kind}`, show(number));
    });
    redraw();
    numbers();
  }

  // --- one unit ------------------------------------------------------------------------------
  const MOST = 16; // weights that are listed: those that contribute most
  let refresh = () => {};
  const numbers = () => refresh();
  function choose(layer, unit) {
    chosen = { layer, unit };
    fill();
    update();
  }
  // The step with the weights that make this unit or map, if all between keep units apart.
  function weightsOf(step, isMap) {
    for (let s = step; s >= 0; s--) {
      const kind = data.steps[s].kind;
      if (kind === "dense" || kind === "conv") return (kind === "conv") === isMap ? s : -1;
      if (kind.includes("pool") || kind === "channel_mean" || (kind === "softmax" && s !== step)) return -1;
    }
    return -1;
  }
  function fill() {
    panel.replaceChildren();
    const layer = data.layers[chosen.layer];
    const j = chosen.unit;
    element("h2", panel, "", `${layer.name}, ${layer.maps ? "map" : "unit"} ${j}`);
    const value = element("p", panel, "number");
    value.style.textAlign = "left";
    const row = element("div", panel, "row");
    const key = `${layer.step}:${j}`;
    const toggle = button(row, off.has(key) ? "Switch on" : "Switch off", () => {
      if (off.has(key)) off.delete(key);
      else off.add(key);
      toggle.textContent = off.has(key) ? "Switch on" : "Switch off";
      update();
    });
    const s = weightsOf(layer.step, Boolean(layer.maps));
    refresh = () => {
      const values = outputs[layer.step + 1];
      const own = layer.maps ? values.filter((_, k) => k % layer.maps[2] === j) : [values[j]];
      value.textContent = layer.maps ? `from ${show(Math.min(...own))} to ${show(Math.max(...own))}` : `output ${show(own[0])}`;
    };
    if (s < 0) return refresh();
    const step = data.steps[s];
    const M = step.b.length;
    button(row, "Its weights as trained", () => {
      for (let i = 0; i < step.inputs; i++) step.W[i * M + j] = step.trained.W[i * M + j];
      step.b[j] = step.trained.b[j];
      fill();
      update();
    });
    const filter = step.kind === "conv"; // its weights meet all pixels, so the largest count most
    const weigh = (i) => Math.abs(step.W[i * M + j]) * (filter ? 1 : Math.abs(outputs[s][i]) + 1e-6);
    const order = Array.from({ length: step.inputs }, (_, i) => i).sort((a, b) => weigh(b) - weigh(a)).slice(0, MOST);
    const note = step.inputs > MOST ? `The ${MOST} of ${step.inputs} weights that count most here; drag them.` : "Drag a weight.";
    element("p", panel, "note", note);
    const list = element("div", panel, "weights");
    const size = Math.max(1, ...order.map((i) => Math.abs(step.W[i * M + j]))) * 2;
    const slider = (label, get, set) => {
      const id = `w${list.children.length}`;
      element("label", list, "number", label, { for: id });
      const range = element("input", list, "", "", { type: "range", id, min: -size, max: size, step: "any" });
      const shown = element("span", list, "number", show(get()));
      range.value = get();
      range.addEventListener("input", () => {
        set(Number(range.value));
        shown.textContent = show(get());
        update();
      });
    };
    slider(`b[${j}]`, () => step.b[j], (v) => (step.b[j] = v));
    const index = (i) => (filter ? [Math.floor(i / step.from[2] / step.size[1]), Math.floor(i / step.from[2]) % step.size[1], i % step.from[2]].join(", ") : i);
    for (const i of order) slider(`W[${index(i)}, ${j}]`, () => step.W[i * M + j], (v) => (step.W[i * M + j] = v));
    refresh();
  }

  // --- the input: a plane, a sheet, or sliders --------------------------------------------------
  let redraw = () => {};
  const samples = unpack(data.samples);
  const count = samples.length / data.size;
  function setInput(values) {
    x = Float64Array.from(values);
    if (chosen) fill();
    update();
  }
  const ink = () => getComputedStyle(document.body).color;

  function plane() {
    const canvas = element("canvas", inputs, "", "", { width: 320, height: 320, tabindex: "0", role: "application", "aria-label": "Plane of the two inputs: arrow keys move the point" });
    const place = element("p", inputs, "number");
    place.style.textAlign = "left";
    element("p", inputs, "note", "Click or drag to move the point, or use the arrow keys.");
    const [low, high] = [data.low, data.high];
    const pixel = (point) => [((point[0] - low[0]) / (high[0] - low[0])) * 320, 320 - ((point[1] - low[1]) / (high[1] - low[1])) * 320];
    const CELLS = data.steps.reduce((sum, step) => sum + (step.W ? step.W.length : 0), 0) > 5000 ? 32 : 64;
    const cell = 320 / CELLS;
    redraw = () => {
      const brush = canvas.getContext("2d");
      brush.clearRect(0, 0, 320, 320);
      const grid = [];
      for (let r = 0; r < CELLS; r++)
        for (let c = 0; c < CELLS; c++) {
          const at = [low[0] + ((c + 0.5) / CELLS) * (high[0] - low[0]), high[1] - ((r + 0.5) / CELLS) * (high[1] - low[1])];
          const outputs = forward(at);
          grid.push(outputs[outputs.length - 1]);
        }
      const single = grid[0].length === 1;
      const [least, most] = [Math.min(...grid.map((y) => y[0])), Math.max(...grid.map((y) => y[0]))];
      grid.forEach((y, k) => {
        const best = single ? 0 : y.indexOf(Math.max(...y));
        const probability = data.steps[data.steps.length - 1].curve === "Sigmoid";
        brush.globalAlpha = single ? 0.6 * (probability ? y[0] : (y[0] - least) / (most - least || 1)) : 0.15 + 0.35 * Math.min(1, Math.max(0, y[best]));
        brush.fillStyle = data.colours[best % data.colours.length];
        brush.fillRect((k % CELLS) * cell, Math.floor(k / CELLS) * cell, cell, cell);
      });
      brush.globalAlpha = 1;
      for (let n = 0; n < count; n++) {
        const [a, b] = pixel(samples.subarray(2 * n, 2 * n + 2));
        brush.beginPath();
        brush.arc(a, b, 3, 0, 7);
        brush.strokeStyle = ink();
        brush.fillStyle = data.labels.length ? (single ? (data.labels[n] ? data.colours[0] : "transparent") : data.colours[data.labels[n] % data.colours.length]) : "transparent";
        brush.fill();
        brush.stroke();
      }
      const [a, b] = pixel(x);
      brush.lineWidth = 3;
      brush.strokeStyle = ink();
      brush.beginPath();
      brush.arc(a, b, 8, 0, 7);
      brush.stroke();
      brush.lineWidth = 1;
      place.textContent = `x = (${show(x[0])}, ${show(x[1])})`;
    };
    const move = (event) => {
      const box = canvas.getBoundingClientRect();
      setInput([low[0] + ((event.clientX - box.left) / box.width) * (high[0] - low[0]), high[1] - ((event.clientY - box.top) / box.height) * (high[1] - low[1])]);
    };
    dragging(canvas, move);
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!by) return;
      event.preventDefault();
      setInput(by.map((sign, k) => x[k] + (sign * (high[k] - low[k])) / 50));
    });
    setInput(low.map((least, k) => (least + high[k]) / 2));
  }
  function dragging(canvas, act) {
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      act(event, true);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && act(event, false));
  }

  // A sheet of cells; a brush of this radius, in cells. `toInput` makes the model's input of it.
  function sheet(cells, radius, toInput, note) {
    const paper = new Float64Array(cells * cells);
    const canvas = element("canvas", inputs, "", "", { width: cells, height: cells, tabindex: "0", role: "application", "aria-label": "Sheet: draw with the pointer; or arrow keys move a pen, space draws" });
    element("p", inputs, "note", note);
    const row = element("div", inputs, "row");
    button(row, "Clear", () => {
      paper.fill(0);
      setInput(toInput(paper));
    });
    const small = data.input === "image" ? null : element("canvas", inputs, "small", "", { width: data.side, height: data.side, role: "img", "aria-label": "The model's input" });
    if (small) element("p", inputs, "note", "What reaches the model: 8×8 numbers.");
    if (count) {
      let n = -1;
      button(row, "Next sample", () => {
        n = (n + 1) % count;
        paper.fill(0);
        setInput(samples.slice(n * data.size, (n + 1) * data.size));
        if (!small) paper.set(x.map((number) => number / data.high[0]));
      });
    }
    const [pen, before] = [[cells / 2, cells / 2], [0, 0]];
    const paint = (canvas, values, width) => {
      const brush = canvas.getContext("2d");
      const image = brush.createImageData(width, width);
      const [r, g, b] = ink().match(/\d+/g).map(Number);
      values.forEach((number, k) => image.data.set([r, g, b, 255 * Math.min(1, Math.max(0, number))], 4 * k));
      brush.putImageData(image, 0, 0);
    };
    redraw = () => {
      paint(canvas, small ? paper : x.map((number) => number / data.high[0]), cells);
      if (small) paint(small, x, data.side);
    };
    function dab(a, b) {
      for (let r = Math.max(0, Math.floor(b - radius - 1)); r <= Math.min(cells - 1, b + radius + 1); r++)
        for (let c = Math.max(0, Math.floor(a - radius - 1)); c <= Math.min(cells - 1, a + radius + 1); c++) {
          const away = Math.hypot(c + 0.5 - a, r + 0.5 - b);
          const dark = Math.min(1, Math.max(0, radius + 0.5 - away));
          paper[r * cells + c] = Math.max(paper[r * cells + c], dark);
        }
    }
    function line(a, b) {
      const length = Math.max(1, Math.ceil(Math.hypot(a - before[0], b - before[1]) * 2));
      for (let k = 1; k <= length; k++) dab(before[0] + ((a - before[0]) * k) / length, before[1] + ((b - before[1]) * k) / length);
      [before[0], before[1]] = [a, b];
      setInput(toInput(paper));
    }
    dragging(canvas, (event, first) => {
      const box = canvas.getBoundingClientRect();
      const at = [((event.clientX - box.left) / box.width) * cells, ((event.clientY - box.top) / box.height) * cells];
      if (first) [before[0], before[1]] = at;
      line(...at);
    });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by && event.key !== " ") return;
      event.preventDefault();
      if (by) [0, 1].forEach((k) => (pen[k] = Math.max(0, Math.min(cells, pen[k] + by[k] * radius))));
      [before[0], before[1]] = pen;
      if (event.key === " " || event.shiftKey) line(...pen);
    });
    page.draw = (marks) => {
      paper.set(marks);
      setInput(toInput(paper));
    };
    update();
  }
  function sliders() {
    const list = element("div", inputs, "sliders");
    const made = Array.from({ length: data.size }, (_, i) => {
      element("label", list, "number", `x[${i}]`, { for: `x${i}` });
      const range = element("input", list, "", "", { type: "range", id: `x${i}`, min: data.low[i], max: data.high[i], step: "any" });
      const shown = element("span", list, "number");
      range.addEventListener("input", () => setInput(made.map(([other]) => Number(other.value))));
      return [range, shown];
    });
    redraw = () => made.forEach(([range, shown], i) => {
      range.value = x[i];
      shown.textContent = show(x[i]);
    });
    if (count) {
      let n = -1;
      button(element("div", inputs, "row"), "Next sample", () => {
        n = (n + 1) % count;
        setInput(samples.slice(n * data.size, (n + 1) * data.size));
      });
    }
    setInput(data.low.map((low, i) => (low + data.high[i]) / 2));
  }

  button(element("div", layers, "row"), "All as trained", () => {
    off.clear();
    for (const step of data.steps) if (step.trained) [step.W, step.b] = [step.trained.W.slice(), step.trained.b.slice()];
    if (chosen) fill();
    update();
  });
  element("p", layers, "note", "The fuller a unit, the larger its output in its layer; − marks negative ones. Choose one to see the weights that lead to it."
    + (channels.size ? " A map is an image of one filter's outputs: blue is positive, orange negative." : ""));

  // For those who look at the numbers from the console.
  const page = { forward, preprocess, input: () => [...x], outputs: () => outputs.map((y) => [...y]), setInput };
  window.playground = page;
  if (data.input === "plane") plane();
  else if (data.input === "sliders") sliders();
  else if (data.input === "image") sheet(data.side, Math.max(0.6, data.side / 28), (paper) => paper.map((number) => number * data.high[0]), `Draw: the sheet is the model's input, ${data.side}×${data.side} numbers from 0 to ${show(data.high[0])}.`);
  else sheet(96, 4, (paper) => preprocess(paper.map((number) => (number > 100 / 255 ? 1 : 0)), 96), "Draw a digit, large.");
})();
