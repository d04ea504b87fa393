//! Names on the command line: a function, stream or queue goes by its logical id in the template or by its own name.

use super::region;
use crate::arguments::LambdaArguments;
use crate::exit::Failure;
use std::sync::Arc;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::template::Template;

/// What a template has, to be named.
pub(super) struct Names<'t> {
    template: &'t Template,
}

impl<'t> Names<'t> {
    pub(super) fn new(template: &'t Template) -> Self {
        Self { template }
    }

    /// The name that a logical id stands for, or the name itself.
    fn own<'n>(&'n self, name: &'n str) -> &'n str {
        self.template.names.get(name).map_or(name, String::as_str)
    }

    /// A function of the template.
    pub(super) fn function(&self, name: &str) -> Result<Arc<str>, Failure> {
        let own = self.own(name);
        let functions = &self.template.stack.functions;
        let found = functions.iter().find(|function| *function.name == *own);
        found.map(|function| Arc::clone(&function.name)).ok_or_else(|| {
            unknown("function", name, functions.iter().map(|function| &*function.name))
        })
    }

    /// A stream that the template makes or that a mapping reads.
    pub(super) fn stream(&self, name: &str, arguments: &LambdaArguments) -> Result<Arn, Failure> {
        let own = self.own(name);
        let stack = &self.template.stack;
        let read = stack.kinesis.iter().map(|mapping| &mapping.stream);
        let made = stack.streams.iter().map(|stream| stream.name.as_str());
        let (region, account) = (region(arguments), &arguments.template_values.account);
        find(("stream", name, own), read, made, |name| Arn::stream(&region, account, name))
    }

    /// A queue that the template makes or that a mapping reads.
    pub(super) fn queue(&self, name: &str, arguments: &LambdaArguments) -> Result<Arn, Failure> {
        let own = self.own(name);
        let stack = &self.template.stack;
        let read = stack.sqs.iter().map(|mapping| &mapping.queue);
        let made = stack.queues.iter().map(|queue| queue.name.as_str());
        let (region, account) = (region(arguments), &arguments.template_values.account);
        find(("queue", name, own), read, made, |name| Arn::queue(&region, account, name))
    }
}

/// What is called `own`: as a mapping names it, else as the template makes it.
fn find<'k>(
    (what, name, own): (&str, &str, &str),
    mut read: impl Iterator<Item = &'k Arn> + Clone,
    mut made: impl Iterator<Item = &'k str> + Clone,
    arn: impl Fn(&str) -> Arn,
) -> Result<Arn, Failure> {
    let known = read.clone().map(Arn::name).chain(made.clone());
    if let Some(found) = read.find(|source| source.name() == own) {
        return Ok(found.clone());
    }
    if made.any(|made| made == own) {
        return Ok(arn(own));
    }
    Err(unknown(what, name, known))
}

/// Something is named that the template does not have.
fn unknown<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Failure {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    let failure = Failure::wrong(format!("the template has no {what} `{name}`"));
    match known.as_slice() {
        [] => failure.hint(format!("it has no {what} at all")),
        known => failure.hint(format!("it has {}", known.join(", "))),
    }
}
