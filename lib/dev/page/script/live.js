// Follows a running server: opens the live stream, fetches what was decided before, joins both, and starts again when it breaks.

const live = (() => {
  const DELAYS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
  // The server sends at least a comment every 15 seconds; after three of these without a byte the connection is dead.
  const SILENCE_MAX = 45_000;
  const AT_ONCE = 4; // requests
  const SUMMARY_EVERY = 3_000;
  const WAITING_MAX = 50_000; // messages that wait for a fetch

  // `page` hears: line(object), changed(), status(state), times(), catalog().
  function create(page) {
    let attempt = 0, lostAt = null, retry = null, connection = null, fetching = null, loaded = null;
    let waiting = null, overflow = false;
    const summary = { received: null, time: 0, asked: false };

    // One message. While a fetch is under way it waits, because the answer may hold it already.
    function take(object, id) {
      if (!object || typeof object !== "object") return;
      if (object.kind === "catalog") page.line(object);
      else if (object.kind === "health") hear(object);
      else if (waiting && waiting.length < WAITING_MAX) waiting.push([object, id]);
      else if (waiting) overflow = true;
      else page.line(object);
    }

    // The summary is not told: it is asked for again when more has come, not too often.
    function hear(health) {
      page.line(health);
      if (typeof health.received !== "number" || fetching || summary.asked || summary.received === health.received || Date.now() - summary.time < SUMMARY_EVERY) return;
      Object.assign(summary, { received: health.received, time: Date.now(), asked: true });
      stream.lines("summary", connection?.signal, (line) => line && page.line(line)).catch(() => undefined).finally(() => { summary.asked = false; });
    }

    function query(path, values) {
      const wanted = Object.entries(values).filter(([, value]) => value !== null);
      return `${path}?${new URLSearchParams(wanted.map(([name, value]) => [name, typeof value === "number" ? new Date(value).toISOString() : value]))}`;
    }

    // What a message must exceed to be new, after the answers for `key`.
    async function fetchMetric(entry, range, signal, positions) {
      const points = [];
      const from = range.from === null ? null : range.from - 2 * entry.window_ms;
      positions.set(entry.name, await stream.lines(query("points", { metric: entry.name, from, to: range.to }), signal, (point) => point && points.push(point)));
      store.reset(entry.name);
      for (const point of points) page.line(point);
      page.changed();
    }

    async function load(range) {
      fetching?.abort();
      const mine = (fetching = new AbortController());
      const positions = new Map();
      waiting = waiting || [];
      page.status({ busy: true });
      try {
        const queue = [...page.catalog().metrics];
        const worker = async () => {
          for (let entry = queue.shift(); entry; entry = queue.shift()) await fetchMetric(entry, range, mine.signal, positions);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        // What fires may have resolved before the range, while the page was away.
        const since = range.from === null ? null : Math.min(range.from, ...transitions.now().map((one) => one.time));
        positions.set(null, await stream.lines(query("alerts", { from: since, to: range.to }), mine.signal, (line) => line && page.line(line)));
        await stream.lines("summary", mine.signal, (line) => line && page.line(line));
        if (mine !== fetching) return;
        loaded = range;
        join(positions);
      } catch (error) {
        if (mine !== fetching || error.name === "AbortError") return;
        throw error;
      } finally {
        if (mine === fetching) {
          fetching = null;
          page.status({ busy: false });
        }
      }
    }

    // Messages that came meanwhile count where no answer held them.
    function join(positions) {
      const list = waiting || [];
      waiting = null;
      for (const [object, id] of list) {
        // No answer holds deploys: they are known by version and time.
        const held = object.kind === "deploy" ? null : positions.get(object.kind === "point" ? object.metric : null);
        if (typeof held === "number" && id !== null && id <= held) continue;
        page.line(object);
      }
      page.changed();
      if (overflow) {
        overflow = false;
        refresh(true);
      }
    }

    function wanted() {
      const { from, to, fixed } = page.times();
      return !fixed && state.range() === "all" ? { from: null, to: null } : { from, to: fixed ? to : null };
    }

    const covers = (have, want) =>
      have && (have.from === null || (want.from !== null && have.from <= want.from)) && (have.to === null || (want.to !== null && have.to >= want.to));

    // Fetches the range that is looked at, unless it is there.
    function refresh(force = false) {
      const range = wanted();
      if (!connection || (!force && covers(loaded, range))) return;
      load(range).catch((error) => lost(error));
    }

    async function connect() {
      clearTimeout(retry);
      retry = null;
      connection?.abort();
      const mine = (connection = new AbortController());
      let heard = Date.now();
      const watch = setInterval(() => {
        if (Date.now() - heard > SILENCE_MAX) mine.abort();
      }, 5_000);
      waiting = [];
      page.status({ state: lostAt === null ? "connecting" : "away", since: lostAt, next: null });
      try {
        await stream.live("live", mine.signal, () => opened(mine), () => { heard = Date.now(); }, take);
        throw new Error("the server ended the stream");
      } catch (error) {
        if (mine === connection) lost(error);
      } finally {
        clearInterval(watch);
      }
    }

    async function opened(mine) {
      try {
        await load(wanted());
      } catch (error) {
        if (mine === connection) lost(error);
        return;
      }
      if (mine !== connection) return;
      attempt = 0;
      page.status({ state: "live", was: lostAt === null ? null : { from: lostAt, to: Date.now() } });
      lostAt = null;
    }

    function lost(error) {
      const mine = connection;
      connection = null;
      mine?.abort();
      fetching?.abort();
      if (error instanceof stream.Unauthorized) {
        page.status({ state: "locked", isRefused: stream.hasToken() });
        return;
      }
      lostAt = lostAt ?? Date.now();
      const delay = DELAYS[Math.min(attempt, DELAYS.length - 1)] * (0.8 + 0.4 * Math.random());
      attempt += 1;
      page.status({ state: "away", since: lostAt, next: Date.now() + delay });
      clearTimeout(retry);
      retry = setTimeout(connect, delay);
    }

    // When the machine wakes up or the network is back, nobody should wait for the delay.
    function hurry() {
      if (retry !== null && document.visibilityState === "visible") connect();
    }
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);

    return { connect, refresh };
  }

  return { create };
})();
