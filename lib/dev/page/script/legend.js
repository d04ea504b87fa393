// The table under a chart: its series, their values in the window under the cursor (else in the newest final one, or the oldest open one),
// and the range's totals.

const legend = (() => {
  const { number, percent, duration } = format;
  const column = (title, show, exact) => ({ title, show, exact });

  // By kind: what stands in the columns of a window, and in those of the range.
  const COLUMNS = {
    count: { window: [column("events", (v) => number(v.sum), "sum")], range: [column("events", (v) => number(v.sum), "sum")] },
    sum: {
      window: [column("sum", (v) => number(v.sum), "sum"), column("events", (v) => number(v.count), "count")],
      range: [column("sum", (v) => number(v.sum), "sum")],
    },
    ratio: {
      window: [column("rate", (v) => percent(v.rate), "rate"), column("part", (v) => number(v.sum), "sum"), column("whole", (v) => number(v.count), "count")],
      range: [column("rate", (v) => percent(v.rate), "rate"), column("whole", (v) => number(v.count), "count")],
    },
    journey: {
      window: [
        column("rate", (v) => percent(v.rate), "rate"), column("started", (v) => number(v.started)), column("finished", (v) => number(v.finished)),
        column("abandoned", (v) => number(v.abandoned)), column("open", (v) => number(v.open)), column("median time", (v) => duration(v.median)),
      ],
      range: [column("rate", (v) => percent(v.rate), "rate"), column("started", (v) => number(v.started))],
    },
    distribution: {
      window: [...["p50", "p90", "p95", "p99"].map((name) => column(name, (v) => number(v[name]), name)), column("average", (v) => number(v.average), "average"), column("max", (v) => number(v.max), "max"), column("values", (v) => number(v.count), "count")],
      range: [column("values", (v) => number(v.count), "count")],
    },
    unique: { window: [column("distinct", (v) => number(v.unique), "unique")], range: [column("largest", (v) => number(v.largest), "largest")] },
  };

  const SPECIAL = { __other__: ["other series", "all series over max_series, together"], __missing__: ["missing", "the event has no such field"] };

  // A series by its dimensions' values; their names stand in the tooltip.
  function name(dimensions) {
    const entries = Object.entries(dimensions);
    if (!entries.length) return text.el("span", { text: "all events" });
    const parts = entries.flatMap(([key, value], index) => {
      const special = SPECIAL[value];
      const part = special ? text.el("i", { text: special[0], title: special[1] }) : text.foreign(value, 32);
      return index ? [" \u00b7 ", part] : [part];
    });
    return text.el("span", { title: entries.map(([key, value]) => `${text.shorten(key, 40)}: ${text.shorten(value, 200)}`).join("\n") }, parts);
  }

  // In its word; the colour is that of the four that there are.
  const severity = (name) => text.el("span", { class: `severity ${name in transitions.RANK ? name : "none"}` }, name ? text.foreign(name, 16) : format.NONE);

  const key = (look) => text.el("span", { class: `key ${look.color}${look.dashed ? " dashed" : ""}`, "aria-hidden": "true" });

  function numbers(columns, values) {
    return columns.map(({ show, exact }) => {
      const shown = show(values);
      const value = exact && values[exact];
      return text.el("td", { text: shown, title: typeof value === "number" && String(value) !== shown.replaceAll(",", "") ? String(value) : null });
    });
  }

  function head(kind, count) {
    const { window, range } = COLUMNS[kind];
    const cell = (column) => text.el("th", { scope: "col", text: column.title });
    return text.el("thead", {},
      text.el("tr", {},
        text.el("th", { scope: "col", rowspan: 2, text: count }),
        text.el("th", { scope: "colgroup", colspan: window.length, class: "group", text: "in window" }),
        text.el("th", { scope: "colgroup", colspan: range.length, class: "group", text: "in range" })),
      text.el("tr", {}, window.map(cell), range.map(cell)));
  }

  function row(kind, one, window, options) {
    const { metric, picks, chosen } = options;
    const values = numbers(COLUMNS[kind].window, select.valuesIn(kind, one, window));
    const totals = numbers(COLUMNS[kind].range, one.total);
    if (one.key === null) {
      const drawn = !picks && !cells.APART.has(kind);
      return text.el("tr", { class: "folded" }, text.el("th", { scope: "row" }, key(drawn ? plots.OTHERS : { color: "none" }), `${one.count} other series${drawn ? ", folded" : ", not drawn"}`), values, totals);
    }
    const drawn = kind === "distribution" ? one === chosen : !picks || picks.has(one.key);
    const look = !drawn ? { color: "none" } : kind === "distribution" ? plots.look(0) : plots.look(one.index);
    const single = !Object.keys(one.dimensions).length;
    const picked = picks?.has(one.key) || false;
    const label = single ? name(one.dimensions) : text.el("button", {
      class: "pick", "aria-pressed": String(picked), "data-key": one.key,
      on: { click: () => state.togglePick(metric, one.key) },
    }, name(one.dimensions));
    return text.el("tr", { class: picked ? "picked" : "" }, text.el("th", { scope: "row" }, key(look), label), values, totals);
  }

  // Fills `table`. The focus stays on the series on which it was.
  function draw(table, metric, selection, window, options) {
    const kind = metric.entry.kind;
    const { picks, chosen } = options;
    const focused = table.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const rows = selection.listed.map((one) => row(kind, one, window, options));
    if (selection.others) rows.push(row(kind, selection.others, window, options));
    const pressed = [...(picks || [])].concat(chosen?.key);
    const count = selection.alive === 1 ? "series" : `${number(selection.alive)} series`;
    const write = table.dataset.pressed === JSON.stringify(pressed) ? text.refresh : text.replace;
    table.dataset.pressed = JSON.stringify(pressed);
    write(table, text.el("caption", { class: "unseen", text: `${metric.entry.name}: series and their values` }), head(kind, count), text.el("tbody", {}, rows));
    if (focused !== undefined && !table.contains(document.activeElement)) [...table.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
  }

  return { COLUMNS, name, severity, key, draw, numbers };
})();
