// What the page says of rules that are wrong, of alerts that are pending, of tokens, and before there is anything.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { catalog, created, firing, health, isLive, rejections, started, value } from "./started.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

test("rules that were changed and are wrong are shown as text, until they are mended", async (t) => {
  const reason = "error[unknown-key]: no key `coutn`\n --> rules.yaml:9:5\n9 | <img src=x onerror='window.stolen = 1'>\u202e\n</script>";
  const { server, page } = await started(t, browser);
  await page.until(value(created, "155"));
  assert.equal(await page.evaluate('document.querySelector(".rejected").hidden'), true);
  server.tell({ ...catalog, kind: "catalog", rules_rejected: { at: "2026-01-05T16:01:00Z", reason } });
  await page.until('!document.querySelector(".rejected").hidden');
  assert.match(await page.text(".rejected"), /^The rules were changed and are wrong; the old ones go on\. Since 2026-01-05 16:01\./);
  assert.equal(await page.evaluate('document.querySelector(".rejected pre").textContent'), reason.replace("\u202e", "\u27e8U+202E\u27e9"));
  assert.equal(await page.evaluate('document.querySelector(".rejected").getAttribute("role")'), "alert");
  assert.equal(await page.evaluate("window.stolen || document.querySelectorAll('#page img, #page script').length"), 0);
  assert.equal(await page.text(`${created} .headline .value`), "155", "the numbers stay");
  server.tell({ ...catalog, kind: "catalog" });
  await page.until('document.querySelector(".rejected").hidden');
  assert.deepEqual(page.complaints, []);
});

const pending = { ...firing, alert: "abandonment", step: "", group: {}, transition: "pending", at: "2026-01-05T15:50:00Z", sent: false, value: 0.5, why: "pending", metric: "order_abandonment", severity: "error", condition: "rate over 30m > 0.4" };
const card = `#metric-${catalog.metrics.findIndex((metric) => metric.name === "order_abandonment")}`;
const rows = "#alerts tbody tr";

test("an alert that becomes pending shows as pending, and then as firing", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(pending);
  await page.until(`document.querySelector("${rows}")`);
  assert.deepEqual(await page.texts("#alerts tbody strong"), ["pending"]);
  assert.match(await page.text(rows), /^pendingerrorabandonmentno groups2026-01-05 15:50.*50\.0 %rate over 30m > 0\.4$/);
  await page.until(`document.querySelector("${card} .chip").textContent === "pending: abandonment"`);
  assert.match(await page.text(`${card} .notes`), /error abandonment pending 2026-01-05 15:50 until now/);
  server.decide({ ...pending, transition: "firing", at: "2026-01-05T16:00:00Z", sent: true });
  await page.until(`document.querySelector("${rows} strong").textContent === "firing"`);
  assert.deepEqual(await page.texts("#alerts tbody strong"), ["firing"], "it is one alert");
  await page.until(`document.querySelector("${card} .chip").textContent === "firing: abandonment"`);
  assert.match(await page.text(`${card} .notes`), /error abandonment firing 2026-01-05 16:00 until now.*pending 2026-01-05 15:50 to 16:00/);
});

test("an alert that was only pending is over when the watermark has passed the time in which it would have fired", async (t) => {
  const { server, page } = await started(t, browser);
  await page.until(isLive);
  server.decide(pending);
  await page.until(`document.querySelector("${rows}")`);
  const { pending_ms: wait } = catalog.alerts.find((alert) => alert.name === "abandonment").steps[0];
  const end = Date.parse(pending.at) + wait;
  server.tell(health({ watermark: new Date(end).toISOString() }));
  await page.until("document.querySelectorAll('.tile').length > 0");
  assert.equal(await page.evaluate(`document.querySelectorAll("${rows}").length`), 1);
  server.tell(health({ watermark: new Date(end + 1).toISOString() }));
  await page.until('document.querySelector("#alerts .quiet")');
});

test("a server that wants a token says where it is, shows nothing else, and says when it is another one", async (t) => {
  const { page } = await started(t, browser, { token: "open sesame" });
  await page.until('document.querySelector(".connection").textContent === "A token is wanted"');
  await page.until('document.querySelector("main").hidden');
  assert.match(await page.text(".token p"), /^This server shows nothing without its token: .*--token-file.*STREAMGAUGE_TOKEN/);
  await page.type("#token", "open barley");
  await page.click(".token button");
  await page.until('document.querySelector(".token p").textContent.startsWith("This is not the token of this server.")');
  await page.type("#token", "open sesame");
  await page.click(".token button");
  await page.until(value(created, "155"));
  assert.equal(await page.evaluate('document.querySelector("main").hidden'), false);
});

test("a server that has only old data does not say that none has come", async (t) => {
  const { page } = await started(t, browser, { catalog: { ...catalog, oldest: "2025-01-01T00:00:00Z" }, lines: [], summary: { kind: "summary", received: 0, metrics: { order_rejections: { matched: 0 } } }, hash: "range=1h&zone=UTC" });
  await page.until(isLive);
  await page.until(`document.querySelector("${rejections} .empty").textContent.startsWith("No window in this range.")`);
  assert.equal(await page.evaluate('document.querySelector(".start").hidden'), true);
  assert.equal(await page.evaluate('document.querySelector(".older").hidden'), true);
  await page.click('[data-range="all"]');
  await page.until(`document.querySelector("${rejections} .empty").textContent.startsWith("No event matched this metric since this server started.")`);
  assert.equal(await page.text(".older"), "Older numbers are kept by the minute and by the hour: GET /points?from=2025-01-01T00:00:00Z");
});

test("what matched is asked for again as more comes", async (t) => {
  const summary = { kind: "summary", received: 1, metrics: { order_rejections: { matched: 1 } } };
  const { server, page } = await started(t, browser, { lines: [], summary });
  await page.until(isLive);
  await page.until(`document.querySelector("${rejections} .empty").textContent.startsWith("1 event matched.")`);
  summary.metrics.order_rejections.matched = 2;
  server.tell(health({ received: 2 }));
  await page.until(`document.querySelector("${rejections} .empty").textContent.startsWith("2 events matched.")`);
});
