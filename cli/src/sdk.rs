//! What each command begins with that calls AWS: whether this program was built for that, and what runs its calls.

use crate::exit::Failure;
use tokio::runtime::{Builder, Runtime};

/// Fails if this program lacks what somebody needs, before anything else is looked at.
pub(crate) fn check(who: &str) -> Result<(), Failure> {
    if cfg!(feature = "aws") { Ok(()) } else { Err(absent(who)) }
}

/// The failure of one that needs the feature `aws`, which is not there.
pub(crate) fn absent(who: &str) -> Failure {
    Failure::wrong(format!("this program was built without what {who} needs"))
        .hint("build it with `cargo build --release --package streamgauge --features aws`")
}

/// What runs a command's calls.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::outside("could not start the runtime").because(&error))
}
