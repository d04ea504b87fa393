// Which series of a metric are shown: of those that match the searches the ten largest are listed, and what is picked; the others are
// folded into one where they may be added up. Drawn are the picked ones, else all that are listed and the others.

const select = (() => {
  const TOP = 10;

  // Where a window without a point means that nothing happened. Elsewhere it means that nothing is known.
  const ZERO_KINDS = new Set(["count", "sum", "unique"]);
  const RANKED_BY = {
    count: "sum", sum: "sum", unique: "largest window", ratio: "part, then whole", journey: "started", distribution: "number of values",
  };

  function within(list, from, to) {
    let first = store.place(list, from);
    while (first > 0 && list[first - 1].end > from) first -= 1;
    return list.slice(first, store.place(list, to));
  }

  function weight(kind, total) {
    switch (kind) {
      case "ratio": return [total.sum || 0, total.count || 0];
      case "journey": return [total.started || 0, total.abandoned || 0];
      case "distribution": return [total.count || 0, 0];
      case "unique": return [total.largest || 0, 0];
      default: return [total.sum || 0, 0];
    }
  }

  function rowOf(kind, series, from, to) {
    const list = within(series.cells, from, to);
    const total = cells.combine(kind, list.map((cell) => cell.values));
    if (kind === "unique") total.largest = Math.max(0, ...list.map((cell) => cell.values.unique || 0));
    return { key: series.key, dimensions: series.dimensions, cells: list, all: series.cells, total, weight: weight(kind, total) };
  }

  // One row for many series: what adds up, window by window.
  function fold(kind, rows) {
    const byStart = new Map();
    for (const row of rows) {
      for (const cell of row.cells) {
        const entry = byStart.get(cell.start);
        if (entry) entry.push(cell);
        else byStart.set(cell.start, [cell]);
      }
    }
    const folded = [...byStart.values()].map((list) => ({
      start: list[0].start,
      end: list[0].end,
      open: list.some((cell) => cell.open),
      corrections: list.reduce((sum, cell) => sum + cell.corrections, 0),
      values: cells.together(kind, list.map((cell) => cell.values)),
    }));
    folded.sort((a, b) => a.start - b.start);
    return { key: null, count: rows.length, cells: folded, all: folded, total: cells.together(kind, rows.map((row) => row.total)) };
  }

  const words = (search) => search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (series, wanted) => wanted.every((word) => series.search.includes(word));

  // The search of the page keeps a metric by its name, else by series that match.
  function seriesFor(metric, search, find) {
    const wanted = words(search).filter((word) => !metric.entry.name.toLowerCase().includes(word));
    const all = [...metric.series.values()];
    return all.filter((series) => matches(series, wanted) && matches(series, words(find)));
  }

  function rows(metric, from, to, search, find, picks) {
    const kind = metric.entry.kind;
    const found = seriesFor(metric, search, find);
    const isSearched = found.length < metric.series.size; // the search leaves some out
    const alive = found.map((series) => rowOf(kind, series, from, to)).filter((row) => row.cells.length > 0);
    alive.sort((a, b) => b.weight[0] - a.weight[0] || b.weight[1] - a.weight[1] || (a.key < b.key ? -1 : 1));
    const listed = alive.filter((row, index) => index < TOP || picks?.has(row.key));
    listed.forEach((row, index) => { row.index = index; });
    const rest = alive.filter((row) => row.index === undefined);
    const others = rest.length ? fold(kind, rest) : null;
    if (picks) return { listed, others, drawn: listed.filter((row) => picks.has(row.key)), folded: null, alive: alive.length, isSearched };
    return { listed, others, drawn: listed, folded: cells.APART.has(kind) ? null : others, alive: alive.length, isSearched };
  }

  // The one series that a single number is of where those of several cannot be added up: the largest that is shown and is one.
  function lead(kind, selection) {
    if (!cells.APART.has(kind)) return null;
    return selection.drawn.find((row) => !store.isOther(row.dimensions)) || selection.drawn[0] || null;
  }

  function cellAt(list, time) {
    const index = store.place(list, time + 1) - 1;
    const cell = list[index];
    return cell && cell.start <= time && time < cell.end ? cell : null;
  }

  // A window that is final without a point: nothing happened in it.
  function emptyWindow(metric, time) {
    const until = store.finalUntil(metric), { window_ms: length } = metric.entry, { proven } = metric;
    if (until === null || time >= until || time < metric.oldestStart) return null;
    if (proven && proven.start <= time && time < proven.end) return { ...proven, open: false, corrections: 0 };
    const start = Math.floor(time / length) * length;
    return length % format.DAY ? { start, end: start + length, open: false, corrections: 0 } : null;
  }

  // The window of the metric that holds `time`, whichever series knows it.
  function windowAt(metric, time) {
    let found = null;
    for (const series of metric.series.values()) {
      const cell = cellAt(series.cells, time);
      if (!cell) continue;
      found = found || { start: cell.start, end: cell.end, open: false, corrections: 0 };
      found.open = found.open || cell.open;
      found.corrections += cell.corrections;
    }
    return found || emptyWindow(metric, time);
  }

  // The newest window that is final, or, while there is none, the oldest that is open.
  function newest(metric) {
    const until = store.finalUntil(metric);
    return (until === null ? null : windowAt(metric, until - 1)) || openWindows(metric)[0] || null;
  }

  // The windows that have begun to count and are not final, oldest first.
  function openWindows(metric) {
    const found = new Map();
    for (const series of metric.series.values()) {
      for (let index = series.cells.length - 1; index >= 0 && series.cells[index].end > (metric.finalUntil || 0); index -= 1) {
        const cell = series.cells[index];
        if (cell.open) found.set(cell.start, { start: cell.start, end: cell.end, open: true, corrections: 0 });
      }
    }
    return [...found.values()].sort((a, b) => a.start - b.start);
  }

  // A row's values in a window; nothing where nothing is known.
  function valuesIn(kind, row, window) {
    const cell = window && cellAt(row.all, window.start);
    if (cell) return cell.values;
    return window && ZERO_KINDS.has(kind) ? { sum: 0, count: 0, unique: 0 } : {};
  }

  const togetherIn = (kind, list, window) => cells.together(kind, list.map((row) => valuesIn(kind, row, window)));

  // How final the numbers of a window are: those of all series, or of one.
  function statusIn(row, window) {
    const cell = row && cellAt(row.all, window.start);
    return cells.status({ open: window.open, corrections: row ? cell?.corrections || 0 : window.corrections });
  }

  return { TOP, ZERO_KINDS, RANKED_BY, rows, lead, windowAt, newest, openWindows, valuesIn, togetherIn, statusIn };
})();
