//! What happens, as one JSON object per line.
//!
//! | kind | when |
//! | --- | --- |
//! | `log` | a function or the platform printed a line |
//! | `invocation` | an invocation ended |
//! | `answer` | a function answered to `--invoke` |
//! | `shard` | a shard's standing changed |
//! | `retry`, `bisect`, `discarded` | what became of a batch that failed |
//! | `fault` | something went wrong on purpose |
//! | `trouble` | something outside failed |
//! | `summary` | once, at the end |
//! | `function`, `mapping`, `schedule` | what would run, with `--check` |

use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::happening::{Ending, Happening, ShardStanding};
use streamgauge_lambda::invoke::{Cause, Outcome, Report};
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda::stream::SequenceNumber;
use streamgauge_lambda::summary::{FunctionSummary, MappingSummary, Summary};
use streamgauge_meter::bill::Bill;
use streamgauge_pipeline::render::push_json_string;

/// One object, which begins with its kind.
struct Object(Vec<u8>);

impl Object {
    fn new(kind: &str) -> Self {
        Self(b"{".to_vec()).text("kind", kind)
    }

    fn nameless() -> Self {
        Self(b"{".to_vec())
    }

    fn raw(mut self, key: &str, value: &[u8]) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        push_json_string(key, &mut self.0);
        self.0.push(b':');
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, key: &str, value: &str) -> Self {
        let mut quoted = Vec::with_capacity(value.len() + 2);
        push_json_string(value, &mut quoted);
        self.raw(key, &quoted)
    }

    /// Adds what may be missing.
    fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    fn maybe_text(self, key: &str, value: Option<&str>) -> Self {
        self.maybe(value, |object, value| object.text(key, value))
    }

    fn number(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.raw(key, value.to_string().as_bytes())
    }

    /// A duration in milliseconds, to the microsecond.
    fn duration(self, key: &str, value: Duration) -> Self {
        let microseconds = value.as_micros();
        self.number(key, format_args!("{}.{:03}", microseconds / 1000, microseconds % 1000))
    }

    /// What a function said: JSON as it is, on one line; all else as text.
    fn payload(self, payload: &[u8]) -> Self {
        if serde_json::from_slice::<&serde_json::value::RawValue>(payload).is_err() {
            return self.text("payload_text", &String::from_utf8_lossy(payload));
        }
        // Line ends in JSON stand between its parts and never in its texts.
        let line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let on_one_line =
            payload.iter().filter(|byte| !line_end(byte)).copied().collect::<Vec<_>>();
        self.raw("payload", &on_one_line)
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// Something that happened.
pub(super) fn happening(happening: &Happening) -> Vec<u8> {
    match happening {
        Happening::Log { function, environment, request_id, line } => Object::new("log")
            .text("function", function)
            .number("environment", environment)
            .maybe_text("request_id", request_id.as_deref())
            .text("line", line)
            .end(),
        Happening::Invoked { function, request_id, cause: why, ending: how, report: took } => {
            let object = Object::new("invocation").text("function", function);
            let object = cause(object.text("request_id", request_id), why);
            report(ending(object, how), took).end()
        }
        Happening::Shard(standing) => shard(standing),
        Happening::Retried { mapping, shard, records } => Object::new("retry")
            .text("mapping", mapping)
            .maybe_text("shard", shard.as_deref())
            .number("records", records)
            .end(),
        Happening::Bisected { mapping, shard, parts: (first, second) } => Object::new("bisect")
            .text("mapping", mapping)
            .text("shard", shard)
            .raw("parts", format!("[{first},{second}]").as_bytes())
            .end(),
        Happening::Discarded { mapping, shard, records, condition, destination } => {
            Object::new("discarded")
                .text("mapping", mapping)
                .maybe_text("shard", shard.as_deref())
                .number("records", records)
                .text("condition", condition)
                .maybe_text("destination", destination.as_deref())
                .end()
        }
        Happening::Fault { what } => Object::new("fault").text("what", what).end(),
        Happening::Trouble { place, error } => {
            Object::new("trouble").text("place", place).text("error", error).end()
        }
    }
}

fn cause(object: Object, cause: &Cause) -> Object {
    match cause {
        Cause::Direct => object.text("source", "direct"),
        Cause::Asynchronous { schedule, attempt } => object
            .text("source", if schedule.is_some() { "schedule" } else { "asynchronous" })
            .maybe_text("schedule", schedule.as_deref())
            .number("attempt", attempt),
        Cause::Kinesis(cause) => object
            .text("source", "kinesis")
            .text("mapping", &cause.mapping)
            .text("shard", &cause.shard)
            .text("first", cause.first.as_str())
            .text("last", cause.last.as_str())
            .number("records", cause.records)
            .number("attempt", cause.attempt)
            .number("iterator_age_ms", cause.iterator_age_ms),
        Cause::Sqs { mapping, first, messages, attempt } => object
            .text("source", "sqs")
            .text("mapping", mapping)
            .text("first", first)
            .number("records", messages)
            .number("attempt", attempt),
    }
}

fn ending(object: Object, ending: &Ending) -> Object {
    match ending {
        Ending::Success => object.text("ending", "success"),
        Ending::Partial { failed } => object.text("ending", "partial").number("failed", failed),
        Ending::Error { text } => object.text("ending", "error").text("error", text),
        Ending::Throttled => object.text("ending", "throttled"),
        Ending::Unreachable { text } => object.text("ending", "unreachable").text("error", text),
    }
}

fn report(object: Object, report: &Report) -> Object {
    object
        .number("environment", report.environment)
        .duration("duration_ms", report.duration)
        .number("billed_ms", report.billed.as_millis())
        .maybe(report.init, |object, init| object.duration("init_ms", init))
        .number("memory_mb", report.memory_mb)
        .maybe(report.memory_used_mb, |object, used| object.number("memory_used_mb", used))
}

fn shard(standing: &ShardStanding) -> Vec<u8> {
    Object::new("shard")
        .text("mapping", &standing.mapping)
        .text("shard", &standing.shard)
        .maybe_text("position", standing.position.as_ref().map(SequenceNumber::as_str))
        .number("behind_ms", standing.behind_ms)
        .number("waiting", standing.waiting)
        .number("in_flight", standing.in_flight)
        .number("ended", standing.ended)
        .maybe_text("last_error", standing.last_error.as_deref())
        .end()
}

/// The answer to an invocation; a payload that is no JSON is text.
pub(super) fn answer(function: &str, outcome: &Outcome) -> Vec<u8> {
    let object = Object::new("answer").text("function", function);
    match outcome {
        Outcome::Answered(bytes) => object.text("ending", "success").payload(bytes).end(),
        Outcome::Failed(error) => object
            .text("ending", "error")
            .text("error_type", &error.error_type)
            .text("error", &error.message)
            .payload(&error.payload)
            .end(),
        Outcome::Throttled => object.text("ending", "throttled").end(),
        Outcome::Unreachable(text) => {
            object.text("ending", "unreachable").text("error", text).end()
        }
    }
}

/// What would run, a line each.
pub(super) fn stack(stack: &Stack) -> String {
    let functions = stack.functions.iter().map(|function| {
        Object::new("function")
            .text("function", &function.name)
            .number("memory_mb", function.memory_mb)
            .number("timeout_s", function.timeout.as_secs())
            .text("executable", &function.bootstrap.display().to_string())
    });
    let mapping = |name, function, source: &Arn| {
        Object::new("mapping")
            .text("mapping", name)
            .text("function", function)
            .text("source", source.as_str())
    };
    let streams = stack.kinesis.iter().map(|it| mapping(&it.name, &it.function, &it.stream));
    let queues = stack.sqs.iter().map(|it| mapping(&it.name, &it.function, &it.queue));
    let schedules = stack.schedules.iter().map(|schedule| {
        Object::new("schedule")
            .text("schedule", &schedule.name)
            .text("function", &schedule.function)
            .text("expression", &schedule.expression)
    });
    let lines = functions.chain(streams).chain(queues).chain(schedules);
    let text = lines.fold(Vec::new(), |mut text, object| {
        text.extend_from_slice(&object.end());
        text.push(b'\n');
        text
    });
    String::from_utf8_lossy(&text).into_owned()
}

/// The summary of a run, with its bill.
pub(super) fn summary(summary: &Summary, bill: &Bill) -> Vec<u8> {
    let list = |items: Vec<Vec<u8>>| [b"[".as_slice(), &items.join(&b','), b"]"].concat();
    let functions = summary.functions.iter().map(|(name, numbers)| function(name, numbers));
    let mappings = summary.mappings.iter().map(|(name, numbers)| mapping(name, numbers));
    Object::new("summary")
        .raw("functions", &list(functions.collect()))
        .raw("mappings", &list(mappings.collect()))
        .number("discarded", summary.discarded())
        .number("faults", summary.faults)
        .number("troubles", summary.troubles)
        .raw("bill", bill.to_json().to_string().as_bytes())
        .end()
}

fn function(name: &str, numbers: &FunctionSummary) -> Vec<u8> {
    Object::nameless()
        .text("function", name)
        .number("invocations", numbers.invocations)
        .number("errors", numbers.errors)
        .number("timeouts", numbers.timeouts)
        .number("throttles", numbers.throttles)
        .number("unreachable", numbers.unreachable)
        .number("cold_starts", numbers.cold_starts)
        .number("environments", numbers.environments)
        .number("billed_ms", numbers.billed_ms)
        .number("billed_mb_ms", numbers.billed_mb_ms)
        .number("memory_mb", numbers.memory_mb)
        .maybe(numbers.memory_used_mb, |object, used| object.number("memory_used_mb", used))
        .maybe(numbers.durations.median(), |object, it| object.duration("duration_p50_ms", it))
        .maybe(numbers.durations.longest(), |object, it| object.duration("duration_max_ms", it))
        .maybe_text("last_error", numbers.last_error.as_deref())
        .end()
}

fn mapping(name: &str, numbers: &MappingSummary) -> Vec<u8> {
    Object::nameless()
        .text("mapping", name)
        .number("invocations", numbers.invocations)
        .number("records", numbers.records)
        .number("errors", numbers.errors)
        .number("partial", numbers.partial)
        .number("retries", numbers.retries)
        .number("bisects", numbers.bisects)
        .number("discarded", numbers.discarded)
        .number("on_failure", numbers.on_failure)
        .end()
}
