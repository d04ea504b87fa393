//! The function `deliver`: wired up here, explained in [`streamgauge_pipeline::deliver`].

mod channels;

use channels::All;
use lambda_runtime::{Context, Error};
use std::time::Duration;
use streamgauge_cloudwatch::CloudWatch;
use streamgauge_cloudwatch::sink::CALL_TIME_MAX;
use streamgauge_engine::time::Millis;
use streamgauge_function::clients::Clients;
use streamgauge_function::diagnostic::Failure;
use streamgauge_function::rules::DeployedRules;
use streamgauge_function::settings::{Settings, variables::Role};
use streamgauge_function::told::{self, Told};
use streamgauge_function::wakeups::{self, Answer};
use streamgauge_function::world::{AwsWorld, Meter};
use streamgauge_function::{edge, logs};
use streamgauge_pipeline::deliver::{Deliver, DeliverSettings};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;
use tracing::info;

struct Function {
    partitions: u8,
    deliver: Deliver<AwsWorld, CloudWatch, All>,
    meter: Meter,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    edge::serve(set_up(), handle).await
}

fn set_up() -> Result<Function, Failure> {
    let settings = Settings::of_process(Role::Deliver)?;
    let clients = Clients::of_process();
    let points = CloudWatch::new((&clients.other("CLOUDWATCH")).into());
    let world = AwsWorld::new(&clients, &settings, DeployedRules::default());
    let channels = channels::all(&settings, clients);
    let limits = DeliverSettings {
        call_ms: millis(CALL_TIME_MAX),
        channel_call_ms: millis(channels.call_time_max()),
        ..DeliverSettings::default()
    };
    let meter = world.meter();
    let deliver = Deliver::new(world, points, channels, limits);
    Ok(Function { partitions: settings.partitions, deliver, meter })
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

async fn handle(this: &mut Function, payload: &str, context: &Context) -> Result<Answer, Failure> {
    let wake_ups = wakeups::read(payload, this.partitions)?;
    let deadline = edge::deadline(context);
    edge::look_side_by_side(&wake_ups, async |partition| {
        let run = this.deliver.run(partition, &context.request_id, deadline);
        let done = Box::pin(run).await?;
        told::log(partition, &done.lanes);
        let told = Told::of(&done.lanes, SystemClock.now());
        let consumed = this.meter.take();
        info!(
            partition = partition.number(),
            calls = done.calls,
            points = done.points,
            retries = done.retries,
            unknown = done.unknown,
            rejected = done.rejected,
            dead = done.dead,
            expired = done.expired,
            undelivered = done.behind,
            undelivered_ms = done.behind_ms,
            told = told.told,
            untold = told.untold,
            untold_ms = told.untold_ms,
            dead_notifications = told.dead,
            write_units = consumed.write_units,
            read_units = consumed.read_units,
            "delivered"
        );
        Ok(())
    })
    .await
}
