// What the page holds of metrics: per metric its series, per series its cells by window. Everything has a limit, and what was
// left out is counted, so that the page can say so.

const LIMITS = {
  cellsPerSeries: 10_080, // a week of minutes
  seriesPerMetric: 1_000,
  cells: 250_000, // of all metrics together: some 60 MB
  transitions: 2_000,
  samples: 3_600, // of the pipeline's health: an hour at one per second
  deploys: 200,
  identity: 256, // characters kept of each id in evidence
};

const store = (() => {
  const metrics = new Map();
  let held = 0;

  function dimensionsKey(dimensions) {
    return JSON.stringify(Object.entries(dimensions || {}).map(([name, value]) => [name, String(value)]));
  }

  // Keeps the data of metrics that are still there and mean the same.
  function useCatalog(list) {
    const before = new Map(metrics);
    metrics.clear();
    for (const entry of list) {
      const old = before.get(entry.name);
      const same = old && old.entry.kind === entry.kind && old.entry.window_ms === entry.window_ms && JSON.stringify(old.entry.dimensions) === JSON.stringify(entry.dimensions);
      metrics.set(entry.name, same ? Object.assign(old, { entry }) : empty(entry));
    }
    held = 0;
    for (const metric of metrics.values()) held += size(metric);
  }

  const size = (metric) => [...metric.series.values()].reduce((sum, series) => sum + series.cells.length, 0);

  function empty(entry) {
    return { entry, series: new Map(), refused: 0, droppedBefore: null, finalUntil: null, proven: null, newestEnd: null, oldestStart: null, version: 0 };
  }

  // Forgets a metric's cells before they are fetched anew.
  function reset(name) {
    const metric = metrics.get(name);
    if (!metric) return;
    held -= size(metric);
    const version = metric.version + 1;
    metrics.set(name, Object.assign(metric, empty(metric.entry), { version, proven: metric.proven }));
  }

  // The place of the first cell that starts at or after `start`. New windows come at the end.
  function place(list, start) {
    let low = 0, high = list.length;
    if (high && list[high - 1].start < start) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // What is over the cap of the rules is one series, without which totals would be wrong.
  const isOther = (dimensions) => Object.values(dimensions || {})[0] === "__other__";

  function seriesOf(metric, dimensions) {
    const key = dimensionsKey(dimensions);
    let series = metric.series.get(key);
    if (!series && (metric.series.size < LIMITS.seriesPerMetric || isOther(dimensions))) {
      series = { key, dimensions: dimensions || {}, cells: [], search: Object.entries(dimensions || {}).map(([name, value]) => `${name}:${value}`).join(" ").toLowerCase() };
      metric.series.set(key, series);
    }
    return series;
  }

  // Takes one point. Unknown metrics and times that are none are passed over.
  function add(point) {
    const metric = metrics.get(point.metric);
    const start = Date.parse(point.window_start), end = Date.parse(point.window_end);
    if (!metric || !(end > start)) return;
    const series = seriesOf(metric, point.dimensions);
    if (!series) {
      metric.refused += 1;
      return;
    }
    const index = place(series.cells, start);
    let cell = series.cells[index];
    if (!cell || cell.start !== start) {
      cell = cells.create(start, end);
      series.cells.splice(index, 0, cell);
      held += 1;
    }
    cells.take(metric.entry.kind, cell, point);
    if (point.status === "final") metric.finalUntil = Math.max(metric.finalUntil || 0, end);
    metric.newestEnd = Math.max(metric.newestEnd || 0, end);
    metric.oldestStart = Math.min(metric.oldestStart ?? start, start);
    metric.version += 1;
    if (series.cells.length > LIMITS.cellsPerSeries) drop(metric, series, Math.ceil(LIMITS.cellsPerSeries / 20));
    if (held > LIMITS.cells) shrink();
  }

  // The watermark has come so far: the windows that end as long before it as their metric waits are final, whether there is a point of them
  // or not. `days` has the newest of those that are days of a time zone.
  function decideTo(watermark, days) {
    for (const metric of metrics.values()) {
      const { name, window_ms: length, waits_ms: waits } = metric.entry;
      const end = length % format.DAY ? Math.floor((watermark - (waits || 0)) / length) * length : Date.parse(days?.[name]?.[1]);
      const start = length % format.DAY ? end - length : Date.parse(days?.[name]?.[0]);
      if (start < end) metric.proven = { start, end };
    }
  }

  // Where the newest final window of a metric ends. Of the time before its first window nobody knows whether it was counted.
  function finalUntil(metric) {
    const { finalUntil: known, proven, oldestStart } = metric;
    return proven && oldestStart !== null && proven.end > Math.max(oldestStart, known || 0) ? proven.end : known;
  }

  function drop(metric, series, count) {
    const gone = series.cells.splice(0, count);
    held -= gone.length;
    if (gone.length) metric.droppedBefore = Math.max(metric.droppedBefore || 0, gone[gone.length - 1].end);
  }

  // Over the limit of all: a tenth of the largest metric goes, the oldest of each of its series.
  function shrink() {
    const largest = [...metrics.values()].reduce((a, b) => (size(a) >= size(b) ? a : b));
    for (const [key, series] of largest.series) {
      drop(largest, series, Math.ceil(series.cells.length / 10));
      if (!series.cells.length) largest.series.delete(key);
    }
    largest.version += 1;
  }

  // The newest moment that any metric knows.
  function newest() {
    const ends = [...metrics.values()].map((metric) => metric.newestEnd || 0);
    return ends.length ? Math.max(...ends) : 0;
  }

  function oldest() {
    const starts = [...metrics.values()].map((metric) => metric.oldestStart).filter((start) => start !== null);
    return starts.length ? Math.min(...starts) : 0;
  }

  return { metrics, useCatalog, reset, add, decideTo, finalUntil, place, newest, oldest, dimensionsKey, isOther, held: () => held };
})();
