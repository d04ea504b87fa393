//! The function `filter`: wired up here, explained in [`streamgauge_pipeline::aggregate::filter`].

mod forward;

use forward::KinesisForward;
use lambda_runtime::{Context, Error};
use std::sync::Arc;
use streamgauge_function::clients::Clients;
use streamgauge_function::diagnostic::{Failure, Kind, chain};
use streamgauge_function::settings::variables::Role;
use streamgauge_function::world::{AwsWorld, Meter, stream_name};
use streamgauge_function::{edge, logs};
use streamgauge_kinesis::answer::Answer;
use streamgauge_kinesis::event;
use streamgauge_pipeline::aggregate::Settings;
use streamgauge_pipeline::aggregate::filter::Filter;
use tracing::{info, warn};

struct Function {
    filter: Filter<AwsWorld, KinesisForward>,
    meter: Meter,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    edge::serve(set_up(), handle).await
}

fn set_up() -> Result<Function, Failure> {
    let (world, settings) = AwsWorld::of_process(Role::Filter)?;
    let forward = KinesisForward::new(&Clients::of_process(), &settings.stream);
    let settings = Settings { partitions: settings.partitions, ..Settings::default() };
    let meter = world.meter();
    Ok(Function { filter: Filter::new(world, forward, settings), meter })
}

async fn handle(this: &mut Function, payload: &str, _: &Context) -> Result<Answer, Failure> {
    let read = event::read(payload).map_err(|error| Failure::new(Kind::BadEvent, &error))?;
    let shard = Arc::clone(&read.batch.shard);
    let filtered = this.filter.take(stream_name(&read.stream), read.batch).await?;
    let consumed = this.meter.take();
    let taken = &filtered.taken;
    info!(
        %shard,
        records = taken.records,
        known = taken.known,
        forwarded = filtered.forwarded,
        forwarded_bytes = filtered.forwarded_bytes,
        entries = taken.entries,
        conflicts = taken.conflicts,
        write_units = consumed.write_units,
        read_units = consumed.read_units,
        "filtered a batch"
    );
    if let Some(problem) = &filtered.problem {
        warn!(error = chain(problem), "a part comes again");
    }
    Ok(taken.failed_from.as_ref().map_or_else(Answer::done, Answer::failed_from))
}
