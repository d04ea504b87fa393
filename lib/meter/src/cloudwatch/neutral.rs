//! One value for the CBOR, the JSON and the forms in which the same request may come.

use crate::call::Protocol;
use ciborium::Value as Cbor;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The deepest nesting of a form's keys; deeper parts are left out.
const FORM_DEPTH_MAX: usize = 8;

/// A value of any of the protocols.
#[derive(Clone, Debug, PartialEq)]
pub enum Neutral {
    /// A text; numbers and times of forms and special numbers of JSON too.
    Text(String),
    /// A number, or a time in seconds.
    Number(f64),
    /// A list.
    List(Vec<Self>),
    /// A structure.
    Map(BTreeMap<String, Self>),
    /// Anything else.
    Nothing,
}

impl Neutral {
    /// Reads a body that has been unpacked; none if it is not of its protocol.
    pub fn read(protocol: Protocol, body: &[u8]) -> Option<Self> {
        match protocol {
            Protocol::RpcCbor if body.is_empty() => Some(Self::Map(BTreeMap::new())),
            Protocol::RpcCbor => ciborium::from_reader(body).ok().map(Self::of_cbor),
            Protocol::Json(_) => serde_json::from_slice(body).ok().map(Self::of_json),
            Protocol::Query => Some(Self::of_form(body)),
            Protocol::JsonAsCbor | Protocol::Rest => None,
        }
    }

    fn of_cbor(value: Cbor) -> Self {
        match value {
            Cbor::Text(text) => Self::Text(text),
            Cbor::Float(number) => Self::Number(number),
            // Integers of requests are counts and periods: far below 2^53, where the way by text is exact.
            Cbor::Integer(number) => {
                i128::from(number).to_string().parse().map_or(Self::Nothing, Self::Number)
            }
            Cbor::Array(values) => Self::List(values.into_iter().map(Self::of_cbor).collect()),
            Cbor::Map(members) => {
                let members = members.into_iter().filter_map(|(key, member)| {
                    Some((key.into_text().ok()?, Self::of_cbor(member)))
                });
                Self::Map(members.collect())
            }
            Cbor::Tag(_, value) => Self::of_cbor(*value),
            _ => Self::Nothing,
        }
    }

    fn of_json(value: Json) -> Self {
        match value {
            Json::String(text) => Self::Text(text),
            Json::Number(number) => number.as_f64().map_or(Self::Nothing, Self::Number),
            Json::Array(values) => Self::List(values.into_iter().map(Self::of_json).collect()),
            Json::Object(members) => Self::Map(
                members.into_iter().map(|(key, member)| (key, Self::of_json(member))).collect(),
            ),
            Json::Null | Json::Bool(_) => Self::Nothing,
        }
    }

    /// `MetricData.member.1.Dimensions.member.2.Name=x`, as a tree.
    fn of_form(body: &[u8]) -> Self {
        let mut root = Self::Map(BTreeMap::new());
        for (key, value) in form_urlencoded::parse(body) {
            let parts: Vec<&str> = key.split('.').filter(|part| *part != "member").collect();
            if parts.len() <= FORM_DEPTH_MAX {
                root.insert(&parts, value.into_owned());
            }
        }
        root.with_lists()
    }

    fn insert(&mut self, path: &[&str], text: String) {
        match (path.split_first(), self) {
            (Some((first, rest)), Self::Map(members)) => {
                let member =
                    members.entry((*first).to_owned()).or_insert(Self::Map(BTreeMap::new()));
                member.insert(rest, text);
            }
            (None, place) => *place = Self::Text(text),
            (Some(_), _) => {}
        }
    }

    /// Structures whose members are all numbers become lists, in the order of the numbers.
    fn with_lists(self) -> Self {
        let Self::Map(members) = self else { return self };
        let members = members.into_iter().map(|(key, value)| (key, value.with_lists()));
        let members: BTreeMap<String, Self> = members.collect();
        let numbers: Option<BTreeMap<u32, &Self>> =
            members.iter().map(|(key, value)| Some((key.parse().ok()?, value))).collect();
        match numbers {
            Some(numbers) if !numbers.is_empty() => {
                Self::List(numbers.into_values().cloned().collect())
            }
            _ => Self::Map(members),
        }
    }

