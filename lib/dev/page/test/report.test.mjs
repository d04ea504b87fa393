// Reports as the real command writes them, opened from disk: the numbers, what can be done with them, what they load.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { cardOf, launch, TOO_WIDE } from "./browser.mjs";
import { join } from "./join.mjs";
import { incidents, orders, retail } from "./recorded.mjs";

const folder = mkdtempSync(path(tmpdir(), "page-report-"));
const objects = orders.lines.map((line) => JSON.parse(line));
const points = objects.filter((line) => line.kind === "point");
const transitions = objects.filter((line) => line.kind === "alert");
const summary = objects.find((line) => line.kind === "summary");
const grouped = (number) => number.toLocaleString("en-US");
const percent = (rate) => `${(rate * 100).toFixed(1)} %`;

let browser;
before(async () => { browser = await launch(); });
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

async function report(name, { html }, { hash = "", ...options } = {}) {
  const file = path(folder, `${name}.html`);
  writeFileSync(file, html);
  const page = await browser.open(`${pathToFileURL(file)}#zone=UTC${hash}`, options);
  await page.drawn();
  return page;
}

// The points of the newest window that is final, corrections included.
function latest(metric) {
  const own = points.filter((point) => point.metric === metric);
  const end = own.filter((point) => point.status === "final").map((point) => point.window_end).sort().pop();
  return own.filter((point) => point.window_end === end && point.status !== "open");
}

const sum = (list, name) => list.reduce((total, point) => total + (point[name] || 0), 0);

test("newest final numbers are those of the data", async () => {
  const page = await report("numbers", orders);
  const value = (metric) => page.text(`${cardOf(orders.catalog, metric)} .headline .value`);
  const ratio = latest("rejection_rate"), journeys = latest("order_abandonment"), [order] = latest("order_value"), [customers] = latest("customers");
  assert.equal(await value("orders_created"), grouped(sum(latest("orders_created"), "sum")));
  assert.equal(await value("rejection_rate"), percent(sum(ratio, "sum") / sum(ratio, "count")));
  assert.equal(await value("order_abandonment"), percent(sum(journeys, "abandoned") / sum(journeys, "started")));
  assert.equal(await value("order_value"), order.p50.toFixed(2));
  assert.equal(await value("customers"), grouped(customers.unique));
  // Amounts in several currencies have no sum.
  const [revenue] = latest("revenue").filter((point) => point.dimensions.currency === "AED");
  assert.equal(await value("revenue"), grouped(Number(revenue.sum.toFixed(2))));
  assert.match(await page.text(`${cardOf(orders.catalog, "revenue")} .headline .detail`), new RegExp(`^sum of ${revenue.count} events for AED, the largest of \\d+ series, `));
  assert.match(await page.text(`${cardOf(orders.catalog, "revenue")} .notes`), /Sums of several series are not added up/);
  assert.match(await page.text(`${cardOf(orders.catalog, "orders_created")} .headline .detail`), /^events in all 14 series, 2026-01-05 15:00\u201316:00, corrected by 1$/);
  assert.match(await page.text(`${cardOf(orders.catalog, "orders_created")} .complete`), /^Final until 2026-01-05 16:00\. 1 window is open \(hatched\)/);
  assert.deepEqual(page.complaints, []);
});

test("totals of the range hold corrections and what is folded", async () => {
  const page = await report("totals", orders);
  const rows = await page.texts(`${cardOf(orders.catalog, "orders_created")} table.legend tbody tr`);
  assert.equal(rows.length, 11, "ten series, and the others as one");
  assert.match(rows[10], /^4 other series, folded/);
  const totals = await page.texts(`${cardOf(orders.catalog, "orders_created")} table.legend tbody td:last-child`);
  assert.equal(totals.reduce((all, text) => all + Number(text), 0), sum(points.filter((point) => point.metric === "orders_created"), "sum"));
  assert.match(await page.text(`${cardOf(orders.catalog, "orders_created")} .notes`), /10 largest of 14 series/);
});

test("a series that is picked is drawn alone, and the link shows the same", async () => {
  const page = await report("picked", orders);
  const card = cardOf(orders.catalog, "rejection_rate");
  await page.click(`${card} button.pick`);
  const [noon] = latest("rejection_rate").filter((point) => point.dimensions.aggregator === "noon");
  assert.equal(await page.text(`${card} .headline .value`), percent(noon.rate));
  const hash = await page.evaluate("location.hash");
  const other = await report("picked", orders, { hash: `&${hash.slice(1)}` });
  assert.equal(await other.text(`${card} .headline .value`), percent(noon.rate));
  assert.equal(await other.evaluate(`document.querySelectorAll('${card} [aria-pressed="true"]').length`), 1);
  await other.click(`${card} .tools button`);
  assert.equal(await other.evaluate(`document.querySelectorAll('${card} [aria-pressed="true"]').length`), 0);
});

