// How one number came about: the tables and sums below a layer whose map was pressed.

import { cellColours, MapGrid } from "./maps.js";

// A number with so many digits after the point, or, below the least that is to be written so, with an exponent.
export const written = (value, digits = 2, least = 0.5 * 10 ** -digits) => {
  if (value === null || value === undefined) return "NaN";
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < least)) return value.toExponential(1).replace("-", "−");
  return value
    .toFixed(size >= 1000 ? 0 : digits)
    .replace(/^-(?=[0.]*$)/, "")
    .replace("-", "−");
};

// An element with text or children: make("p", {class: "note"}, "text", ...).
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What a layer's part says, as an element. Layers are those of the model; onSource(channel) asks for another channel.
export function explained(part, layers, onSource) {
  const show = { products, maximum, mean, contributions, steps }[part.kind];
  return make("div", { class: `how ${part.kind}` }, ...show(part, layers, onSource));
}

function products(part, layers, onSource) {
  const all = part.sums.length;
  const total = part.sums.reduce((sum, value) => sum + value, 0);
  const elements = [];
  if (all > 1) {
    const choice = make("select", { "aria-label": "Channel of the input" });
    part.sums.forEach((sum, i) => {
      choice.append(make("option", { value: part.first + i }, `channel ${part.first + i}: ${written(sum)}`));
    });
    choice.value = part.input;
    choice.addEventListener("change", () => onSource(Number(choice.value)));
    elements.push(make("p", { class: "choice" }, make("label", {}, `Of ${all} channels of the input, show `, choice)));
  }
  elements.push(
    make(
      "div",
      { class: "tables" },
      table("what it looks at", part.patch),
      sign("×"),
      table("the filter", part.kernel),
      sign("="),
      table("the products", part.products),
    ),
  );
  const terms = [[all > 1 ? `sum of the products, channel ${part.input}` : "sum of the products", part.sums[part.input - part.first]]];
  if (all > 1) terms.push([`the other ${all - 1} channel${all > 2 ? "s" : ""}`, total - terms[0][1]]);
  if (part.bias !== null) terms.push(["bias", part.bias]);
  elements.push(sum(terms, part.value));
  return elements;
}

function maximum(part) {
  return [table("what it looks at", part.pixels, part.chosen), sum([["the largest", part.value]], part.value)];
}

function mean(part) {
  const pixels = part.pixels ? [table("what it looks at", part.pixels)] : [];
  const total = (part.value ?? 0) * part.count;
  return [...pixels, make("p", { class: "sum" }, `${written(total, 3)} in all, over ${part.count} pixels = `, value(part.value))];
}

function contributions(part, layers) {
  const shape = spatialShape(layers, part.layer);
  const name = (i) => {
    if (!shape) return `input ${i}`;
    const [, columns, channels] = shape;
    return `map ${i % channels}, row ${Math.floor(i / channels / columns)}, column ${Math.floor(i / channels) % columns}`;
  };
  const peak = Math.max(...part.largest.map((one) => Math.abs(one.product ?? 0)), 1e-30);
  const head = make("tr", {}, ...["from", "input", "× weight", "= product"].map((word) => make("th", { scope: "col" }, word)));
  const rows = part.largest.map((one) => {
    const product = make("td", {}, written(one.product));
    Object.assign(product.style, cellColours(one.product, peak));
    const from = make("th", { scope: "row" }, name(one.from));
    return make("tr", {}, from, make("td", {}, written(one.input)), make("td", {}, written(one.weight, 3)), product);
  });
  const terms = [["the largest", part.largest.reduce((total, one) => total + (one.product ?? 0), 0)]];
  if (part.others.count) terms.push([`${part.others.count} others`, part.others.sum]);
  if (part.bias !== null) terms.push(["bias", part.bias]);
  return [
    make("p", { class: "choice" }, `Spoke for: ${written(part.positive)}; against: ${written(part.negative)}. The largest of all products:`),
    make("div", { class: "wide" }, make("table", { class: "list" }, make("thead", {}, head), make("tbody", {}, ...rows))),
    sum(terms, part.value),
  ];
}

