// Writes the pictures of docs/images: the page of a report of the sample events, in both themes and on a phone. Needs what the tests
// need (README.md). The report is the same bytes each time; how letters are drawn is up to the fonts of the machine.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./test/browser.mjs";
import { program, root } from "./test/recorded.mjs";

const BYTES_MAX = 300_000;
const PICTURES = [
  ["page-light", { scheme: "light", width: 1280, height: 1600, scale: 1 }],
  ["page-dark", { scheme: "dark", width: 1280, height: 1600, scale: 1 }],
  ["page-phone", { scheme: "light", width: 390, height: 844, scale: 2 }],
];

const folder = process.argv[2] || join(root, "docs/images");
const work = mkdtempSync(join(tmpdir(), "page-screenshots-"));
const report = join(work, "report.html");
execFileSync(program, ["replay", "--rules", join(root, "events/streamgauge.yaml"), "--open", "--report", report, join(root, "events/orders.ndjson")], { stdio: "ignore" });
mkdirSync(folder, { recursive: true });

// The picture that the next ones are like: cards are drawn as they come in sight.
async function settled(page) {
  let last = null, same = 0;
  while (same < 3) {
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
    const { data } = await page.call("Page.captureScreenshot", { format: "png" });
    same = data === last ? same + 1 : 0;
    last = data;
  }
  return Buffer.from(last, "base64");
}

const browser = await launch();
for (const [name, options] of PICTURES) {
  const page = await browser.open(`${pathToFileURL(report)}#zone=UTC`, { ...options, scrollbars: false });
  await page.drawn();
  await page.evaluate("document.fonts.ready.then(() => true)");
  const picture = await settled(page);
  if (picture.length > BYTES_MAX) throw new Error(`${name}.png has ${picture.length} bytes: more than ${BYTES_MAX}`);
  writeFileSync(join(folder, `${name}.png`), picture);
  console.log(`${name}.png: ${picture.length} bytes`);
  await page.close();
}
await browser.close();
rmSync(work, { recursive: true });
