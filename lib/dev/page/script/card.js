// The card of one metric: what it is, its newest number and how complete that is, charts, series, and all of it as a table.

const card = (() => {
  const { el, set, replace, refresh } = text;
  const WINDOWS_IN_TABLE = 100;
  const SPANS_TOLD = 3;
  const KINDS = {
    count: "count", sum: "sum", ratio: "ratio", journey: "journey", distribution: "distribution", unique: "distinct values, within 0.8 %",
  };

  // Why series of these kinds are not taken together.
  const WHY_APART = {
    sum: "Sums of several series are not added up: they may be of different things, as amounts in different currencies are.",
    unique: "Distinct counts of several series are not added up: they overlap.",
    distribution: "Percentiles of several series do not add up: one series is drawn, the one that was picked or the largest.",
  };

  function subtitle(entry) {
    const by = entry.dimensions.length ? ` by ${entry.dimensions.map((name) => text.shorten(name, 40)).join(", ")}` : "";
    const unit = entry.unit && entry.unit !== "None" && entry.unit !== "Count" ? ` in ${text.shorten(entry.unit, 20)}` : "";
    return `${KINDS[entry.kind] || entry.kind}${unit}${by}, windows of ${format.duration(entry.window_ms)}`;
  }

  // The number in large letters, and what it is.
  function headline(kind, values) {
    const count = values.count || 0;
    switch (kind) {
      case "ratio": return [format.percent(values.rate), `${format.number(values.sum || 0)} of ${format.number(count)}`];
      case "journey": return [format.percent(values.rate), `${format.number(values.abandoned || 0)} of ${format.number(values.started || 0)} abandoned`];
      case "distribution": return [format.number(values.p50), `median of ${format.counted(count, "value")}, p99 ${format.number(values.p99)}`];
      case "unique": return [format.number(values.unique), values.unique === 1 ? "distinct value" : "distinct values"];
      case "sum": return [format.number(values.sum), `sum of ${format.counted(count, "event")}`];
      default: return [format.number(values.sum), values.sum === 1 ? "event" : "events"];
    }
  }

  // Which series the number is of: all that are shown together, or the one that leads them.
  function scope({ selection, rows, lead, picks }) {
    const one = lead || (rows.length === 1 && rows[0].key !== null ? rows[0] : null);
    const count = picks ? selection.drawn.length : selection.alive;
    const all = `${count} ${picks ? "picked " : ""}series${selection.isSearched && !picks ? " found" : ""}`;
    if (!one) return count ? [` in all ${all}`] : [];
    const named = Object.keys(one.dimensions).length ? [" for ", legend.name(one.dimensions)] : [];
    return count > 1 ? [...named, `, the largest of ${all}`] : named;
  }

  function skeleton(entry) {
    const id = `metric-${entry.index}`;
    const parts = {
      alert: el("span", { class: "chip" }),
      value: el("span", { class: "value" }),
      detail: el("span", { class: "detail" }),
      complete: el("p", { class: "complete" }),
      find: el("input", { type: "search", placeholder: "find series", "aria-label": `Find series of ${entry.name}`, autocomplete: "off", spellcheck: "false" }),
      unpick: el("button", { class: "small", text: "show all series" }),
      window: el("span", { class: "window" }),
      empty: el("p", { class: "empty" }),
      panels: el("div", { class: "panels" }),
      spoken: el("p", { class: "unseen", "aria-live": "polite" }),
      table: el("table", { class: "legend" }),
      notes: el("ul", { class: "notes" }),
      windows: el("table", { class: "windows" }),
    };
    parts.details = el("details", { class: "as-table" }, el("summary", { text: "Windows as a table" }), el("div", { class: "scroll" }, parts.windows));
    const root = el("article", { class: "card", id, "aria-labelledby": `${id}-name` },
      el("header", {},
        el("div", {}, el("h3", { id: `${id}-name` }, text.foreign(entry.name, 60), parts.alert), el("p", { class: "subtitle", text: subtitle(entry) })),
        el("p", { class: "headline" }, parts.value, parts.detail)),
      parts.complete, parts.empty, parts.panels, parts.spoken,
      el("div", { class: "tools" }, parts.find, parts.unpick, parts.window),
      el("div", { class: "scroll" }, parts.table), parts.notes, parts.details);
    return { root, ...parts };
  }

  // How final the newest number is, in words.
  function completeness(metric, last, connection) {
    const until = store.finalUntil(metric);
    const open = select.openWindows(metric);
    if (until === null && !metric.newestEnd) return "";
    const words = [until === null ? "No window is final yet." : `Final until ${format.moment(until)}.`];
    if (open.length) words.push(`${format.counted(open.length, "window is", "windows are")} open (hatched) and may still grow.`);
    if (last && last.behind) words.push(`The pipeline is behind by ${format.duration(last.delay)}: newer windows wait.`);
    else if (last && !open.length && health.isSilent(last)) words.push("Nothing newer has come.");
    if (connection.state === "away") words.push("What was decided since the connection was lost is not here.");
    return words.join(" ");
  }

  function notes(metric, selection, spans) {
    const kind = metric.entry.kind;
    const found = [];
    if (selection.others) {
      const folded = cells.APART.has(kind) ? "the others are not drawn" : "the others are folded into one line";
      found.push(`The ${select.TOP} largest of ${format.number(selection.alive)} series, by ${select.RANKED_BY[kind]}; ${folded}.`);
    }
    if (selection.alive > 1 && cells.APART.has(kind)) found.push(WHY_APART[kind]);
    const corrected = selection.drawn.flatMap((row) => row.cells).filter((cell) => cell.corrections).length;
    if (corrected) found.push(`${format.counted(corrected, "number is", "numbers are")} corrected by late events${kind === "distribution" ? ", percentiles without them" : ""}.`);
    const left = metric.entry.left_out;
    const refused = metric.refused + (left?.of_series || 0);
    if (refused) found.push(`The page holds ${format.number(LIMITS.seriesPerMetric)} series of a metric: ${format.counted(refused, "point of a further series is", "points of further series are")} not shown.`);
    if (left?.until) found.push(`${format.counted(left.points, "point")} of windows that end until ${format.moment(Date.parse(left.until))} ${left.points === 1 ? "is" : "are"} not in this report.`);
    if (metric.droppedBefore) found.push(`Windows before ${format.moment(metric.droppedBefore)} have left the page's memory; choose a shorter range to see them.`);
    const told = spans.slice(-SPANS_TOLD).reverse().map((span) => spanNote(span));
    if (spans.length > SPANS_TOLD) told.push(el("li", { text: `and ${format.counted(spans.length - SPANS_TOLD, "more shaded time")}` }));
    return [...told, ...found.map((note) => el("li", {}, text.held(note)))];
  }

  function spanNote(span) {
    const group = Object.keys(span.group || {}).length ? [" for ", legend.name(span.group)] : [];
    const end = span.to === null ? "until now" : `to ${format.clock(span.to)}`;
    return el("li", { class: "span" }, legend.severity(span.severity), " ", text.foreign(span.step ? `${span.alert} / ${span.step}` : span.alert, 60), ` ${span.state}`, group, text.held(` ${format.moment(span.from)} ${end}`));
  }

  // Keys on a chart: arrows move the cursor by a window, + and - zoom, Escape leaves.
  function keys(event, metric, times) {
    const length = metric.entry.window_ms;
    const at = cursor.time() ?? (select.newest(metric)?.start ?? times.to - length) + length / 2;
    const jump = { ArrowLeft: -length, ArrowRight: length, PageUp: -10 * length, PageDown: 10 * length }[event.key];
    if (jump !== undefined) cursor.set(Math.min(times.to, Math.max(times.from, cursor.time() === null ? at : at + jump)), null);
    else if (event.key === "Home") cursor.set(times.from, null);
    else if (event.key === "End") cursor.set(times.to - 1, null);
    else if (event.key === "Escape") cursor.set(null, null);
    else if (event.key === "+" || event.key === "-") {
      const half = ((times.to - times.from) / 2) * (event.key === "+" ? 0.5 : 2);
      state.change({ range: null, from: Math.round(at - half), to: Math.round(at + half) });
    } else return false;
    event.preventDefault();
    return true;
  }

  function windowsTable(parts, { metric, selection, rows: all, lead }) {
    const kind = metric.entry.kind;
    const rows = lead ? [lead] : all;
    const found = new Map();
    for (const row of rows) {
      for (const cell of row.cells) {
        const entry = found.get(cell.start) || { start: cell.start, end: cell.end, open: false, corrections: 0, list: [] };
        entry.open = entry.open || cell.open;
        entry.corrections += cell.corrections;
        entry.list.push(cell.values);
        found.set(cell.start, entry);
      }
    }
    const newest = [...found.values()].sort((a, b) => b.start - a.start);
    const columns = legend.COLUMNS[kind].window;
    const older = newest.length > WINDOWS_IN_TABLE ? `; ${format.counted(newest.length - WINDOWS_IN_TABLE, "older window is", "older windows are")} not listed` : "";
    const whose = lead ? (selection.drawn.length > 1 ? [legend.name(lead.dimensions), ", the largest series"] : [legend.name(lead.dimensions)]) : [rows.length > 1 ? "The shown series together" : "The shown series"];
    replace(parts.windows,
      el("caption", {}, whose, `, newest first${older}`),
      el("thead", {}, el("tr", {}, ["window", "status", ...columns.map((column) => column.title)].map((title) => el("th", { scope: "col", text: title })))),
      el("tbody", {}, newest.slice(0, WINDOWS_IN_TABLE).map((entry) => el("tr", {}, el("th", { scope: "row", text: format.span(entry.start, entry.end) }), el("td", { text: cells.status(entry) }), legend.numbers(columns, cells.together(kind, entry.list))))));
  }

  function create(entry, page) {
    const parts = skeleton(entry);
    const charts = new Map();
    const self = { root: parts.root, name: entry.name, visible: false, stale: true, draw, drawAt, repaint, destroy };
    let drawn = null;

    parts.find.addEventListener("input", () => state.change({ find: new Map(state.current.find).set(entry.name, parts.find.value) }));
    parts.unpick.addEventListener("click", () => {
      const picks = new Map(state.current.picks);
      picks.delete(entry.name);
      state.change({ picks });
    });
    parts.details.addEventListener("toggle", () => draw());
    parts.panels.addEventListener("keydown", (event) => {
      if (drawn && keys(event, drawn.metric, drawn.times)) speak();
    });

    function speak() {
      const window = cursor.time() === null ? null : select.windowAt(drawn.metric, cursor.time());
      if (!window) return set(parts.spoken, "no window here");
      const [value, what] = headline(entry.kind, valuesIn(window));
      const whose = scope(drawn).map((part) => part.textContent ?? part).join("");
      return set(parts.spoken, `${format.span(window.start, window.end)}, ${select.statusIn(drawn.lead, window)}: ${value}, ${what}${whose}`);
    }

    const valuesIn = (window) => (drawn.lead ? select.valuesIn(entry.kind, drawn.lead, window) : select.togetherIn(entry.kind, drawn.rows, window));


    function chartFor(panel) {
      if (!charts.has(panel.name)) {
        const host = el("div", { class: "chart", tabindex: 0, role: "group", "aria-roledescription": "chart", "aria-label": `${entry.name}, ${panel.title}: arrow keys read window by window, plus and minus zoom` });
        const lines = (panel.keys || []).map(([name, color, dashed]) => el("span", { class: "line" }, legend.key({ color, dashed }), name));
        const root = el("figure", {}, el("figcaption", {}, lines.length ? lines : panel.title), host);
        parts.panels.append(root);
        charts.set(panel.name, { root, chart: chart.create(host) });
      }
      return charts.get(panel.name).chart;
    }

    function drawPanels(metric, selection, spans, times, chosen) {
      const open = select.openWindows(metric);
      const shades = transitions.shades(spans, times.to);
      const panels = plots.panels(entry.kind, selection, chosen, store.finalUntil(metric));
      panels.forEach((panel, index) => chartFor(panel).draw({
        ...panel, from: times.from, to: times.to, shades, deploys: pipeline.deploys,
        openFrom: open.length ? open[0].start : null, openTo: open.length ? open[open.length - 1].end : null, first: index === 0, showTimes: index === panels.length - 1,
      }));
    }

    function drawHead(metric) {
      const window = drawn.rows.length ? select.newest(metric) : null;
      const [value, what] = window ? headline(entry.kind, valuesIn(window)) : [format.NONE, ""];
      set(parts.value, value);
      refresh(parts.detail, window ? [what, ...scope(drawn), ...text.held(`, ${format.span(window.start, window.end)}, ${select.statusIn(drawn.lead, window)}`)] : [metric.newestEnd ? "no window in this range" : "no window yet"]);
      refresh(parts.complete, text.held(completeness(metric, pipeline.last(), page.connection)));
      drawChip();
    }

    // The worst state in which alerts of the metric are, and how many are in it.
    function drawChip() {
      const own = transitions.now().filter((one) => one.metric === entry.name);
      const worst = own.filter((one) => one.transition === own[0].transition);
      parts.alert.className = worst.length && worst[0].severity in transitions.RANK ? `chip severity ${worst[0].severity}` : "chip";
      set(parts.alert, worst.length ? `${worst[0].transition}: ${worst.length === 1 ? text.shorten(worst[0].alert, 40) : `${worst.length} alerts`}` : "");
    }

    function draw() {
      const metric = store.metrics.get(entry.name);
      self.stale = !self.visible;
      if (!metric || !(self.visible || page.fewCards())) return;
      const times = page.times();
      const find = state.current.find.get(entry.name) || "";
      const picks = state.current.picks.get(entry.name) || null;
      const selection = select.rows(metric, times.from, times.to, state.current.search, find, picks);
      const lead = select.lead(entry.kind, selection);
      const chosen = entry.kind === "distribution" ? lead : null;
      const rows = [...selection.drawn, ...(selection.folded ? [selection.folded] : [])];
      const spans = transitions.spans(entry.name).filter((span) => span.from < times.to && (span.to ?? times.to) > times.from);
      drawn = { metric, times, selection, rows, chosen, lead, picks };
      if (document.activeElement !== parts.find) parts.find.value = find;
      parts.find.hidden = metric.series.size <= 5 && !find;
      parts.unpick.hidden = !picks;
      set(parts.unpick, picks ? `${picks.size} of ${selection.alive} picked: show all` : "");
      const nothing = selection.alive === 0;
      parts.window.hidden = parts.panels.hidden = parts.table.parentNode.hidden = parts.details.hidden = nothing;
      parts.empty.hidden = !nothing;
      if (nothing) refresh(parts.empty, page.emptyWords(metric, find, picks));
      else if (self.visible) drawPanels(metric, selection, spans, times, chosen);
      drawHead(metric);
      refresh(parts.notes, nothing ? [] : notes(metric, selection, spans));
      if (!nothing) drawAt();
      if (parts.details.open && !nothing) windowsTable(parts, drawn);
    }

    // Only what follows the cursor.
    function drawAt() {
      if (!drawn || !drawn.selection.alive) return;
      const { metric, selection, picks, chosen } = drawn;
      const time = cursor.time();
      const window = time === null ? select.newest(metric) : select.windowAt(metric, time);
      const nothing = time !== null && time >= (store.finalUntil(metric) || 0) ? "not final, and no number yet" : "no window here";
      refresh(parts.window, text.held(window ? `${format.span(window.start, window.end)}, ${cells.status(window)}` : nothing));
      legend.draw(parts.table, metric, selection, window, { metric: entry.name, picks, chosen });
    }

    function repaint() {
      for (const { chart: one } of charts.values()) one.repaint();
    }

    function destroy() {
      for (const { chart: one } of charts.values()) one.destroy();
      parts.root.remove();
    }

    return self;
  }

  return { create };
})();
