//! Rules and events of a seed.

use super::super::replayed;
use super::dice::Dice;
use std::sync::{Arc, LazyLock};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;

/// When all runs begin: 2026-01-05T10:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
/// By how much event times are behind arrivals at most: `out_of_order` of all rules.
const OUT_OF_ORDER_MS: i64 = 5_000;

/// Every kind of metric, in windows that are short, long, live and with zeros.
const RULES: &str = r#"
version: 1
namespace: Shop
out_of_order: 5s
allowed_lateness: 3s
late: correct
deduplicate: 5m
metrics:
  orders: {count: type == "order", dimensions: {partner: data.partner}, window: 10s}
  amounts: {sum: data.amount, where: type == "order", window: 20s}
  sizes: {distribution: data.amount, where: type == "order", dimensions: {partner: data.partner}, window: 30s}
  rejects: {ratio: {part: type == "reject", whole: 'type in ["order", "reject"]'}, dimensions: {partner: data.partner}, window: 10s}
  customers: {unique: data.customer, where: type == "order", window: 1m}
  clicks: {count: type == "click", window: 10s, emit: live}
  silence: {count: type == "reject", window: 15s, zero: publish}
  checkout: {journey: {start: type == "click", finish: type == "order", key: data.customer, within: 20s}, dimensions: {partner: data.partner}, window: 15s}
"#;

/// A record and when it is put.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) at: Timestamp,
    /// Which shard it goes to: a place on a ring that shards share.
    pub(super) place: u8,
    pub(super) payload: String,
}

/// What a run is given.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) rules: String,
    pub(super) plan: Arc<Plan>,
    pub(super) partitions: u8,
    /// In the order in which they are put.
    pub(super) puts: Vec<Put>,
    pub(super) end: Timestamp,
}

impl Workload {
    /// The workload of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let partitions = u8::try_from(1 + dice.below(3)).unwrap();
        let mut puts: Vec<Put> = Vec::new();
        let mut at = START;
        for number in 0..20 + dice.below(60) {
            at = at.plus(1 + dice.millis(3_000));
            if dice.per_mille(60) && !puts.is_empty() {
                let copied = dice.one_of(&puts).clone();
                puts.push(Put { at, ..copied });
            } else {
                puts.push(record(&dice, number, at));
            }
        }
        static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| replayed::plan(RULES));
        let plan = Arc::clone(&PLAN);
        Self { rules: RULES.to_owned(), plan, partitions, puts, end: at.plus(1) }
    }

    /// All records in the order in which they were put, as a file.
    pub(super) fn lines(&self) -> String {
        self.puts.iter().map(|put| format!("{}\n", put.payload)).collect()
    }
}

fn record(dice: &Dice, number: usize, at: Timestamp) -> Put {
    let time = at.minus(dice.millis(OUT_OF_ORDER_MS));
    let customer = dice.below(6);
    // A customer's events stay on one shard or not: journeys have to join them from all.
    let place = u8::try_from(dice.below(256)).unwrap();
    let payload = if dice.per_mille(30) {
        format!("{{\"id\": \"broken {number}\"")
    } else {
        let kind = dice.one_of(&["order", "order", "reject", "click", "other"]);
        let partner = dice.one_of(&["noon", "talabat", "lugmati"]);
        let amount = dice.below(1_000);
        format!(
            r#"{{"source":"shop","id":"{number}","type":"{kind}","time":"{time}","data":{{"partner":"{partner}","amount":{amount}.25,"customer":"c{customer}"}}}}"#
        )
    };
    Put { at, place, payload }
}
