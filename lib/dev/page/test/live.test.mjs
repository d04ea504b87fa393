// The page of a running server: what it fetches, what it hears, and what happens when the connection breaks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { catalog, created, firing, health, isLive, point, rejections, started, value } from "./started.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("what was decided before is fetched, for the range that is looked at", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  await page.until(value(created, "155"));
  const asked = server.requests().filter((url) => url.startsWith("/points"));
  assert.equal(asked.length, catalog.metrics.length);
  const [first] = asked.map((url) => new URL(url, server.url).searchParams);
  // Six hours before now, and two windows more.
  assert.ok(Math.abs(Date.parse("2026-01-05T08:07:21Z") - Date.parse(first.get("from"))) < 60_000, first.get("from"));
  assert.equal(first.get("to"), null);
  assert.deepEqual(page.complaints, []);
});

test("a point, an open window and a correction show as they are decided", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(point({ status: "open", sum: 3, count: 3 }));
  await page.until(`document.querySelector("${rejections} .complete").textContent.includes("1 window is open")`);
  server.decide(point({ status: "open", sum: 5, count: 5 }));
  server.decide(point({}));
  await page.until(value(rejections, "7"));
  assert.match(await page.text(`${rejections} .headline .detail`), /16:00\u201316:15, final$/);
  server.decide(point({ status: "correction", sum: 2, count: 2 }));
  await page.until(value(rejections, "9"));
  assert.match(await page.text(`${rejections} .headline .detail`), /corrected by 1$/);
  assert.match(await page.text(`${rejections} .complete`), /^Final until 2026-01-05 16:15\.$/);
});

test("an alert that fires stands on top and on its metric's card, until it resolves", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(firing);
  await page.until('document.querySelector("#alerts table")');
  assert.match(await page.text("#alerts tbody tr"), /^firingcriticalrejections \/ reactivenoon2026-01-05 16:07.*3sum over 10m >= 3$/);
  await page.until(`document.querySelector("${rejections} .chip").textContent === "firing: rejections"`);
  server.decide({ ...firing, transition: "resolved", at: "2026-01-05T16:20:00Z", evidence: [] });
  await page.until('document.querySelector("#alerts .quiet")');
});

test("an alert that fires since before the range comes with the catalog", async (t) => {
  const { page } = await started(t, browser, { catalog: { ...catalog, firing: [{ ...firing, at: "2025-12-01T00:00:00Z" }] } });
  await page.until('document.querySelector("#alerts table")');
  assert.match(await page.text("#alerts tbody tr"), /2025-12-01 00:00/);
});

test("health and deploys show", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.tell(health());
  server.tell(health({ at: "2026-01-05T16:07:23Z", behind: true, delay: 42_000, received: 3_100, rejected: 18 }));
  server.decide({ kind: "deploy", version: "v7", at: "2026-01-05T16:00:00Z" });
  await page.until('Array.from(document.querySelectorAll(".tile.bad dt")).some((one) => one.textContent === "delay")');
  const tiles = Object.fromEntries(await page.evaluate("Array.from(document.querySelectorAll('.tile'), (one) => [one.querySelector('dt').textContent, one.querySelector('dd').innerText.replace(/\\s+/g, ' ')])"));
  assert.match(tiles.rate, /^1\.23K\/s/);
  assert.match(tiles["watermark lag"], /^32 s events until 16:06:50 are in/);
  assert.match(tiles.delay, /^42 s behind: records wait/);
  assert.match(tiles["open windows"], /^6/);
  assert.match(tiles.rejected, /^18/);
  await page.until(`document.querySelector("${created} .complete").textContent.includes("behind by 42 s")`);
  assert.deepEqual(page.complaints, []);
});

test("a connection that breaks is said, taken up again, and nothing is missed or counted twice", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(point({}));
  server.decide(point({ status: "correction", sum: 1, count: 1 }));
  await page.until(value(rejections, "8"));
  await server.stop();
  await page.until('document.querySelector(".connection").textContent.startsWith("Away since")');
  server.decide(point({ status: "correction", sum: 2, count: 2 }));
  server.decide(firing);
  await server.again();
  await page.until(isLive);
  await page.until(value(rejections, "10"));
  assert.match(await page.text(`${rejections} .headline .detail`), /corrected by 2$/);
  assert.match(await page.text(".notice"), /^Was away from .* What was decided meanwhile has been fetched\./);
  await page.until('document.querySelector("#alerts tbody tr")?.textContent.startsWith("firing")');
  server.decide(point({ status: "correction", sum: 1, count: 1 }));
  await page.until(value(rejections, "11"));
});

