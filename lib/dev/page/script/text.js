// Text of others on the page. Event fields may hold anything, so nothing here ever parses markup: elements are made by name
// and text becomes text nodes. What would change how its neighbours read (controls, direction overrides) is shown by its code.

const text = (() => {
  // Controls, direction marks and overrides, zero-width space, word joiner, line separators, byte-order mark, lone surrogates.
  const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

  // Longest tooltip, in UTF-16 units.
  const TOOLTIP_MAX = 500;

  const segmenter = typeof Intl.Segmenter === "function" ? new Intl.Segmenter("en", { granularity: "grapheme" }) : null;

  function graphemes(value) {
    return segmenter ? Array.from(segmenter.segment(value), (part) => part.segment) : Array.from(value);
  }

  // `value` with everything unseen spelled out.
  function visible(value) {
    return String(value).replace(UNSEEN, (unseen) => `\u27e8U+${unseen.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
  }

  // At most `max` characters as people count them. One character may be long: no more than 16 units each are looked at.
  function shorten(value, max) {
    const whole = visible(String(value).slice(0, max * 16 + 16));
    if (String(value).length <= max && whole.length <= max) return whole;
    const parts = graphemes(whole.slice(0, max * 16));
    return parts.length > max ? parts.slice(0, max - 1).join("") + "\u2026" : whole;
  }

  // An element. `attributes` may hold `on` (listeners by event), `class`, `text`, properties that are booleans, and plain attributes.
  function el(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
      else if (key === "text") node.textContent = value;
      else if (key === "class") node.className = value;
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }

  // Text that came with events: isolated in its direction, shortened, the rest in the tooltip with its length.
  function foreign(value, max = 48, name = "bdi") {
    const short = shorten(value, max);
    const length = String(value).length;
    const node = el(name, { text: short });
    if (short !== value) node.title = `${visible(String(value).slice(0, TOOLTIP_MAX))}${length > TOOLTIP_MAX ? "\u2026" : ""} (${length} characters)`;
    return node;
  }

  // A sentence, in pieces: no line breaks in its moments and windows, as it could at their hyphens.
  const held = (sentence) => sentence.split(/(\d{4}-\d\d-\d\d(?: \d\d:\d\d[\d:.]*(?:\u2013[\d:.]+)?)?)/).map((part, index) => (index % 2 ? el("span", { class: "line", text: part }) : part));

  function replace(node, ...children) {
    node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  }

  // The same, unless it would read as before: then focus, selections and half-done clicks stay.
  function refresh(node, ...children) {
    const fresh = el("div");
    replace(fresh, ...children);
    if (fresh.textContent !== node.textContent) node.replaceChildren(...fresh.childNodes);
  }

  // Writes only what changed.
  function set(node, value) {
    if (node.textContent !== value) node.textContent = value;
  }

  return { visible, shorten, el, foreign, held, replace, refresh, set };
})();
