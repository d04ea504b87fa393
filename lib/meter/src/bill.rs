//! The bill: counts times prices.

use crate::call::Service;
use crate::prices::{PICO_PER_DOLLAR, PRICED_ON, Price, REGION};
use crate::tally::Calls;
use crate::unit::{Charge, Unit, count};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How streams are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Streams {
    /// By shard hours and PUT payload units.
    #[default]
    Provisioned,
    /// By stream hours and bytes.
    OnDemand,
}

/// What the proxy cannot see and the bill depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How streams are billed.
    pub streams: Streams,
    /// How long the streams existed. Exact seconds are billed; AWS may round the first and last hour up.
    pub lasting: Duration,
}

/// An exact sum of money, in pico-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(pub u128);

impl fmt::Display for Dollars {
    /// `0.000625`: at least two digits after the point, and as many as there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:012}", self.0 % PICO_PER_DOLLAR);
        let digits = fraction.trim_end_matches('0');
        write!(f, "{}.{digits:0<2}", self.0 / PICO_PER_DOLLAR)
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The service.
    pub service: Service,
    /// The operation; `-` for what belongs to none, as hours.
    pub operation: Box<str>,
    /// The unit.
    pub unit: Unit,
    /// How many.
    pub amount: u64,
    /// The price, and what the amount costs; none for what is only counted.
    pub cost: Option<(&'static Price, Dollars)>,
}

impl Row {
    fn new(
        service: Service,
        operation: Box<str>,
        (unit, amount): Charge,
        price: Option<&'static Price>,
    ) -> Self {
        let cost = price.map(|price| (price, Dollars(price.cost(amount))));
        Self { service, operation, unit, amount, cost }
    }
}

/// A bill: rows by service, operation and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The rows, sorted; those that were added come last.
    pub rows: Vec<Row>,
}

impl Bill {
    /// The bill of these calls.
    pub fn of(calls: &Calls, terms: Terms) -> Self {
        let mut amounts: BTreeMap<(Service, Box<str>, Unit), u64> = BTreeMap::new();
        for (kind, units) in &calls.kinds {
            for (unit, amount) in units {
                *amounts
                    .entry((kind.service.clone(), kind.operation.clone(), *unit))
                    .or_default() += amount;
            }
        }
        let (time, streams) = match terms.streams {
            Streams::Provisioned => (Unit::ShardSeconds, calls.shards.values().sum()),
            Streams::OnDemand => (Unit::StreamSeconds, count(calls.shards.len())),
        };
        let seconds = streams * terms.lasting.as_secs();
        if seconds > 0 {
            amounts.insert((Service::Kinesis, "-".into(), time), seconds);
        }
        let rows = amounts.into_iter().map(|((service, operation, unit), amount)| {
            let price = Price::of(unit).filter(|_| is_billed(unit, terms.streams));
            Row::new(service, operation, (unit, amount), price)
        });
        Self { rows: rows.collect() }
    }

    /// Adds what was counted elsewhere: what functions took, which no call shows.
    pub fn add(&mut self, service: Service, operation: &str, unit: Unit, amount: u64) {
        self.rows.push(Row::new(service, operation.into(), (unit, amount), Price::of(unit)));
    }

    /// The sum of all rows.
    pub fn total(&self) -> Dollars {
        Dollars(self.rows.iter().filter_map(|row| row.cost).map(|(_, dollars)| dollars.0).sum())
    }

    /// The bill as JSON; money is text in dollars, since JSON's numbers would round it.
    pub fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let mut object = json!({
                "service": row.service.name(),
                "operation": &*row.operation,
                "unit": row.unit.name(),
                "amount": row.amount,
            });
            if let (Some(object), Some((price, dollars))) = (object.as_object_mut(), row.cost) {
                object.insert("price_known_by".to_owned(), price.confidence.name().into());
                object.insert("dollars".to_owned(), dollars.to_string().into());
            }
            object
        });
        json!({
            "region": REGION,
            "priced_on": PRICED_ON,
            "rows": rows.collect::<Vec<_>>(),
            "total_dollars": self.total().to_string(),
        })
    }
}

