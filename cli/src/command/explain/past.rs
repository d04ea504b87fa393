//! The rules that a stack went by: the control log has the text of each plan that was ever announced.

use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
use streamgauge_rules::deployed::{DeployedError, compile_deployed};
use streamgauge_rules::template::Templates;

/// Compiles plans of the control log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogRules;

impl Rules for LogRules {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        let compiled = compile_deployed(&text.files).map_err(|error| NoPlan {
            message: error.to_string(),
            source: match error {
                DeployedError::Environment(source) => Some(source.into()),
                DeployedError::Problems(_) => None,
            },
        })?;
        Ok(Arc::new(compiled.plan))
    }

    fn deployed(&self) -> Option<&RulesText> {
        None
    }

    fn render(&self) -> &dyn Render {
        &Templates
    }
}
