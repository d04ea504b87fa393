//! `dev`: the whole pipeline in this process, explained in [`streamgauge_dev`].
//!
//! The modules: [`telling`] has who is told, [`lines`] what was decided, [`status`] what people see meanwhile, [`served`] what is asked over HTTP, [`kinesis`] the
//! streams that are read, [`wishes`] who wants it to end.

mod kinesis;
mod lines;
mod served;
mod status;
mod telling;
mod wishes;

use crate::arguments::{DevArguments, DevClock};
use crate::exit::{Exit, Failure};
use crate::rules::{environment, load_failure};
use crate::style::{self, tell};
use crate::words::counted;
use lines::Lines;
use status::Status;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_dev::channels::Ways;
use streamgauge_dev::happening::Teller;
use streamgauge_dev::http::{Serving, Token};
use streamgauge_dev::polled;
use streamgauge_dev::rules_file::RulesFiles;
use streamgauge_dev::run::{By, Fatal, Opened, Recovered, Running, made_at};
use streamgauge_local::store::{KeptBy, LocalStore, StoreError};
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_rules::{Rules, render};
use tokio::runtime::{Builder, Handle};
use tokio::time::{MissedTickBehavior, interval};
use wishes::{Wishes, by_force};

type Store = LocalStore<SystemClock>;
type Dev = Running<Store, SystemClock>;
type Streams = Vec<polled::Found<kinesis::Source>>;
/// A store that was opened, and the streams that it is to read.
type Found = (Opened<Store, SystemClock>, Streams);

/// How often the line of the status is made anew.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// Runs until it is stopped.
pub(super) fn run(arguments: &DevArguments) -> Result<Exit, Failure> {
    kinesis::check(arguments)?;
    arguments.follow.as_deref().map_or(Ok(()), check_followed)?;
    let (files, rules) = read_rules(arguments)?;
    let token = served::token(arguments)?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::outside("could not start threads").because(&error))?;
    let told = runtime.block_on(telling::look(arguments, &rules))?;
    let files = if arguments.notify { files.demanding(telling::demand) } else { files };
    let status = Status::new(arguments.output);
    let ended = runtime.block_on(serve(arguments, (files, told), token, &status));
    status.finish();
    // Threads that read standard input, or write what nobody reads, cannot be told to end.
    runtime.shutdown_background();
    ended.map(|()| Exit::Fine)
}

/// Refuses what will never be a file that others append to. One that is not there yet is waited for.
fn check_followed(path: &Path) -> Result<(), Failure> {
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let (what, hint) = if found.is_dir() {
        ("is a folder", "name a file in it; what comes to several files comes by `POST /events`")
    } else if !found.is_file() {
        ("is a pipe or a device", "read it with --stdin")
    } else {
        return Ok(());
    };
    let message = format!("--follow reads a file, and `{}` {what}", path.display());
    Err(Failure::wrong(message).hint(hint))
}

/// Opens, starts and serves everything. Signals are heard before anything else: a large store takes long to open.
async fn serve(
    arguments: &DevArguments,
    (rules, told): (RulesFiles, Vec<String>),
    token: Option<Token>,
    status: &Status,
) -> Result<(), Failure> {
    let mut wishes = Wishes::new();
    let (listener, address) = served::listen(arguments).await?;
    let (wanted, text, teller) = (arguments.clone(), rules.text(), status.teller());
    let opening = move || open(&wanted, &text, teller);
    let (opened, streams) = wishes.unless_forced(opening).await?;
    tell_recovered(arguments, opened.recovered());
    if wishes.is_to_stop().await {
        return Ok(());
    }
    let from = opened.recovered().settled;
    let own = arguments.clone();
    let starting = move || start(&own, opened, (rules, streams), told);
    let dev = wishes.unless_forced(starting).await?;
    let serving = Serving::start(&dev, listener, token).map_err(|error| served::failed(&error))?;
    tell(format_args!("listening on http://{address}"));
    drive((dev, serving), Lines::new(arguments.output, arguments.notify, from), status, &mut wishes)
        .await
}

/// Opens the store, and finds the streams.
fn open(arguments: &DevArguments, rules: &RulesText, teller: Teller) -> Result<Found, Failure> {
    let store = LocalStore::open(&arguments.store, SystemClock).map_err(|error| opened(&error))?;
    let by = match arguments.clock {
        DevClock::Machine => By::Clock,
        DevClock::Events => By::Events,
    };
    let made_at = made_at(&store).map_err(|error| fatal(&error))?;
    let streams = Handle::current().block_on(kinesis::find(arguments, made_at))?;
    // After all that may fail before the first write: a new store that was not begun is kept by no clock yet.
    check_clock(arguments, &store)?;
    let known: Vec<_> = streams.iter().map(polled::Found::known).collect();
    let opened = Opened::open_with((store, SystemClock), rules, by, (teller, &*known));
    Ok((opened.map_err(|error| fatal(&error))?, streams))
}

