//! From what was typed to what is to be done: the template is read, names become ARNs, every file that is needed is known
//! to be there. After this only the outside world can fail.

pub(super) mod fault_names;
mod names;

use super::pairs::{environment, pair, pairs, read_whole};
use super::problems;
use crate::arguments::{LambdaArguments, LambdaOutput};
use crate::exit::{Exit, Failure};
use crate::inputs;
use crate::sdk;
use crate::style::{self, tell};
use bytes::Bytes;
use names::Names;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::stack::{Stack, StreamResource};
use streamgauge_lambda::template::{self, ON_DEMAND_SHARDS, Settings, Template};
use streamgauge_local::input::Input;
use streamgauge_rules::{SourceFile, duration};

/// How long a stream keeps records that no template makes.
const RETENTION: Duration = Duration::from_hours(24);

/// Everything that is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    /// What runs.
    pub(super) stack: Stack,
    /// What comes in.
    pub(super) feeds: Vec<Feed>,
    /// What is invoked.
    pub(super) invocations: Vec<Event>,
    /// Whether nobody waits for the answers.
    pub(super) asynchronous: bool,
    /// How it runs.
    pub(super) run: RunSettings,
}

/// A file on its way into a stream or a queue.
#[derive(Debug)]
pub(super) struct Feed {
    /// Where to.
    pub(super) target: Target,
    /// The file.
    pub(super) input: Input,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into a stream, by this field of each line or by its hash.
    Stream(Arn, Option<String>),
    /// To a queue.
    Queue(Arn),
}

/// An event for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The function.
    pub(super) function: Arc<str>,
    /// The event.
    pub(super) payload: Bytes,
}

/// How it runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunSettings {
    pub(super) region: String,
    pub(super) account: String,
    pub(super) endpoints: BTreeMap<String, String>,
    pub(super) environments: u32,
    pub(super) freeze: bool,
    pub(super) memory_limit: bool,
    pub(super) speed: u32,
    pub(super) seed: u64,
    /// The text of the file of faults.
    pub(super) faults: Option<String>,
    pub(super) checkpoints: Option<PathBuf>,
    pub(super) failures: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) metering: Metering,
    pub(super) create: bool,
    /// When it ends.
    pub(super) end: End,
}

/// What stands in front of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metering {
    /// Nothing.
    Off,
    /// The meter, which lets everything pass.
    Count,
    /// The meter, which refuses what AWS would refuse.
    CountAndLimit,
}

/// When a run ends, if nobody interrupts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// When all is done.
    pub(super) drained: bool,
    /// After so long.
    pub(super) after: Option<Duration>,
}

/// Reads what was typed.
pub(super) fn read(arguments: &LambdaArguments) -> Result<Plan, Failure> {
    let end = end(arguments)?;
    let endpoints = endpoints(&arguments.input.endpoint)?;
    go_together(arguments, !endpoints.is_empty())?;
    let mut template = template(arguments, &endpoints)?;
    let names = Names::new(&template);
    let feeds = feeds(arguments, &names)?;
    let invocations = invocations(arguments, &names)?;
    if endpoints.is_empty() {
        add_streams(&mut template.stack);
    }
    let faults = arguments.run.faults.as_deref().map(read_whole).transpose()?;
    let faults = faults.map(String::from_utf8).transpose().map_err(|error| {
        Failure::wrong("the file of faults is no text")
            .because(&error)
            .hint("save it as UTF-8 text")
    })?;
    let run = &arguments.run;
    let is_metered = !endpoints.is_empty() && !run.no_meter;
    fault_names::check(faults.as_deref().unwrap_or_default(), &template.stack, is_metered)?;
    Ok(Plan {
        stack: template.stack,
        feeds,
        invocations,
        asynchronous: arguments.input.asynchronous,
        run: RunSettings {
            region: region(arguments),
            account: arguments.template_values.account.clone(),
            endpoints,
            environments: run.environments,
            freeze: run.freeze,
            memory_limit: !run.no_memory_limit,
            speed: run.speed,
            seed: run.seed,
            faults,
            checkpoints: run.checkpoints.clone(),
            failures: arguments.input.failures.clone(),
            listen: arguments.input.listen,
            metering: match (run.no_meter, run.no_limits) {
                (true, _) => Metering::Off,
                (false, true) => Metering::Count,
                (false, false) => Metering::CountAndLimit,
            },
            create: arguments.input.create,
            end,
        },
    })
}

