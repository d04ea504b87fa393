//! The whole pipeline in one process: events are taken in, answered once they are durable, settled, and told to people.
//!
//! ```text
//! push over HTTP ─┐                           one shard                                 ┌─► whoever watches `decided`
//! standard input ─┼─► intake ─► commit ─► log of the shard ─► settle ─► settle log ─────┤
//! a followed file ┘  (queue)   (a thread)                    (a thread)                 └─► deliver (a thread) ─► channels
//! ```
//!
//! Streams that are [`polled`] stand beside that, with a log for each shard.
//!
//! What functions do on AWS is done here by threads, by the same code, on an embedded store. There is no second log: what makes a push
//! durable is the entry of the shard's log itself.
//!
//! The modules, in the order in which an event meets them:
//!
//! 1. `cutter`: bytes to whole lines; [`follow`] and `piped`: a file that is appended to, and standard input; `source`: what both do.
//!    [`polled`]: streams.
//! 2. [`intake`]: a bounded queue, its answers, and where a followed file was read up to.
//! 3. [`world`]: all ports, with [`rules`], `stream` and `alarm`.
//! 4. `settling`, `telling`: what the threads of settle and deliver do; [`channels`]: where notifications go; [`outbox`]: how that goes.
//! 5. [`run`]: all of it started and stopped; [`decided`]: what was decided, for whoever shows it; [`rules_file`]: rules that change.
//! 6. [`happening`]: what people are to know meanwhile.
//! 7. [`cloud_events`]: a push over HTTP to records; [`exposition`]: what was decided, in the text formats of Prometheus and
//!    `OpenMetrics`; [`page`]: the page and its data, one document. All three are pure. [`http`] serves them, the past and the live stream;
//!    [`remote`] is its other end, in another process.

mod alarm;
pub mod channels;
pub mod cloud_events;
mod cutter;
pub mod decided;
pub mod exposition;
pub mod follow;
pub mod happening;
pub mod http;
pub mod intake;
mod media;
mod needs;
pub mod outbox;
pub mod page;
mod piped;
pub mod polled;
pub mod remote;
pub mod rules;
pub mod rules_file;
pub mod run;
mod settling;
mod source;
mod stream;
mod telling;
pub mod world;

#[cfg(test)]
mod tests;