/// Refuses a store that is kept by the other clock: by the machine's, all of a store of the past would be too old to keep.
fn check_clock(arguments: &DevArguments, store: &Store) -> Result<(), Failure> {
    let wanted = match arguments.clock {
        DevClock::Machine => KeptBy::Machine,
        DevClock::Events => KeptBy::Events,
    };
    let found = store.made_for(wanted).map_err(|error| opened(&error))?;
    if found == wanted {
        return Ok(());
    }
    let (with, remedy) = match found {
        KeptBy::Machine => ("without", "leave out --clock events"),
        KeptBy::Events => ("with", "start it with --clock events"),
    };
    let path = arguments.store.display();
    let message =
        format!("the store `{path}` was made {with} `--clock events`; nothing in it was changed");
    Err(Failure::wrong(message).hint(format!("{remedy}, or name another file with --store")))
}

/// The rules, which must be right; problems go to standard error.
fn read_rules(arguments: &DevArguments) -> Result<(RulesFiles, Rules), Failure> {
    let colours = style::colours_on_stderr();
    let read = RulesFiles::read(arguments.rules.clone(), environment, colours);
    let (rules, outcome) = read.map_err(|error| load_failure(&error))?;
    if !outcome.problems.is_empty() {
        let shown = render::for_people(&outcome.problems, &outcome.sources, colours);
        tell(shown.trim_end());
    }
    outcome.rules.map(|checked| (rules, checked)).ok_or(Failure::Told(Exit::Wrong))
}

/// Starts everything.
fn start(
    arguments: &DevArguments,
    opened: Opened<Store, SystemClock>,
    (rules, streams): (RulesFiles, Streams),
    told: Vec<String>,
) -> Result<Dev, Failure> {
    let handle = Handle::current();
    let started = if arguments.notify {
        let ways = handle.block_on(Ways::real(environment, SystemClock, told));
        opened.start(ways.map_err(|error| telling::no_way(&error))?, handle)
    } else {
        opened.start(Ways::none(), handle)
    };
    let sources = |mut dev: Dev| {
        if let Some(path) = &arguments.follow {
            dev.follow(path.clone())?;
        }
        if arguments.stdin {
            dev.pipe(io::stdin())?;
        }
        for stream in streams {
            dev.poll(stream)?;
        }
        dev.has_all_sources();
        dev.watch(rules)?;
        Ok(dev)
    };
    started.and_then(sources).map_err(|error| fatal(&error))
}

/// Shows what is decided until somebody wants it to end, or it cannot go on; then stops it.
async fn drive(
    (dev, serving): (Dev, Serving),
    mut lines: Lines,
    status: &Status,
    wishes: &mut Wishes,
) -> Result<(), Failure> {
    let store = Arc::clone(dev.store());
    let shown = {
        let mut showing = pin!(lines.follow(&*store, dev.settled(), status));
        let mut ticks = interval(STATUS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = wishes.stop() => break Ok(()),
                () = dev.failed() => break Ok(()),
                failure = &mut showing => break Err(failure),
                _ = ticks.tick() => status.set(&dev, serving.firing()),
            }
        }
    };
    status.finish();
    let (totals, outbox) = (dev.totals().clone(), dev.outbox().clone());
    let stopping = async {
        // Who has begun to push is answered before nothing is taken any more.
        serving.stop().await;
        tokio::task::spawn_blocking(move || dev.stop()).await
    };
    let stopped = tokio::select! {
        ended = stopping => {
            ended.map_err(|error| Failure::outside("could not stop").because(&error))?
        }
        () = wishes.force() => return Err(by_force()),
    };
    stopped.map_err(|error| fatal(&error))?;
    shown?;
    tokio::select! {
        done = lines.finish(&*store, status) => done?,
        () = wishes.force() => return Err(lines::unread()),
    }
    telling::tell_waiting(&outbox);
    status::tell_counters(&totals.counters());
    Ok(())
}

/// Says what was found in the store.
fn tell_recovered(arguments: &DevArguments, recovered: Recovered) {
    let store = arguments.store.display().to_string();
    let store = style::printable(&store);
    if recovered == Recovered::default() {
        tell(format_args!("store `{store}`: it is new"));
        return;
    }
    let pieces = counted(recovered.offers, "piece");
    let decided = recovered.watermark.map(|to| format!(", decided up to {to}"));
    let read = recovered.mark.filter(|_| arguments.follow.is_some());
    let read = read.map(|mark| format!(", followed file read up to byte {}", mark.offset));
    let (decided, read) = (decided.unwrap_or_default(), read.unwrap_or_default());
    tell(format_args!("store `{store}`: recovered {pieces} of input{decided}{read}"));
}

/// A store that cannot be opened.
fn opened(error: &StoreError) -> Failure {
    Failure::outside(error.to_string()).because_of_source(error)
}

/// What cannot go on.
fn fatal(error: &Fatal) -> Failure {
    Failure::outside(error.to_string()).because_of_source(error)
}

/// An error that is shown with all that it was caused by.
pub(super) fn unreadable(error: &dyn Error) -> Failure {
    Failure::outside("could not read what was decided").because(error)
}
