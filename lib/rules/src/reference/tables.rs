//! The tables, in the order of the reference.

mod alert;
mod file;
mod metric;
mod notify;
mod scenario;

pub use alert::{ALERT, STEP};
pub use file::{EVENT, FILE};
pub(crate) use metric::UNITS;
pub use metric::{JOURNEY, METRIC, RATIO};
pub(crate) use notify::WEBHOOK_FORMATS;
pub use notify::{
    CHANNEL, EMAIL, GATHERING, MAINTENANCE, MATCH, PAGERDUTY, PIPELINE, ROUTE, SILENCE, SMS,
    WEBHOOK,
};
pub use scenario::{
    EXPECTATION, EXPECTED_POINT, EXPECTED_TRANSITION, SCENARIO, SCENARIO_EVENT, SCENARIO_FILE,
};
