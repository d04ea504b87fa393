//! The compiler of all plans that the control log holds.

use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
use streamgauge_rules::deployed::{DeployedError, compile_deployed};
use streamgauge_rules::template::Templates;

/// Compiles the texts of the control log. There are no rules but those that were announced.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnnouncedRules;

/// What a text of rules says, plan and channels.
pub fn read(text: &RulesText) -> Result<streamgauge_rules::Rules, NoPlan> {
    let no_plan =
        |error: DeployedError| NoPlan { message: error.to_string(), source: error.into_source() };
    compile_deployed(&text.files).map_err(no_plan)
}

impl Rules for AnnouncedRules {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        Ok(Arc::new(read(text)?.plan))
    }

    fn deployed(&self) -> Option<&RulesText> {
        None
    }

    fn render(&self) -> &dyn Render {
        &Templates
    }
}
