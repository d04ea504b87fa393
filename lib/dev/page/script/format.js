// Numbers, durations and times as people read them. Times are those of the zone that the page shows.

const format = (() => {
  const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const NONE = "\u2013";
  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
  const formats = new Map();

  const zoneHere = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  let zone = "UTC";

  const missing = (value) => value === undefined || value === null || Number.isNaN(value);

  // Two or three digits behind the point from 1 on, as money has, below that four that count. The exact value stands in tooltips.
  function number(value) {
    if (missing(value)) return NONE;
    if (Number.isInteger(value)) return whole.format(value);
    const size = Math.abs(value);
    const options = size >= 1 ? { minimumFractionDigits: 2, maximumFractionDigits: 3 } : { maximumSignificantDigits: 4 };
    return value.toLocaleString("en-US", options);
  }

  // `1 event`, `2 events`.
  const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

  function short(value) {
    return missing(value) ? NONE : Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : compact.format(value);
  }

  function percent(rate) {
    if (missing(rate)) return NONE;
    const value = rate * 100;
    const digits = value === 0 || Math.abs(value) >= 1 ? 1 : 2;
    return `${value.toLocaleString("en-US", { minimumFractionDigits: value === 0 || value === 100 ? 0 : digits, maximumFractionDigits: digits })} %`;
  }

  // For axes, where the steps are round.
  const roundPercent = (rate) => `${Number((rate * 100).toPrecision(3))} %`;

  // Two units at most: `1 h 20 m`.
  function duration(milliseconds) {
    if (missing(milliseconds)) return NONE;
    if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
    if (milliseconds < 10_000 && milliseconds % 1000 !== 0) return `${(milliseconds / 1000).toFixed(1)} s`;
    let rest = Math.round(milliseconds / 1000) * 1000;
    const parts = [];
    for (const [unit, size] of [["d", DAY], ["h", HOUR], ["m", MINUTE], ["s", 1000]]) {
      const count = Math.floor(rest / size);
      if (count > 0) parts.push(`${count} ${unit}`);
      rest -= count * size;
    }
    return parts.slice(0, 2).join(" ");
  }

  function parts(time, options) {
    const key = `${zone} ${options}`;
    if (!formats.has(key)) {
      const fields = { timeZone: zone, hourCycle: "h23" };
      for (const option of options.split(" ")) fields[option] = option === "timeZoneName" ? "shortOffset" : option === "weekday" ? "short" : option === "year" ? "numeric" : "2-digit";
      formats.set(key, new Intl.DateTimeFormat("en-GB", fields));
    }
    return Object.fromEntries(formats.get(key).formatToParts(time).map((part) => [part.type, part.value]));
  }

  function date(time) {
    const { year, month, day } = parts(time, "year month day");
    return `${year}-${month}-${day}`;
  }

  // `10:00`, with seconds or milliseconds where they are not zero.
  function clock(time) {
    const { hour, minute, second } = parts(time, "hour minute second");
    const fraction = ((time % 1000) + 1000) % 1000;
    const tail = fraction ? `:${second}.${String(fraction).padStart(3, "0")}` : second !== "00" ? `:${second}` : "";
    return `${hour}:${minute}${tail}`;
  }

  const moment = (time) => `${date(time)} ${clock(time)}`;

  // A window: `2026-01-05 10:00\u201311:00`; whole days without clock.
  function span(start, end) {
    if (clock(start) === "00:00" && clock(end) === "00:00") {
      return end - start <= DAY + HOUR ? date(start) : `${date(start)} \u2013 ${date(end - 1)}`;
    }
    return date(start) === date(end - 1) ? `${date(start)} ${clock(start)}\u2013${clock(end)}` : `${moment(start)} \u2013 ${moment(end)}`;
  }

  function offset(time) {
    const name = (parts(time, "timeZoneName").timeZoneName || "").replace("GMT", "UTC");
    return name === "UTC+0" ? "UTC" : name;
  }

  // Chooses the zone; one that this browser does not know changes nothing.
  function useZone(name) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: name });
      zone = name;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  return { MINUTE, HOUR, DAY, NONE, number, counted, short, percent, roundPercent, duration, date, clock, moment, span, offset, useZone, zone: () => zone, zoneHere };
})();
