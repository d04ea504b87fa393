// What somebody looks at: range, zone, search, picked series. It stands in the address behind `#`, so a link shows the same.

const state = (() => {
  const RANGES = [["15m", 15 * format.MINUTE], ["1h", format.HOUR], ["6h", 6 * format.HOUR], ["24h", format.DAY], ["7d", 7 * format.DAY], ["all", null]];
  // Links stay short enough for any mail: no more picks than this are kept.
  const PICKS_MAX = 30;

  // The range where nobody has chosen one; it is not part of the address.
  let automatic = "1h";
  const listeners = [];
  const current = { range: null, from: null, to: null, zone: null, search: "", find: new Map(), picks: new Map() };

  function read() {
    const values = new URLSearchParams(location.hash.slice(1));
    const from = Date.parse(values.get("from")), to = Date.parse(values.get("to"));
    const fixed = to > from;
    Object.assign(current, {
      range: fixed ? null : RANGES.some(([name]) => name === values.get("range")) ? values.get("range") : null,
      from: fixed ? from : null,
      to: fixed ? to : null,
      zone: values.get("zone"),
      search: values.get("search") || "",
      find: new Map(),
      picks: new Map(),
    });
    for (const [name, value] of values) {
      if (name.startsWith("find.")) current.find.set(name.slice(5), value);
      if (name.startsWith("pick.")) current.picks.set(name.slice(5), new Set(values.getAll(name).slice(0, PICKS_MAX)));
    }
  }

  function write() {
    const values = new URLSearchParams();
    if (current.from !== null) {
      values.set("from", new Date(current.from).toISOString());
      values.set("to", new Date(current.to).toISOString());
    } else if (current.range) values.set("range", current.range);
    if (current.zone) values.set("zone", current.zone);
    if (current.search) values.set("search", current.search);
    for (const [name, value] of current.find) if (value) values.set(`find.${name}`, value);
    for (const [name, keys] of current.picks) for (const key of keys) values.append(`pick.${name}`, key);
    history.replaceState(null, "", `#${values}`);
  }

  // Changes some of it, and tells everybody what changed.
  function change(values) {
    Object.assign(current, values);
    write();
    for (const listener of listeners) listener(Object.keys(values));
  }

  function togglePick(metric, key) {
    const picks = new Map(current.picks);
    const keys = new Set(picks.get(metric));
    if (!keys.delete(key) && keys.size < PICKS_MAX) keys.add(key);
    if (keys.size) picks.set(metric, keys);
    else picks.delete(metric);
    change({ picks });
  }

  // The times to show. Ranges end now; without a live clock, with the newest data. Whole ranges snap to what is there.
  function times(now) {
    if (current.from !== null) return { from: current.from, to: current.to, fixed: true };
    const length = RANGES.find(([name]) => name === range())?.[1];
    if (length) return { from: now - length, to: now, fixed: false };
    const from = store.oldest() || now - format.HOUR;
    return { from, to: Math.max(store.newest(), from + 1000), fixed: false };
  }

  // Without a choice: the shortest range that goes back to the oldest data or, where they are older than that, in which twelve of the
  // longest windows fit. True: it is another one than before.
  function fitRange(live, windows, age) {
    const wanted = Math.min(age, Math.max(12 * Math.max(...windows, 0), format.HOUR));
    const before = automatic;
    automatic = live ? (RANGES.find(([, length]) => length >= wanted) || ["all"])[0] : "all";
    return automatic !== before && current.range === null && current.from === null;
  }

  // The name of the range that is shown, where its ends are not fixed.
  const range = () => current.range || automatic;

  return { RANGES, current, read, change, togglePick, times, fitRange, range, listen: (listener) => listeners.push(listener) };
})();
