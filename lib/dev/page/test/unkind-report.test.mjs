// Reports of unkind events: fields that want to be markup, script or a place to put data in, nothing at all, and too much.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { launch, TOO_WIDE } from "./browser.mjs";
import { replay } from "./recorded.mjs";

const HOSTILE = [
  "</script><script>window.stolen = 1</script>", "<!--<script>", "<img src=x onerror='window.stolen = 1'>", "a\u2028b\u2029c", "{{lines}}", "{{catalog}}", "{{policy}}", "{{file:script/main.js}}",
  "\"}]}", "\\u003c/script>", "&lt;b&gt;", "\u202egnp.exe", "a\u0000b\u001b[31mc", "__proto__", "long ".repeat(400), "x".repeat(5_000),
];
const RULES = `
late: correct
namespace: '</title><script>window.stolen = 1</script>'
out_of_order: 0s
allowed_lateness: 0s
event: {time_unit: ms}
metrics:
  by_name:
    count: type == "order.created"
    dimensions: {name: data.name}
    window: 1m
    max_series: 2000
alerts:
  any:
    metric: by_name
    by: [name]
    when: sum over 5m >= 1
    severity: critical
    notify: []
`;

const folder = mkdtempSync(join(tmpdir(), "page-unkind-"));
const START = Date.parse("2026-01-05T10:00:00Z");
let browser;
before(async () => { browser = await launch(); });
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

// The report of these events, each `[name, milliseconds since the start]`, opened from disk.
async function opened(t, events, options = {}) {
  const [rules, input, file] = ["rules.yaml", "events.ndjson", "report.html"].map((name) => join(folder, name));
  writeFileSync(rules, RULES);
  writeFileSync(input, events.map(([name, at], index) => `${JSON.stringify({ type: "order.created", source: "s", id: `${index} ${name.slice(0, 60)}`, time: START + at, data: { name } })}\n`).join(""));
  const made = replay(rules, input, "--open");
  writeFileSync(file, made.html);
  const page = await browser.open(`${pathToFileURL(file)}#zone=UTC`, options);
  t.after(() => page.close());
  await page.drawn();
  return { page, ...made };
}

test("hostile fields are text, and none of them gets out of the data", async (t) => {
  const { page, html, lines } = await opened(t, HOSTILE.map((name, index) => [name, index * 1_000]));
  assert.equal(html.match(/<script/g).length, 3, "catalog, lines and the script");
  assert.deepEqual(await page.evaluate('document.querySelector("#lines").textContent.trim().split("\\n").map((line) => JSON.parse(line))'), lines.map((line) => JSON.parse(line)));
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
  await page.until(`document.querySelectorAll("#history .ids").length === ${HOSTILE.length}`);
  assert.equal(await page.evaluate("window.stolen"), undefined);
  assert.equal(await page.evaluate("document.querySelectorAll('#page img, #page script').length"), 0);
  const shown = await page.text("#history");
  for (const name of ["</script><script>window.stolen = 1</script>", "<!--<script>", "{{lines}}", "{{policy}}", "\\u003c/script>", "&lt;b&gt;"]) assert.ok(shown.includes(name), name);
  assert.match(await page.evaluate("document.title"), /^<\/title><script>/);
  assert.deepEqual(page.complaints, []);
});

test("long names do not make a phone scroll sideways", async (t) => {
  const { page } = await opened(t, HOSTILE.map((name, index) => [name, index * 1_000]), { width: 380, height: 800 });
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 380);
  assert.equal(await page.evaluate('document.querySelectorAll("#alerts tbody tr").length'), HOSTILE.length);
  assert.deepEqual(await page.evaluate(TOO_WIDE), []);
  // Each name stands beside the key of its line, not below.
  const apart = await page.evaluate('Array.from(document.querySelectorAll("#metric-0 tbody th:has(.pick)"), (one) => one.querySelector(".pick").getBoundingClientRect().top - one.getBoundingClientRect().top)');
  assert.ok(apart.length === 10 && apart.every((pixels) => pixels < 12), String(apart));
});

test("a report of no events says so", async (t) => {
  const { page } = await opened(t, []);
  assert.match(await page.text("#metric-0 .empty"), /No event matched this metric/);
  assert.match(await page.text("#alerts"), /No alert is firing\. 1 alert is watched: any/);
  assert.equal(await page.text("#metric-0 .headline .value"), "\u2013");
  assert.equal(await page.text(".times"), "no events");
  assert.deepEqual(page.complaints, []);
});

test("alerts that overlap shade a chart once, as the worst of them", async (t) => {
  const { page } = await opened(t, Array.from({ length: 30 }, (_, index) => [`s${index}`, index * 1_000]));
  assert.equal(await page.evaluate('document.querySelectorAll("#alerts tbody tr").length'), 30);
  await page.until('document.querySelector("#metric-0 canvas")');
  // What shades a chart leaves the ground to be seen: no pixel has the full colour of an alert below the edge on top.
  const colour = await page.evaluate('getComputedStyle(document.documentElement).getPropertyValue("--critical").trim()');
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const same = await page.evaluate(`(() => { const canvas = document.querySelector("#metric-0 canvas"); const { data } = canvas.getContext("2d").getImageData(0, 20, canvas.width, canvas.height - 20); let same = 0; for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && ${JSON.stringify(wanted)}.every((part, index) => Math.abs(data[at + index] - part) < 24)) same += 1; return same; })()`);
  assert.equal(same, 0);
});

test("what a report leaves out is said where it would be", async (t) => {
  const { page, html } = await opened(t, Array.from({ length: 2_010 }, (_, index) => [`s${index}`, 0]));
  assert.match(html, /"left_out":\{"points":0,"of_series":\d+\}/);
  const [, count] = html.match(/"left_out":\{"points":(\d+),"transitions":0\}/);
  const points = Number(count).toLocaleString("en-US");
  assert.match(await page.text("main > .notice"), new RegExp(`This report leaves out ${points} points; each metric says which`));
  assert.match(await page.text("#metric-0 .notes"), new RegExp(`The page holds 1,000 series of a metric: ${points} points of further series are not shown`));
  const rows = await page.texts("#metric-0 table.legend tbody tr");
  assert.ok(rows.some((row) => row.includes("other series")), "what is over the cap of the rules is shown");
  assert.deepEqual(page.complaints, []);
});
