//! The metrics in a request, and what it costs.

use super::neutral::Neutral;
use crate::call::Protocol;
use crate::unit::{Charge, Unit, count};
use flate2::read::GzDecoder;
use std::io::Read;

/// The most bytes that a packed body is unpacked to; AWS takes 1 MB.
pub const UNPACKED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A body that has been unpacked.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpacked {
    /// Its bytes after unpacking, one more than [`UNPACKED_BYTES_MAX`] if there were more.
    pub bytes: u64,
    /// The request; none if it is not of its protocol, or broken.
    pub request: Option<Neutral>,
}

/// Unpacks and reads a body.
pub fn unpack(protocol: Protocol, encoding: &str, body: &[u8]) -> Unpacked {
    if encoding != "gzip" {
        return Unpacked { bytes: count(body.len()), request: Neutral::read(protocol, body) };
    }
    let mut plain = Vec::new();
    let whole = GzDecoder::new(body).take(UNPACKED_BYTES_MAX + 1).read_to_end(&mut plain).is_ok();
    let bytes = count(plain.len());
    let request =
        (whole && bytes <= UNPACKED_BYTES_MAX).then(|| Neutral::read(protocol, &plain)).flatten();
    Unpacked { bytes, request }
}

/// The data of a `PutMetricData`, those of entities included.
pub fn data(request: &Neutral) -> impl Iterator<Item = &Neutral> {
    let of_entities =
        request.list("EntityMetricData").iter().flat_map(|entity| entity.list("MetricData"));
    request.list("MetricData").iter().chain(of_entities)
}

/// A metric's identity: namespace, name, and its dimensions in any order.
fn identity(namespace: &str, datum: &Neutral) -> String {
    let dimensions = datum.list("Dimensions").iter();
    let mut dimensions: Vec<(&str, &str)> =
        dimensions.map(|dimension| (dimension.text("Name"), dimension.text("Value"))).collect();
    dimensions.sort_unstable();
    format!("{:?}", (namespace, datum.text("MetricName"), dimensions))
}

/// The identities of all metrics of a request.
pub fn metrics(request: &Neutral) -> Vec<String> {
    data(request).map(|datum| identity(request.text("Namespace"), datum)).collect()
}

/// What a call costs by itself; metric hours are up to who remembers which metrics were there.
pub fn charges(operation: &str, request: Option<&Neutral>) -> Vec<Charge> {
    match (operation, request) {
        ("PutMetricData", Some(request)) => {
            vec![(Unit::MetricRequests, 1), (Unit::Data, count(data(request).count()))]
        }
        ("GetMetricData", Some(request)) => {
            let queries = request.list("MetricDataQueries").iter();
            let metrics = queries.filter(|query| query.get("MetricStat").is_some()).count();
            vec![(Unit::MetricsRequested, count(metrics))]
        }
        ("PutMetricData" | "GetMetricData", None) => {
            vec![(Unit::MetricRequests, 1), (Unit::Unread, 1)]
        }
        _ => vec![(Unit::MetricRequests, 1)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};
    use std::io::Write;

    fn read(request: &Value) -> Neutral {
        Neutral::read(Protocol::Json("a"), request.to_string().as_bytes()).unwrap()
    }

    fn packed(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_body_is_as_long_as_it_was() {
        let body = json!({"Namespace": "n"}).to_string();
        let unpacked = unpack(Protocol::Json("a"), "gzip", &packed(body.as_bytes()));
        assert_eq!(unpacked, unpack(Protocol::Json("a"), "", body.as_bytes()));
        assert_eq!(unpacked.bytes, count(body.len()));
    }

    #[test]
    fn a_body_that_explodes_is_cut() {
        let bomb = packed(&vec![b' '; 9 * 1024 * 1024]);
        let unpacked = unpack(Protocol::Json("a"), "gzip", &bomb);
        assert_eq!(unpacked, Unpacked { bytes: UNPACKED_BYTES_MAX + 1, request: None });
        assert_eq!(unpack(Protocol::Json("a"), "gzip", b"no").request, None);
    }

    #[test]
    fn dimensions_have_no_order_and_data_no_identity() {
        let datum = |dimensions: Value| json!({"MetricName": "m", "Dimensions": dimensions});
        let (a, b) = (json!({"Name": "a", "Value": "1"}), json!({"Name": "b", "Value": "2"}));
        let request = json!({"Namespace": "n", "MetricData": [
            datum(json!([a, b])), datum(json!([b, a])), datum(json!([a])), datum(json!([])),
        ]});
        let metrics = metrics(&read(&request));
        assert_eq!(metrics[0], metrics[1]);
        let unique: std::collections::BTreeSet<_> = metrics.iter().collect();
        assert_eq!(unique.len(), 3);
    }

    #[test]
    fn data_of_entities_are_data() {
        let request = json!({"MetricData": [{}], "EntityMetricData": [{"MetricData": [{}, {}]}]});
        assert_eq!(
            charges("PutMetricData", Some(&read(&request))),
            [(Unit::MetricRequests, 1), (Unit::Data, 3)]
        );
    }

    #[test]
    fn queries_are_billed_by_metric_and_not_by_expression() {
        let request = json!({"MetricDataQueries": [{"Id": "a", "MetricStat": {}}, {"Id": "b", "Expression": "a*2"}]});
        assert_eq!(charges("GetMetricData", Some(&read(&request))), [(Unit::MetricsRequested, 1)]);
        assert_eq!(charges("ListMetrics", None), [(Unit::MetricRequests, 1)]);
    }
}
