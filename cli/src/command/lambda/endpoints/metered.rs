//! The meter in front of the services: what AWS would bill, what it would refuse, and what goes wrong on purpose in calls.
//!
//! It also tells the functions' runtime of each call, before and after its effect, so that a plan of faults can kill a
//! function between two effects: the points are called `before:DynamoDB.PutItem` and `after:DynamoDB.PutItem`.

use super::call_faults;
use crate::command::lambda::plan::{Metering, RunSettings};
use crate::exit::Failure;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use streamgauge_lambda::runtime::Runtime;
use streamgauge_meter::call::Call;
use streamgauge_meter::clock::RealClock;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{Meter, Routes, Running};
use streamgauge_meter::watcher::{Phase, Verdict, Watcher};
use tokio::sync::SetOnce;

/// Starts the meter in front of the endpoints of a run. Functions' calls are told to the runtime, once it is there.
pub(super) async fn start(
    run: &RunSettings,
    runtime: Arc<SetOnce<Runtime>>,
) -> Result<Running, Failure> {
    let faults = call_faults::read(run.faults.as_deref().unwrap_or_default(), run.seed)?;
    let limits = match run.metering {
        Metering::CountAndLimit => Limits::all(),
        Metering::Count | Metering::Off => Limits::none(),
    };
    let routes = routes(&run.endpoints).await?;
    let started = Meter::start(routes, limits, faults, Watching(runtime), RealClock).await;
    started.map_err(|error| Failure::outside(error.to_string()).because_of_source(&error))
}

/// Each endpoint's address.
async fn routes(endpoints: &BTreeMap<String, String>) -> Result<Routes, Failure> {
    let mut by_service = BTreeMap::new();
    let mut rest = None;
    for (name, url) in endpoints {
        let found = address(url).await?;
        // Without an endpoint for all, only what has one of its own is sent here.
        rest.get_or_insert(found);
        if let Some(service) = call_faults::service(name) {
            by_service.insert(service, found);
        }
    }
    let rest = rest.ok_or_else(|| Failure::wrong("the meter needs an --endpoint"))?;
    Ok(Routes { by_service, rest })
}

async fn address(url: &str) -> Result<SocketAddr, Failure> {
    let host = url.strip_prefix("http://").ok_or_else(|| {
        Failure::wrong(format!("the meter cannot stand in front of `{url}`: it speaks no TLS"))
            .hint("use an endpoint with http://, or add --no-meter")
    })?;
    let host = host.trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let found = tokio::net::lookup_host(&host).await;
    let found = found.map(|mut found| found.next());
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Failure::outside(format!("the host of `{url}` has no address"))),
        Err(error) => {
            Err(Failure::outside(format!("the host of `{url}` was not found")).because(&error))
        }
    }
}

/// Tells a runtime of the calls of its functions.
#[derive(Debug)]
struct Watching(Arc<SetOnce<Runtime>>);

impl Watcher for Watching {
    async fn at(&self, call: &Call, phase: Phase) -> Verdict {
        // The simulator's own calls, which have no token, come before there is a runtime, and need none.
        if call.caller.is_empty() {
            return Verdict::GoOn;
        }
        // A function may be quicker than the start that tells of the runtime: its call waits rather than pass unseen.
        let runtime = self.0.wait().await;
        if runtime.reach(&call.caller, &phase.point(call)).await {
            Verdict::Close
        } else {
            Verdict::GoOn
        }
    }
}
