//! shim
use crate::exit::Failure;
use std::path::PathBuf;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
pub(crate) fn plan(_paths: &[PathBuf]) -> Result<Arc<Plan>, Failure> { Err(Failure::wrong("shim")) }