/// Refuses options that say nothing without each other, or contradict each other.
fn go_together(arguments: &LambdaArguments, has_endpoint: bool) -> Result<(), Failure> {
    let (input, run) = (&arguments.input, &arguments.run);
    let wrong = |message: &str, hint: &str| Err(Failure::wrong(message).hint(hint));
    match input.listen {
        Some(address) if !address.ip().is_loopback() => {
            return wrong(
                "--listen is for this machine only: whoever reaches it can run the functions",
                "write --listen 127.0.0.1:9001",
            );
        }
        _ => {}
    }
    if has_endpoint {
        if run.speed != 1 {
            return wrong(
                "--speed goes without --endpoint: services outside of this process do not hurry",
                "leave --speed out",
            );
        }
        if input.failures.is_some() {
            return wrong(
                "--failures goes without --endpoint: buckets are behind the endpoint",
                "leave --failures out",
            );
        }
        return Ok(());
    }
    if run.checkpoints.is_some() {
        return wrong(
            "--checkpoints goes with --endpoint: streams in this process end with it",
            "leave --checkpoints out",
        );
    }
    if input.create {
        return wrong("--create goes with --endpoint", "leave --create out");
    }
    Ok(())
}

/// The region: what was typed, else what every AWS tool reads.
fn region(arguments: &LambdaArguments) -> String {
    let typed = arguments.template_values.region.clone();
    let region = typed.or_else(|| std::env::var("AWS_REGION").ok());
    region.filter(|region| !region.is_empty()).unwrap_or_else(|| "us-east-1".to_owned())
}

/// Reads the template; what is wrong with it is told.
fn template(
    arguments: &LambdaArguments,
    endpoints: &BTreeMap<String, String>,
) -> Result<Template, Failure> {
    let path = &arguments.template;
    let text = String::from_utf8(read_whole(path)?).map_err(|error| {
        let message = format!("the template `{}` is no text", path.display());
        Failure::wrong(message).because(&error).hint("save it as UTF-8 text")
    })?;
    let values = &arguments.template_values;
    let executables = pairs("--function", "NAME=PATH", &values.function)?;
    let settings = Settings {
        parameters: pairs("--parameter", "NAME=VALUE", &values.parameter)?,
        environment: environment(&values.env_file, &values.env)?,
        executables: executables.into_iter().map(|(name, place)| (name, place.into())).collect(),
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        region: region(arguments),
        account: values.account.clone(),
        queue_endpoint: endpoints.get("sqs").or_else(|| endpoints.get("")).cloned(),
        ..Settings::default()
    };
    let source = SourceFile { name: path.display().to_string(), text };
    match template::read(&source.text, &settings, &Path::is_file) {
        Ok(template) => {
            for note in &template.notes {
                let (name, line) = (style::printable(&source.name), note.position.line);
                let what = style::printable(&note.text);
                tell(format_args!("{name}:{line}: {}: {what}", style::hint("note")));
            }
            Ok(template)
        }
        Err(found) => {
            match arguments.output {
                LambdaOutput::Text => tell(problems::for_people(&found, &source).trim_end()),
                LambdaOutput::Json => io::stdout()
                    .lock()
                    .write_all(problems::json(&found, &source).as_bytes())
                    .map_err(|error| Failure::output(&error))?,
            }
            Err(Failure::Told(Exit::Wrong))
        }
    }
}

/// Streams that mappings name and the template does not make are made, too, where all services are in this process.
fn add_streams(stack: &mut Stack) {
    let Stack { kinesis, streams, .. } = stack;
    for mapping in kinesis {
        let name = mapping.stream.name();
        if !streams.iter().any(|stream| stream.name == name) {
            tell(format_args!(
                "{}: the stream `{}` is not in the template, and is made with {ON_DEMAND_SHARDS} shards",
                style::hint("note"),
                style::printable(name)
            ));
            streams.push(StreamResource {
                name: name.to_owned(),
                shards: ON_DEMAND_SHARDS,
                retention: RETENTION,
            });
        }
    }
}