test("searches keep what fits and hide the rest", async () => {
  const page = await report("search", orders);
  await page.type('.bar input[type="search"]', "noon rejection");
  const cards = await page.evaluate("Array.from(document.querySelectorAll('.card'), (one) => one.hidden ? null : one.querySelector('h3 bdi').textContent).filter(Boolean)");
  assert.deepEqual(cards, ["order_rejections", "rejection_rate"]);
  assert.deepEqual(await page.texts(`${cardOf(orders.catalog, "rejection_rate")} button.pick`), ["noon"]);
  await page.type('.bar input[type="search"]', "nothing like it");
  assert.match(await page.text("#metrics"), /No metric and no series fits the search/);
});

test("history tells each transition with its evidence", async () => {
  const page = await report("history", orders);
  const shown = await page.texts("#history summary");
  assert.equal(shown.length, transitions.length);
  assert.match(shown[shown.length - 1], /^2026-01-05 12:05:40\.854firingcriticalrejections \/ reactivenoonwould be sent to oncall$/);
  await page.evaluate('Array.from(document.querySelectorAll("#history details")).pop().open = true');
  await page.until('document.querySelector("#history details[open] .ids")');
  assert.deepEqual(await page.texts("#history details[open] .ids li"), transitions[0].evidence);
  assert.match(await page.text("#history details[open] .facts"), /reasoncondition holds.*value3, threshold 3looked at2026-01-05 11:55:40\.854 to 2026-01-05 12:05:40\.854/);
  assert.match(await page.text(`${cardOf(orders.catalog, "order_rejections")} .notes`), /critical rejections \/ reactive firing for noon 2026-01-05 12:05:40\.854 to 13:19:37\.444/);
  assert.match(await page.text("#alerts"), /No alert is firing\. 3 alerts are watched: rejections, abandonment, silence_of_orders/);
});

test("the pipeline's counters are those of the summary", async () => {
  const page = await report("summary", orders);
  const tiles = Object.fromEntries(await page.evaluate("Array.from(document.querySelectorAll('.tile'), (one) => [one.querySelector('dt').textContent, one.querySelector('.value').textContent])"));
  for (const name of ["received", "counted", "filtered", "duplicate", "late", "rejected"]) assert.equal(tiles[name], grouped(summary[name]), name);
  assert.match(await page.text(".connection"), /^Report, as of its end$/);
});

test("a drag zooms all charts, and the way back is shown", async () => {
  const page = await report("zoom", orders);
  await page.until(`document.querySelector("${cardOf(orders.catalog, "orders_created")} .u-over")`);
  await page.evaluate(`document.querySelector("${cardOf(orders.catalog, "orders_created")} .u-over").scrollIntoView({ block: "center" })`);
  const box = await page.evaluate(`(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector("${cardOf(orders.catalog, "orders_created")} .u-over").getBoundingClientRect())`);
  await page.mouse("mousePressed", box.x + box.width * 0.25, box.y + box.height / 2);
  await page.mouse("mouseMoved", box.x + box.width * 0.4, box.y + box.height / 2);
  await page.mouse("mouseMoved", box.x + box.width * 0.5, box.y + box.height / 2);
  await page.mouse("mouseReleased", box.x + box.width * 0.5, box.y + box.height / 2);
  await page.until('location.hash.includes("from=")');
  const values = new URLSearchParams((await page.evaluate("location.hash")).slice(1));
  const begin = Date.parse("2026-01-05T10:00:00Z"), hour = 3_600_000;
  assert.ok(Math.abs(Date.parse(values.get("from")) - (begin + 1.75 * hour)) < hour / 10, values.get("from"));
  assert.ok(Math.abs(Date.parse(values.get("to")) - (begin + 3.5 * hour)) < hour / 10, values.get("to"));
  await page.click(".line-2 > button");
  assert.equal(await page.evaluate('location.hash.includes("from=")'), false);
});

test("keys read a chart window by window", async () => {
  const page = await report("keys", orders);
  await page.evaluate(`document.querySelector("${cardOf(orders.catalog, "customers")}").scrollIntoView()`);
  await page.until(`document.querySelector("${cardOf(orders.catalog, "customers")} .chart")`);
  await page.evaluate(`document.querySelector("${cardOf(orders.catalog, "customers")} .chart").focus()`);
  await page.key("Home");
  const [first] = points.filter((point) => point.metric === "customers");
  assert.equal(await page.text(`${cardOf(orders.catalog, "customers")} [aria-live]`), `2026-01-05 10:00\u201311:00, final: ${first.unique}, distinct values`);
  await page.key("ArrowRight");
  assert.match(await page.text(`${cardOf(orders.catalog, "customers")} [aria-live]`), /^2026-01-05 11:00/);
  await page.until(`document.querySelector("${cardOf(orders.catalog, "order_value")} .window").textContent.startsWith("2026-01-05 11:00")`);
});

test("a chart's windows stand in a table too", async () => {
  const page = await report("table", orders);
  const card = cardOf(orders.catalog, "order_abandonment");
  await page.evaluate(`document.querySelector("${card} details").open = true`);
  await page.until(`document.querySelector("${card} .windows tbody tr")`);
  const rows = await page.texts(`${card} .windows tbody tr`);
  assert.equal(rows.length, 7);
  assert.match(rows[0], /^2026-01-05 16:00\u201317:00open/);
  assert.match(rows[2], /^2026-01-05 14:00\u201315:00final10\.6 %17015218/);
});

