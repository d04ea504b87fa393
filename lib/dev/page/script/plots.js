// What is drawn for a kind of metric: its panels from top to bottom, each with its lines.

const plots = (() => {
  const MAIN = 148, SMALL = 64;
  const DASHES = [[], [6, 3]];
  const COLORS = 5;

  // Five colours that colour-blind people tell apart, then the same dashed.
  const look = (index) => ({ color: `series-${(index % COLORS) + 1}`, dash: DASHES[Math.floor(index / COLORS) % DASHES.length], dashed: index >= COLORS });
  const OTHERS = { color: "others", dash: [2, 3], dashed: true };

  const number = (value) => value ?? null;
  const cellsOf = (row, value, floor) =>
    row.cells.map((cell) => ({ start: cell.start, end: cell.end, y: number(value(cell.values)), y0: floor ? number(floor(cell.values)) : undefined }));

  // `until`: where a series that has ended falls to zero and stays there, as far as windows are final.
  function steps(selection, kind, value, until) {
    const zero = select.ZERO_KINDS.has(kind);
    const line = (row) => ({ shape: "step", zero, until, cells: cellsOf(row, value) });
    const lines = selection.drawn.map((row) => ({ ...look(row.index), ...line(row) }));
    if (selection.folded) lines.push({ ...OTHERS, ...line(selection.folded) });
    return lines;
  }

  // All shown series together, as bars.
  function volume(selection, kind) {
    const all = together(selection, kind);
    return { name: "volume", title: kind === "journey" ? "started" : kind === "ratio" ? "whole" : "values", height: SMALL, format: format.short, whole: true, lines: [{ shape: "bar", color: "volume", cells: cellsOf(all, (values) => cells.volume(kind, values)) }] };
  }

  function together(selection, kind) {
    const rows = [...selection.drawn, ...(selection.folded ? [selection.folded] : [])];
    const byStart = new Map();
    for (const row of rows) {
      for (const cell of row.cells) {
        const entry = byStart.get(cell.start) || { start: cell.start, end: cell.end, list: [] };
        entry.list.push(cell.values);
        byStart.set(cell.start, entry);
      }
    }
    const merged = [...byStart.values()].map(({ start, end, list }) => ({ start, end, values: cells.together(kind, list) }));
    return { cells: merged.sort((a, b) => a.start - b.start) };
  }

  // The bands of one series: percentiles of several do not add up.
  function bands(row) {
    const line = (name, color, width, dash) => ({ shape: "step", color, width, dash, cells: cellsOf(row, (values) => values[name]) });
    const band = (upper, lower, color) => ({ shape: "band", color, fill: color, width: 0, cells: cellsOf(row, (values) => values[upper], (values) => values[lower]) });
    return [band("p99", "p90", "band-outer"), band("p90", "p50", "band-inner"), line("p99", "band-line", 1, [2, 3]), line("p95", "band-line", 1, [5, 3]), line("p90", "band-line", 1), line("p50", "series-1", 2)];
  }

  function outcomes(selection) {
    const all = together(selection, "journey");
    const line = (name, color, dash) => ({ shape: "step", color, dash, cells: cellsOf(all, (values) => values[name]) });
    return [line("started", "series-1", []), line("finished", "series-3", [6, 3]), line("abandoned", "series-2", []), line("open", "others", [2, 3])];
  }

  // The panels of a metric. `chosen` is the series whose percentiles are drawn.
  function panels(kind, selection, chosen, until) {
    switch (kind) {
      case "ratio":
        return [{ name: "rate", title: "rate", height: MAIN, format: format.roundPercent, least: 0.05, lines: steps(selection, kind, (values) => values.rate) }, volume(selection, kind)];
      case "journey":
        return [
          { name: "rate", title: "abandoned of started", height: MAIN - 28, format: format.roundPercent, least: 0.05, lines: steps(selection, kind, (values) => values.rate) },
          { name: "outcomes", title: "started, finished, abandoned, open", height: SMALL + 28, format: format.short, whole: true, lines: outcomes(selection), keys: [["started", "series-1", false], ["finished", "series-3", true], ["abandoned", "series-2", false], ["open", "others", true]] },
        ];
      case "distribution":
        return [{ name: "percentiles", title: "percentiles", height: MAIN, format: format.short, lines: chosen ? bands(chosen) : [], keys: [["p50", "series-1", false], ["p90", "band-line", false], ["p95", "band-line", true], ["p99", "band-line", true]] }, volume(chosen ? { drawn: [chosen], folded: null } : selection, kind)];
      default:
        return [{ name: "value", title: kind === "unique" ? "distinct" : "per window", height: MAIN + SMALL, format: format.short, whole: kind !== "sum", lines: steps(selection, kind, (values) => cells.main(kind, values), until) }];
    }
  }

  return { panels, look, OTHERS };
})();
