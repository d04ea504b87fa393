//! One event of the shop as a line of JSON: a `CloudEvents` 1.0 envelope with the order as data.

use super::catalog::{Aggregator, Country};
use crate::time::rfc3339;
use std::io;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A customer begins to pay: every journey's start.
    CheckoutStarted,
    /// The order is placed: the journey's finish.
    OrderCreated,
    /// The partner refuses it, for a reason.
    OrderRejected(&'static str),
    /// The money has come.
    PaymentTaken,
}

/// An order, as all its events show it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Its number.
    pub(crate) number: u64,
    /// The partner that brought it.
    pub(crate) aggregator: &'static Aggregator,
    /// Where it is eaten.
    pub(crate) country: &'static Country,
    /// Who eats it.
    pub(crate) customer: i64,
    /// Who cooks it.
    pub(crate) restaurant: &'static str,
    /// What it costs, in the country's smallest unit.
    pub(crate) amount: i64,
}

impl Order {
    /// The amount with the currency's places: `84.50`, `3.250`.
    pub(crate) fn amount(&self) -> String {
        let places = self.country.places;
        let digits = format!("{:0width$}", self.amount, width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{whole}.{fraction}")
    }

    /// The line of one event, without its end.
    pub(crate) fn line(&self, kind: Kind, id: u64, time_ms: i64) -> io::Result<String> {
        let (source, name, reason) = match kind {
            Kind::CheckoutStarted => ("/shop/checkout", "checkout.started", None),
            Kind::OrderCreated => ("/shop/orders", "order.created", None),
            Kind::OrderRejected(reason) => ("/shop/orders", "order.rejected", Some(reason)),
            Kind::PaymentTaken => ("/shop/payments", "payment.taken", None),
        };
        let reason = reason.map(|reason| format!(r#","reason":"{reason}""#)).unwrap_or_default();
        Ok(format!(
            concat!(
                r#"{{"specversion":"1.0","id":"{id:016x}","source":"{source}","type":"{name}","time":"{time}","#,
                r#""datacontenttype":"application/json","data":{{"order_id":"o-{number:06}","aggregator":"{aggregator}","#,
                r#""country":"{country}","currency":"{currency}","amount":{amount},"customer_id":"c-{customer:05}","#,
                r#""restaurant":"{restaurant}"{reason}}}}}"#
            ),
            id = id,
            source = source,
            name = name,
            time = rfc3339(time_ms)?,
            number = self.number,
            aggregator = self.aggregator.name,
            country = self.country.code,
            currency = self.country.currency,
            amount = self.amount(),
            customer = self.customer,
            restaurant = self.restaurant,
            reason = reason,
        ))
    }
}