/// Whether a unit is billed under this mode of streams.
fn is_billed(unit: Unit, streams: Streams) -> bool {
    match unit {
        Unit::PutPayloadUnits | Unit::ShardSeconds => streams == Streams::Provisioned,
        Unit::RoundedBytesIn | Unit::BytesOut | Unit::StreamSeconds => streams == Streams::OnDemand,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Kind;

    #[test]
    fn dollars_are_written_exactly() {
        let check = |pico: u128, expect: &str| assert_eq!(Dollars(pico).to_string(), expect);
        check(0, "0.00");
        check(1, "0.000000000001");
        check(625_000, "0.000000625");
        check(PICO_PER_DOLLAR * 12 + PICO_PER_DOLLAR / 2, "12.50");
        check(PICO_PER_DOLLAR / 100, "0.01");
    }

    /// Two callers that put 3 records of 1 unit each, one of which wrote 1,000 items of 1 unit.
    fn calls() -> Calls {
        let kind = |caller: &str, service, operation: &str| Kind {
            caller: caller.into(),
            service,
            operation: operation.into(),
        };
        let put = [(Unit::Calls, 1), (Unit::PutPayloadUnits, 3), (Unit::RoundedBytesIn, 3 * 1024)];
        Calls {
            kinds: BTreeMap::from([
                (kind("a", Service::Kinesis, "PutRecords"), BTreeMap::from(put)),
                (kind("b", Service::Kinesis, "PutRecords"), BTreeMap::from(put)),
                (
                    kind("b", Service::DynamoDb, "PutItem"),
                    BTreeMap::from([(Unit::WriteUnits, 1000)]),
                ),
            ]),
            shards: BTreeMap::from([("1/s".into(), 2)]),
        }
    }

    #[track_caller]
    fn check(terms: Terms, rows: &[(&str, &str, Unit, u64, Option<u128>)]) {
        let bill = Bill::of(&calls(), terms);
        let found = bill.rows.iter().map(|row| {
            let cost = row.cost.map(|(_, dollars)| dollars.0);
            (row.service.name(), &*row.operation, row.unit, row.amount, cost)
        });
        assert_eq!(found.collect::<Vec<_>>(), rows);
        assert_eq!(bill.total().0, rows.iter().filter_map(|row| row.4).sum());
    }

    #[test]
    fn a_provisioned_stream_is_billed_by_shards_and_payload_units() {
        // 6 units at 0.014 dollars a million, 2 shards for half an hour at 0.015 dollars, 1,000 writes at 0.625 a million.
        let terms = Terms { streams: Streams::Provisioned, lasting: Duration::from_mins(30) };
        check(
            terms,
            &[
                ("dynamodb", "PutItem", Unit::WriteUnits, 1000, Some(1000 * 625_000)),
                ("kinesis", "-", Unit::ShardSeconds, 2 * 1800, Some(15_000_000_000)),
                ("kinesis", "PutRecords", Unit::Calls, 2, None),
                ("kinesis", "PutRecords", Unit::PutPayloadUnits, 6, Some(6 * 14_000)),
                ("kinesis", "PutRecords", Unit::RoundedBytesIn, 6 * 1024, None),
            ],
        );
    }

    #[test]
    fn an_on_demand_stream_is_billed_by_hours_and_bytes() {
        // 6 KiB at 0.08 dollars a GiB: 6 * 0.08 / 2^20 = 457,763.67 pico-dollars.
        let terms = Terms { streams: Streams::OnDemand, lasting: Duration::from_hours(1) };
        check(
            terms,
            &[
                ("dynamodb", "PutItem", Unit::WriteUnits, 1000, Some(1000 * 625_000)),
                ("kinesis", "-", Unit::StreamSeconds, 3600, Some(40_000_000_000)),
                ("kinesis", "PutRecords", Unit::Calls, 2, None),
                ("kinesis", "PutRecords", Unit::PutPayloadUnits, 6, None),
                ("kinesis", "PutRecords", Unit::RoundedBytesIn, 6 * 1024, Some(457_764)),
            ],
        );
    }

    #[test]
    fn json_has_money_as_text() {
        let json = Bill::of(&calls().of_caller("b"), Terms::default()).to_json();
        assert_eq!(json["rows"][0]["dollars"], "0.000625");
        assert_eq!(json["rows"][0]["price_known_by"], "third party");
        assert_eq!(json["rows"][1].get("dollars"), None);
        assert_eq!(json["total_dollars"], Dollars(1000 * 625_000 + 3 * 14_000).to_string());
        assert_eq!(
            (json["region"].as_str(), json["priced_on"].as_str()),
            (Some("us-east-1"), Some("2026-11-22"))
        );
    }
}
