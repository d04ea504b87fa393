// What the page holds beside points: transitions of alerts, the pipeline's health, deploys, the summary.

const transitions = (() => {
  const STATES = new Set(["pending", "firing", "resolved"]);
  const list = []; // by `at`, oldest first
  const seen = new Set();
  let waits = new Map(); // how long a step is pending at most until that is decided, in milliseconds
  let decided = NaN; // everything before this is
  let dropped = 0;

  const key = (one) => JSON.stringify([one.alert, one.step || "", store.dimensionsKey(one.group), one.transition, one.at]);
  const subject = (one) => JSON.stringify([one.alert, one.step || "", store.dimensionsKey(one.group)]);
  const clip = (value) => (typeof value === "string" && value.length > LIMITS.identity ? `${value.slice(0, LIMITS.identity)}\u2026` : value);

  // The rules.
  function useAlerts(alerts) {
    waits = new Map();
    for (const alert of alerts) for (const step of Array.isArray(alert.steps) ? alert.steps : []) {
      waits.set(JSON.stringify([alert.name, step.name || ""]), step.pending_ms || 0);
    }
  }

  function decideTo(time) {
    if (!Number.isNaN(time)) decided = time;
  }

  // What is only pending is over without a word: where it has not fired when it should have.
  const until = (one) => one.time + (waits.get(JSON.stringify([one.alert, one.step || ""])) || 0);
  const isOver = (one) => one.transition === "pending" && until(one) < decided;

  // Takes a transition; one that was taken before changes nothing.
  function add(line) {
    const time = Date.parse(line.at);
    const name = key(line);
    if (Number.isNaN(time) || !STATES.has(line.transition) || seen.has(name)) return;
    seen.add(name);
    const one = { ...line, time, name, subject: subject(line), evidence: (line.evidence || []).slice(0, 20).map(clip) };
    let index = list.length;
    while (index > 0 && list[index - 1].time > time) index -= 1;
    list.splice(index, 0, one);
    if (list.length > LIMITS.transitions) forget(list.length - LIMITS.transitions);
  }

  // The oldest go, but not those that still say what is firing.
  function forget(count) {
    const current = new Set(now().map((one) => one.name));
    for (let index = 0; count > 0 && index < list.length; ) {
      if (current.has(list[index].name)) {
        index += 1;
        continue;
      }
      seen.delete(list[index].name);
      list.splice(index, 1);
      dropped += 1;
      count -= 1;
    }
  }

  const RANK = Object.assign(Object.create(null), { critical: 0, error: 1, warning: 2, info: 3 });

  // The last transition of each alert, step and group that is pending or firing, the worst first.
  function now() {
    const last = new Map();
    for (const one of list) last.set(one.subject, one);
    const current = [...last.values()].filter((one) => (one.transition === "firing" || one.transition === "pending") && !isOver(one));
    return current.sort((a, b) => level(a.transition, a.severity) - level(b.transition, b.severity) || b.time - a.time);
  }

  // How bad it is: 0 to 4 what fires, 5 to 9 what is pending.
  const level = (state, severity) => (state === "firing" ? 0 : 5) + (RANK[severity] ?? 4);

  const named = ({ severity, alert, step, group }) => ({ severity, alert, step, group });

  // The times in which an alert of `metric` was pending or firing.
  function spans(metric) {
    const open = new Map(), found = [];
    for (const one of list) {
      if (one.metric !== metric) continue;
      const before = open.get(one.subject);
      if (before) {
        before.to = Math.min(before.to ?? one.time, one.time);
        open.delete(one.subject);
      } else if (one.transition === "resolved" && Date.parse(one.episode) < one.time) {
        // It began before what the page holds.
        found.push({ ...named(one), from: Date.parse(one.episode), to: one.time, state: "firing" });
      }
      if (one.transition === "firing" || one.transition === "pending") {
        const span = { ...named(one), from: one.time, to: isOver(one) ? until(one) : null, state: one.transition };
        open.set(one.subject, span);
        found.push(span);
      }
    }
    return found;
  }

  // The times of these spans, each once, as the worst of what overlaps there: shades that lie on each other would hide what is drawn.
  function shades(spans, end) {
    const edges = spans.flatMap((span) => [[span.from, 1, span], [Math.max(span.to ?? end, span.from + 1), -1, span]]).sort((a, b) => a[0] - b[0]);
    const open = Array(10).fill(0);
    const found = [];
    let before = null;
    for (const [time, change, span] of edges) {
      const worst = open.findIndex((count) => count > 0);
      const last = found[found.length - 1];
      if (worst >= 0 && last?.level === worst && last.to === before) last.to = time;
      else if (worst >= 0 && time > before) found.push({ level: worst, from: before, to: time });
      open[level(span.state, span.severity)] += change;
      before = time;
    }
    return found;
  }

  function clear() {
    list.length = 0;
    seen.clear();
    dropped = 0;
  }

  return { list, add, useAlerts, decideTo, now, spans, shades, clear, RANK, dropped: () => dropped };
})();

const pipeline = (() => {
  const samples = []; // health, oldest first
  const deploys = [];
  const self = { samples, deploys, summary: null, addHealth, addDeploy, last: () => samples[samples.length - 1] || null };

  function addHealth(line) {
    const time = Date.parse(line.at);
    if (Number.isNaN(time)) return;
    samples.push({ ...line, time });
    if (samples.length > LIMITS.samples) samples.splice(0, samples.length - LIMITS.samples);
  }

  function addDeploy(line) {
    const time = Date.parse(line.at);
    if (Number.isNaN(time) || deploys.some((one) => one.time === time && one.version === line.version)) return;
    deploys.push({ version: line.version, time });
    deploys.sort((a, b) => a.time - b.time);
    if (deploys.length > LIMITS.deploys) deploys.shift();
  }

  return self;
})();
