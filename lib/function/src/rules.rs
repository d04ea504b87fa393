//! The rules that a function was deployed with, and the compiler of all plans that it meets.
//!
//! A plan's text stands in the control log and must mean the same to every function and for ever. So files are called by their
//! names without folders, and what `${NAME}` stands for goes into the text: the variables that the files name and that are set
//! where they are read become a file of their own, [`ENVIRONMENT`]. Compiling looks there, and never at the environment of the
//! function that happens to compile.

use crate::settings::RulesPlace;
use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
pub use streamgauge_rules::deployed::ENVIRONMENT;
use streamgauge_rules::deployed::{DeployedError, compile_deployed, files_to_deploy};
use streamgauge_rules::template::Templates;
use streamgauge_rules::{LoadError, SourceFile, load};

/// The rules of a deployed function.
#[derive(Clone, Debug, Default)]
pub struct DeployedRules {
    deployed: Option<RulesText>,
}

impl DeployedRules {
    /// Rules from where the settings say, with the values of the variables that they name. An object in a bucket is not read here:
    /// the function then goes by the control log.
    pub fn load(
        place: &RulesPlace,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, LoadError> {
        let RulesPlace::Path(path) = place else { return Ok(Self::default()) };
        let sources = load(std::slice::from_ref(path))?;
        Ok(Self::of_sources(sources, environment))
    }

    /// Rules from these files, by name.
    pub fn of(files: Vec<(String, String)>, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let sources = files.into_iter().map(|(name, text)| SourceFile { name, text });
        Self::of_sources(sources.collect(), environment)
    }

    fn of_sources(sources: Vec<SourceFile>, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let files = files_to_deploy(sources, environment);
        Self { deployed: Some(RulesText { files }) }
    }
}

/// What a text of rules says, plan and channels.
pub fn read(text: &RulesText) -> Result<streamgauge_rules::Rules, NoPlan> {
    let no_plan =
        |error: DeployedError| NoPlan { message: error.to_string(), source: error.into_source() };
    compile_deployed(&text.files).map_err(no_plan)
}

impl Rules for DeployedRules {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        Ok(Arc::new(read(text)?.plan))
    }

    fn deployed(&self) -> Option<&RulesText> {
        self.deployed.as_ref()
    }

    fn render(&self) -> &dyn Render {
        &Templates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "namespace: Shop/${STAGE:test}\nlate: drop\nmetrics:\n  \
                         orders: {count: type == 'order.created', window: 5m}\n";

    fn rules(stage: Option<&str>) -> DeployedRules {
        let environment = |name: &str| stage.filter(|_| name == "STAGE").map(str::to_owned);
        DeployedRules::of(vec![("shop.yaml".to_owned(), RULES.to_owned())], &environment)
    }

    #[test]
    fn a_text_means_the_same_wherever_it_is_compiled() {
        let text = rules(Some("live")).deployed().unwrap().clone();
        assert_eq!(text.files[0], (ENVIRONMENT.to_owned(), r#"{"STAGE":"live"}"#.to_owned()));
        let here = rules(None).compile(&text).unwrap();
        let there = rules(Some("other")).compile(&text).unwrap();
        assert_eq!(here.hash, there.hash);
        assert_eq!(here.namespace, "Shop/live");
    }

    #[test]
    fn without_variables_there_are_only_the_files() {
        let rules = rules(None);
        let text = rules.deployed().unwrap();
        assert_eq!(text.files, [("shop.yaml".to_owned(), RULES.to_owned())]);
        assert_eq!(rules.compile(text).unwrap().namespace, "Shop/test");
    }

    #[test]
    fn a_text_that_is_no_plan_is_told_with_its_places() {
        let wrong = RULES.replace("window", "windw");
        let text = RulesText { files: vec![("shop.yaml".to_owned(), wrong)] };
        let error = DeployedRules::default().compile(&text).unwrap_err().to_string();
        assert!(error.contains("a metric has no key `windw`"), "{error}");
        assert!(error.contains("shop.yaml:4:"), "{error}");
    }

    #[test]
    fn a_damaged_environment_is_no_plan() {
        let files = vec![(ENVIRONMENT.to_owned(), "[1]".to_owned())];
        let error = DeployedRules::default().compile(&RulesText { files }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rules are no plan: `.environment.json` is no JSON object of texts"
        );
    }

    #[test]
    fn a_folder_is_read_without_its_path() {
        let folder = std::env::temp_dir().join(format!("streamgauge-rules-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("shop.yaml"), RULES).unwrap();
        let loaded = DeployedRules::load(&RulesPlace::Path(folder.clone()), &|_| None);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(loaded.unwrap().deployed(), rules(None).deployed());
        assert!(DeployedRules::load(&RulesPlace::Path(folder), &|_| None).is_err());
    }
}
