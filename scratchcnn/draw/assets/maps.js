// Numbers as colours: blue above zero, orange below, and the maps of a layer as a grid of small pictures.

export function bytesOf(base64, signed) {
  const text = atob(base64);
  const bytes = signed ? new Int8Array(text.length) : new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

let table = null; // the colour of each signed byte
addEventListener("theme", () => (table = null));

// The colours of -127 to 127, at value + 127: from zero through the hue to its far end.
export function palette() {
  if (table) return table;
  const zero = colour("zero");
  table = [];
  for (let value = -127; value <= 127; value++) {
    const side = value < 0 ? "negative" : "positive";
    const [near, far] = [colour(side), colour(`${side}-far`)];
    const t = Math.abs(value / 127) ** 0.8;
    table.push(zero.map((z, i) => Math.round(t < 0.6 ? z + ((near[i] - z) * t) / 0.6 : near[i] + ((far[i] - near[i]) * (t - 0.6)) / 0.4)));
  }
  return table;
}

// The same as numbers of 32 bits, as a canvas keeps them; the page runs on machines that put the low byte first.
function packedPalette() {
  return Uint32Array.from(palette(), ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);
}

// The background and the text colour of a table's cell.
export function cellColours(value, peak) {
  const step = peak > 0 ? Math.round((127 * (value ?? 0)) / peak) : 0;
  const [r, g, b] = palette()[Math.max(-127, Math.min(127, step)) + 127];
  const linear = [r, g, b].map((part) => (part / 255) ** 2.2);
  const isLight = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18; // where black reads as well as white
  return { background: `rgb(${r}, ${g}, ${b})`, color: isLight ? "#10161d" : "#ffffff" };
}

// Ink on paper, one canvas pixel for each pixel.
export function paintInk(canvas, bytes, rows, columns) {
  const [paper, ink] = [colour("paper"), colour("ink")];
  paintWith(canvas, rows, columns, (i) => paper.map((p, c) => p + ((ink[c] - p) * bytes[i]) / 255));
}

export function paintSigned(canvas, bytes, rows, columns) {
  const colours = palette();
  paintWith(canvas, rows, columns, (i) => colours[bytes[i] + 127]);
}

function paintWith(canvas, rows, columns, colourOf) {
  Object.assign(canvas, { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    image.data.set(colourOf(i), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// All maps of one layer on one canvas. onPick({row, column, channel}) is called for a pixel that was pressed.
export class MapGrid {
  constructor(canvas, shape, onPick, size = null) {
    this.canvas = canvas;
    [this.rows, this.columns, this.channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
    const wanted = this.columns >= 20 ? 56 : this.columns >= 9 ? 48 : this.columns > 1 ? 36 : 20;
    this.zoom = Math.max(1, Math.round(wanted / this.columns)); // CSS pixels for a pixel of a map
    if (this.channels === 1 && this.columns > 1) this.zoom = Math.max(1, Math.round(112 / this.columns));
    if (size) this.zoom = Math.max(1, Math.floor(size / Math.max(this.rows, this.columns)));
    this.gap = this.columns > 1 ? 4 : 2;
    this.at = null; // the pixel that keys are on, {row, column, channel}
    this.picked = null; // the pixel that is explained
    this.region = null; // what a later layer looks at
    this.isNumbered = false; // whether each map has its number
    this.onPick = onPick;
    new ResizeObserver(() => this.paint()).observe(canvas.parentElement);
    addEventListener("theme", () => this.paint());
    canvas.addEventListener("click", (event) => {
      const place = this.placeAt(event.offsetX, event.offsetY);
      if (place) this.pick(place);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => {
      this.at ??= this.picked ?? { row: this.rows >> 1, column: this.columns >> 1, channel: 0 };
      this.paint();
    });
    canvas.addEventListener("blur", () => this.paint());
  }

  show(bytes) {
    this.bytes = bytes;
    this.paint();
  }

  pick(place) {
    this.at = this.picked = place;
    this.paint();
    this.onPick(place);
  }

  mark(picked, region) {
    this.picked = picked;
    this.region = region;
    this.paint();
  }

  get pitch() {
    return [this.columns * this.zoom + this.gap, this.rows * this.zoom + this.gap];
  }

  corner(channel) {
    const [across, down] = this.pitch;
    return [(channel % this.perRow) * across, Math.floor(channel / this.perRow) * down];
  }

  placeAt(x, y) {
    const [across, down] = this.pitch;
    const [i, j] = [Math.floor(x / across), Math.floor(y / down)];
    const channel = j * this.perRow + i;
    const column = Math.floor((x - i * across) / this.zoom);
    const row = Math.floor((y - j * down) / this.zoom);
    const inside = i < this.perRow && channel < this.channels && row < this.rows && column < this.columns;
    return inside ? { row, column, channel } : null;
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = { ...this.at };
    if (event.key === "Enter" || event.key === " ") this.pick(place);
    else if (event.key in moves) {
      const [down, across] = moves[event.key];
      if (this.rows === 1 && this.columns === 1) place.channel += across + down * this.perRow;
      else {
        place.row = Math.max(0, Math.min(this.rows - 1, place.row + down));
        place.column = Math.max(0, Math.min(this.columns - 1, place.column + across));
      }
    } else if (event.key === "PageDown" || event.key === "PageUp") place.channel += event.key === "PageDown" ? 1 : -1;
    else return;
    event.preventDefault();
    place.channel = Math.max(0, Math.min(this.channels - 1, place.channel));
    this.at = place;
    if (this.picked) this.pick(place);
    else this.paint();
  }

  paint() {
    const { canvas, rows, columns, channels, zoom, gap, bytes } = this;
    const room = canvas.parentElement.clientWidth;
    const [across, down] = this.pitch;
    const most = Math.max(1, Math.min(channels, Math.floor((room + gap) / across)));
    this.perRow = Math.ceil(channels / Math.ceil(channels / most)); // rows of nearly the same length
    const [width, height] = [this.perRow * across - gap, Math.ceil(channels / this.perRow) * down - gap];
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.imageSmoothingEnabled = false;
    const image = new ImageData(columns * this.perRow, rows * Math.ceil(channels / this.perRow)); // without gaps
    const pixels = new Uint32Array(image.data.buffer);
    const colours = packedPalette();
    for (let channel = 0; channel < channels; channel++) {
      let target = Math.floor(channel / this.perRow) * rows * image.width + (channel % this.perRow) * columns;
      for (let row = 0, i = channel; row < rows; row++, target += image.width) {
        for (let column = 0; column < columns; column++, i += channels) {
          pixels[target + column] = colours[(bytes ? bytes[i] : 0) + 127];
        }
      }
    }
    const atlas = new OffscreenCanvas(image.width, image.height);
    atlas.getContext("2d").putImageData(image, 0, 0);
    for (let channel = 0; channel < channels; channel++) {
      const [x, y] = this.corner(channel);
      const [from, to] = [[(x / across) * columns, (y / down) * rows, columns, rows], [x, y, columns * zoom, rows * zoom]];
      context.drawImage(atlas, ...from, ...to);
      if (this.isNumbered) this.number(context, channel, x, y);
    }
    if (this.region) this.frame(context, this.region, this.region.height, this.region.width);
    if (this.picked) this.frame(context, this.picked, 1, 1);
    if (this.at && document.activeElement === canvas && canvas.matches(":focus-visible")) this.frame(context, this.at, 1, 1, true);
  }

  // The number of a class in its square.
  number(context, channel, x, y) {
    Object.assign(context, { font: "12px sans-serif", textAlign: "center", textBaseline: "middle" });
    context.fillStyle = cellColours(this.bytes ? this.bytes[channel] : 0, 127).color;
    context.fillText(channel, x + (this.columns * this.zoom) / 2, y + (this.rows * this.zoom) / 2 + 1);
  }

  frame(context, { row, column, channel }, height, width, isCursor) {
    const [x, y] = this.corner(channel);
    const style = getComputedStyle(document.documentElement);
    const box = [x + column * this.zoom - 1, y + row * this.zoom - 1, width * this.zoom + 2, height * this.zoom + 2];
    context.lineWidth = 3.5;
    context.strokeStyle = style.getPropertyValue("--panel").trim();
    context.strokeRect(...box);
    context.lineWidth = 1.75;
    context.strokeStyle = style.getPropertyValue(isCursor ? "--accent" : "--ink").trim();
    context.strokeRect(...box);
  }
}
