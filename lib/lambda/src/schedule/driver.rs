//! Keeps a schedule: waits for each moment and submits its event.
//!
//! Moments are fired one after another and each once. The driver remembers the last moment that it fired and asks for the
//! next one after that, not after the present, so none is lost or doubled when the clock jumps or submitting takes long.

use super::{ScheduleError, Timetable, event};
use crate::clock::Clock;
use crate::happening::{Happening, Observer};
use crate::stack::Schedule;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Moments that are fired late at once, at most; a week of minutes. What is due beyond them is left out and told: a hurried
/// clock on a machine that slept must not fire for years.
pub const CATCH_UP_TICKS_MAX: usize = 7 * 24 * 60;

/// One moment of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The schedule's name.
    pub schedule: Arc<str>,
    /// The function.
    pub function: Arc<str>,
    /// The event.
    pub payload: Bytes,
    /// The moment at which it was due; it is fired then or later.
    pub due: Timestamp,
}

/// Who takes events that nobody waits for: the queue of asynchronous invocations. The next moment of the same schedule is
/// fired only when the last one was taken.
pub trait Submit: Clone + Send + Sync + 'static {
    /// Takes an event; its invocation happens later.
    fn submit(&self, tick: Tick) -> impl Future<Output = ()> + Send;
}

impl<F, Taken> Submit for F
where
    F: Fn(Tick) -> Taken + Clone + Send + Sync + 'static,
    Taken: Future<Output = ()> + Send,
{
    fn submit(&self, tick: Tick) -> impl Future<Output = ()> + Send {
        self(tick)
    }
}

/// A schedule that is kept.
#[derive(Debug)]
pub struct Ticker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Ticker {
    /// Begins to keep a schedule that is made now. Must be called within a tokio runtime.
    pub fn start(
        schedule: Schedule,
        submit: impl Submit,
        observer: Arc<dyn Observer>,
        clock: Clock,
    ) -> Result<Self, ScheduleError> {
        let start = clock.now();
        let timetable = Timetable::of(&schedule, start)?;
        let (stop, stopped) = watch::channel(false);
        // A rate of Scheduler fires at the start itself.
        let last = start.saturating_sub(SignedDuration::from_millis(1)).unwrap_or(start);
        let keeper = Keeper { schedule, timetable, submit, observer, clock };
        Ok(Self { stop, task: tokio::spawn(keeper.keep(last, stopped)) })
    }

    /// Fires nothing more. An event that is being submitted is submitted.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.ended().await;
    }

    /// Waits until the schedule has no further moment.
    pub async fn ended(self) {
        // A panic of the task was printed where it happened.
        self.task.await.unwrap_or_default();
    }
}

struct Keeper<S> {
    schedule: Schedule,
    timetable: Timetable,
    submit: S,
    observer: Arc<dyn Observer>,
    clock: Clock,
}

impl<S: Submit> Keeper<S> {
    async fn keep(self, mut last: Timestamp, mut stopped: watch::Receiver<bool>) {
        while let Some(next) = self.timetable.next_after(last) {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = self.clock.sleep_until(next) => {}
            }
            let due = Due::between(&self.timetable, last, self.clock.now(), CATCH_UP_TICKS_MAX);
            for moment in due.moments {
                if *stopped.borrow() {
                    return;
                }
                self.submit.submit(self.tick(moment)).await;
            }
            last = due.until;
            if let Some(first) = due.left_out {
                self.observer.see(Happening::Trouble {
                    place: format!("the schedule {}", self.schedule.name),
                    error: format!(
                        "more than {CATCH_UP_TICKS_MAX} moments were due at once; those from {first} until {last} are left out"
                    ),
                });
            }
        }
    }

    fn tick(&self, due: Timestamp) -> Tick {
        Tick {
            schedule: Arc::clone(&self.schedule.name),
            function: Arc::clone(&self.schedule.function),
            payload: event(&self.schedule, due),
            due,
        }
    }
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// The moments to fire, in order.
    moments: Vec<Timestamp>,
    /// The first moment that is left out, if there are too many.
    left_out: Option<Timestamp>,
    /// Up to here all is done with.
    until: Timestamp,
}