function steps(part) {
  if (!part.steps.length) return [make("p", { class: "sum" }, value(part.value))];
  const line = part.steps.flatMap((step, i) => [
    i ? make("span", { class: "arrow", "aria-hidden": "true" }, "→") : "",
    make("span", { class: "step" }, make("small", {}, step.text.replace("-", "−")), make("b", {}, written(step.value, 3))),
  ]);
  return [make("div", { class: "steps-line" }, ...line)];
}

// The shape of the image that was put in a row before a dense layer, if there was one.
function spatialShape(layers, place) {
  let before = place - 1;
  while (before >= 0 && ["Dropout"].includes(layers[before].kind)) before--;
  if (before < 1 || layers[before].kind !== "Flatten") return null;
  const { shape } = layers[before - 1];
  return shape.length === 3 ? shape : null;
}

function table(caption, values, chosen = null) {
  const peak = Math.max(...values.flat().map((one) => Math.abs(one ?? 0)), 1e-30);
  const digits = peak >= 0.1 ? 2 : 3;
  const rows = values.map((row, i) => {
    const cells = row.map((one, j) => {
      const isChosen = chosen && chosen[0] === i && chosen[1] === j;
      const cell = make("td", isChosen ? { class: "chosen" } : {}, one === null ? "" : peak >= 0.01 ? written(one, digits, 0) : written(one));
      if (isChosen) cell.append(make("span", { class: "hidden" }, " (the largest)"));
      Object.assign(cell.style, cellColours(one, peak));
      return cell;
    });
    return make("tr", {}, ...cells);
  });
  return make("div", { class: "wide" }, make("table", { class: "numbers" }, make("caption", {}, caption), make("tbody", {}, ...rows)));
}

const sign = (text) => make("span", { class: "sign", "aria-hidden": "true" }, text);
const value = (number) => make("b", { class: "value", "data-value": number }, written(number, 3));

function sum(terms, total) {
  const line = terms.flatMap(([name, term], i) => [
    i ? " + " : "",
    make("span", { class: "term", "data-value": term }, make("b", {}, written(term, 3)), make("small", {}, name)),
  ]);
  return make("p", { class: "sum" }, ...line, terms.length > 1 ? " = " : " → ", value(total));
}

// The panel of a layer: the map enlarged, and how the number at one place of it came about.
export class Panel {
  constructor(layer, ask, onClose) {
    this.layer = layer;
    this.ask = ask; // ask(place, source) shows the part of another place
    this.title = make("h4", { tabindex: "-1" });
    const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
    close.addEventListener("click", onClose);
    this.figure = make("div", { class: "enlarged" });
    this.body = make("div", { class: "body" });
    this.element = make("div", { class: "panel", role: "region", "aria-live": "polite" });
    this.element.append(make("div", { class: "panel-head" }, this.title, close), this.figure, this.body);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") onClose();
    });
    if (layer.shape.length === 3 && layer.shape[0] * layer.shape[1] > 1) {
      const canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": "The map, enlarged; arrow keys move" });
      this.figure.append(canvas, make("p", { class: "note" }, "Press another pixel, or move with the arrow keys."));
      const [rows, columns] = layer.shape;
      this.grid = new MapGrid(canvas, [rows, columns, 1], (place) => this.ask({ ...place, channel: this.place.channel }), 168);
    }
  }

  show(part, bytes, layers) {
    this.place = { row: part.row, column: part.column, channel: part.channel };
    const isImage = this.layer.shape.length === 3;
    const isLast = this.layer === layers.at(-1);
    const where = isImage ? `map ${part.channel}, row ${part.row}, column ${part.column}` : `${isLast ? "class" : "number"} ${part.channel}`;
    this.title.textContent = `${this.layer.name}: ${where}`;
    this.element.setAttribute("aria-label", this.title.textContent);
    const focused = document.activeElement?.tagName === "SELECT" && this.body.contains(document.activeElement);
    this.body.replaceChildren(explained(part, layers, (source) => this.ask(this.place, source)));
    if (focused) this.body.querySelector("select")?.focus();
    if (this.grid) {
      const channels = this.layer.shape[2];
      this.grid.show(bytes.filter((_, i) => i % channels === part.channel));
      this.grid.mark({ row: part.row, column: part.column, channel: 0 }, null);
    }
  }
}