    /// A member of a structure.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.get(name).filter(|member| **member != Self::Nothing),
            _ => None,
        }
    }

    /// A member that is text; empty if it is missing.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Self::Text(text)) => text,
            _ => "",
        }
    }

    /// The elements of a member that is a list.
    pub fn list(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(values)) => values,
            _ => &[],
        }
    }

    /// The number that this is or spells (`NaN`, `Infinity`, `1.5`).
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The time that this is, in seconds since 1970: a number, or text as in `2026-01-05T10:00:00Z`.
    pub fn seconds(&self) -> Option<f64> {
        match self {
            Self::Text(text) => match text.parse::<jiff::Timestamp>() {
                Ok(time) => Some(time.as_duration().as_secs_f64()),
                Err(_) => text.parse().ok(),
            },
            other => other.number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cbor(value: &Cbor) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    }

    fn text(text: &str) -> Cbor {
        Cbor::Text(text.to_owned())
    }

    #[test]
    fn three_protocols_say_the_same() {
        let json = json!({"Namespace": "n", "MetricData": [{"MetricName": "a", "Value": 1.5}, {"MetricName": "b"}]});
        let datum = |name: &str| Cbor::Map(vec![(text("MetricName"), text(name))]);
        let mut first = datum("a");
        first.as_map_mut().unwrap().push((text("Value"), Cbor::Float(1.5)));
        let as_cbor = cbor(&Cbor::Map(vec![
            (text("Namespace"), text("n")),
            (text("MetricData"), Cbor::Array(vec![first, datum("b")])),
        ]));
        let form = b"Namespace=n&MetricData.member.1.MetricName=a&MetricData.member.1.Value=1.5&MetricData.member.2.MetricName=b";
        let read = |protocol, body: &[u8]| Neutral::read(protocol, body).unwrap();
        let from_json = read(Protocol::Json("a"), json.to_string().as_bytes());
        assert_eq!(read(Protocol::RpcCbor, &as_cbor), from_json);
        let from_form = read(Protocol::Query, form);
        assert_eq!(from_form.list("MetricData").len(), 2);
        let value = from_form.list("MetricData")[0].get("Value").unwrap();
        assert_eq!(value.number(), Some(1.5));
    }

    #[test]
    fn times_are_seconds_in_each_protocol() {
        let tagged = Neutral::of_cbor(Cbor::Tag(1, Box::new(Cbor::Float(1.5))));
        assert_eq!(tagged.seconds(), Some(1.5));
        assert_eq!(Neutral::Text("1970-01-01T00:01:00Z".to_owned()).seconds(), Some(60.0));
        assert_eq!(Neutral::of_json(json!(60)).seconds(), Some(60.0));
    }

    #[test]
    fn special_numbers_are_spelled() {
        assert!(Neutral::Text("NaN".to_owned()).number().unwrap().is_nan());
        assert_eq!(Neutral::Text("Infinity".to_owned()).number(), Some(f64::INFINITY));
    }

    #[test]
    fn members_of_forms_are_in_the_order_of_their_numbers() {
        let form: Vec<String> =
            (1..=11).map(|number| format!("V.member.{number}={number}")).collect();
        let read = Neutral::read(Protocol::Query, form.join("&").as_bytes()).unwrap();
        let numbers: Vec<f64> = read.list("V").iter().filter_map(Neutral::number).collect();
        assert_eq!(numbers, (1..=11).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn broken_bodies_are_none() {
        assert_eq!(Neutral::read(Protocol::RpcCbor, &[0xff]), None);
        assert_eq!(Neutral::read(Protocol::Json("a"), b"{"), None);
        assert_eq!(Neutral::read(Protocol::RpcCbor, b""), Some(Neutral::Map(BTreeMap::new())));
    }
}