test("times are those of the zone that is chosen", async () => {
  const page = await report("zone", orders, { hash: "&zone=UTC", zone: "Asia/Dubai" });
  await page.evaluate('{ const choice = document.querySelector(".bar select"); choice.value = "Asia/Dubai"; choice.dispatchEvent(new Event("change")); }');
  assert.match(await page.text(".times"), /^2026-01-05 14:00 \u2013 2026-01-05 21:00 UTC\+4$/);
  assert.match((await page.texts("#history summary")).pop(), /^2026-01-05 16:05:40\.854/);
});

test("a phone has no sideways scrolling", async () => {
  const page = await report("phone", orders, { width: 380, height: 800 });
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 380);
  assert.deepEqual(await page.evaluate(TOO_WIDE), []);
});

test("no line breaks in a date or a window", async () => {
  const page = await report("hyphens", orders, { width: 320, height: 4000 });
  const [dates, broken] = await page.evaluate(`(() => {
    const sentences = document.createTreeWalker(document.querySelector("#metrics"), NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const broken = [];
    let dates = 0;
    while (sentences.nextNode()) for (const found of sentences.currentNode.data.matchAll(/\\d{4}-\\d\\d-\\d\\d( [\\d:.\u2013]+)?/g)) {
      dates += 1;
      range.setStart(sentences.currentNode, found.index);
      range.setEnd(sentences.currentNode, found.index + found[0].length);
      if (new Set(Array.from(range.getClientRects(), (rect) => rect.top)).size > 1) broken.push(sentences.currentNode.data);
    }
    return [dates, broken];
  })()`);
  assert.ok(dates >= 10, `${dates} dates`);
  assert.deepEqual(broken, []);
});

test("light and dark are switched, and a reload keeps the choice", async () => {
  const page = await report("theme", orders, { scheme: "dark" });
  const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  assert.equal(await ground(), "rgb(20, 23, 26)");
  await page.evaluate('{ const choice = document.querySelector("select[aria-label=Colours]"); choice.value = "light"; choice.dispatchEvent(new Event("change")); }');
  assert.equal(await ground(), "rgb(246, 247, 248)");
  await page.evaluate("window.before = true");
  await page.reload();
  await page.until("!window.before && document.documentElement.dataset.drawn");
  assert.equal(await ground(), "rgb(246, 247, 248)");
});

test("all that takes the focus has a name", async () => {
  const page = await report("names", orders);
  const { nodes } = await page.call("Accessibility.getFullAXTree");
  const named = nodes.filter((node) => !node.ignored && ["button", "searchbox", "combobox", "textbox", "link", "group"].includes(node.role.value) && node.properties?.some((one) => one.name === "focusable" && one.value.value));
  assert.ok(named.length > 30, `${named.length} nodes`);
  assert.deepEqual(named.filter((node) => !node.name?.value).map((node) => node.role.value), []);
});

test("the invoices of a year add up", { skip: !retail.there && "the event logs are not there" }, async () => {
  const log = retail.load();
  const page = await report("retail", log, { height: 3000 });
  const total = (metric) => page.text(`${cardOf(log.catalog, metric)} table.legend tbody td:last-child`);
  assert.equal(await total("placed_daily"), "22,061");
  assert.equal(await total("placed_hourly"), "22,061");
  assert.equal(await total("cancelled_daily"), "3,836");
  assert.match(await page.text(`${cardOf(log.catalog, "cancel_rate_by_country")} .notes`), /10 largest of 38 series/);
  assert.deepEqual(page.complaints, []);
});

test("incidents of half a year are shown", { skip: !incidents.there && "the event logs are not there" }, async () => {
  const log = incidents.load();
  const page = await report("incidents", log);
  const events = log.lines.map((line) => JSON.parse(line)).filter((line) => line.metric === "events_by_platform");
  const totals = await page.texts(`${cardOf(log.catalog, "events_by_platform")} table.legend tbody td:last-child`);
  assert.equal(totals.reduce((all, text) => all + Number(text.replaceAll(",", "")), 0), sum(events, "sum"));
  assert.deepEqual(page.complaints, []);
});

test("nothing is asked of anybody, and nothing may be", async () => {
  const page = await report("silent", orders);
  await page.evaluate("document.querySelectorAll('.card').forEach((card) => card.scrollIntoView())");
  assert.deepEqual(page.requests.filter((url) => !/^(file|data):/.test(url)), []);
  assert.deepEqual(page.complaints, []);
  await page.evaluate("fetch('http://127.0.0.1:1/').catch(() => undefined)");
  assert.ok(page.complaints.some((complaint) => /Content Security Policy/.test(complaint)), page.complaints.join("\n"));
});

test("the page is joined as the stand-in of a server joins it", () => {
  assert.equal(orders.html, join(orders.catalog, orders.lines.map((line) => `${line}\n`)));
});
