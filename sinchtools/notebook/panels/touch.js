// HTML of ours that can be touched: marks of a chart and rows of a table, by pointer and by key.
// The kernel sends the HTML when the page says how wide it is; nothing of it is kept in the widget's state.

const ITEMS = "[data-mark], button[data-row]";
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const LEAST_DRAG = 5; // pixels; less is a click

function middle(item) {
  const box = item.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}

function neighbour(items, from, [right, down]) {
  const [x, y] = middle(from);
  let best = null, least = Infinity;
  for (const item of items) {
    const [dx, dy] = middle(item).map((at, i) => at - [x, y][i]);
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    if (ahead > 1 && ahead + 3 * aside < least) [best, least] = [item, ahead + 3 * aside];
  }
  return best;
}

function render({ model, el }) {
  el.classList.add("st-touch");
  el.dataset.lmSuppressShortcuts = "true"; // arrows and letters are the chart's while it has the focus
  const view = el.appendChild(document.createElement("div"));
  const tip = el.appendChild(document.createElement("div"));
  tip.className = "st-touch-tip";
  tip.hidden = true;
  let serial = 0, drag = null, brush = null, timer = 0, told = 0;

  const items = () => [...view.querySelectorAll(ITEMS)];
  const send = (event, more = {}) => model.send({ event, serial, ...more });

  function focus(item) {
    for (const one of items()) one.tabIndex = one === item ? 0 : -1;
    item?.focus({ preventScroll: false });
  }

  function show(message) {
    const had = view.contains(document.activeElement) ? document.activeElement.id : null;
    serial = message.serial;
    view.innerHTML = message.html;
    tip.hidden = true;
    brush = drag = null;
    const all = items();
    const same = had === null ? null : all.find((one) => one.id === had) || all[0];
    const first = same || all.find((one) => one.getAttribute("aria-current") === "true") || all[0];
    for (const one of all) one.tabIndex = one === first ? 0 : -1;
    if (same) same.focus({ preventScroll: true });
  }

  // --- the exact values, beside the pointer or the focus -----------------------------------------

  function point(item, at) {  // `at`: where the pointer is across the page; a key has none
    if (!item?.dataset.mark) { tip.hidden = true; return; }
    tip.replaceChildren(...item.getAttribute("aria-label").split("\n").map((line) => {
      const row = document.createElement("div");
      row.textContent = line;
      return row;
    }));
    tip.hidden = false;
    const outer = el.getBoundingClientRect(), box = item.getBoundingClientRect();
    const isTall = box.height > 100;  // an interval: what is above it are words, so the tip goes beside it
    const across = at ? at - outer.left + 12 : box.left - outer.left + Math.min(box.width, 60);
    const wanted = isTall ? box.right - outer.left + 8 : across;
    const last = outer.width - tip.offsetWidth - 4;
    const left = wanted <= last || !isTall ? Math.min(wanted, last) : box.left - outer.left - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(4, left)}px`;
    const above = isTall ? 0 : box.top - outer.top - tip.offsetHeight - 6;
    tip.style.top = `${above > 0 ? above : Math.min(box.top - outer.top + 44, outer.height - tip.offsetHeight)}px`;
  }

  // --- a stretch of time -------------------------------------------------------------------------

  const times = () => [...view.querySelectorAll("[data-from]")];

  function stretch(one, other) {
    const [first, last] = +one.dataset.from <= +other.dataset.from ? [one, other] : [other, one];
    return { one, from: +first.dataset.from, to: +last.dataset.to, first, last };
  }

  function paint(now) {
    view.querySelector(".st-brush")?.remove();
    brush = now;
    if (!now) return;
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const x = +now.first.getAttribute("x"), end = +now.last.getAttribute("x") + +now.last.getAttribute("width");
    const look = { class: "st-brush", x, width: end - x, y: now.first.getAttribute("y"), height: now.first.getAttribute("height") };
    for (const [name, value] of Object.entries(look)) shape.setAttribute(name, value);
    view.querySelector(".st-marks").prepend(shape);
  }

  function nearest(x) {
    let best = null, least = Infinity;
    for (const one of times()) {
      const away = Math.abs(middle(one)[0] - x);
      if (away < least) [best, least] = [one, away];
    }
    return best;
  }

  view.addEventListener("pointerdown", (event) => {
    if (event.button || !event.target.closest("svg") || !times().length) return;
    drag = { x: event.clientX, from: nearest(event.clientX), moved: false };
  });
  const move = (event) => {
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientX - drag.x) > LEAST_DRAG;
    if (drag.moved) { tip.hidden = true; paint(stretch(drag.from, nearest(event.clientX))); }
  };
  const drop = () => {
    if (drag?.moved && brush) {
      told = performance.now(); // the click that follows is none
      send("brush", { from: brush.from, to: brush.to });
    }
    drag = null;
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", drop);

  // --- click, hover and keys ---------------------------------------------------------------------

  function take(item) {
    if (!item || item.getAttribute("aria-disabled") === "true") return;
    if (item.dataset.row !== undefined) send("row", { index: +item.dataset.row });
    else send("mark", { index: +item.dataset.mark });
  }

  view.addEventListener("click", (event) => {
    if (performance.now() - told < 300) return;
    const row = event.target.closest("tr[data-row]");
    const item = row ? row.querySelector("button[data-row]") : event.target.closest(ITEMS);
    if (item) { focus(item); take(item); }
  });
  view.addEventListener("pointerover", (event) => drag?.moved || point(event.target.closest("[data-mark]"), event.clientX));
  view.addEventListener("pointerleave", () => { tip.hidden = true; });
  view.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) point(event.target.closest("[data-mark]"));
  });
  view.addEventListener("focusout", () => { tip.hidden = true; });

  view.addEventListener("keydown", (event) => {
    const item = event.target.closest(ITEMS);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const letter = { j: "ArrowDown", k: "ArrowUp" }[event.key];
    const arrow = ARROWS[item.dataset.row !== undefined && letter ? letter : event.key];
    if (arrow) {
      const isTime = item.dataset.from !== undefined;
      const next = neighbour(isTime ? times() : items(), item, arrow);
      if (next) {
        const begun = event.shiftKey && isTime ? brush?.one || item : null;
        focus(next);
        paint(begun && stretch(begun, next));
      }
    } else if (event.key === "Home" || event.key === "End") {
      focus(items().at(event.key === "Home" ? 0 : -1));
    } else if (event.key === "Enter" || event.key === " ") {
      if (brush) send("brush", { from: brush.from, to: brush.to });
      else take(item);
    } else if (event.key === "Escape") {
      if (brush) paint(null);
      else send("escape");
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // --- the width of the panel --------------------------------------------------------------------

  let wide = 0;
  const measure = () => {
    const now = Math.floor(el.clientWidth);
    if (now > 0 && Math.abs(now - wide) > 3) { wide = now; send("width", { width: now }); }
  };
  const watch = new ResizeObserver(() => { clearTimeout(timer); timer = setTimeout(measure, wide ? 120 : 0); });
  watch.observe(el);
  model.on("msg:custom", show);
  measure();

  return () => {
    watch.disconnect();
    clearTimeout(timer);
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", drop);
    model.off("msg:custom", show);
  };
}

export default { render };