test("what comes while a question is answered counts once, whether the answer holds it or not", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(point({}));
  await page.until(value(rejections, "7"));
  await server.stop();
  const release = server.hold();
  await server.again();
  server.requests();
  await page.until("document.querySelector('.activity').textContent === 'fetching'");
  assert.equal(server.listening(), 1, "the stream is open before the questions");
  server.decide(point({ status: "correction", sum: 2, count: 2 }));
  release();
  await page.until(isLive);
  await page.until(value(rejections, "9"));
  server.decide(point({ status: "correction", sum: 10, count: 10 }));
  await page.until(value(rejections, "19"));
});

test("what resolved while the page was away, and before its range, does not fire any more", async (t) => {
  const { server, page } = await started(t, browser, { hash: "range=15m&zone=UTC" });
  await page.until(isLive);
  server.decide({ ...firing, at: "2026-01-05T14:00:00Z" });
  await page.until('document.querySelector("#alerts table")');
  await server.stop();
  await page.until('document.querySelector(".connection").textContent.startsWith("Away since")');
  server.decide({ ...firing, at: "2026-01-05T14:30:00Z", transition: "resolved", episode: "2026-01-05T14:00:00Z" });
  await server.again();
  await page.until('document.querySelector("#alerts .quiet")');
});

test("a longer range is fetched when it is chosen, a shorter one is there", async (t) => {
  const { server, page } = await started(t, browser, { hash: "range=1h&zone=UTC" });
  await page.until(isLive);
  server.requests();
  await page.click('[data-range="all"]');
  await page.until(`document.querySelector("${created} table.legend tbody td:last-child").textContent === "200"`);
  assert.equal(server.requests().filter((url) => url.startsWith("/points")).length, catalog.metrics.length);
  await page.until(isLive);
  server.requests();
  await page.click('[data-range="15m"]');
  const drawn = await page.evaluate("Number(document.documentElement.dataset.drawn)");
  await page.until(`Number(document.documentElement.dataset.drawn) > ${drawn + 2}`);
  assert.deepEqual(server.requests(), []);
});

test("where time passes by the events, ranges end with them, however long ago they were", async (t) => {
  const { server, page } = await started(t, browser, { hash: "range=1h&zone=UTC", lines: [], catalog: { ...catalog, clock: "events" } });
  await page.until(isLive);
  const asked = server.requests().filter((url) => url.startsWith("/points"));
  assert.match(new URL(asked[0], server.url).searchParams.get("from"), /^2026-01-05T13:07:/);
  server.tell(health({ at: "2026-11-23T12:00:00Z" }));
  await page.until('document.querySelector(".times").textContent.includes("2026-01-05 15:06:50 \u2013 2026-01-05 16:06:50")');
});

test("rules that change bring their metrics", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  const added = { name: "refunds", kind: "sum", unit: "None", dimensions: [], window_ms: 60_000 };
  const changed = { ...catalog, kind: "catalog", metrics: [...catalog.metrics.slice(0, 2), added] };
  server.decide({ kind: "point", metric: "refunds", dimensions: {}, window_start: "2026-01-05T16:00:00Z", window_end: "2026-01-05T16:01:00Z", status: "final", sum: 12.5, count: 2 });
  server.tell(changed);
  await page.until('document.querySelectorAll(".card").length === 3');
  await page.until('document.querySelector("#metric-2 .headline .value").textContent === "12.50"');
  await page.until(value(created, "155"));
});

test("where nothing has come yet, the page says how to push an event", async (t) => {
  const { server, page } = await started(t, browser, { lines: [], summary: { kind: "summary", received: 0, metrics: {} } });
  await page.until('document.querySelector(".start pre")');
  const command = await page.text(".start pre");
  assert.match(command, new RegExp(`^curl -i '${server.url}events'`));
  assert.match(command, /content-type: application\/cloudevents\+json/);
});

test("a server that wants a token gets it, and only then tells its rules", async (t) => {
  const { page } = await started(t, browser, { token: "open sesame" });
  await page.until('document.querySelector(".connection").textContent === "A token is wanted"');
  assert.equal(await page.evaluate("document.querySelectorAll('.card').length"), 0);
  await page.type("#token", "open sesame");
  await page.click(".token button");
  await page.until(value(created, "155"));
  // The request without a token is refused, which the browser notes.
  assert.deepEqual(page.complaints.filter((complaint) => !complaint.includes("401")), []);
});
