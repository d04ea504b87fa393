//! Functions: `AWS::Serverless::Function` and `AWS::Lambda::Function`.

mod executable;
mod tables;

use super::destination;
use super::evaluate::Evaluator;
use super::fields::Fields;
use super::problem::{Place, shown};
use super::resource::Resource;
use super::tree::{Content, Node};
use super::value::What;
use crate::arn::Arn;
use crate::stack::{AsynchronousSettings, Function};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The memory of a function that asks for none, in MB.
const MEMORY_MB: i64 = 128;
/// The time-out of a function that asks for none, in seconds.
const TIMEOUT_S: i64 = 3;
/// All environment variables of a function together, in bytes:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const ENVIRONMENT_BYTES_MAX: usize = 4096;
/// The longest name of a function, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// A function and the node of its SAM events.
pub(super) type Found<'t> = (Function, Option<(Place, &'t Node)>);

/// Reads a function; none after a problem.
pub(super) fn read<'t>(
    evaluator: &mut Evaluator<'t>,
    resource: &'t Resource,
    is_there: &dyn Fn(&Path) -> bool,
) -> Option<Found<'t>> {
    let is_sam = resource.type_name == "AWS::Serverless::Function";
    let (what, table) = if is_sam {
        ("an AWS::Serverless::Function", tables::SERVERLESS)
    } else {
        ("an AWS::Lambda::Function", tables::PLAIN)
    };
    let fields = Fields::read(evaluator, what, resource.place, &resource.properties, table)?;
    let name = evaluator.name_of(resource.place, &resource.id)?;
    check_name(evaluator, &fields, &name);
    let given = [&resource.id, &name]
        .into_iter()
        .find_map(|name| evaluator.settings.executables.get(name.as_str()));
    let bootstrap = if let Some(path) = given {
        executable::given(evaluator, resource.place, path, is_there)
    } else {
        check_runtime(evaluator, &fields, resource);
        let code = if is_sam { "CodeUri" } else { "Code" };
        executable::found(evaluator, (&fields, code), resource, is_there)
    };
    check_architecture(evaluator, &fields);
    let memory_mb = fields.number(evaluator, "MemorySize", 128..=10_240).unwrap_or(MEMORY_MB);
    let timeout = fields.number(evaluator, "Timeout", 1..=900).unwrap_or(TIMEOUT_S);
    let concurrency_max = fields.number(evaluator, "ReservedConcurrentExecutions", 0..=1_000_000);
    let environment = environment(evaluator, &fields);
    let handler = fields.text(evaluator, "Handler").unwrap_or_else(|| "bootstrap".to_owned());
    let asynchronous = fields
        .within(evaluator, "EventInvokeConfig", "an EventInvokeConfig", tables::INVOKE_CONFIG)
        .map_or_else(AsynchronousSettings::default, |fields| asynchronous(evaluator, &fields));
    let arn = Arn::function(&evaluator.settings.region, &evaluator.settings.account, &name);
    let function = Function {
        name: name.into(),
        arn,
        handler,
        // Where none was found, which is a problem, the rest is still read for all that is wrong.
        bootstrap: bootstrap.unwrap_or_default(),
        memory_mb: u32::try_from(memory_mb).unwrap_or_default(),
        timeout: seconds(timeout),
        environment,
        concurrency_max: concurrency_max.and_then(|number| u32::try_from(number).ok()),
        asynchronous,
    };
    Some((function, if is_sam { fields.node("Events") } else { None }))
}

/// So many seconds; a number that was read is none below zero.
pub(super) fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or_default())
}

fn check_name<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>, name: &str) {
    let is_good = name.len() <= NAME_CHARACTERS_MAX
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !is_good {
        let message = format!("`{}` is no name for a function", shown(name));
        let remedy = "write at most 64 letters, digits, `-` and `_`";
        evaluator.problem(fields.place("FunctionName"), message, remedy);
    }
}

fn check_runtime<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>, resource: &Resource) {
    let stand_in = format!("give an executable with --function {}=PATH", shown(&resource.id));
    if let Some(package) = fields.text(evaluator, "PackageType")
        && package != "Zip"
    {
        let message = "container images are not run here";
        evaluator.problem(fields.place("PackageType"), message, stand_in);
        return;
    }
    match fields.required(evaluator, "Runtime").as_deref() {
        None | Some("provided.al2023" | "provided.al2") => {}
        Some(other) => {
            let message = format!(
                "the runtime `{}` is not run here, only executables on provided.al2023 and provided.al2",
                shown(other)
            );
            evaluator.problem(fields.place("Runtime"), message, stand_in);
        }
    }
}

fn check_architecture<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) {
    let place = fields.place("Architectures");
    let Some(names) = fields.texts(evaluator, "Architectures") else { return };
    match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [name @ ("arm64" | "x86_64")] => {
            let here = if evaluator.settings.machine == "aarch64" { "arm64" } else { "x86_64" };
            if *name != here {
                let note = format!(
                    "the template asks for {name}, and the executable is run on {here}: build it for that"
                );
                evaluator.problems.note(place, note);
            }
        }
        _ => evaluator.problem(
            place,
            "`Architectures` is one of `x86_64` and `arm64`",
            "write `[x86_64]` or `[arm64]`",
        ),
    }
}

