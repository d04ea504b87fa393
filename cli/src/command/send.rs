//! `send`: event files into a Kinesis stream, at a pace.
//!
//! The modules, in the order in which a line meets them:
//!
//! 1. [`event`]: its partition key, its time, and its text with another time.
//! 2. [`mod@pace`]: when it is due.
//! 3. [`session`]: the run; [`target`]: the stream.
//! 4. [`keep`]: the file of what was sent; [`sent`]: what is told at the end.

mod event;
mod keep;
mod pace;
mod sent;
mod session;
mod target;

use crate::arguments::SendArguments;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::sdk;
use crate::style::tell;
use crate::{inputs, reading, rules, signals};
use event::Lines;
use keep::Keep;
use pace::Pace;
use sent::Sent;
use session::{Plan, Session};
use streamgauge_engine::time::Timestamp;
use streamgauge_local::input::Input;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;

/// Sends the events.
pub(super) fn run(arguments: &SendArguments) -> Result<Exit, Failure> {
    sdk::check("`send`")?;
    if let Some(path) = &arguments.keep {
        inputs::keep(path, "--keep", arguments.events.iter().chain(&arguments.rules))?;
    }
    let plan = match arguments.rules.as_slice() {
        [] => None,
        paths => Some(rules::plan(paths)?),
    };
    let lines = Lines::new(plan, arguments.key.as_deref())?;
    let inputs = inputs::open(&arguments.events)?;
    let runtime = sdk::runtime()?;
    let (sent, result) = runtime.block_on(send(arguments, lines, inputs))?;
    for line in
        sent.lines(&arguments.stream, arguments.keep.as_deref(), pace(arguments) != Pace::Unbounded)
    {
        tell(line);
    }
    result.map(|()| sent.exit())
}

async fn send(
    arguments: &SendArguments,
    lines: Lines,
    inputs: Vec<Input>,
) -> Result<(Sent, Result<(), Failure>), Failure> {
    let stream = target::open(arguments).await?;
    let plan = Plan {
        lines,
        pace: pace(arguments),
        // Not before the stream is known to be there: beginning the file empties it.
        keep: Keep::new(arguments.keep.as_deref())?,
        progress: Progress::new(inputs::total_bytes(&inputs)),
        record_bytes_max: stream.record_bytes_max(),
        started_at: now(),
    };
    let session = Session::new(stream, plan);
    Ok(session.run(reading::start(inputs), signals::interrupted()).await)
}

fn pace(arguments: &SendArguments) -> Pace {
    match (arguments.rate, arguments.speed) {
        (Some(rate), _) => Pace::Rate(rate),
        (None, Some(speed)) => Pace::Speed(speed),
        (None, None) => Pace::Unbounded,
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}