impl Due {
    /// What is due after one moment and until another.
    fn between(timetable: &Timetable, last: Timestamp, now: Timestamp, limit: usize) -> Self {
        let mut due = Self { moments: Vec::new(), left_out: None, until: last };
        while let Some(next) = timetable.next_after(due.until).filter(|next| *next <= now) {
            if due.moments.len() == limit {
                due.left_out = Some(next);
                due.until = now;
                break;
            }
            due.moments.push(next);
            due.until = next;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::Arn;
    use crate::happening::Nobody;
    use crate::stack::ScheduleKind;
    use crate::testing::Watcher;
    use std::time::Duration;
    use tokio::sync::mpsc;

    fn schedule(expression: &str) -> Schedule {
        Schedule {
            name: "Settle/Tick".into(),
            function: "settle".into(),
            expression: expression.to_owned(),
            time_zone: None,
            input: None,
            kind: ScheduleKind::Scheduler,
            arn: Arn::new("arn:aws:scheduler:eu-west-1:000000000000:schedule/default/tick"),
        }
    }

    fn sender() -> (impl Submit, mpsc::UnboundedReceiver<Tick>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let submit = move |tick| {
            sender.send(tick).unwrap();
            std::future::ready(())
        };
        (submit, receiver)
    }

    /// The seconds between ticks.
    async fn steps(ticks: &mut mpsc::UnboundedReceiver<Tick>, count: usize) -> Vec<i64> {
        let mut moments = Vec::new();
        for _ in 0..count {
            moments.push(ticks.recv().await.unwrap().due);
        }
        moments.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_moment_fires_once_in_hurried_time() {
        let (submit, mut ticks) = sender();
        let clock = Clock::hurried(1_000);
        let start = clock.now();
        let ticker =
            Ticker::start(schedule("rate(1 minute)"), submit, Arc::new(Nobody), clock.clone())
                .unwrap();
        let first = ticks.recv().await.unwrap();
        assert_eq!(first.due, start);
        assert_eq!((&*first.schedule, &*first.function), ("Settle/Tick", "settle"));
        assert_eq!(steps(&mut ticks, 500).await, [60; 499]);
        assert!(clock.now() >= start + SignedDuration::from_mins(500));
        ticker.stop().await;
        while let Ok(tick) = ticks.try_recv() {
            assert!(tick.due <= clock.now());
        }
        assert!(ticks.is_closed(), "nothing more can come");
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_clock_loses_and_doubles_nothing() {
        let (submit, mut ticks) = sender();
        let clock = Clock::hurried(60);
        let ticker =
            Ticker::start(schedule("rate(1 minute)"), submit, Arc::new(Nobody), clock.clone())
                .unwrap();
        let first = ticks.recv().await.unwrap().due;
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(steps(&mut ticks, 11).await, [60; 10]);
        assert_eq!(clock.now().duration_since(first), SignedDuration::from_mins(11));
        ticker.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_to_take_events_gets_all_of_them() {
        let (sender, mut ticks) = mpsc::channel(1);
        let submit = move |tick| {
            let sender = sender.clone();
            async move { sender.send(tick).await.unwrap() }
        };
        let clock = Clock::hurried(60);
        let ticker =
            Ticker::start(schedule("cron(* * * * ? *)"), submit, Arc::new(Nobody), clock.clone())
                .unwrap();
        let mut last = ticks.recv().await.unwrap().due;
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(2_500)).await;
            let next = ticks.recv().await.unwrap().due;
            assert_eq!(next.duration_since(last), SignedDuration::from_mins(1));
            last = next;
        }
        let rest = async { while ticks.recv().await.is_some() {} };
        tokio::join!(ticker.stop(), rest);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_out_after_a_long_sleep_is_told() {
        let (submit, mut ticks) = sender();
        let (clock, notes) = (Clock::hurried(60), Arc::new(Watcher::default()));
        let ticker =
            Ticker::start(schedule("rate(1 minute)"), submit, notes.observer(), clock.clone())
                .unwrap();
        let first = ticks.recv().await.unwrap().due;
        tokio::time::advance(Duration::from_secs(20_000)).await;
        let late = steps(&mut ticks, CATCH_UP_TICKS_MAX).await;
        assert!(late.iter().all(|step| *step == 60));
        let next = ticks.recv().await.unwrap().due;
        assert_eq!(next.duration_since(first), SignedDuration::from_mins(20_001));
        let notes = format!("{:?}", notes.all());
        assert!(
            notes.contains("the schedule Settle/Tick") && notes.contains("are left out"),
            "{notes}"
        );
        drop(ticker);
    }

    #[tokio::test(start_paused = true)]
    async fn a_schedule_that_fires_once_ends() {
        let (submit, mut ticks) = sender();
        let clock = Clock::hurried(3_600);
        let at = (clock.now() + SignedDuration::from_hours(30)).strftime("at(%Y-%m-%dT%H:%M:%S)");
        let ticker =
            Ticker::start(schedule(&at.to_string()), submit, Arc::new(Nobody), clock).unwrap();
        ticker.ended().await;
        assert!(ticks.recv().await.is_some());
        assert!(ticks.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_a_long_wait() {
        let (submit, mut ticks) = sender();
        let year = "cron(0 0 1 1 ? 2190)";
        let ticker =
            Ticker::start(schedule(year), submit, Arc::new(Nobody), Clock::real()).unwrap();
        ticker.stop().await;
        assert!(ticks.recv().await.is_none());
    }

    #[test]
    fn what_is_due_is_bounded() {
        let start: Timestamp = "2026-11-06T09:41:00Z".parse().unwrap();
        let timetable = Timetable::of(&schedule("rate(1 minute)"), start).unwrap();
        let minute = |number| start + SignedDuration::from_mins(number);
        let due = |last, now| Due::between(&timetable, minute(last), minute(now), 3);
        let expect = |moments: &[i64], left_out: Option<i64>, until| Due {
            moments: moments.iter().copied().map(minute).collect(),
            left_out: left_out.map(minute),
            until: minute(until),
        };
        assert_eq!(due(0, 0), expect(&[], None, 0));
        assert_eq!(due(0, 2), expect(&[1, 2], None, 2));
        assert_eq!(due(0, 3), expect(&[1, 2, 3], None, 3));
        assert_eq!(due(0, 9), expect(&[1, 2, 3], Some(4), 9));
    }
}
