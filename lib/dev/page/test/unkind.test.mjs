// Unkind input: fields of events that want to be markup, script or something else than they look like, and more data than the page keeps.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { serve } from "./server.mjs";

const MINUTE = 60_000, START = Date.parse("2026-01-05T10:00:00Z");
const HOSTILE = [
  "<script>window.stolen = 1</script>", "<img src=x onerror='window.stolen = 1'>", "\"'><svg onload=window.stolen=1>", "</script><script>window.stolen = 1</script>", "<!--<script>",
  "javascript:window.stolen=1", "\u202egnp.exe", "a\u0000b\u001b[31mc", "\u200b", "\ud800 alone", "x".repeat(10_240), "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67".repeat(200),
  "\u0645\u0631\u062d\u0628\u0627", "__proto__", "constructor", "{{catalog}}", "$& $' $`",
];

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const metric = (name, kind = "count", ...dimensions) => ({ name, kind, unit: "None", dimensions, window_ms: MINUTE });
const window = (index, more) => ({ kind: "point", dimensions: {}, window_start: new Date(START + index * MINUTE).toISOString(), window_end: new Date(START + (index + 1) * MINUTE).toISOString(), status: "final", sum: 1, count: 1, ...more });

async function opened(t, metrics, lines, more = {}) {
  const catalog = { title: "Unkind", live: true, now: new Date(START + 30 * MINUTE).toISOString(), metrics, alerts: [], ...more };
  const server = await serve({ catalog, lines });
  const page = await browser.open(`${server.url}#range=all&zone=UTC`);
  t.after(async () => {
    await page.close();
    await server.stop();
  });
  await page.until("document.querySelector('.connection')?.textContent === 'Live'");
  return { server, page };
}

test("hostile text is text: in dimensions, names, ids, reasons, versions and titles", async (t) => {
  const metrics = [metric("by_name", "count", "name"), ...HOSTILE.slice(0, 4).map((name) => metric(name))];
  const lines = HOSTILE.map((name, index) => window(index, { metric: "by_name", dimensions: { name }, sum: 100 - index, count: 100 - index }));
  const alerts = HOSTILE.map((name) => ({ name, metric: "by_name", steps: [{ name, severity: "critical" }] }));
  const { server, page } = await opened(t, metrics, lines, { alerts, title: HOSTILE[3], deploys: [{ version: HOSTILE[1], at: new Date(START).toISOString() }] });
  HOSTILE.forEach((name, index) => server.decide({
    kind: "alert", alert: name, step: name, group: { name }, transition: "firing", at: new Date(START + index).toISOString(), sent: true, value: 1, reason: name, evidence: [name, name],
    why: name, channels: { [name]: name }, metric: "by_name", severity: name, condition: name, threshold: 1, events: 2,
  }));
  await page.until(`document.querySelectorAll("#history details").length === ${HOSTILE.length}`);
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
  await page.until(`document.querySelectorAll("#history .ids").length === ${HOSTILE.length}`);
  assert.equal(await page.evaluate("window.stolen"), undefined);
  assert.equal(await page.evaluate("document.querySelectorAll('#page img, #page svg, #page script').length"), 0);
  const shown = await page.evaluate('document.querySelector("#page").innerText + Array.from(document.querySelectorAll("#page [title]"), (one) => one.title).join("")');
  for (const unseen of ["\u202e", "\u0000", "\u001b", "\u200b"]) assert.equal(shown.includes(unseen), false, `U+${unseen.charCodeAt(0).toString(16)}`);
  assert.ok(shown.includes("\u27e8U+202E\u27e9gnp.exe"), "what turns text around is spelled out");
  assert.ok(shown.includes("<img src=x onerror='window.stolen = 1'>"), "markup is shown as it is");
  assert.ok(shown.includes("\u0645\u0631\u062d\u0628\u0627"), "Arabic stays Arabic");
  const longest = await page.evaluate("Math.max(...Array.from(document.querySelectorAll('bdi, code'), (one) => [...new Intl.Segmenter().segment(one.textContent)].length))");
  assert.ok(longest <= 300, `${longest} characters in one place`);
  assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  assert.deepEqual(page.complaints, []);
});

test("a script that got in would not run", async (t) => {
  const { page } = await opened(t, [metric("count")], [window(0, { metric: "count" })]);
  const attempt = (code) => page.evaluate(`{ try { ${code} } catch (error) { if (!(error instanceof TypeError || error instanceof EvalError)) throw error; } }`);
  await attempt('const one = document.createElement("script"); one.textContent = "window.stolen = 1"; document.body.append(one);');
  await attempt('const one = document.createElement("button"); one.setAttribute("onclick", "window.stolen = 1"); document.body.append(one); one.click();');
  await attempt('document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\'window.stolen = 1\'>");');
  assert.equal(await page.evaluate("window.stolen"), undefined);
  assert.ok(page.complaints.some((complaint) => /Content Security Policy|TrustedHTML|TrustedScript/.test(complaint)), page.complaints.join("\n"));
});

test("hostile text in a link is only a search", async (t) => {
  const { server, page } = await opened(t, [metric("by_name", "count", "name")], [window(0, { metric: "by_name", dimensions: { name: "a" } })]);
  const other = await browser.open(`${server.url}#search=${encodeURIComponent(HOSTILE[1])}&zone=${encodeURIComponent(HOSTILE[0])}&pick.by_name=${encodeURIComponent(HOSTILE[2])}&range=__proto__`);
  await other.until("document.querySelector('.connection')?.textContent === 'Live'");
  assert.equal(await other.evaluate("window.stolen"), undefined);
  assert.deepEqual([...page.complaints, ...other.complaints], []);
  await other.close();
});

test("lines that are none are passed over", async (t) => {
  const { server, page } = await opened(t, [metric("count")], [window(0, { metric: "count" })]);
  for (const broken of [null, 7, [], {}, { kind: "point" }, { kind: "point", metric: "count", window_start: "x", window_end: "y" }, { kind: "alert" }, { kind: "health" }, { kind: "unknown" }, { kind: "deploy" }]) server.decide(broken ?? {});
  server.decide(window(1, { metric: "count", sum: 5, count: 5 }));
  await page.until('document.querySelector("#metric-0 .headline .value").textContent === "5"');
  assert.deepEqual(page.complaints, []);
});

test("the page keeps a ring of windows and says from when", async (t) => {
  const { server, page } = await opened(t, [metric("count")], []);
  for (let index = 0; index < 10_200; index += 1) server.decide(window(index, { metric: "count" }));
  await page.until('document.querySelector("#metric-0 .notes").textContent.includes("have left the page\'s memory")');
  await page.until('document.querySelector("#metric-0 .headline .detail").textContent.includes("2026-01-12 11:59")');
  const held = Number((await page.text("footer p")).match(/holds ([\d,]+) of/)[1].replaceAll(",", ""));
  assert.ok(held <= 10_080, `${held} windows`);
  assert.deepEqual(page.complaints, []);
});

test("series beyond the page's limit are counted, not kept", async (t) => {
  const lines = Array.from({ length: 1_010 }, (_, index) => window(0, { metric: "count", dimensions: { id: `s${index}` } }));
  const { page } = await opened(t, [metric("count", "count", "id")], lines);
  await page.until('document.querySelector("#metric-0 .notes").textContent.includes("The page holds 1,000 series of a metric: 10 points of further series are not shown")');
});
