// A page of a server that has what was recorded of the sample events, and lines to tell it.

import { cardOf } from "./browser.mjs";
import { orders } from "./recorded.mjs";
import { serve } from "./server.mjs";

// The end of the recorded data is now: its last hour is open.
export const catalog = { ...orders.catalog, live: true };
export const rejections = cardOf(catalog, "order_rejections"), created = cardOf(catalog, "orders_created");
const recorded = orders.lines;
export const point = (more) => ({ kind: "point", metric: "order_rejections", dimensions: { aggregator: "noon", country: "AE" }, window_start: "2026-01-05T16:00:00Z", window_end: "2026-01-05T16:15:00Z", status: "final", sum: 7, count: 7, ...more });
export const firing = {
  kind: "alert", alert: "rejections", step: "reactive", group: { aggregator: "noon" }, transition: "firing", at: "2026-01-05T16:07:00Z", sent: true, value: 3, reason: "condition holds",
  evidence: ["a", "b", "c"], why: "at once", channels: { oncall: "at once" }, metric: "order_rejections", severity: "critical", condition: "sum over 10m >= 3", threshold: 3,
  from: "2026-01-05T15:57:00Z", until: "2026-01-05T16:07:00Z", episode: "2026-01-05T16:07:00Z", events: 3,
};
export const health = (more) => ({ kind: "health", at: "2026-01-05T16:07:22Z", rate: 1234, lag: 31_500, delay: 420, open_windows: 6, behind: false, watermark: "2026-01-05T16:06:50Z", received: 3000, counted: 2019, filtered: 923, duplicate: 44, late: 6, rejected: 8, ...more });

export async function started(t, browser, { hash = "range=6h&zone=UTC", lines = recorded.filter((line) => !line.includes('"kind":"summary"')), summary = JSON.parse(recorded[recorded.length - 1]), ...options } = {}) {
  const server = await serve({ catalog, lines, summary, ...options });
  const page = await browser.open(`${server.url}#${hash}`);
  t.after(async () => {
    await page.close();
    await server.stop();
  });
  return { server, page };
}

export const isLive = "document.querySelector('.connection')?.textContent === 'Live' && document.querySelector('.activity').textContent === ''";
export const value = (card, text) => `document.querySelector("${card} .headline .value")?.textContent === "${text}"`;
