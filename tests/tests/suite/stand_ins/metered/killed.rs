//! All of it together: a function in a real process, driven by the simulator from a stream of kinesis-local, writes to ministack
//! through the meter. A plan of faults kills it exactly between two of its effects.
//!
//! What joins the two crates that do not know each other is [`Points`]: the meter's watcher tells the runtime of each side of each
//! call, in the name of the environment whose token signed it.

use super::streams::{STREAM, iterator, services, stream};
use super::tables::{TABLE, table};
use super::{Clients, Metered, REGION, fault};
use aws_sdk_dynamodb::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::faults::Faults;
use streamgauge_lambda::happening::{Happening, Observer};
use streamgauge_lambda::kinesis::Checkpoints;
use streamgauge_lambda::runtime::{Runtime, RuntimeSettings, session_token};
use streamgauge_lambda::simulator::{Simulator, SimulatorSettings};
use streamgauge_lambda::stack::{AsynchronousSettings, Function, KinesisMapping, Stack};
use streamgauge_lambda::stream::Start;
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_meter::bill::{Bill, Terms};
use streamgauge_meter::call::{Call, Service};
use streamgauge_meter::clock::RealClock;
use streamgauge_meter::faults::{Fault, Harm, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::{Phase, Verdict, Watcher};
use tokio::sync::SetOnce;

/// A run takes seconds; one that has not ended by now never will.
const DRAINED_WITHIN: Duration = Duration::from_mins(5);

/// What a kill found: the point, who was killed, and the items that were there.
type Killed = (String, String, BTreeSet<String>);

/// Tells the runtime of the points that its functions' calls pass.
#[derive(Clone, Debug)]
struct Points {
    /// The runtime begins after the meter, whose address its functions need; a call waits for it.
    runtime: Arc<SetOnce<Runtime>>,
    /// Past the meter, to look at a kill's moment.
    direct: Client,
    killed: Arc<Mutex<Vec<Killed>>>,
}

impl Watcher for Points {
    async fn at(&self, call: &Call, phase: Phase) -> Verdict {
        // Whoever has no token is none of the runtime's functions, but maybe the simulator itself while it starts.
        if call.caller.is_empty() {
            return Verdict::GoOn;
        }
        let point = phase.point(call);
        if !self.runtime.wait().await.reach(&call.caller, &point).await {
            return Verdict::GoOn;
        }
        let items = items(&self.direct).await;
        self.killed.lock().unwrap().push((point, call.caller.to_string(), items));
        Verdict::Close
    }
}

/// The ids of all items.
async fn items(direct: &Client) -> BTreeSet<String> {
    let scan = direct.scan().table_name(TABLE).consistent_read(true).send().await.unwrap();
    scan.items().iter().map(|item| item["id"].as_s().unwrap().clone()).collect()
}

/// Keeps what was done on purpose, and how invocations ended.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl Observer for Log {
    fn see(&self, happening: Happening) {
        let line = match happening {
            Happening::Fault { what } => what,
            Happening::Trouble { place, error } => format!("trouble: {place}: {error}"),
            Happening::Invoked { ending, report, .. } => {
                format!("environment {}: {ending:?}", report.environment)
            }
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// The ledger behind a mapping from the stream: one record a batch.
fn stack(account: &str) -> Stack {
    let function = Function {
        name: "ledger".into(),
        arn: Arn::function(REGION, account, "ledger"),
        handler: "bootstrap".to_owned(),
        bootstrap: Path::new(env!("CARGO_BIN_EXE_ledger")).to_owned(),
        memory_mb: 128,
        timeout: Duration::from_secs(30),
        environment: BTreeMap::from([("LEDGER_TABLE".to_owned(), TABLE.to_owned())]),
        concurrency_max: None,
        asynchronous: AsynchronousSettings::default(),
    };
    let mapping = KinesisMapping {
        name: "ledger/stream".into(),
        uuid: "00000000-0000-4000-8000-000000000000".to_owned(),
        function: "ledger".into(),
        stream: Arn::stream(REGION, account, STREAM),
        start: Start::TrimHorizon,
        batch_records_max: 1,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        retry_attempts_max: None,
        record_age_max: None,
        bisect: false,
        report_item_failures: true,
        on_failure: None,
    };
    Stack { functions: vec![function], kinesis: vec![mapping], ..Stack::default() }
}

/// What came of a run.
struct Ran {
    metered: Metered<RealClock>,
    killed: Vec<Killed>,
    log: Vec<String>,
    /// The records' sequence numbers, in their order.
    records: Vec<String>,
}

/// Drives the ledger over three records under a plan of faults, until all is done.
async fn run(plan: &str) -> Ran {
    run_with(plan, Limits::none(), vec![]).await
}

/// The same with what the meter refuses and spoils.
async fn run_with(plan: &str, limits: Limits, spoiled: Vec<Fault>) -> Ran {
    let (runtime, killed) = (Arc::new(SetOnce::new()), Arc::<Mutex<Vec<Killed>>>::default());
    let watched = |direct: &Clients| Points {
        runtime: Arc::clone(&runtime),
        direct: direct.dynamodb.clone(),
        killed: Arc::clone(&killed),
    };
    // Processes take the time that they take: a limit per second must have its next second.
    let metered = Metered::watched(limits, spoiled, RealClock, watched).await;
    table(&metered.direct).await;
    stream(&metered.direct, &metered.account, 1).await;
    let mut settings =
        RuntimeSettings { account: metered.account.clone(), ..RuntimeSettings::default() };
    settings.variables.insert("AWS_ENDPOINT_URL".to_owned(), metered.running.endpoint());
    let settings = SimulatorSettings {
        runtime: settings,
        clock: Clock::real(),
        checkpoints: Checkpoints::in_memory(),
        grace: Duration::from_secs(30),
    };
    let services: AwsServices = services(&metered.account, Some(metered.running.endpoint())).await;
    let log = Arc::new(Log::default());
    let observer: Arc<dyn Observer> = Arc::<Log>::clone(&log);
    let faults = Arc::new(Faults::parse(plan, 7).unwrap());
    let simulator = Simulator::start(stack(&metered.account), services, settings, observer, faults);
    let simulator = simulator.await.unwrap();
    runtime.set(simulator.runtime().clone()).unwrap();
    for data in ["a", "b", "c"] {
        let put = metered.direct.kinesis.put_record().stream_name(STREAM);
        put.partition_key("k").data(Blob::new(data)).send().await.unwrap();
    }
    let drained = tokio::time::timeout(DRAINED_WITHIN, simulator.drained()).await;
    assert!(drained.is_ok(), "not done after {DRAINED_WITHIN:?}: {:?}", log.0.lock().unwrap());
    assert!(simulator.stop().await.unwrap());
    let records = records(&metered).await;
    let (killed, log) = (killed.lock().unwrap().clone(), log.0.lock().unwrap().clone());
    Ran { metered, killed, log, records }
}

/// The sequence numbers in the stream.
async fn records(metered: &Metered<RealClock>) -> Vec<String> {
    let kinesis = &metered.direct.kinesis;
    let read = kinesis.get_records().shard_iterator(iterator(kinesis).await).send().await.unwrap();
    read.records().iter().map(|record| record.sequence_number().to_owned()).collect()
}

/// The items of these records' batches.
fn ids(begun: &[String], ended: &[String]) -> BTreeSet<String> {
    let begun = begun.iter().map(|number| format!("begin/{number}"));
    begun.chain(ended.iter().map(|number| format!("end/{number}"))).collect()
}

impl Ran {
    /// Calls, errors and write units of an environment's `PutItem`.
    fn of_environment(&self, number: u32) -> [u64; 3] {
        let calls = self.metered.running.calls().of_caller(&session_token("ledger", number));
        [Unit::Calls, Unit::Errors, Unit::WriteUnits]
            .map(|unit| calls.amount(&Service::DynamoDb, "PutItem", unit))
    }

    /// All that holds whatever the kill: each batch has both of its effects, the first environment died and the second one went
    /// on, and the calls are told apart by who made them.
    async fn check(&self) {
        assert_eq!(items(&self.metered.direct.dynamodb).await, ids(&self.records, &self.records));
        let [first, rest @ ..] = self.endings().try_into().unwrap_or([const { String::new() }; 4]);
        assert!(first.starts_with("environment 1: Error"), "{:?}", self.log);
        assert_eq!(rest, [const { "environment 2: Success" }; 3], "{:?}", self.log);
        let calls = self.metered.running.calls();
        let callers: Vec<&str> = calls.callers().into_iter().collect();
        assert_eq!(callers, ["", "ledger-environment-1", "ledger-environment-2"]);
        let own = calls.amount(&Service::Kinesis, "GetRecords", Unit::RecordsOut);
        assert!(own >= 3, "{own}");
    }

    fn endings(&self) -> Vec<String> {
        let endings = self.log.iter().filter(|line| line.starts_with("environment "));
        endings.cloned().collect()
    }

    /// Dollars of an environment, in pico-dollars.
    fn dollars(&self, number: u32) -> u128 {
        let calls = self.metered.running.calls().of_caller(&session_token("ledger", number));
        Bill::of(&calls, Terms::default()).total().0
    }
}

/// 0.625 dollars for a million, in pico-dollars.
const WRITE: u128 = 625_000;

/// The first effect has happened, the second one has not and never does in this attempt.
#[tokio::test]
async fn a_function_is_killed_between_two_effects() {
    let ran = run("kill at=before:DynamoDB.PutItem function=ledger skip=1").await;
    let [(point, caller, there)] = ran.killed.as_slice() else { panic!("{:?}", ran.killed) };
    assert_eq!((&**point, &**caller), ("before:DynamoDB.PutItem", "ledger-environment-1"));
    assert_eq!(*there, ids(&ran.records[..1], &[]));
    ran.check().await;
    // The second call never came to the stand-in, and costs nothing.
    assert_eq!((ran.of_environment(1), ran.dollars(1)), ([2, 0, 1], WRITE));
    // The retry meets its own first effect, which costs as a failed condition, and does all the rest.
    assert_eq!((ran.of_environment(2), ran.dollars(2)), ([6, 1, 6], 6 * WRITE));
}

/// Both effects have happened, and nobody was told: the retry finds all done.
#[tokio::test]
async fn a_function_is_killed_behind_its_last_effect() {
    let ran = run("kill at=after:DynamoDB.PutItem function=ledger skip=1").await;
    let [(point, caller, there)] = ran.killed.as_slice() else { panic!("{:?}", ran.killed) };
    assert_eq!((&**point, &**caller), ("after:DynamoDB.PutItem", "ledger-environment-1"));
    assert_eq!(*there, ids(&ran.records[..1], &ran.records[..1]));
    ran.check().await;
    assert_eq!((ran.of_environment(1), ran.dollars(1)), ([2, 0, 2], 2 * WRITE));
    assert_eq!((ran.of_environment(2), ran.dollars(2)), ([6, 2, 6], 6 * WRITE));
}

/// No plan kills anything, but every second call of each kind goes wrong in one way or the other: the SDK in the function retries,
/// the simulator reads again, and all is there at the end.
#[tokio::test]
async fn services_that_fail_delay_and_lose_nothing() {
    let every = |service, operation, harm| fault(service, operation, When::Every(2), harm);
    let spoiled = vec![
        every(Service::DynamoDb, "PutItem", Harm::LoseAnswer),
        every(Service::Kinesis, "GetRecords", Harm::Throttle),
        every(Service::Kinesis, "GetShardIterator", Harm::CloseBefore),
        every(Service::Kinesis, "ListShards", Harm::ServerError),
    ];
    let ran = run_with("", Limits::all(), spoiled).await;
    assert_eq!(items(&ran.metered.direct.dynamodb).await, ids(&ran.records, &ran.records));
    assert_eq!(ran.endings(), [const { "environment 1: Success" }; 3]);
    // 6 puts and those that met their own effect: every second call is lost, so 6 answers take 11 calls, and 5 are lost.
    let [calls, errors, units] = ran.of_environment(1);
    assert_eq!((calls, errors, units), (11, 5, 11));
}
