//! A hook around each upstream call. The proxy waits for it, so whoever implements it can stop the world exactly between
//! two effects: kill the calling function before its write arrives, or after it arrived and before it knows.

use crate::call::Call;

/// On which side of the effect the call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The stand-in has not got the call.
    Before,
    /// The stand-in has answered; the caller has not got the answer.
    After,
}

/// How a call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As if nobody had looked.
    GoOn,
    /// The connection to the caller is closed. [`Phase::Before`] the stand-in never gets the call, [`Phase::After`] its
    /// answer is lost.
    Close,
}

/// Who is asked. A call that a limit or a fault refuses has no effect and is not shown.
pub trait Watcher: Send + Sync + 'static {
    /// Called before and after each upstream call; the proxy waits for the answer. Calls that the proxy makes for itself
    /// (`ListShards`, `DescribeTable`) are not shown.
    fn at(&self, call: &Call, phase: Phase) -> impl Future<Output = Verdict> + Send;
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    async fn at(&self, _: &Call, _: Phase) -> Verdict {
        Verdict::GoOn
    }
}
