// The files themselves: what must not stand in them, what the vendored ones are, and whether colours can be read.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("..", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");
const list = (name) => readdirSync(new URL(`${name}/`, folder)).map((file) => `${name}/${file}`);

test("no script makes markup or code of text", () => {
  for (const file of list("script")) {
    const found = read(file).match(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|setTimeout\(["'`]/);
    assert.equal(found, null, `${file}: ${found}`);
  }
});

test("nothing inlined ends its element or begins another", () => {
  for (const file of [...list("script"), ...list("style"), ...list("vendor").filter((name) => !name.endsWith("LICENSE"))]) {
    assert.equal(/<\/(script|style)|<!--|<script/i.test(read(file)), false, file);
  }
});

test("nothing is loaded from outside", () => {
  for (const file of ["index.html", ...list("script"), ...list("style")]) {
    const addresses = read(file).match(/https?:\/\/[^\s'"]+/g) || [];
    assert.deepEqual(addresses.filter((address) => !address.startsWith("http://www.w3.org/")), [], file);
    assert.equal(/@import|url\(/.test(read(file)), false, file);
  }
});

test("the template names every file once", () => {
  const named = [...read("index.html").matchAll(/\{\{file:([^}]+)\}\}/g)].map(([, name]) => name).sort();
  const there = [...list("script"), ...list("style"), "vendor/uPlot.iife.min.js", "vendor/uPlot.min.css"].sort();
  assert.deepEqual(named, there);
});

test("vendored files are what README.md says", () => {
  const stated = [...read("README.md").matchAll(/\| `(vendor\/[^`]+)` \| `([0-9a-f]{64})` \|/g)];
  assert.equal(stated.length, 3);
  for (const [, file, sum] of stated) assert.equal(createHash("sha256").update(read(file)).digest("hex"), sum, file);
});

// The variables of the n-th block of colours.
function colours(block) {
  const body = read("style/colours.css").split("{").filter((part) => part.includes("--ground"))[block];
  return Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
}

function contrast(one, other) {
  const light = [one, other].map((colour) => {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  });
  return (Math.max(...light) + 0.05) / (Math.min(...light) + 0.05);
}

test("text has a contrast of 4.5, lines one of 3, in light and dark", () => {
  for (const theme of [colours(0), colours(1), colours(2)]) {
    for (const name of ["text", "faint", "accent", "critical", "error", "warning", "info", "good"]) {
      for (const ground of ["card", "ground"]) assert.ok(contrast(theme[name], theme[ground]) >= 4.5, `${name} on ${ground}: ${contrast(theme[name], theme[ground])}`);
    }
    assert.ok(contrast(theme.accent, theme["accent-ground"]) >= 4.5, "what is pressed");
    for (const name of ["series-1", "series-2", "series-3", "series-4", "series-5", "others", "band-line", "deploy"]) assert.ok(contrast(theme[name], theme.card) >= 3, name);
  }
});

test("dark is the same, chosen by the system or by hand", () => {
  assert.deepEqual(colours(1), colours(2));
});
