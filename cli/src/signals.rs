//! The wish of somebody that a run ends before its time.

/// Waits for Ctrl-C, or for the SIGTERM by which `timeout`, CI and service managers end a process.
pub(crate) async fn interrupted() {
    tokio::select! {
        () = ctrl_c() => {}
        () = terminated() => {}
    }
}

async fn ctrl_c() {
    // Where signals cannot be waited for, the process ends by them as any other does.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut signals) = signal(SignalKind::terminate())
        && signals.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}
