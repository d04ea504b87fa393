// A headless Chromium, driven by its own protocol over two pipes: no port, no driver, no package.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
  "--remote-debugging-pipe",
];
// How long a condition may take to become true on a slow machine. Nothing is asserted of how long it takes.
const PATIENCE_MS = 60_000;
const MOVING = /Not attached to an active page|context was destroyed|Cannot find context|Inspected target navigated|Cannot read properties of (null|undefined)/;

// What reaches beyond the screen, but for what stands in a box that scrolls by itself. Nothing of what fires may need that.
export const TOO_WIDE = `Array.from(document.querySelectorAll("#page *"))
  .filter((one) => one.getClientRects().length && one.getBoundingClientRect().right > innerWidth + 0.5 && !one.parentElement.closest(".scroll, pre, .unseen"))
  .concat(Array.from(document.querySelectorAll("#alerts .scroll")).filter((one) => one.scrollWidth > one.clientWidth))
  .map((one) => one.tagName + " " + one.className + ": " + one.textContent.slice(0, 60))`;

export async function launch() {
  const profile = mkdtempSync(join(tmpdir(), "page-test-"));
  const child = spawn(process.env.CHROMIUM || "chromium", [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve, reject) => child.on("exit", resolve).on("error", reject));
  const waiting = new Map(), listeners = new Map();
  let last = 0, rest = "";

  child.stdio[4].on("data", (data) => {
    const messages = (rest + data).split("\0");
    rest = messages.pop();
    for (const message of messages.map((one) => JSON.parse(one))) {
      if (message.id) {
        const { resolve, reject } = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result);
      } else listeners.get(message.sessionId)?.(message.method, message.params);
    }
  });
  ended.catch(() => undefined).then(() => waiting.forEach(({ reject }) => reject(new Error("the browser has ended"))));

  function send(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      child.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  }

  async function close() {
    await send("Browser.close");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  return { open: (url, options) => open(send, listeners, url, options), close };
}

// A page of its own, with storage of its own. Whatever it complains of is kept in `complaints`, what it asks for in `requests`.
async function open(send, listeners, url, { width = 1440, height = 1200, scale = 1, scheme = "light", zone = "UTC", scrollbars = true } = {}) {
  const { browserContextId } = await send("Target.createBrowserContext");
  const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  const complaints = [], requests = [];
  listeners.set(sessionId, (method, params) => {
    if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) complaints.push(JSON.stringify(params.args));
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
    if (method === "Log.entryAdded" && params.entry.level === "error") complaints.push(`${params.entry.text} ${params.entry.url || ""}`);
  });
  for (const domain of ["Runtime", "Log", "Page", "Network"]) await call(`${domain}.enable`);
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await call("Emulation.setTimezoneOverride", { timezoneId: zone });
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: width < 600 });
  await call("Emulation.setScrollbarsHidden", { hidden: !scrollbars });
  await call("Page.navigate", { url });

  async function evaluate(expression) {
    const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description || exceptionDetails.text}`);
    return result.value;
  }

  // Looks again until the expression is true, or gives up with what the page shows then.
  async function until(expression) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      // While a page is being replaced by another there is nothing to look at; what is not there yet cannot be asked.
      if (await evaluate(`Boolean(document.documentElement && (${expression}))`).catch((error) => (MOVING.test(error.message) ? false : Promise.reject(error)))) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never true: ${expression}\n${await evaluate("document.body.innerText.slice(0, 3000)")}\n${complaints.join("\n")}`);
  }

  const self = {
    call, evaluate, until, complaints, requests,
    // The text of the first element that fits, blanks as one.
    text: async (selector) => (await evaluate(`(document.querySelector(${JSON.stringify(selector)})?.textContent ?? "missing: ${selector.replaceAll('"', "'")}")`)).replace(/\s+/g, " ").trim(),
    texts: (selector) => evaluate(`Array.from(document.querySelectorAll(${JSON.stringify(selector)}), (one) => one.textContent.replace(/\\s+/g, " ").trim())`),
    type: (selector, value) => evaluate(`{ const field = document.querySelector(${JSON.stringify(selector)}); field.focus(); field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event("input", { bubbles: true })); }`),
    click: (selector) => evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`),
    key: async (key) => {
      await call("Input.dispatchKeyEvent", { type: "keyDown", key, code: key });
      await call("Input.dispatchKeyEvent", { type: "keyUp", key, code: key });
    },
    mouse: (type, x, y) => call("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1 }),
    reload: () => call("Page.reload", {}),
    drawn: () => self.until("document.documentElement.dataset.drawn"),
    close: () => send("Target.disposeBrowserContext", { browserContextId }),
  };
  return self;
}

// The card of a metric, as a selector.
export const cardOf = (catalog, name) => `#metric-${catalog.metrics.findIndex((metric) => metric.name === name)}`;