/// The services that may have an endpoint of their own.
const SERVICES: [&str; 5] = ["cloudwatch", "dynamodb", "kinesis", "s3", "sqs"];

/// Endpoints by service; the one for all stands under the empty name.
fn endpoints(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut endpoints = BTreeMap::new();
    for text in texts {
        let (service, url) = match text.split_once('=') {
            Some((service, url)) if SERVICES.contains(&service) => (service, url),
            Some((service, _)) if !service.contains("://") => {
                return Err(Failure::wrong(format!("--endpoint knows no service `{service}`"))
                    .hint(format!("services are {}", SERVICES.join(", "))));
            }
            _ => ("", text.as_str()),
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::wrong(format!("`{url}` is no URL for --endpoint"))
                .hint("write http://127.0.0.1:5102, or kinesis=http://127.0.0.1:5105"));
        }
        if endpoints.insert(service.to_owned(), url.to_owned()).is_some() {
            return Err(Failure::wrong(format!(
                "--endpoint is given twice for the same: `{text}`"
            ))
            .hint("leave one of them out"));
        }
    }
    if !endpoints.is_empty() {
        sdk::check("--endpoint")?;
    }
    Ok(endpoints)
}

fn feeds(arguments: &LambdaArguments, names: &Names<'_>) -> Result<Vec<Feed>, Failure> {
    let input = &arguments.input;
    if input.key.is_some() && input.put.is_empty() {
        return Err(Failure::wrong("--key goes with --put").hint("add --put STREAM=FILE"));
    }
    let mut targets = Vec::new();
    let mut paths = Vec::new();
    for text in &input.put {
        let (name, path) = pair("--put", "STREAM=FILE", text)?;
        targets.push(Target::Stream(names.stream(name, arguments)?, input.key.clone()));
        paths.push(PathBuf::from(path));
    }
    for text in &input.send {
        let (name, path) = pair("--send", "QUEUE=FILE", text)?;
        targets.push(Target::Queue(names.queue(name, arguments)?));
        paths.push(PathBuf::from(path));
    }
    let opened = inputs::open(&paths)?.into_iter();
    let feeds = targets.into_iter().zip(opened);
    Ok(feeds.map(|(target, file)| Feed { target, input: file }).collect())
}

fn invocations(arguments: &LambdaArguments, names: &Names<'_>) -> Result<Vec<Event>, Failure> {
    let input = &arguments.input;
    if input.asynchronous && input.invoke.is_empty() {
        return Err(
            Failure::wrong("--asynchronous goes with --invoke").hint("add --invoke FUNCTION")
        );
    }
    let mut events = Vec::with_capacity(input.invoke.len());
    for text in &input.invoke {
        let (name, path) =
            text.split_once('=').map_or((text.as_str(), None), |(name, path)| (name, Some(path)));
        let function = names.function(name)?;
        let payload = match path {
            None => Bytes::from_static(b"{}"),
            Some(path) => Bytes::from(read_whole(Path::new(path))?),
        };
        if let Err(error) = serde_json::from_slice::<serde_json::Value>(&payload) {
            let message = format!("the event `{}` is no JSON", path.unwrap_or_default());
            return Err(Failure::wrong(message).because(&error).hint("write one JSON value"));
        }
        events.push(Event { function, payload });
    }
    Ok(events)
}

fn end(arguments: &LambdaArguments) -> Result<End, Failure> {
    let run = &arguments.run;
    let after = run.length.as_deref().map(|text| {
        let length = duration::parse(text).map_err(|message| {
            Failure::wrong(format!("`{text}` is no length for --for: {message}"))
                .hint("write 30s or 5m")
        });
        length.map(|length| Duration::from_millis(u64::try_from(length).unwrap_or_default()))
    });
    Ok(End { drained: run.until_drained, after: after.transpose()? })
}
