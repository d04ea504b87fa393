// Requests: lines of JSON, and server-sent events read by hand, because `EventSource` cannot send a token.

const stream = (() => {
  const TOKEN = "streamgauge.token";
  // Longest message that is kept while its end is awaited, in UTF-16 units.
  const MESSAGE_MAX = 4_000_000;

  class Unauthorized extends Error {}
  class Failed extends Error {}

  // Storage may be forbidden, as in a file: then the token lives as long as the page.
  let token = null;
  function readToken() {
    try {
      return token ?? sessionStorage.getItem(TOKEN);
    } catch {
      return token;
    }
  }

  function useToken(value) {
    token = value;
    try {
      sessionStorage.setItem(TOKEN, value);
    } catch {
      token = value;
    }
  }

  async function request(path, signal, more = {}) {
    const headers = { ...more };
    const secret = readToken();
    if (secret) headers.Authorization = `Bearer ${secret}`;
    const response = await fetch(path, { headers, signal, cache: "no-store", credentials: "same-origin", redirect: "error" });
    if (response.status === 401) throw new Unauthorized("a token is wanted");
    if (!response.ok) throw new Failed(`${path.split("?")[0]} answers ${response.status}`);
    return response;
  }

  async function* chunks(response) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield decoder.decode(value, { stream: true });
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  function parse(line) {
    try {
      return JSON.parse(line);
    } catch {
      return null; // cut off, or of another version: the rest still counts
    }
  }

  // Objects of an answer, one per line, and up to which message of the live stream it holds everything.
  async function lines(path, signal, take) {
    const response = await request(path, signal);
    let rest = "";
    for await (const chunk of chunks(response)) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop();
      for (const part of parts) if (part) take(parse(part));
    }
    if (rest.trim()) take(parse(rest));
    const position = response.headers.get("Position");
    return position === null ? null : Number(position);
  }

  // Messages of the live stream, as `take(object, id)`. Ends when the server ends it. `alive` hears of every byte.
  async function live(path, signal, open, alive, take) {
    const response = await request(path, signal, { Accept: "text/event-stream" });
    open();
    let rest = "";
    for await (const chunk of chunks(response)) {
      alive();
      const messages = (rest + chunk).replaceAll("\r\n", "\n").split("\n\n");
      rest = messages.pop();
      if (rest.length > MESSAGE_MAX) throw new Failed("a live message does not end");
      for (const message of messages) dispatch(message, take);
    }
  }

  function dispatch(message, take) {
    const data = [];
    let id = null;
    for (const line of message.split("\n")) {
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line.startsWith("id:")) id = Number(line.slice(3));
    }
    if (data.length) take(parse(data.join("\n")), id);
  }

  return { parse, lines, live, useToken, hasToken: () => Boolean(readToken()), Unauthorized };
})();
