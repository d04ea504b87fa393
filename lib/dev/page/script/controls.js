// The bar on top: connection, range, zone, search, theme.

const controls = (() => {
  const { el, set, replace } = text;
  const THEME = "streamgauge.theme";
  const THEMES = ["auto", "light", "dark"];

  function readTheme() {
    try {
      return THEMES.includes(localStorage.getItem(THEME)) ? localStorage.getItem(THEME) : "auto";
    } catch {
      return "auto";
    }
  }

  function useTheme(name) {
    document.documentElement.dataset.theme = name;
    try {
      localStorage.setItem(THEME, name);
    } catch {
      // A file may have no storage: the choice lasts as long as the page.
      document.documentElement.dataset.theme = name;
    }
  }

  function themeSwitch(changed) {
    const choice = el("select", { "aria-label": "Colours" }, THEMES.map((name) => el("option", { value: name, text: { auto: "system colours", light: "light", dark: "dark" }[name] })));
    choice.value = readTheme();
    useTheme(choice.value);
    choice.addEventListener("change", () => {
      useTheme(choice.value);
      changed();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    return choice;
  }

  function zoneChoice(catalog) {
    const zones = [...new Set([format.zoneHere, "UTC", catalog.time_zone, state.current.zone].filter(Boolean))];
    const choice = el("select", { "aria-label": "Time zone" }, zones.map((zone) => el("option", { value: zone, text: text.shorten(zone, 40) })));
    choice.value = format.zone();
    choice.addEventListener("change", () => state.change({ zone: choice.value }));
    return choice;
  }

  function ranges() {
    const names = { all: "all" };
    const buttons = state.RANGES.map(([name]) => el("button", { "data-range": name, text: names[name] || name.replace(/(\d+)/, "$1 "), on: { click: () => state.change({ range: name, from: null, to: null }) } }));
    return el("div", { class: "ranges", role: "group", "aria-label": "Range of time" }, buttons);
  }

  // Connection in words; each state has its own mark, so that colour is never alone.
  function connectionWords(status, isLive) {
    if (!isLive) return ["report", "Report, as of its end"];
    if (status.state === "live") return ["live", "Live"];
    if (status.state === "locked") return ["away", "A token is wanted"];
    if (status.state !== "away") return ["connecting", "Connecting"];
    return ["away", `Away since ${format.clock(Math.floor(status.since / 1000) * 1000)}`];
  }

  // What changes too often to be read aloud.
  function activity(status) {
    if (status.busy) return "fetching";
    if (status.state !== "away") return "";
    return status.next ? `trying again in ${Math.max(0, Math.ceil((status.next - Date.now()) / 1000))} s` : "trying now";
  }

  const TOKEN = "This server shows nothing without its token: the text in the file that was named after --token-file when it was started, or in STREAMGAUGE_TOKEN then.";
  const REFUSED = "This is not the token of this server. ";

  function tokenForm(submit, words) {
    const field = el("input", { type: "password", id: "token", autocomplete: "off", required: true });
    return el("form", { class: "token", on: { submit: (event) => { event.preventDefault(); submit(field.value.trim()); } } },
      words, el("label", { for: "token", text: "Token " }), field, " ", el("button", { text: "Open" }));
  }

  function create(root, catalog, page) {
    const parts = {
      title: el("h1", {}), connection: el("span", { class: "connection", role: "status" }), activity: el("span", { class: "activity faint", "aria-hidden": "true" }), times: el("span", { class: "times" }), older: el("p", { class: "older faint", hidden: true }),
      back: el("button", { class: "small", text: "back to the whole range", on: { click: () => state.change({ from: null, to: null }) } }),
      search: el("input", { type: "search", placeholder: "search metrics and series", "aria-label": "Search metrics and series", autocomplete: "off", spellcheck: "false" }),
      zone: el("span"), ranges: ranges(), notice: el("div", { class: "notice", role: "status", hidden: true }), locked: el("div", { hidden: true }), tokenWords: el("p", { role: "status" }),
    };
    parts.search.addEventListener("input", () => state.change({ search: parts.search.value }));
    root.append(
      el("div", { class: "line-1" }, parts.title, parts.connection, parts.activity, el("span", { class: "space" }), parts.search, parts.zone, themeSwitch(page.repaint)),
      el("div", { class: "line-2" }, parts.ranges, parts.times, parts.back), parts.older, parts.notice, parts.locked);
    parts.locked.append(tokenForm((value) => page.unlock(value), parts.tokenWords));

    // Told once after each absence, until somebody has read it.
    function wasAway({ from, to }) {
      const close = el("button", { class: "small", text: "dismiss", on: { click: () => { parts.notice.hidden = true; } } });
      replace(parts.notice, `Was away from ${format.clock(Math.floor(from / 1000) * 1000)} for ${format.duration(to - from)}. What was decided meanwhile has been fetched. `, close);
      parts.notice.hidden = false;
    }

    function draw(current, times) {
      replace(parts.title, text.foreign(current.title || "StreamGauge", 60, "span"));
      const [mark, words] = connectionWords(page.connection, current.live);
      parts.connection.className = `connection ${mark}`;
      set(parts.connection, words);
      set(parts.activity, current.live ? activity(page.connection) : "");
      parts.locked.hidden = page.connection.state !== "locked";
      set(parts.tokenWords, `${page.connection.isRefused ? REFUSED : ""}${TOKEN}`);
      set(parts.times, times.from < 0 ? "no events" : `${format.moment(times.from - (times.from % 1000))} \u2013 ${format.moment(times.to - (times.to % 1000))} ${format.offset(times.to)}`);
      const older = Date.parse(current.oldest) < times.from && !times.fixed && state.range() === "all";
      parts.older.hidden = !older;
      if (older) set(parts.older, `Older numbers are kept by the minute and by the hour: GET /points?from=${current.oldest}`);
      parts.back.hidden = !times.fixed;
      for (const button of parts.ranges.children) button.setAttribute("aria-pressed", String(!times.fixed && button.dataset.range === state.range()));
      if (document.activeElement !== parts.search) parts.search.value = state.current.search;
    }

    const drawZone = (current) => replace(parts.zone, zoneChoice(current));
    drawZone(catalog);
    return { draw, drawZone, wasAway };
  }

  return { create };
})();
