// Recorded data: what the real command prints for event files, and the report that it writes of them.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../..", import.meta.url));
export const program = process.env.STREAMGAUGE || join(root, "target/debug/streamgauge");
const shared = process.env.STREAMGAUGE_SHARED || join(root, "../shared");

// `html` is the report; `catalog` what it says of the rules; `lines` what the command prints beside it, texts of one JSON object each.
export function replay(rules, events, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "page-recorded-"));
  const file = join(folder, "report.html");
  const output = execFileSync(program, ["replay", "--rules", rules, "--output", "json", "--report", file, ...options, events], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  const html = readFileSync(file, "utf8");
  rmSync(folder, { recursive: true });
  const [, catalog] = html.match(/id="catalog">([^]*?)<\/script>/);
  return { html, catalog: JSON.parse(catalog), lines: output.toString().split("\n").filter(Boolean) };
}

export const orders = replay(join(root, "events/streamgauge.yaml"), join(root, "events/orders.ndjson"), "--open");

// The event logs lie outside of the repository.
function log(name) {
  const events = join(shared, `data/${name}.ndjson.zst`);
  return { there: existsSync(events), load: () => replay(join(root, `tests/rules/${name}.yaml`), events, "--open") };
}
export const retail = log("online_retail_orders");
export const incidents = log("ecom_incidents");
