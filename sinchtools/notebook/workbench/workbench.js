// What a browser alone can do for the workbench: copy, take dropped files, listen to keys, open what was written.
// Every button works without it, but for the copying.

const AFTER_COPY_MS = 2000;
const ENTER = { ".st-name": ".st-create", ".st-helped": ".st-close-case" };  // in this field: this button

async function copied(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");  // at once, within the click; also without https
  area.remove();
  return done || navigator.clipboard.writeText(text).then(() => true, () => false);
}

function isField(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable=true]");
}

function click(root, selector) {
  const button = [...root.querySelectorAll(selector)].find((one) => one.offsetParent && !one.disabled);
  button?.click();
  return Boolean(button);
}

function typed(area) {  // what is in a box reaches the kernel before a click on a button does
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.dispatchEvent(new Event("change", { bubbles: true }));
}

function render({ model, el }) {
  el.className = "st-said-aloud";
  el.setAttribute("role", "status");
  let root = null;
  const undo = new AbortController();
  const listen = (what, work, more = {}) => root.addEventListener(what, work, { signal: undo.signal, ...more });

  async function copy(button) {
    const what = button.dataset.copy || [...button.classList].find((name) => name.startsWith("st-copy-")).slice(8);
    const area = root.querySelector(`.st-text-${what} textarea`);
    const text = area ? area.value : model.get("texts")[what];
    if (!text) return;
    const focused = document.activeElement;
    const done = await copied(text);
    focused?.focus?.();
    const words = button.dataset.words || button.textContent;
    button.dataset.words = words;
    button.textContent = done ? `✓ ${words.replace("Copy", "Copied")}` : "Select the text and copy it";
    button.classList.toggle("done", done);
    el.textContent = done ? `${words.replace("Copy", "Copied")}.` : "Could not copy.";
    model.send({ do: "copied", what, done });
    setTimeout(() => {
      button.textContent = words;
      button.classList.remove("done");
    }, AFTER_COPY_MS);
  }

  async function take(list) {
    const files = [...list].filter((file) => file.size <= model.get("most_bytes"));
    const large = [...list].filter((file) => file.size > model.get("most_bytes"));
    const buffers = await Promise.all(files.map((file) => file.arrayBuffer()));
    const sizes = large.map((file) => [file.name, file.size]);
    model.send({ do: "files", names: files.map((file) => file.name), large: sizes }, undefined, buffers);
  }

  function key(event) {
    const target = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      const paste = target.closest(".st-paste");
      if (paste) model.send({ do: "read", text: target.value });
      else {
        if (isField(target)) typed(target);
        click(root, ".st-replay");
      }
      return;
    }
    const field = event.key === "Enter" && Object.keys(ENTER).find((one) => target.closest(one));
    if (field) {
      typed(target);
      click(root, ENTER[field]);
      return;
    }
    if (isField(target)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ticks = root.querySelectorAll(".st-finding input[type=checkbox]");
    const works = {
      "/": () => { const box = root.querySelector(".st-filter input"); box?.focus(); return Boolean(box); },
      j: () => click(root, ".st-next-request"),
      k: () => click(root, ".st-previous-request"),
      c: () => click(root, ".st-copy-curl"),
      r: () => click(root, ".st-copy-reply"),
    };
    const tick = /^[1-9]$/.test(event.key) && ticks[Number(event.key) - 1];
    if (tick) tick.click();
    if (tick || works[event.key]?.()) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  function focus(where, left = 40) {  // what was just drawn may not be in the page yet
    const found = [...(root?.querySelectorAll(where) || [])].find((one) => one.offsetParent);
    if (found) found.focus({ preventScroll: found.tabIndex < 0 });
    else if (left) setTimeout(() => focus(where, left - 1), 50);
  }

  let waiting = null;  // a tab that was opened within the click: later the browser would block it

  function prepare() {
    waiting?.close();
    waiting = window.open("", "_blank");
    if (waiting) waiting.document.body.textContent = "Writing the report…";
  }

  function opened({ name, kind, open }, buffers) {
    const url = URL.createObjectURL(new Blob(buffers, { type: kind }));
    const link = Object.assign(document.createElement("a"), { href: url });
    const tab = waiting && !waiting.closed ? waiting : null;
    waiting = null;
    if (open && tab) {
      tab.location.replace(url);
      return;
    }
    tab?.close();
    if (open && window.open(url, "_blank")) return;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
  }

  function attach() {
    root = el.closest(".st");
    if (!root) return;
    listen("click", (event) => {
      const button = event.target.closest(".st-copy");
      if (button) copy(button);
      if (event.target.closest(".st-open-report")) prepare();
      const row = event.target.closest("tr[data-id]");
      if (row) model.send({ do: "choose", id: row.dataset.id });
    });
    // on the window: JupyterLab listens on the document before any element hears, and has commands on j, k and c
    window.addEventListener("keydown", (event) => root.contains(event.target) && key(event), { signal: undo.signal, capture: true });
    listen("dragover", (event) => {
      event.preventDefault();
      root.querySelector(".st-drop")?.classList.add("over");
    });
    listen("dragleave", () => root.querySelector(".st-drop")?.classList.remove("over"));
    listen("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      root.querySelector(".st-drop")?.classList.remove("over");
      if (event.dataTransfer.files.length) take(event.dataTransfer.files);
    }, { capture: true });
    listen("change", (event) => {  // before ipywidgets sends a file that the server would refuse
      if (!event.target.matches("input[type=file]")) return;
      event.stopPropagation();
      take(event.target.files);
    }, { capture: true });
  }

  const wait = setInterval(() => {
    if (!el.isConnected) return;
    clearInterval(wait);
    attach();
  }, 50);
  model.on("msg:custom", (message, buffers) => {
    if (message.do === "failed") waiting = waiting?.close();
    if (message.do === "open") opened(message, buffers);
    if (message.do === "say") el.textContent = message.words;
    if (message.do === "focus") focus(message.where);
  });
  return () => {
    clearInterval(wait);
    undo.abort();
  };
}

export default { render };
