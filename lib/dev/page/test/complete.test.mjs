// What the page says of how whole its numbers are, which time it shows, and what a number is of.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cardOf, launch } from "./browser.mjs";
import { catalog, created, health, isLive, point, rejections, started, value } from "./started.mjs";

const nothing = { kind: "summary", received: 0, metrics: {} };
const isPressed = (range) => `document.querySelector('[data-range="${range}"]').getAttribute("aria-pressed") === "true"`;

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("a window that is open says so everywhere, until it is final", async (t) => {
  const { server, page } = await started(t, browser, { lines: [], summary: nothing });
  await page.until(isLive);
  server.decide(point({ status: "open", sum: 3, count: 3 }));
  await page.until(value(rejections, "3"));
  assert.match(await page.text(`${rejections} .window`), /16:00\u201316:15, open$/);
  assert.match(await page.text(`${rejections} .headline .detail`), /, open$/);
  assert.equal(await page.text(`${rejections} .complete`), "No window is final yet. 1 window is open (hatched) and may still grow.");
  await page.evaluate(`document.querySelector("${rejections} details").open = true`);
  await page.until(`document.querySelector("${rejections} .windows tbody td")?.textContent === "open"`);
  assert.equal((await page.text(rejections)).includes("final,"), false);
  server.decide(point({ sum: 4, count: 4 }));
  await page.until(`document.querySelector("${rejections} .window").textContent.endsWith(", final")`);
  await page.until(`document.querySelector("${rejections} .windows tbody td").textContent === "final"`);
});

test("what is final moves with the watermark, and the number with it, also when no point comes", async (t) => {
  const { server, page } = await started(t, browser, { lines: [], summary: nothing });
  await page.until(isLive);
  server.decide(point({}));
  await page.until(value(rejections, "7"));
  const tell = (watermark, more) => server.tell(health({ watermark, ...more }));
  // Two minutes for late events: the window that ends at 16:30 is final at 16:32, not before.
  tell("2026-01-05T16:31:59Z");
  tell("2026-01-05T16:31:59.999Z", { open_windows: 0 });
  await page.until("document.querySelectorAll('.tile').length > 0");
  assert.match(await page.text(`${rejections} .complete`), /^Final until 2026-01-05 16:15\./);
  tell("2026-01-05T16:32:00Z", { open_windows: 0, delay: 0, lag: 90_000 });
  await page.until(value(rejections, "0"));
  assert.match(await page.text(`${rejections} .complete`), /^Final until 2026-01-05 16:30\. Nothing newer has come\.$/);
  assert.match(await page.text(`${rejections} .headline .detail`), /^events for noon \u00b7 AE, 2026-01-05 16:15\u201316:30, final$/);
  tell("2026-01-05T16:32:00Z", { behind: true, delay: 42_000 });
  await page.until(`document.querySelector("${rejections} .complete").textContent.includes("behind by 42 s")`);
});

test("days of a time zone are final where the server says so", async (t) => {
  const daily = { name: "daily", kind: "count", unit: "None", dimensions: [], window_ms: 86_400_000, waits_ms: 0 };
  const { server, page } = await started(t, browser, { catalog: { ...catalog, metrics: [daily] }, lines: [], summary: nothing, hash: "range=7d&zone=UTC" });
  await page.until(isLive);
  server.decide({ kind: "point", metric: "daily", dimensions: {}, window_start: "2026-01-02T20:00:00Z", window_end: "2026-01-03T20:00:00Z", status: "final", sum: 5, count: 5 });
  await page.until(value("#metric-0", "5"));
  server.tell(health({ days: { daily: ["2026-01-04T20:00:00Z", "2026-01-05T20:00:00Z"] } }));
  await page.until(value("#metric-0", "0"));
  assert.equal(await page.text("#metric-0 .complete"), "Final until 2026-01-05 20:00.");
});

test("the first range fits the age of the data, and grows with it", async (t) => {
  const { server, page } = await started(t, browser, { catalog: { ...catalog, oldest: "2026-01-05T15:57:30Z" }, lines: [], summary: nothing, hash: "zone=UTC" });
  await page.until(isLive);
  assert.equal(await page.evaluate(isPressed("15m")), true);
  assert.equal(await page.evaluate("location.hash"), "#zone=UTC");
  server.tell(health({ at: "2026-01-05T16:20:00Z" }));
  await page.until(isPressed("1h"));
  await page.until(isLive);
  const [newest] = server.requests().filter((url) => url.startsWith("/points?metric=order_rejections")).slice(-1);
  assert.ok(Date.parse(new URL(newest, server.url).searchParams.get("from")) < Date.parse("2026-01-05T15:20:00Z"), newest);
});

test("old data are shown by the length of their windows", async (t) => {
  const { page } = await started(t, browser, { catalog: { ...catalog, oldest: "2025-01-01T00:00:00Z" }, hash: "zone=UTC" });
  await page.until(isLive);
  assert.equal(await page.evaluate(isPressed("24h")), true, "twelve windows of an hour");
});

test("a link keeps the range that was chosen", async (t) => {
  const { page } = await started(t, browser, { catalog: { ...catalog, oldest: "2026-01-05T15:57:30Z" }, hash: "range=24h&zone=UTC" });
  await page.until(isLive);
  assert.equal(await page.evaluate(isPressed("24h")), true);
  await page.type('.bar input[type="search"]', "noon");
  assert.match(await page.evaluate("location.hash"), /range=24h/);
});

test("a number says of which series it is, and sums of several are not added up", async (t) => {
  const revenue = cardOf(catalog, "revenue");
  const sale = (currency, sum) => ({ kind: "point", metric: "revenue", dimensions: { currency }, window_start: "2026-01-05T15:00:00Z", window_end: "2026-01-05T16:00:00Z", status: "final", sum, count: 1 });
  const { server, page } = await started(t, browser, { lines: [], summary: nothing });
  await page.until(isLive);
  server.decide(sale("AED", 10.5));
  await page.until(value(revenue, "10.50"));
  assert.equal(await page.text(`${revenue} .headline .detail`), "sum of 1 event for AED, 2026-01-05 15:00\u201316:00, final");
  for (let index = 0; index < 11; index += 1) server.decide(sale(`X${index}`, 100 + index));
  await page.until(value(revenue, "110"));
  assert.equal(await page.text(`${revenue} .headline .detail`), "sum of 1 event for X10, the largest of 12 series, 2026-01-05 15:00\u201316:00, final");
  const rows = await page.texts(`${revenue} table.legend tbody tr`);
  assert.equal(rows[10], "2 other series, not drawn\u20132\u2013");
  await page.evaluate(`document.querySelector("${revenue} details").open = true`);
  await page.until(`document.querySelector("${revenue} .windows caption")`);
  assert.equal(await page.text(`${revenue} .windows caption`), "X10, the largest series, newest first");
  await page.click(`${revenue} button.pick[data-key*="X3"]`);
  await page.until(value(revenue, "103"));
  assert.match(await page.text(`${revenue} .headline .detail`), /^sum of 1 event for X3, /);
  server.decide(point({ sum: 1, count: 1 }));
  await page.until(value(rejections, "1"));
  assert.match(await page.text(`${rejections} .headline .detail`), /^event for noon/);
  server.decide(point({ dimensions: { aggregator: "lugmati", country: "AE" } }));
  await page.until(value(rejections, "8"));
  assert.match(await page.text(`${rejections} .headline .detail`), /^events in all 2 series, /);
  assert.equal(await page.text(`${created} .headline .detail`), "no window yet");
  assert.deepEqual(page.complaints, []);
});
