//! Many calls, a few at a time: pieces of one entry go and come side by side, and never all at once.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// How many calls one entry or state makes at a time: 3 MB are under way then.
pub(crate) const CALLS_AT_ONCE: usize = 8;

/// Runs so many works, [`CALLS_AT_ONCE`] at a time, to their outputs in the order of their numbers; at the first error it stops.
pub(crate) async fn all<F, T, E>(count: usize, work: impl Fn(usize) -> F) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waiting = 0..count;
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut outputs = BTreeMap::new();
    poll_fn(|context| {
        loop {
            let free = CALLS_AT_ONCE.saturating_sub(running.len());
            running.extend(waiting.by_ref().take(free).map(|place| (place, Box::pin(work(place)))));
            if running.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let (polled, mut failed) = (running.len(), None);
            running.retain_mut(|(place, future)| match future.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(Ok(output)) => {
                    outputs.insert(*place, output);
                    false
                }
                Poll::Ready(Err(error)) => {
                    failed = Some(error);
                    false
                }
            });
            if let Some(error) = failed {
                return Poll::Ready(Err(error));
            }
            // Where one has ended, there is room for the next.
            if running.len() == polled {
                return Poll::Pending;
            }
        }
    })
    .await?;
    Ok(outputs.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use streamgauge_pipeline::memory::block_on;

    /// Works that take a number of polls each: the outputs, and how many ran at once at most.
    fn run(polls: &[usize], failing: Option<usize>) -> (Result<Vec<usize>, usize>, usize) {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let work = |place: usize| {
            let (running, most, polls) = (&running, &most, polls[place]);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..polls {
                    let mut polled = false;
                    poll_fn(|context| {
                        context.waker().wake_by_ref();
                        if std::mem::replace(&mut polled, true) {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                }
                running.set(running.get() - 1);
                if failing == Some(place) { Err(place) } else { Ok(place) }
            }
        };
        let outputs = block_on(all(polls.len(), work));
        (outputs, most.get())
    }

    #[test]
    fn outputs_come_in_the_order_of_the_works() {
        let polls: Vec<usize> = (0..100).map(|place| place * 7 % 13).collect();
        assert_eq!(run(&polls, None), (Ok((0..100).collect()), CALLS_AT_ONCE));
        assert_eq!(run(&[0; 20], None).0, Ok((0..20).collect()));
        assert_eq!(run(&[], None), (Ok(vec![]), 0));
    }

    #[test]
    fn the_first_error_ends_it() {
        assert_eq!(run(&[3; 50], Some(20)).0, Err(20));
    }
}
