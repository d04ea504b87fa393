//! The wish of somebody that a run ends before its time: Ctrl-C, or the SIGTERM by which `timeout`, CI and service managers end a process.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears each wish from when it was made on, also those of a time when nobody waits for one.
#[derive(Debug)]
pub(crate) struct Interruptions {
    /// Absent where signals cannot be heard: there the process ends by them as any other does.
    #[cfg(unix)]
    signals: Option<[Signal; 2]>,
}

impl Interruptions {
    /// Begins to hear. Needs a runtime.
    #[cfg(unix)]
    pub(crate) fn new() -> Self {
        let hear = |kind| signal(kind).ok();
        let both = hear(SignalKind::interrupt()).zip(hear(SignalKind::terminate()));
        Self { signals: both.map(|(interrupt, terminate)| [interrupt, terminate]) }
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        let Some([interrupt, terminate]) = &mut self.signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            Some(()) = interrupt.recv() => {}
            Some(()) = terminate.recv() => {}
            else => std::future::pending().await,
        }
    }

    /// Begins to hear.
    #[cfg(not(unix))]
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for one.
pub(crate) async fn interrupted() {
    Interruptions::new().next().await;
}
