//! The function `aggregate`: wired up here, explained in [`streamgauge_pipeline::aggregate`].

use lambda_runtime::{Context, Error};
use std::sync::Arc;
use streamgauge_function::diagnostic::{Failure, Kind};
use streamgauge_function::settings::variables::Role;
use streamgauge_function::world::{AwsWorld, Meter, stream_name};
use streamgauge_function::{edge, logs};
use streamgauge_kinesis::answer::Answer;
use streamgauge_kinesis::event;
use streamgauge_pipeline::aggregate::{Aggregate, Settings};
use tracing::{info, warn};

struct Function {
    aggregate: Aggregate<AwsWorld>,
    meter: Meter,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    edge::serve(set_up(), handle).await
}

fn set_up() -> Result<Function, Failure> {
    let (world, settings) = AwsWorld::of_process(Role::Aggregate)?;
    let settings = Settings { partitions: settings.partitions, ..Settings::default() };
    let meter = world.meter();
    Ok(Function { aggregate: Aggregate::new(world, settings), meter })
}

async fn handle(this: &mut Function, payload: &str, _: &Context) -> Result<Answer, Failure> {
    let read = event::read(payload).map_err(|error| Failure::new(Kind::BadEvent, &error))?;
    let shard = Arc::clone(&read.batch.shard);
    let taken = this.aggregate.take(stream_name(&read.stream), read.batch).await?;
    let consumed = this.meter.take();
    info!(
        %shard,
        records = taken.records,
        known = taken.known,
        counted = taken.counters.counted,
        filtered = taken.counters.filtered,
        duplicate = taken.counters.duplicate,
        late = taken.counters.late,
        rejected = taken.counters.rejected,
        entries = taken.entries,
        entry_bytes = taken.entry_bytes,
        conflicts = taken.conflicts,
        cuts = taken.cuts,
        write_units = consumed.write_units,
        read_units = consumed.read_units,
        "took a batch"
    );
    if let Some(problem) = &taken.problem {
        warn!(error = streamgauge_function::diagnostic::chain(problem), "a part comes again");
    }
    Ok(taken.failed_from.as_ref().map_or_else(Answer::done, Answer::failed_from))
}
