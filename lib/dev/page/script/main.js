// Puts the page together: reads what the server embedded, takes lines, draws what changed, at most twice a second.

(() => {
  const { el, replace, set } = text;
  const FRAME = 500; // least time between two drawings, in milliseconds
  const CARDS_MAX = 300;
  const REASON_MAX = 20_000; // UTF-16 units
  const TEXT_OF_ALL_MAX = 30; // up to so many cards have their numbers also while they are out of sight, for searches and printers

  const element = (id) => document.getElementById(id);
  const list = (value) => (Array.isArray(value) ? value : []);
  let catalog = readCatalog(JSON.parse(element("catalog").textContent || "{}"));
  let clock = { server: Date.parse(catalog.now) || 0, here: Date.now() };
  const cards = new Map();
  const roots = { bar: el("header", { class: "bar" }), now: el("div"), history: el("div"), health: el("div"), metrics: el("div", { class: "grid" }), none: el("p", { class: "empty" }), start: el("section", { class: "start", hidden: true }), memory: el("p", { class: "faint" }), left: el("p", { class: "notice", hidden: true }), rejected: el("section", { class: "rejected", role: "alert", hidden: true }) };
  const page = { line, changed, status, times: () => state.times(now()), catalog: () => catalog, emptyWords, repaint, unlock, fewCards: () => cards.size <= TEXT_OF_ALL_MAX, connection: { state: "connecting", busy: false } };

  function readCatalog(value) {
    const metrics = list(value.metrics).map((metric, index) => ({ ...metric, dimensions: list(metric.dimensions), window_ms: metric.window_ms || format.MINUTE, index }));
    return { ...value, metrics, alerts: list(value.alerts), deploys: list(value.deploys), firing: list(value.firing) };
  }

  // Live, the server's clock; else, and where the clock is the events', the end of the data.
  function now() {
    if (catalog.live && catalog.clock !== "events") return clock.server + (Date.now() - clock.here);
    return catalog.live ? Math.max(store.newest(), clock.server) : store.newest() || clock.server;
  }

  function useCatalog(value) {
    catalog = readCatalog({ live: catalog.live, ...value });
    // A report grows no more: one series may have all of it.
    if (!catalog.live) LIMITS.cellsPerSeries = LIMITS.cells;
    drawLeftOut();
    drawRejected();
    clock = { server: Date.parse(catalog.now) || now(), here: Date.now() };
    store.useCatalog(catalog.metrics);
    for (const deploy of catalog.deploys) pipeline.addDeploy(deploy);
    transitions.useAlerts(catalog.alerts);
    if (!catalog.live) transitions.decideTo(Date.parse(catalog.now));
    for (const one of catalog.firing) transitions.add(one);
    format.useZone(state.current.zone || catalog.zone || format.zoneHere);
    document.title = `${text.shorten(catalog.title || "StreamGauge", 60)}`;
    return fitRange();
  }

  // Where nobody has chosen a range: how old the oldest data are, of the server and of the page.
  function fitRange() {
    const oldest = Math.min(...[Date.parse(catalog.oldest), store.oldest()].filter((time) => time > 0));
    return state.fitRange(catalog.live, catalog.metrics.map((metric) => metric.window_ms), Math.max(0, now() - oldest));
  }

  // The files of the rules were changed and cannot be used: until they can, the rules before go on.
  function drawRejected() {
    const { at, reason } = catalog.rules_rejected || {};
    roots.rejected.hidden = !reason;
    if (!reason) return;
    const lines = String(reason).slice(0, REASON_MAX).split("\n").map((line) => text.visible(line));
    replace(roots.rejected, el("strong", { text: "The rules were changed and are wrong; the old ones go on." }), el("span", { class: "faint" }, text.held(` Since ${format.moment(Date.parse(at))}. Mend the file: it is read again when it changes.`)),
      el("pre", { tabindex: 0, text: lines.join("\n") }));
  }

  function drawLeftOut() {
    const left = [[catalog.left_out?.points, "point", "points"], [catalog.left_out?.transitions, "transition of alerts", "transitions of alerts"]].filter(([count]) => count > 0);
    roots.left.hidden = !left.length;
    if (left.length) set(roots.left, `This report leaves out ${left.map(([count, one, many]) => format.counted(count, one, many)).join(" and ")}; each metric says which. All of them: streamgauge replay --output json.`);
  }

  function line(object) {
    switch (object?.kind) {
      case "point": store.add(object); break;
      case "alert": transitions.add(object); break;
      case "summary": pipeline.summary = object; break;
      case "deploy": pipeline.addDeploy(object); break;
      case "health":
        pipeline.addHealth(object);
        transitions.decideTo(Date.parse(object.watermark));
        store.decideTo(Date.parse(object.watermark), object.days);
        clock = { server: Date.parse(catalog.clock === "events" ? object.watermark : object.at) || clock.server, here: Date.now() };
        break;
      case "catalog": newCatalog(object); break;
      default: return;
    }
    changed();
  }

  // The rules have changed, or a locked page has been opened.
  function newCatalog(object) {
    const before = JSON.stringify(catalog.metrics);
    const isLonger = useCatalog(object);
    if (JSON.stringify(catalog.metrics) === before) {
      if (isLonger) connection?.refresh();
      return;
    }
    for (const card of cards.values()) forget(card);
    cards.clear();
    makeCards();
    bar.drawZone(catalog);
    connection?.refresh(true);
  }

  function status(values) {
    Object.assign(page.connection, values);
    if (values.was) bar.wasAway(values.was);
    bar.draw(catalog, page.times());
    if (["live", "locked"].includes(values.state) || values.busy === false) changed();
  }

  function unlock(token) {
    stream.useToken(token);
    connection.connect();
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const card = [...cards.values()].find((one) => one.root === entry.target);
      if (!card) continue;
      card.visible = entry.isIntersecting;
      if (card.visible && card.stale) card.draw();
    }
  }, { rootMargin: "400px" });

  function makeCards() {
    for (const entry of catalog.metrics.slice(0, CARDS_MAX)) {
      const one = card.create(entry, page);
      cards.set(entry.name, one);
      roots.metrics.append(one.root);
      observer.observe(one.root);
    }
  }

  function forget(one) {
    observer.unobserve(one.root);
    one.destroy();
  }

  // A search hides metrics of which neither name nor any series fits.
  function filterCards() {
    const words = state.current.search.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const one of cards.values()) {
      const metric = store.metrics.get(one.name);
      const rest = words.filter((word) => !one.name.toLowerCase().includes(word));
      const fits = !rest.length || [...(metric?.series.values() || [])].some((series) => rest.every((word) => series.search.includes(word)));
      one.root.hidden = !fits;
      seen += fits ? 1 : 0;
    }
    const hidden = cards.size - seen;
    const cut = catalog.metrics.length - cards.size;
    const none = catalog.metrics.length ? (seen ? "" : "No metric and no series fits the search.") : isTold() ? "The rules have no metrics: add one under `metrics:`." : "";
    set(roots.none, [none, hidden && seen ? `${format.counted(hidden, "metric does", "metrics do")} not fit the search and ${hidden === 1 ? "is" : "are"} hidden.` : "", cut > 0 ? `${format.counted(cut, "more metric is", "more metrics are")} not shown: the page draws ${CARDS_MAX}.` : ""].filter(Boolean).join(" "));
    roots.none.hidden = !roots.none.textContent;
  }

  // Whether the page knows the rules: before it has been let in, a server tells none.
  const isTold = () => !catalog.live || catalog.metrics.length > 0 || page.connection.state === "live";

  const quoted = (value) => `'${String(value).replaceAll("'", "'\\''")}'`;

  // What to do where nothing has come yet.
  function drawStart() {
    const received = pipeline.last()?.received ?? pipeline.summary?.received ?? 0;
    roots.start.hidden = !catalog.live || Boolean(catalog.oldest) || store.held() > 0 || received > 0 || page.connection.state !== "live";
    if (roots.start.hidden || roots.start.childElementCount) return;
    const event = { specversion: "1.0", id: "1", source: "/try", type: "order.created", time: new Date(now()).toISOString(), data: {} };
    const command = `curl -i ${quoted(new URL("events", location.href).href.split("#")[0])} \\\n  -H 'content-type: application/cloudevents+json' \\\n${stream.hasToken() ? `  -H "Authorization: Bearer $STREAMGAUGE_TOKEN" \\\n` : ""}  -d ${quoted(JSON.stringify(event))}`;
    const copy = el("button", { class: "small", text: "copy", on: { click: () => navigator.clipboard?.writeText(command).then(() => set(copy, "copied"), () => set(copy, "select it by hand")) } });
    replace(roots.start, el("h2", { text: "No event has come yet" }), el("p", { text: "Push one; put the type and fields into it that your rules look for:" }), el("pre", { tabindex: 0, text: command }), copy,
      el("p", { class: "faint", text: "Metrics with `emit: live` show it at once. The number of another metric shows when its window is final: after its end, and then out_of_order and allowed_lateness of the rules." }));
  }

  function emptyWords(metric, find, picks) {
    if (metric.series.size && (find || picks || state.current.search)) return "No series fits the search in this range.";
    const all = el("button", { class: "small", text: "show all", on: { click: () => state.change({ range: "all", from: null, to: null }) } });
    if (metric.newestEnd) return [...text.held(`No window in this range; the newest ended ${format.moment(metric.newestEnd)}. `), all];
    if (catalog.live && page.connection.state !== "live") return "";
    const matched = pipeline.summary?.metrics?.[metric.entry.name]?.matched;
    // What is kept may be older than the range, or than what is kept as it was decided.
    if (catalog.oldest && state.range() !== "all") return ["No window in this range. ", all];
    if (matched > 0) return `${format.counted(matched, "event")} matched. The number shows when the window is final: after its end, and then out_of_order and allowed_lateness of the rules.`;
    if (matched === 0) return `No event matched this metric${catalog.live ? " since this server started" : ""}. See what it wants with \`streamgauge check --events SAMPLE\`.`;
    return "Nothing has been counted yet.";
  }

  let timer = null, last = 0;
  function changed() {
    if (timer !== null) return;
    timer = setTimeout(() => requestAnimationFrame(drawAll), Math.max(0, last + FRAME - Date.now()));
  }

  function drawAll() {
    timer = null;
    last = Date.now();
    // The data have grown older than the range that was fit to them.
    if (fitRange()) connection?.refresh();
    const times = page.times();
    // A server that has not let the page in has told nothing that could be shown.
    main.hidden = page.connection.state === "locked" && !catalog.metrics.length;
    bar.draw(catalog, times);
    alerts.now(roots.now, catalog, catalog.live ? now() : 0);
    alerts.history(roots.history, times, catalog);
    pipelineView.draw();
    drawStart();
    filterCards();
    for (const one of cards.values()) one.draw();
    set(roots.memory, `This page holds ${format.number(store.held())} of at most ${format.number(LIMITS.cells)} windows, ${format.number(LIMITS.cellsPerSeries)} per series, the newest ${format.number(LIMITS.transitions)} transitions. Sums are shown with up to 15 digits.`);
    document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
  }

  function repaint() {
    for (const one of cards.values()) one.repaint();
    pipelineView.repaint();
  }

  const section = (id, title, ...children) => el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title`, text: title }), children);

  state.read();
  useCatalog(catalog);
  const main = el("main", {}, roots.rejected, roots.left, roots.start,
    section("alerts", "Alerts now", roots.now),
    section("metrics", "Metrics", roots.none, roots.metrics),
    section("history", "History of alerts", roots.history),
    section("pipeline", "Pipeline", roots.health));
  replace(element("page"), roots.bar, main, el("footer", {}, roots.memory));
  const bar = controls.create(roots.bar, catalog, page);
  const pipelineView = health.create(roots.health, catalog.live);
  const connection = catalog.live ? live.create(page) : null;
  makeCards();
  for (const one of element("lines").textContent.split("\n")) if (one.trim()) line(stream.parse(one));

  let later = null;
  state.listen((names) => {
    if (names.includes("zone")) format.useZone(state.current.zone || format.zoneHere);
    clearTimeout(later);
    later = setTimeout(() => connection?.refresh(), 150);
    drawAll();
  });
  addEventListener("hashchange", () => {
    state.read();
    state.change({ zone: state.current.zone });
  });
  let following = false;
  cursor.listen(() => {
    if (following) return;
    following = true;
    requestAnimationFrame(() => {
      following = false;
      for (const one of cards.values()) if (one.visible) one.drawAt();
    });
  });
  // Ranges end now, and now moves on.
  if (catalog.live) setInterval(changed, 1_000);
  drawAll();
  connection?.connect();
})();
