// One chart: uPlot for scales, axes, cursor and drag; our own paths; alerts, open windows and deploys painted behind and before.

const theme = {
  color: (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(),
};

// The moment under the cursor, the same in all charts.
const cursor = (() => {
  const listeners = new Set();
  let time = null;
  function set(value, from) {
    if (value === time) return;
    time = value;
    for (const listener of listeners) listener(time, from);
  }
  return { set, time: () => time, listen: (listener) => listeners.add(listener), unlisten: (listener) => listeners.delete(listener) };
})();

const chart = (() => {
  const SHADES = ["critical", "error", "warning", "info", "info"]; // by level, of which there are five for what fires and five for what is pending

  // Between two counts there is none.
  const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

  function edges(u, from, to) {
    const { left, width } = u.bbox;
    const x = (time) => Math.min(left + width, Math.max(left, u.valToPos(time, "x", true)));
    return [x(from), x(to)];
  }

  // Windows that are not final: hatched, so that nobody takes a half-full window for a fall.
  function paintOpen(u, spec) {
    if (spec.openFrom === null || spec.openFrom >= spec.to) return;
    const { ctx } = u;
    const [left, right] = edges(u, spec.openFrom, spec.openTo);
    const { top, height } = u.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left, height);
    ctx.clip();
    ctx.strokeStyle = theme.color("hatch");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = left - height; x < right; x += 7 * devicePixelRatio) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }

  function paintSpans(u, spec) {
    const { ctx } = u;
    const { top, height } = u.bbox;
    for (const shade of spec.shades) {
      if (shade.from > spec.to || shade.to < spec.from) continue;
      const [left, right] = edges(u, shade.from, shade.to);
      const width = Math.max(devicePixelRatio, right - left);
      const fires = shade.level < 5;
      ctx.save();
      ctx.fillStyle = theme.color(SHADES[shade.level % 5]);
      ctx.globalAlpha = fires ? 0.13 : 0.06;
      ctx.fillRect(left, top, width, height);
      ctx.globalAlpha = fires ? 0.9 : 0.45;
      ctx.fillRect(left, top, width, 3 * devicePixelRatio);
      ctx.restore();
    }
  }

  function paintDeploys(u, spec) {
    const { ctx } = u;
    const { top, height } = u.bbox;
    for (const deploy of spec.deploys) {
      if (deploy.time < spec.from || deploy.time > spec.to) continue;
      const x = Math.round(u.valToPos(deploy.time, "x", true)) + 0.5;
      ctx.save();
      ctx.strokeStyle = theme.color("deploy");
      ctx.fillStyle = theme.color("deploy");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
      if (spec.first) {
        ctx.textAlign = "left";
        ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
        ctx.fillText(text.shorten(deploy.version, 14), x + 3 * devicePixelRatio, top + 13 * devicePixelRatio);
      }
      ctx.restore();
    }
  }

  function timeLabels(u, splits) {
    let day = null;
    const length = u.scales.x.max - u.scales.x.min;
    return splits.map((time) => {
      const today = format.date(time);
      const first = today !== day;
      day = today;
      if (length > 300 * format.DAY) return today.slice(0, 7);
      if (length > 4 * format.DAY) return today.slice(5);
      return first ? `${format.clock(time)}\n${today.slice(5)}` : format.clock(time);
    });
  }

  function top(spec) {
    let most = spec.least || 0;
    for (const line of spec.lines) for (const cell of line.cells) if (cell.y !== null && cell.y > most) most = cell.y;
    return most > 0 ? most * 1.08 : 1;
  }

  function bottom(spec) {
    let least = 0;
    for (const line of spec.lines) for (const cell of line.cells) if (cell.y !== null && cell.y < least) least = cell.y;
    return least * 1.08;
  }

  function axes(holder) {
    const common = { stroke: () => theme.color("faint"), font: "11px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: () => theme.color("grid"), width: 1 };
    return [
      { ...common, grid: { ...grid, show: false }, values: timeLabels, size: holder.spec.showTimes ? 32 : 4, space: 80, show: true, ...(holder.spec.showTimes ? {} : { values: (u, splits) => splits.map(() => "") }) },
      { ...common, grid, values: (u, splits) => splits.map((value) => holder.spec.format(value)), size: 50, space: 26, ...(holder.spec.whole ? { incrs: WHOLE_STEPS } : {}) },
    ];
  }

  function options(holder, width) {
    const { spec } = holder;
    return {
      width,
      height: spec.height,
      ms: 1,
      padding: [6, 26, 0, 0],
      legend: { show: false },
      tzDate: (time) => uPlot.tzDate(new Date(time), format.zone()),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 4 } },
      scales: { x: { time: true, range: () => [holder.spec.from, holder.spec.to] }, y: { range: () => [bottom(holder.spec), top(holder.spec)] } },
      axes: axes(holder),
      series: [{}, ...spec.lines.map((line, index) => ({
        stroke: () => theme.color(line.color),
        fill: () => theme.color(line.fill || line.color),
        width: line.width || 1.5,
        dash: line.dash || [],
        points: { show: false },
        paths: (u) => paths[holder.spec.lines[index].shape](u, holder.spec.lines[index]),
      }))],
      hooks: {
        drawClear: [(u) => { paintOpen(u, holder.spec); paintSpans(u, holder.spec); }],
        draw: [(u) => paintDeploys(u, holder.spec)],
        setCursor: [(u) => cursor.set(u.cursor.left < 0 ? null : Math.round(u.posToVal(u.cursor.left, "x")), u)],
        setSelect: [(u) => zoom(u)],
      },
    };
  }

  function zoom(u) {
    if (u.select.width < 4) return;
    const from = Math.floor(u.posToVal(u.select.left, "x")), to = Math.ceil(u.posToVal(u.select.left + u.select.width, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to - from >= 1000) state.change({ range: null, from, to });
  }

  const shapeOf = (spec) => JSON.stringify([spec.height, spec.showTimes, spec.whole, format.zone(), spec.lines.map((line) => [line.shape, line.color, line.fill, line.dash, line.width])]);
  const data = (spec) => [[spec.from, spec.to], ...spec.lines.map(() => [0, 0])];

  // A chart in `host`. `draw` takes what is to be seen; only where the lines are others is it made anew.
  function create(host) {
    const holder = { spec: null, plot: null, shape: null };
    const follow = (time, from) => {
      if (!holder.plot || from === holder.plot) return;
      const left = time === null ? -10 : holder.plot.valToPos(time, "x");
      holder.plot.setCursor({ left, top: time === null ? -10 : 1 }, false);
    };
    const resized = new ResizeObserver(() => {
      if (holder.plot && host.clientWidth > 0 && host.clientWidth !== holder.plot.width) holder.plot.setSize({ width: host.clientWidth, height: holder.spec.height });
    });
    resized.observe(host);
    cursor.listen(follow);

    function draw(spec) {
      const shape = shapeOf(spec);
      holder.spec = spec;
      if (holder.plot && holder.shape === shape) {
        holder.plot.setData(data(spec));
        return;
      }
      holder.plot?.destroy();
      holder.shape = shape;
      holder.plot = new uPlot(options(holder, Math.max(120, host.clientWidth)), data(spec), host);
      holder.plot.over.addEventListener("dblclick", () => state.change({ from: null, to: null }));
    }

    function destroy() {
      cursor.unlisten(follow);
      resized.disconnect();
      holder.plot?.destroy();
      holder.plot = null;
    }

    // Colours are read when something is drawn: enough after a change of the theme.
    return { draw, destroy, repaint: () => holder.plot?.redraw(true, true) };
  }

  return { create };
})();
