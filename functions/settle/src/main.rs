//! The function `settle`: wired up here, explained in [`streamgauge_pipeline::settle`].

use lambda_runtime::{Context, Error};
use streamgauge_engine::time::{Millis, SECOND_MS};
use streamgauge_function::diagnostic::Failure;
use streamgauge_function::settings::variables::Role;
use streamgauge_function::wakeups::{self, Answer};
use streamgauge_function::world::{AwsWorld, Meter};
use streamgauge_function::{edge, logs};
use streamgauge_pipeline::settle::Settle;
use tracing::info;

/// How much earlier than its end an invocation begins no further entry: one is read, folded and appended in that time.
const MARGIN_MS: Millis = 15 * SECOND_MS;

struct Function {
    partitions: u8,
    settle: Settle<AwsWorld>,
    meter: Meter,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    edge::serve(set_up(), handle).await
}

fn set_up() -> Result<Function, Failure> {
    let (world, settings) = AwsWorld::of_process(Role::Settle)?;
    let meter = world.meter();
    let settle = Settle::new(world, settings.stack, settings.partitions);
    Ok(Function { partitions: settings.partitions, settle, meter })
}

async fn handle(this: &mut Function, payload: &str, context: &Context) -> Result<Answer, Failure> {
    let wake_ups = wakeups::read(payload, this.partitions)?;
    let deadline = edge::deadline(context).minus(MARGIN_MS);
    edge::look(&wake_ups, async |partition| {
        // What is dropped midway is read again.
        let work = Box::pin(this.settle.run(partition, deadline));
        let done = edge::in_time(context, work).await??;
        let consumed = this.meter.take();
        info!(
            partition = partition.number(),
            entries = done.entries,
            deltas = done.deltas,
            points = done.points,
            watermark = done.watermark.map(tracing::field::display),
            left_out = done.left_out,
            overtaken = done.overtaken,
            write_units = consumed.write_units,
            read_units = consumed.read_units,
            "settled"
        );
        Ok(())
    })
    .await
}
