// A server as README.md describes it: the page, what was decided before, and the live stream. Tests decide what comes and when it is cut.

import { createServer } from "node:http";
import { join, policy } from "./join.mjs";

const instant = (value) => (value === null ? null : Date.parse(value));

const NOTHING = { kind: "summary", received: 0, counted: 0, filtered: 0, duplicate: 0, late: 0, rejected: 0, metrics: {} };

export async function serve({ catalog, lines = [], summary = NOTHING, token = null }) {
  const decided = lines.map((line, index) => ({ id: index + 1, object: typeof line === "string" ? JSON.parse(line) : line }));
  const listeners = new Set();
  const requests = [];
  let gate = null;

  function overlapping(object, from, to) {
    const start = Date.parse(object.window_start ?? object.at), end = Date.parse(object.window_end ?? object.at);
    return (from === null || end > from || (object.at && end >= from)) && (to === null || start < to);
  }

  function answer(response, type, body, headers = {}) {
    response.writeHead(200, { "Content-Type": type, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", ...headers });
    response.end(body);
  }

  async function list(response, query, wanted) {
    await gate;
    const from = instant(query.get("from")), to = instant(query.get("to"));
    const found = decided.filter(({ object }) => wanted(object) && overlapping(object, from, to));
    answer(response, "application/x-ndjson", found.map(({ object }) => `${JSON.stringify(object)}\n`).join(""), { Position: String(decided.length) });
  }

  function live(request, response) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(`data: ${JSON.stringify({ kind: "catalog", ...catalog })}\n\n`);
    listeners.add(response);
    request.on("close", () => listeners.delete(response));
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    requests.push(request.url);
    const allowed = token === null || request.headers.authorization === `Bearer ${token}`;
    if (pathname === "/") {
      const shown = allowed ? catalog : { live: true, title: "", now: catalog.now, metrics: [], alerts: [] };
      answer(response, "text/html; charset=utf-8", join(shown), { "Content-Security-Policy": `${policy(true)}; frame-ancestors 'none'`, "Referrer-Policy": "no-referrer" });
    } else if (!allowed) response.writeHead(401).end();
    else if (pathname === "/points") list(response, searchParams, (object) => object.kind === "point" && object.metric === searchParams.get("metric"));
    else if (pathname === "/alerts") list(response, searchParams, (object) => object.kind === "alert");
    else if (pathname === "/summary") answer(response, "application/json", JSON.stringify(summary));
    else if (pathname === "/live") live(request, response);
    else response.writeHead(404).end();
  });

  // What happens in the pipeline: kept for later questions, and sent to everybody who listens.
  function decide(object) {
    decided.push({ id: decided.length + 1, object });
    for (const listener of listeners) listener.write(`id: ${decided.length}\ndata: ${JSON.stringify(object)}\n\n`);
  }

  function tell(object) {
    for (const listener of listeners) listener.write(`data: ${JSON.stringify(object)}\n\n`);
  }

  setInterval(() => listeners.forEach((listener) => listener.write(":\n\n")), 15_000).unref();
  const listen = (at) => new Promise((resolve, reject) => server.listen(at, "127.0.0.1", resolve).on("error", reject));
  async function stop() {
    server.closeAllConnections();
    listeners.clear();
    await new Promise((resolve) => server.close(resolve));
  }

  await listen(0);
  const { port: chosen } = server.address();
  return {
    // Lets questions wait until what it returns is called.
    hold: () => {
      let release;
      gate = new Promise((resolve) => { release = resolve; });
      return release;
    },
    listening: () => listeners.size,
    url: `http://127.0.0.1:${chosen}/`, decide, tell, stop,
    again: () => listen(chosen),
    requests: () => requests.splice(0),
  };
}
