// One cell is what is known of one window of one series: the point (final or open) and the late events merged into it.

const cells = (() => {
  const PERCENTILES = ["p50", "p90", "p95", "p99", "p99.9"];

  // By kind of metric: the members that add up over series and over corrections.
  const ADDITIVE = {
    count: ["sum", "count"],
    sum: ["sum", "count"],
    ratio: ["sum", "count"],
    distribution: ["sum", "count"],
    journey: ["started", "finished", "abandoned", "open"],
    unique: [],
  };

  const least = (a, b) => (a === undefined ? b : b === undefined ? a : Math.min(a, b));
  const most = (a, b) => (a === undefined ? b : b === undefined ? a : Math.max(a, b));

  // What follows from the sums.
  function derive(kind, values) {
    if (kind === "ratio") values.rate = values.count > 0 ? values.sum / values.count : undefined;
    if (kind === "journey") values.rate = values.started > 0 ? values.abandoned / values.started : undefined;
    if (kind === "distribution") values.average = values.count > 0 ? values.sum / values.count : undefined;
    return values;
  }

  // Adds up values of several series, windows or corrections. Percentiles and distinct counts do not add up and are left out.
  function combine(kind, list) {
    const all = {};
    for (const values of list) {
      for (const name of ADDITIVE[kind]) if (values[name] !== undefined) all[name] = (all[name] || 0) + values[name];
      if (kind === "distribution") {
        all.min = least(all.min, values.min);
        all.max = most(all.max, values.max);
      }
    }
    return derive(kind, all);
  }

  // Several series in one window or range. Whether sums of different series may be added only the rules know, as of amounts in different
  // currencies; events can always be counted, and rates and journeys are made of such counts.
  const APART = new Set(["sum", "distribution", "unique"]);
  function together(kind, list) {
    const all = list.length === 1 ? list[0] : combine(kind, list);
    return list.length > 1 && APART.has(kind) ? { count: all.count } : all;
  }

  function picked(kind, point) {
    const values = {};
    const names = [...ADDITIVE[kind], "rate", "unique", ...(kind === "distribution" ? ["min", "max", "average", ...PERCENTILES] : [])];
    for (const name of names) if (typeof point[name] === "number") values[name] = point[name];
    if (kind === "journey") {
      for (const name of ADDITIVE.journey) values[name] = values[name] || 0;
      if (point.time && typeof point.time.p50 === "number") values.median = point.time.p50 * 1000;
    }
    return values;
  }

  const create = (start, end) => ({ start, end, base: null, open: false, late: null, corrections: 0, values: {} });

  // Takes a point into its cell. An open point replaces the open one before it, a final point both; a correction is merged.
  function take(kind, cell, point) {
    if (point.status === "correction") {
      cell.late = combine(kind, [cell.late || {}, picked(kind, point)]);
      cell.corrections += 1;
    } else if (point.status === "open") {
      if (cell.base && !cell.open) return;
      cell.base = picked(kind, point);
      cell.open = true;
    } else {
      cell.base = picked(kind, point);
      cell.open = false;
    }
    cell.values = cell.base || {};
    if (cell.late) {
      cell.values = combine(kind, [cell.base || {}, cell.late]);
      if (cell.base) for (const name of PERCENTILES) if (cell.base[name] !== undefined) cell.values[name] = cell.base[name];
    }
  }

  // In words, beside every number.
  function status(cell) {
    if (cell.open) return "open";
    if (!cell.corrections) return "final";
    return `corrected by ${cell.corrections}`;
  }

  // The one number by which series are compared and drawn.
  function main(kind, values) {
    return { count: values.sum, sum: values.sum, unique: values.unique, ratio: values.rate, journey: values.rate, distribution: values.p50 }[kind];
  }

  // How many events stand behind it.
  const volume = (kind, values) => (kind === "journey" ? values.started : values.count);

  return { PERCENTILES, APART, combine, together, create, take, status, main, volume };
})();
