// Joins the page's files into the one response of `server.mjs`, as they are now: whoever edits the page need not compile.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const folder = new URL("..", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");

const escape = (text) => text.replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
export const embed = (value) => escape(JSON.stringify(value));

// The template with its files in place; the markers of data are left.
const PAGE = read("index.html").replace(/\{\{file:([^}]+)\}\}/g, (_, name) => read(name));

const hash = (element) => {
  const [, body] = PAGE.match(new RegExp(`<${element}>([^]*?)</${element}>`));
  return `'sha256-${createHash("sha256").update(body).digest("base64")}'`;
};

export function policy(live) {
  return [
    "default-src 'none'", `script-src ${hash("script")}`, `style-src ${hash("style")}`, "img-src data:",
    `connect-src ${live ? "'self'" : "'none'"}`, "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join("; ");
}

// The whole page: `catalog` an object, `lines` texts of one JSON object each, with the end of its line.
export function join(catalog, lines = []) {
  const data = { policy: policy(catalog.live), catalog: embed(catalog), lines: lines.map(escape).join("") };
  return PAGE.replace(/\{\{(policy|catalog|lines)\}\}/g, (_, name) => data[name]);
}
