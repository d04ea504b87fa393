// Recorded data: what the real command prints for the sample events, and what the page has to be told of their rules.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const program = process.env.STREAMGAUGE || `${root}target/debug/streamgauge`;
const shared = process.env.STREAMGAUGE_SHARED || `${root}../shared`;

const HOUR = 3_600_000, DAY = 24 * HOUR;
const metric = (name, kind, window_ms, ...dimensions) => ({ name, kind, unit: "None", dimensions, window_ms });

export function replay(rules, events) {
  const output = execFileSync(program, ["replay", "--rules", `${root}${rules}`, "--output", "json", "--open", events], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  return output.toString().split("\n").filter(Boolean);
}

export const orders = {
  catalog: {
    title: "Shop/Orders", live: false, now: "2026-01-05T16:07:21.186Z",
    metrics: [
      metric("orders_created", "count", HOUR, "aggregator", "country"), metric("order_rejections", "count", HOUR / 4, "aggregator", "country"),
      metric("rejection_rate", "ratio", HOUR, "aggregator"), metric("order_value", "distribution", HOUR), metric("revenue", "sum", HOUR, "currency"),
      metric("customers", "unique", HOUR), metric("order_abandonment", "journey", HOUR, "country"),
    ],
    alerts: [
      { name: "rejections", metric: "order_rejections", steps: [{ name: "reactive", severity: "critical" }, { name: "proactive", severity: "warning" }] },
      { name: "abandonment", metric: "order_abandonment", steps: [{ name: "", severity: "error" }] },
      { name: "silence_of_orders", metric: "orders_created", steps: [{ name: "", severity: "critical" }] },
    ],
  },
  lines: () => replay("events/streamgauge.yaml", `${root}events/orders.ndjson`),
};

export const retail = {
  there: existsSync(`${shared}/data/online_retail_orders.ndjson.zst`),
  catalog: {
    title: "Online retail", live: false, now: "2011-12-09T12:50:00Z", alerts: [],
    metrics: [
      metric("placed_daily", "count", DAY), metric("cancelled_daily", "count", DAY), metric("cancel_rate_daily", "ratio", DAY), metric("revenue_daily", "sum", DAY),
      metric("placed_hourly", "count", HOUR), metric("cancel_rate_weekly", "ratio", 7 * DAY), metric("cancel_rate_by_country", "ratio", DAY, "country"), metric("amounts", "distribution", DAY, "type"),
    ],
  },
  lines: () => replay("tests/rules/online_retail_orders.yaml", `${shared}/data/online_retail_orders.ndjson.zst`),
};

export const incidents = {
  there: existsSync(`${shared}/data/ecom_incidents.ndjson.zst`),
  catalog: {
    title: "Incidents", live: false, now: "2024-06-29T12:00:00Z", alerts: [],
    metrics: [metric("events_by_platform", "count", DAY, "platform", "type"), metric("checkouts", "journey", 7 * DAY), metric("purchases", "count", 7 * DAY)],
  },
  lines: () => replay("tests/rules/ecom_incidents.yaml", `${shared}/data/ecom_incidents.ndjson.zst`),
};
