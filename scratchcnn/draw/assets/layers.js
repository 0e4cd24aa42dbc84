// The network, layer by layer: a card for each with its maps, and below the one that was pressed, its panel.

import { bytesOf, MapGrid } from "./maps.js";
import { make, Panel, written } from "./part.js";

const shapeText = (shape) => shape.join(" × ");

export class Layers {
  // ask(layer, place, source) resolves to the part at a place of the latest image.
  constructor(root, model, ask) {
    this.model = model;
    this.ask = ask;
    this.open = null; // {index, panel, place, source}
    this.cards = model.layers.map((layer, index) => {
      const peak = make("span", { class: "peak" });
      const head = make("h3", {}, make("span", { class: "layer-name" }, layer.name));
      const about = make("p", { class: "note" }, layer.text, make("span", { class: "shape" }, shapeText(layer.shape)), peak);
      const card = make("article", { class: layer.shown ? "layer" : "layer slim" }, make("div", { class: "layer-head" }, head, about));
      let grid = null;
      if (layer.shown) {
        const maps = layer.shape.length === 3 ? `${layer.shape[2]} maps of ${layer.shape[0]} by ${layer.shape[1]}` : `${layer.shape[0]} numbers`;
        const keys = "arrow keys move, Page Up and Page Down change the map, Enter explains";
        const canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": `${layer.name}: ${maps}; ${keys}` });
        const holder = make("div", { class: "maps" }, canvas);
        card.append(holder);
        grid = new MapGrid(canvas, layer.shape, (place) => this.explain(index, place));
        grid.isNumbered = index === model.layers.length - 1 && layer.shape.length === 1 && layer.shape[0] <= 20; // classes
      }
      root.append(card);
      return { layer, card, grid, peak, bytes: null };
    });
  }

  // The layers of an answer; without one, the maps are empty and nothing is explained.
  show(layers) {
    this.cards.forEach((card, index) => {
      const output = layers?.[index];
      card.bytes = output ? bytesOf(output.bytes, true) : null;
      card.peak.textContent = output ? `strongest ${written(output.peak)}` : "";
      card.grid?.show(card.bytes);
    });
    this.isEmpty = !layers;
    if (this.isEmpty) this.close();
  }

  // Ask again for what is open: the image has changed.
  refresh() {
    if (this.open && !this.isEmpty) this.explain(this.open.index, this.open.place, this.open.source, false);
  }

  async explain(index, place, source = null, isNew = true) {
    if (this.isEmpty) return;
    const { layer, card, bytes } = this.cards[index];
    if (this.open?.index !== index) {
      this.close();
      const panel = new Panel(layer, (at, from = null) => this.explain(index, at, from), () => this.close(true));
      this.open = { index, panel, place, source };
      card.append(panel.element);
    }
    const { panel } = this.open;
    if (this.open.place.channel !== place.channel) source = null;
    Object.assign(this.open, { place, source });
    this.cards[index].grid.mark(place, null);
    const part = await this.ask(index, place, source);
    if (!part || this.open?.panel !== panel || this.open.place !== place) return; // overtaken
    panel.show(part, bytes, this.model.layers);
    this.markRegion(index, part.region);
    if (isNew) panel.element.scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  markRegion(index, region) {
    let before = index - 1;
    while (before >= 0 && !this.cards[before].grid) before--;
    if (this.marked && this.marked !== this.cards[before]?.grid) this.marked.mark(this.marked.picked, null);
    this.marked = this.cards[before]?.grid;
    this.marked?.mark(null, region ?? null);
  }

  close(andFocus = false) {
    if (!this.open) return;
    const { grid } = this.cards[this.open.index];
    this.open.panel.element.remove();
    this.open = null;
    grid.mark(null, null);
    this.marked?.mark(null, null);
    if (andFocus) grid.canvas.focus();
  }
}