/// The variables of a function: its own, and over them those that were given.
fn environment<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> BTreeMap<String, String> {
    let mut environment = evaluator.settings.environment.clone();
    let inner = fields.within(evaluator, "Environment", "an environment", tables::ENVIRONMENT);
    let Some((place, node)) = inner.and_then(|inner| inner.node("Variables")) else {
        return environment;
    };
    let Content::Map(entries) = &node.content else {
        let message = format!("`Variables` is a map, and this is {}", node.kind());
        evaluator.problem(node.place, message, "write `NAME: value`");
        return environment;
    };
    for entry in entries {
        // One that was given is not evaluated: that is the remedy for those that only AWS knows.
        if environment.contains_key(&entry.key) {
            continue;
        }
        check_variable(evaluator, entry.place, &entry.key);
        let value = evaluator.value(&entry.value);
        match value.what {
            What::Text { text, plain } => {
                check_ambiguity(evaluator, entry.value.place, &text, plain);
                environment.insert(entry.key.clone(), text);
            }
            What::Nothing | What::Broken => {}
            What::List(_) | What::Map(_) => {
                let message = format!(
                    "the variable `{}` is text, and this is {}",
                    shown(&entry.key),
                    value.kind()
                );
                evaluator.problem(
                    entry.value.place,
                    message,
                    "write the text; `!Join` makes one of a list",
                );
            }
        }
    }
    let bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ENVIRONMENT_BYTES_MAX {
        let message =
            format!("the variables have {bytes} bytes, and AWS takes {ENVIRONMENT_BYTES_MAX}");
        evaluator.problem(place, message, "put what is large into a file or a parameter store");
    }
    environment
}

/// Names that the platform sets itself or AWS refuses.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn check_variable(evaluator: &mut Evaluator<'_>, place: Place, name: &str) {
    const RESERVED: [&str; 10] = [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "TZ_RESERVED",
    ];
    if RESERVED.contains(&name)
        || name.starts_with("AWS_LAMBDA_") && name != "AWS_LAMBDA_EXEC_WRAPPER"
    {
        let message = format!("the variable `{}` is reserved by Lambda", shown(name));
        evaluator.problem(place, message, "give it another name");
        return;
    }
    let mut letters = name.bytes();
    let is_good = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && name.len() > 1
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_good {
        let message = format!("`{}` is no name for a variable", shown(name));
        evaluator.problem(
            place,
            message,
            "write at least two letters, digits and `_`, a letter first",
        );
    }
}

/// AWS's YAML is 1.1, in which more words mean something else than text.
fn check_ambiguity(evaluator: &mut Evaluator<'_>, place: Place, text: &str, plain: bool) {
    let is_word = ["yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_octal = text.len() > 1
        && text.starts_with('0')
        && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if plain && (is_word || is_octal) {
        let message =
            format!("without quotes, YAML 1.1 takes `{}` for something else", shown(text));
        evaluator.problem(place, message, "put it in quotes");
    }
}

/// The settings for asynchronous invocations.
fn asynchronous<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> AsynchronousSettings {
    let usual = AsynchronousSettings::default();
    let retries = fields.number(evaluator, "MaximumRetryAttempts", 0..=2);
    let age = fields.number(evaluator, "MaximumEventAgeInSeconds", 60..=21_600);
    AsynchronousSettings {
        retry_attempts_max: retries
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(usual.retry_attempts_max),
        event_age_max: age.map_or(usual.event_age_max, seconds),
        on_failure: destination::read(evaluator, fields),
    }
}

/// Reads an `AWS::Lambda::EventInvokeConfig` and gives it to the function that it names.
pub(super) fn read_invoke_config<'t>(
    evaluator: &mut Evaluator<'t>,
    resource: &'t Resource,
    functions: &mut [Function],
) {
    let what = "an AWS::Lambda::EventInvokeConfig";
    let fields = Fields::read(
        evaluator,
        what,
        resource.place,
        &resource.properties,
        tables::INVOKE_RESOURCE,
    );
    let Some(fields) = fields else { return };
    let Some(named) = fields.required(evaluator, "FunctionName") else { return };
    let settings = asynchronous(evaluator, &fields);
    let name = name_in(&named);
    match functions.iter_mut().find(|function| *function.name == *name) {
        Some(function) => function.asynchronous = settings,
        None => unknown(evaluator, fields.place("FunctionName"), &named),
    }
}

/// The name in `name`, `name:alias` or the ARN of either.
pub(super) fn name_in(text: &str) -> &str {
    let mut parts = text.split(':');
    if text.starts_with("arn:") {
        parts.nth(6).unwrap_or_default()
    } else {
        parts.next().unwrap_or_default()
    }
}

/// A function is named that the template does not have.
pub(super) fn unknown(evaluator: &mut Evaluator<'_>, place: Place, named: &str) {
    let message = format!("the function `{}` is not one of this template", shown(named));
    evaluator.problem(place, message, "name a function with `!Ref`");
}
