//! Rules: the text of a plan to the plan, and templates to texts. The pipeline does not know the language.

use std::error::Error;
use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;

/// The files of a plan, by name, as the control log keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesText {
    /// Each file's name and text, in the order of their names.
    pub files: Vec<(String, String)>,
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
#[error("the rules are no plan: {message}")]
pub struct NoPlan {
    /// All problems, with their places.
    pub message: String,
    /// What is below, if anything.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// Compiles plans. The same text gives the same plan everywhere.
pub trait Rules: Send + Sync {
    /// The plan of a text.
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan>;

    /// The text that this function was deployed with: it is announced if the control log is empty, and spares reading the
    /// log's copy. Absent: it was deployed without rules.
    fn deployed(&self) -> Option<&RulesText>;

    /// What makes texts of the plans' templates. The same values give the same text everywhere.
    fn render(&self) -> &dyn Render;
}
