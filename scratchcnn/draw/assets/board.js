// The drawing board: strokes by mouse, touch, pen or keys, an image to start from, and undo.

const KEY_STEP = 0.03; // of the board's side, for one press of an arrow key

export class Board {
  // onChange(isFinished) is called whenever the drawing changes; onDigit(class) where a digit's key is pressed.
  constructor(canvas, side, onChange, onDigit) {
    this.canvas = canvas;
    this.side = side;
    this.onChange = onChange;
    this.onDigit = onDigit;
    this.actions = []; // {points, width}, {image, rows, columns} or {clear: true}, in the order they were done
    this.stroke = null; // being drawn
    this.pointer = null; // that draws it
    this.width = 22;
    this.pen = { x: 0.5, y: 0.5, down: false, shown: false }; // moved by keys
    this.paper = new OffscreenCanvas(side, side); // what is sent: ink is white
    this.context = this.paper.getContext("2d", { willReadFrequently: true });
    new ResizeObserver(() => this.paint()).observe(canvas);
    addEventListener("theme", () => this.paint());
    this.listen();
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.pointer !== null || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.pen.shown = this.pen.down = false;
      this.begin(this.point(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.stroke.points.push(this.point(one));
      this.changed(false);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => {
        if (event.pointerId !== this.pointer) return;
        this.pointer = null;
        this.end();
      });
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => {
      if (this.pen.down) this.end();
      this.pen.shown = this.pen.down = false;
      this.paint();
    });
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const pressure = event.pointerType === "pen" && event.pressure > 0 ? 0.4 + 1.2 * event.pressure : 1;
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, pressure };
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const pen = this.pen;
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key !== "z")) return;
    if (event.key in moves) {
      const [x, y] = moves[event.key];
      pen.x = Math.min(0.97, Math.max(0.03, pen.x + x * KEY_STEP));
      pen.y = Math.min(0.97, Math.max(0.03, pen.y + y * KEY_STEP));
      pen.shown = true;
      if (pen.down) {
        this.stroke.points.push({ x: pen.x, y: pen.y, pressure: 1 });
        this.changed(false);
      } else this.paint();
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) return event.preventDefault();
      pen.shown = true;
      pen.down = !pen.down;
      if (pen.down) this.begin({ x: pen.x, y: pen.y, pressure: 1 });
      else this.end();
    } else if (event.key === "Backspace" || (event.ctrlKey && event.key === "z")) this.undo();
    else if (event.key === "Delete" || event.key === "Escape") this.clear();
    else if (/^[0-9]$/.test(event.key)) this.onDigit(Number(event.key));
    else return;
    event.preventDefault();
  }

  begin(point) {
    this.stroke = { points: [point], width: this.width };
    this.actions.push(this.stroke);
    this.changed(false);
  }

  end() {
    this.stroke = null;
    this.changed(true);
  }

  undo() {
    if (this.stroke || !this.actions.length) return;
    this.actions.pop();
    this.changed(true);
  }

  clear() {
    if (this.stroke || !this.marks().length) return;
    this.actions.push({ clear: true });
    this.changed(true);
  }

  start(image, rows, columns, caption) {
    if (this.stroke) return;
    this.actions.push({ image, rows, columns, caption });
    this.changed(true);
  }

  // What is on the paper: an image and the strokes since, or the strokes since it was cleared.
  marks() {
    const last = this.actions.findLastIndex((action) => action.clear || action.image);
    return this.actions.slice(last < 0 ? 0 : this.actions[last].clear ? last + 1 : last);
  }

  changed(isFinished) {
    this.paint();
    this.onChange(isFinished);
  }

  paint() {
    const canvas = this.canvas;
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const style = getComputedStyle(document.documentElement);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    this.draw(context, size, style.getPropertyValue("--ink").trim());
    if (this.pen.shown) {
      const radius = ((this.width / 2) * size) / this.side;
      context.strokeStyle = style.getPropertyValue("--accent").trim();
      context.lineWidth = 2 * devicePixelRatio;
      context.beginPath();
      context.arc(this.pen.x * size, this.pen.y * size, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  draw(context, size, ink) {
    const scale = size / this.side;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = ink;
    for (const mark of this.marks()) {
      if (mark.image) {
        context.imageSmoothingEnabled = false;
        context.drawImage(inked(mark, ink), 0, 0, size, size);
        continue;
      }
      const width = mark.width * scale;
      const [first, ...others] = mark.points;
      context.beginPath();
      context.arc(first.x * size, first.y * size, (width * first.pressure) / 2, 0, 2 * Math.PI);
      context.fill();
      let start = first; // of the piece to be drawn: the middle between two points, so that curves are smooth
      others.forEach((point, i) => {
        const [corner, next] = [i ? others[i - 1] : first, point];
        const [end, smooth] = [{ x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 }, i && isSmooth(start, corner, next)];
        context.lineWidth = width * point.pressure;
        context.beginPath();
        context.moveTo(start.x * size, start.y * size);
        if (smooth) context.quadraticCurveTo(corner.x * size, corner.y * size, end.x * size, end.y * size);
        else {
          context.lineTo(corner.x * size, corner.y * size);
          context.lineTo(end.x * size, end.y * size);
        }
        if (i === others.length - 1) context.lineTo(point.x * size, point.y * size);
        context.stroke();
        start = end;
      });
    }
  }

  // The bytes to send: side x side, 0 paper, 255 ink.
  pixels() {
    const { context, side } = this;
    context.fillStyle = "#000";
    context.fillRect(0, 0, side, side);
    this.draw(context, side, "#fff");
    const rgba = context.getImageData(0, 0, side, side).data;
    const bytes = new Uint8Array(side * side);
    for (let i = 0; i < bytes.length; i++) bytes[i] = rgba[4 * i];
    return bytes;
  }
}

// Whether a stroke goes on nearly straight at a point, rather than turning a corner: by less than 60 degrees.
function isSmooth(before, point, after) {
  const [a, b] = [[point.x - before.x, point.y - before.y], [after.x - point.x, after.y - point.y]];
  return a[0] * b[0] + a[1] * b[1] > 0.5 * Math.hypot(...a) * Math.hypot(...b);
}

// An image of ink as a canvas that is transparent where there is none.
function inked({ image, rows, columns }, ink) {
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext("2d");
  const alpha = new ImageData(columns, rows);
  for (let i = 0; i < image.length; i++) alpha.data[4 * i + 3] = image[i];
  context.putImageData(alpha, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = ink;
  context.fillRect(0, 0, columns, rows);
  return canvas;
}
