// The pipeline itself: how much comes, what of it is lost and why, how far results are behind.

const health = (() => {
  const { el, replace } = text;
  const COUNTERS = [
    ["received", "records"],
    ["counted", "taken by some metric"],
    ["filtered", "no metric wants them"],
    ["duplicate", "copies of an event that came before"],
    ["late", "after their windows were final"],
    ["rejected", "not readable as events"],
  ];
  const LOSSES = [["rejected", "series-2", []], ["late", "series-1", [6, 3]], ["duplicate", "others", [2, 3]]];
  // Further apart, samples are not joined: nothing is known of the time between.
  const BREAK_AFTER = 5_000;
  const PANEL = 92;

  // All that came is decided, and nothing has come since: the watermark moves with the next event.
  const SILENT_MS = 60_000;
  const isSilent = (last) => last.delay === 0 && !last.open_windows && last.lag > SILENT_MS;

  const counters = () => {
    const last = pipeline.last();
    return last && typeof last.received === "number" ? last : pipeline.summary;
  };

  function tile(name, value, detail, state) {
    return el("div", { class: `tile ${state || ""}` }, el("dt", { text: name }), el("dd", {}, el("span", { class: "value", text: value }), el("span", { class: "faint", text: detail || "" })));
  }

  function tiles(root, isLive) {
    const list = [];
    const last = pipeline.last();
    if (last) {
      list.push(tile("rate", `${format.short(last.rate)}/s`, "events taken"));
      list.push(tile("watermark lag", format.duration(last.lag), last.watermark ? `events until ${format.clock(Date.parse(last.watermark))} are in${isSilent(last) ? ", nothing newer has come" : ""}` : "no watermark yet"));
      list.push(tile("delay", format.duration(last.delay), last.behind ? "behind: records wait" : "keeps up", last.behind ? "bad" : ""));
      list.push(tile("open windows", format.number(last.open_windows), "may still grow"));
    }
    const sums = counters();
    for (const [name, meaning] of COUNTERS) {
      if (!sums) break;
      const count = sums[name] || 0;
      const share = name !== "received" && sums.received ? `${format.percent(count / sums.received)}, ` : "";
      list.push(tile(name, format.number(count), `${share}${meaning}${name === "received" && isLive ? " since this server started" : ""}`, name === "rejected" && count ? "bad" : ""));
    }
    replace(root, list.length ? el("dl", { class: "tiles" }, list) : el("p", { class: "faint", text: "Nothing has been reported yet." }));
  }

  // Per metric: what it matched and what it could not use.
  function metricsTable(root) {
    const metrics = pipeline.summary?.metrics;
    if (!metrics) return replace(root);
    const columns = [["matched", "matched"], ["no_value", "no value"], ["no_dimension", "no dimension"], ["late_dropped", "late, dropped"], ["folded", "folded"]];
    const rows = Object.entries(metrics).slice(0, 500).map(([name, counts]) => el("tr", {},
      el("th", { scope: "row" }, text.foreign(name, 60), counts.matched === 0 ? el("span", { class: "severity warning", text: "matched nothing" }) : ""),
      columns.map(([key]) => el("td", { text: format.number(counts[key] || 0) }))));
    return replace(root, el("details", { class: "as-table" }, el("summary", { text: "By metric: matched, lacking, dropped" }),
      el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "metric" }), columns.map(([, title]) => el("th", { scope: "col", text: title })))), el("tbody", {}, rows)))));
  }

  const trace = (value, color, dash) => ({ shape: "trace", color, dash, breakAfter: BREAK_AFTER, cells: pipeline.samples.map((sample, index) => ({ start: sample.time, end: sample.time, y: value(sample, pipeline.samples[index - 1]) })) });

  // Per second, from counters that only grow; a smaller one is a new run.
  function perSecond(name) {
    return (sample, before) => {
      if (!before || sample.time <= before.time || typeof sample[name] !== "number") return 0;
      return Math.max(0, sample[name] - (before[name] || 0)) / ((sample.time - before.time) / 1000);
    };
  }

  function panels() {
    return [
      { name: "rate", title: "events per second", format: format.short, lines: [trace((sample) => sample.rate ?? null, "series-1", [])] },
      { name: "losses", title: "lost per second", format: format.short, keys: LOSSES, lines: LOSSES.map(([name, color, dash]) => trace(perSecond(name), color, dash)) },
      { name: "lag", title: "lag and delay", format: format.duration, keys: [["watermark lag", "series-1", []], ["delay", "series-2", [6, 3]]], lines: [trace((sample) => sample.lag ?? null, "series-1", []), trace((sample) => sample.delay ?? null, "series-2", [6, 3])] },
    ];
  }

  function create(root, isLive) {
    const tileRoot = el("div"), chartRoot = el("div", { class: "health-charts" }), tableRoot = el("div");
    const charts = new Map();
    let rows = null;
    root.append(tileRoot, chartRoot, tableRoot);

    function chartFor(panel) {
      if (!charts.has(panel.name)) {
        const host = el("div", { class: "chart" });
        const lines = (panel.keys || []).map(([name, color, dash]) => el("span", { class: "line" }, legend.key({ color, dashed: dash.length > 0 }), name));
        chartRoot.append(el("figure", {}, el("figcaption", {}, el("span", { text: panel.title }), lines), host));
        charts.set(panel.name, chart.create(host));
      }
      return charts.get(panel.name);
    }

    function draw() {
      tiles(tileRoot, isLive);
      const summary = JSON.stringify(pipeline.summary?.metrics || null);
      if (summary !== rows) {
        const open = tableRoot.querySelector("details")?.open;
        metricsTable(tableRoot);
        if (open) tableRoot.querySelector("details").open = true;
        rows = summary;
      }
      chartRoot.hidden = pipeline.samples.length < 2;
      if (chartRoot.hidden) return;
      const to = pipeline.last().time, from = Math.max(pipeline.samples[0].time, to - 15 * format.MINUTE);
      for (const panel of panels()) {
        chartFor(panel).draw({ ...panel, from, to: Math.max(to, from + 1000), height: PANEL, shades: [], deploys: pipeline.deploys, openFrom: null, openTo: null, first: true, showTimes: true });
      }
    }

    return { draw, repaint: () => charts.forEach((one) => one.repaint()) };
  }

  return { create, isSilent };
})();
