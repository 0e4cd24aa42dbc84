// The page: what is drawn goes to the server, and what the network makes of it comes back and is shown.

import { Board } from "./board.js";
import { Layers } from "./layers.js";
import { bytesOf, paintInk, paintSigned } from "./maps.js";

const element = (id) => document.getElementById(id);
const percent = (value) => (value === null ? "NaN" : `${(100 * value).toFixed(1)} %`);

let asked = 0; // requests without an answer yet

async function ask(...question) {
  asked += 1;
  try {
    return await answered(...question);
  } finally {
    asked -= 1;
  }
}

async function answered(name, query = {}, body = null) {
  const numbers = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null));
  const options = body ? { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } } : {};
  const target = `${numbers}` ? `${name}?${numbers}` : name;
  let response;
  try {
    response = await fetch(target, options);
  } catch {
    response = await fetch(target, options); // the connection may have been closed between two strokes
  }
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

function complain(error) {
  const gone = error instanceof TypeError;
  element("trouble").textContent = gone ? "The program in the terminal has ended. Start it again, and open the address that it shows." : error.message;
  element("trouble").hidden = false;
}

class Page {
  constructor(model) {
    this.model = model;
    this.class = null; // whose evidence is asked for; null: of the one that wins
    this.busy = this.again = false;
    this.seen = null; // the latest answer
    this.board = new Board(element("board"), model.side, (finished) => this.changed(finished), (digit) => this.fetchDigit(digit));
    this.layers = new Layers(element("layers"), model, (layer, place, source) => this.part(layer, place, source));
    this.makeBars();
    if (model.digits) this.makeDigits();
    element("undo").addEventListener("click", () => this.board.undo());
    element("clear").addEventListener("click", () => this.board.clear());
    element("pen").addEventListener("input", (event) => (this.board.width = Number(event.target.value)));
    addEventListener("theme", () => this.paint());
    this.show(null);
  }

  // Whether there is something to wait for, before all is shown.
  get isWaiting() {
    return this.busy || asked > 0 || this.board.stroke !== null;
  }

  makeBars() {
    const bars = element("bars");
    this.bars = Array.from({ length: this.model.classes }, (_, class_) => {
      const bar = document.createElement("button");
      bar.type = "button";
      bar.className = "bar";
      for (const name of ["digit", "track", "number"]) bar.append(Object.assign(document.createElement("span"), { className: name }));
      bar.children[0].textContent = class_;
      bar.children[1].append(document.createElement("span"));
      bar.addEventListener("click", () => {
        this.class = this.class === class_ ? null : class_;
        this.refresh(true);
      });
      bars.append(bar);
      return bar;
    });
  }

  makeDigits() {
    element("digits").hidden = false;
    const list = element("digits").querySelector("div");
    for (const digit of [..."0123456789", "any"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = digit;
      button.setAttribute("aria-label", digit === "any" ? "A test image of any digit" : `A test image of a ${digit}`);
      button.addEventListener("click", () => this.fetchDigit(digit === "any" ? null : Number(digit)));
      list.append(button);
    }
  }

  async fetchDigit(digit) {
    if (!this.model.digits) return;
    try {
      const { number, label, image } = await ask("digit", { class: digit });
      const [rows, columns] = this.model.input;
      this.board.start(bytesOf(image, false), rows, columns, `test image ${number}, labelled ${label}`);
    } catch (error) {
      complain(error);
    }
  }

  async part(layer, place, source) {
    try {
      return await ask("part", { layer, ...place, input: source }, bytesOf(this.seen.image, false));
    } catch (error) {
      complain(error);
    }
  }

  changed(isFinished) {
    const marks = this.board.marks();
    element("empty").hidden = marks.length > 0 || this.board.pen.shown;
    element("undo").disabled = !this.board.actions.length;
    element("clear").disabled = !marks.length;
    if (!marks.length) this.class = null;
    this.refresh(isFinished);
  }

  // Ask for what is on the board; while an answer is on its way, only remember that there is more to ask.
  async refresh(isFinished) {
    this.toSpeak ||= isFinished;
    if (this.busy) return (this.again = true);
    this.busy = true;
    try {
      do {
        this.again = false;
        const marks = this.board.marks();
        const [only] = marks.length === 1 ? marks : [{}];
        const query = { class: this.class };
        const answer = !marks.length
          ? null
          : only.image
            ? await ask("image", query, only.image)
            : await ask("drawing", query, this.board.pixels());
        this.caption = only.caption ?? "cropped, scaled and centred by mass, as MNIST was made";
        this.show(answer?.image ? answer : null);
        await new Promise(requestAnimationFrame);
      } while (this.again);
    } catch (error) {
      complain(error);
    } finally {
      this.busy = false;
    }
    if (this.toSpeak && !this.again) this.speak();
  }

  speak() {
    this.toSpeak = false;
    const { seen } = this;
    element("spoken").textContent = seen ? `${seen.label}, ${percent(seen.probabilities[seen.label])}` : "Nothing drawn";
    this.layers.refresh();
  }

  show(seen) {
    this.seen = seen;
    element("label").textContent = seen ? seen.label : "?";
    element("sure").textContent = seen ? percent(seen.probabilities[seen.label]) : "nothing drawn yet";
    this.bars.forEach((bar, class_) => {
      const probability = seen?.probabilities[class_] ?? null;
      bar.children[1].firstChild.style.transform = `scaleX(${probability ?? 0})`;
      bar.children[2].textContent = seen ? percent(probability) : "";
      bar.disabled = !seen;
      bar.classList.toggle("wins", class_ === seen?.label);
      bar.setAttribute("aria-pressed", String(class_ === this.class));
      bar.setAttribute("aria-label", `${class_}: ${seen ? percent(probability) : "nothing drawn"}; show its evidence`);
    });
    element("time").textContent = seen ? `${seen.milliseconds.toFixed(1)} ms of computation for all that is shown` : "";
    this.layers.show(seen?.layers);
    this.paint();
  }

  paint() {
    const [rows, columns] = this.model.input;
    const { seen } = this;
    const blank = new Int8Array(rows * columns);
    paintInk(element("input"), seen ? bytesOf(seen.image, false) : blank, rows, columns);
    paintSigned(element("evidence"), seen ? bytesOf(seen.evidence.bytes, true) : blank, rows, columns);
    element("input-caption").textContent = `${rows} × ${columns} pixels: ${this.caption ?? "waiting for ink"}`;
    element("h-evidence").textContent = seen ? `For and against ${seen.class}` : "For and against";
    element("evidence").setAttribute("aria-label", seen ? `Which pixels spoke for and against ${seen.class}` : "No evidence yet");
  }
}

try {
  globalThis.page = new Page(await ask("model"));
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  complain(error);
}
