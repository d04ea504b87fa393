// The shapes of lines: uPlot asks for a path and these draw windows, which have a width, as steps, bars and bands.

const paths = (() => {
  const point = (u, time, value) => [u.valToPos(time, "x", true), u.valToPos(value, "y", true)];

  // A window is a level step. A missing window is a fall to zero where that is its meaning, else a gap.
  function step(u, line) {
    const stroke = new Path2D();
    let before = null;
    for (const cell of line.cells) {
      if (cell.y === null) {
        before = null;
        continue;
      }
      const [left, top] = point(u, cell.start, cell.y);
      const right = u.valToPos(cell.end, "x", true);
      if (before && before.end < cell.start && line.zero) {
        const [end, floor] = point(u, before.end, 0);
        stroke.lineTo(end, floor);
        stroke.lineTo(left, floor);
      }
      if (before && (before.end === cell.start || line.zero)) stroke.lineTo(left, top);
      else stroke.moveTo(left, top);
      stroke.lineTo(right, top);
      before = cell;
    }
    if (before && line.zero && line.until > before.end) {
      const [end, floor] = point(u, before.end, 0);
      stroke.lineTo(end, floor);
      stroke.lineTo(u.valToPos(line.until, "x", true), floor);
    }
    return { stroke };
  }

  function bar(u, line) {
    const fill = new Path2D();
    for (const cell of line.cells) {
      if (cell.y === null) continue;
      const [left, top] = point(u, cell.start, cell.y);
      const [right, floor] = point(u, cell.end, 0);
      const gap = right - left > 4 ? 1 : 0;
      fill.rect(left, top, Math.max(1, right - left - gap), floor - top);
    }
    return { fill };
  }

  // Between `y0` and `y`, window by window.
  function band(u, line) {
    const fill = new Path2D();
    for (const cell of line.cells) {
      if (cell.y === null || cell.y0 === null) continue;
      const [left, top] = point(u, cell.start, cell.y);
      const [right, bottom] = point(u, cell.end, cell.y0);
      fill.rect(left, top, right - left, Math.max(1, bottom - top));
    }
    return { fill };
  }

  // Samples are moments: straight between neighbours, broken where the page was away.
  function trace(u, line) {
    const stroke = new Path2D();
    let before = null;
    for (const cell of line.cells) {
      const [x, y] = point(u, cell.start, cell.y ?? 0);
      if (before && cell.start - before.start <= line.breakAfter && cell.y !== null) stroke.lineTo(x, y);
      else stroke.moveTo(x, y);
      before = cell;
    }
    return { stroke };
  }

  return { step, bar, band, trace };
})();
