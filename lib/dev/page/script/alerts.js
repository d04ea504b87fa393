// Alerts: what fires now, and every transition with what it rests on.

const alerts = (() => {
  const { el, replace, refresh, foreign } = text;
  const PAGE = 50;
  const SENT = new Set(["at once", "gathered", "firing was sent"]);
  const nodes = new WeakMap(); // one element per transition: what is opened stays open
  let shown = PAGE, zone = null, tells = false;

  const title = (one) => foreign(one.step ? `${one.alert} / ${one.step}` : one.alert, 60);
  const group = (one) => (Object.keys(one.group || {}).length ? legend.name(one.group) : el("span", { class: "faint", text: "no groups" }));
  const severity = (one) => legend.severity(one.severity);
  // Who is told. It says what was decided: what a channel does not take stands above, while it does not.
  const told = (one) => {
    if (!one.sent) return `not sent: ${text.shorten(one.why || "only recorded", 60)}`;
    const channels = Object.entries(one.channels || {}).filter(([, why]) => SENT.has(why)).map(([channel]) => channel);
    return `${tells ? "for" : "would be sent to"} ${text.shorten(channels.join(", ") || "no channel", 60)}`;
  };
  const why = (word) => (word === "firing was sent" && !tells ? "its firing would be" : word);
  const ofRate = (one) => /^rate\b/.test(one.condition || "");
  const valueOf = (one, value) => (typeof value === "number" ? (ofRate(one) ? format.percent(value) : format.number(value)) : format.NONE);

  // What does not reach people: channels that take nothing, or that nobody is told at all.
  function untold(catalog) {
    if (!catalog.live || !catalog.alerts.length) return [];
    if (!catalog.notify) return [el("p", { class: "faint", text: "Nobody is told: alerts are only shown. With --notify the channels of the rules are told." })];
    return (pipeline.last()?.untold || []).slice(0, 20).map((one) => el("p", { class: "untold" }, "Could not tell ", foreign(one.channel, 60), ": ", foreign(one.reason || "it takes nothing", 300),
      text.held(`; ${format.counted(one.waiting, "notification waits", "notifications wait")}${one.since ? ` since ${format.moment(Date.parse(one.since))}` : ""}.`)));
  }

  function now(root, catalog, today) {
    const current = transitions.now();
    const count = catalog.alerts.length;
    const notes = untold(catalog);
    if (!current.length) {
      const words = count ? `No alert is firing. ${format.counted(count, "alert is", "alerts are")} watched: ` : "The rules have no alerts. Add some under `alerts:` and check them with `streamgauge check`.";
      replace(root, notes, el("p", { class: "quiet" }, words, catalog.alerts.slice(0, 20).flatMap((alert, index) => [index ? ", " : "", foreign(alert.name, 60)]), count > 20 ? ` and ${count - 20} more` : ""));
      return;
    }
    const head = ["state", "severity", "alert", "group", "since", "value", "condition"].map((name) => el("th", { scope: "col", class: name === "value" ? "number" : null, text: name }));
    const rows = current.slice(0, PAGE).map((one) => el("tr", {},
      el("td", {}, el("strong", { class: one.transition, text: one.transition })), el("td", {}, severity(one)), el("th", { scope: "row" }, title(one)), el("td", {}, group(one)),
      el("td", { "data-name": "since", text: `${format.moment(one.time)}${today ? `, ${format.duration(Math.max(0, today - one.time))}` : ""}` }),
      el("td", { class: "number", "data-name": "value", text: valueOf(one, one.value) }), el("td", {}, el("code", { text: text.shorten(one.condition || "", 80) }))));
    const rest = current.length > PAGE ? el("p", { class: "faint", text: `and ${current.length - PAGE} more` }) : null;
    replace(root, notes, el("div", { class: "scroll" }, el("table", { class: "now" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))), rest);
  }

  function fact(list, name, ...value) {
    list.push(el("dt", { text: name }), el("dd", {}, value));
  }

  // Why it happened: the window it looked at, the value, the events, and who is told.
  function evidence(one) {
    const facts = [];
    if (one.reason) fact(facts, "reason", foreign(one.reason, 300));
    if (one.condition) fact(facts, "condition", el("code", { text: text.shorten(one.condition, 200) }));
    fact(facts, "value", `${valueOf(one, one.value)}${one.threshold === undefined ? "" : `, threshold ${valueOf(one, one.threshold)}`}`);
    if (one.from && one.until) fact(facts, "looked at", ...text.held(`${format.moment(Date.parse(one.from))} to ${format.moment(Date.parse(one.until))}`));
    if (one.metric) fact(facts, "metric", foreign(one.metric, 60));
    for (const [channel, word] of Object.entries(one.channels || {}).slice(0, 20)) fact(facts, "channel", foreign(channel, 40), ": ", foreign(why(word), 120));
    if (one.why) fact(facts, !one.sent ? "not sent" : tells ? "to be sent" : "would be sent", foreign(why(one.why), 200));
    const more = typeof one.events === "number" && one.events > one.evidence.length ? `, the newest ${one.evidence.length} of ${format.number(one.events)}` : "";
    const ids = one.evidence.map((id) => el("li", {}, foreign(id, 64, "code")));
    fact(facts, `events${more}`, ids.length ? el("ol", { class: "ids" }, ids) : "none");
    return el("dl", { class: "facts" }, facts);
  }

  function entry(one) {
    if (nodes.has(one)) return nodes.get(one);
    const details = el("details", { class: "transition" },
      el("summary", {},
        el("time", { datetime: one.at, text: format.moment(one.time) }), el("strong", { class: one.transition, text: one.transition }), severity(one), title(one), el("span", { class: "group" }, group(one)),
        el("span", { class: "faint", text: told(one) })));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(evidence(one));
    });
    nodes.set(one, details);
    return details;
  }

  function history(root, times, catalog) {
    const leftOut = catalog.left_out?.transitions || 0;
    if (zone !== format.zone() || tells !== (catalog.notify === true)) {
      for (const one of transitions.list) nodes.delete(one);
      zone = format.zone();
      tells = catalog.notify === true;
    }
    const inside = transitions.list.filter((one) => one.time >= times.from && one.time <= times.to).reverse();
    const outside = transitions.list.length - inside.length;
    const notes = [];
    if (!inside.length) notes.push("No alert changed its state in this range.");
    if (outside) notes.push(`${outside} outside of this range.`);
    const dropped = transitions.dropped() + leftOut;
    if (dropped) notes.push(`The page keeps the newest ${format.number(LIMITS.transitions)}: ${format.number(dropped)} older ones are not here.`);
    const wanted = inside.slice(0, shown).map(entry);
    if (!root.firstElementChild) root.append(el("div", { class: "history" }), el("div"));
    const [list, foot] = root.children;
    const same = list.childElementCount === wanted.length && wanted.every((node, index) => list.children[index] === node);
    if (!same) replace(list, wanted);
    const more = inside.length > shown ? el("button", { class: "small", text: `show ${Math.min(PAGE, inside.length - shown)} more of ${inside.length - shown}`, on: { click: () => { shown += PAGE; history(root, times, catalog); } } }) : null;
    refresh(foot, more, el("p", { class: "faint", text: notes.join(" ") }));
  }

  return { now, history };
})();
