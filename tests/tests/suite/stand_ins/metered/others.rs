//! The bills of SQS, `CloudWatch` and S3 against hand calculations.

use super::streams::services;
use super::{Clients, Metered, Row};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, StandardUnit,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda_aws::sqs::types::{
    MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use streamgauge_meter::bill::Terms;
use streamgauge_meter::call::Service;
use streamgauge_meter::unit::Unit;

/// 0.40 dollars for a million requests, in pico-dollars; 0.50 for FIFO queues.
const REQUEST: u128 = 400_000;
const FIFO_REQUEST: u128 = 500_000;
/// 0.01 dollars for 1,000 requests of `CloudWatch`, or metrics of `GetMetricData`.
const METRIC_REQUEST: u128 = 10_000_000;
/// 0.30 dollars for 730 hours of a metric.
const METRIC_MONTH: u128 = 300_000_000_000;
/// 0.005 dollars for 1,000 PUTs of S3; 0.0004 for as many GETs.
const PUT: u128 = 5_000_000;
const GET: u128 = 400_000;

const KB: usize = 1_024;

fn counted(operation: &'static str, unit: Unit, amount: u64) -> Row<'static> {
    (operation, unit, amount, None)
}

fn requests(operation: &'static str, amount: u64) -> Row<'static> {
    (operation, Unit::Requests, amount, Some(u128::from(amount) * REQUEST))
}

/// Makes a queue past the meter, and gives its address at the meter.
async fn queue(metered: &Metered, name: &str, is_fifo: bool) -> String {
    let create = metered.direct.sqs.create_queue().queue_name(name);
    let fifo = is_fifo.then(|| HashMap::from([(QueueAttributeName::FifoQueue, "true".to_owned())]));
    create.set_attributes(fifo).send().await.unwrap();
    let address = metered.running.endpoint();
    format!("{address}/{}/{name}", metered.account)
}

fn entry(id: usize, bytes: usize) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(format!("m{id}"));
    entry.message_body("x".repeat(bytes)).build().unwrap()
}

#[tokio::test]
async fn sqs_costs_a_request_for_each_begun_64_kb() {
    let metered = Metered::start().await;
    let url = queue(&metered, "queue", false).await;
    let sqs = metered.caller("").await.sqs;
    let send = |bytes: usize| sqs.send_message().queue_url(&url).message_body("x".repeat(bytes));
    send(1).send().await.unwrap(); // 1
    send(64 * KB).send().await.unwrap(); // 1
    send(64 * KB + 1).send().await.unwrap(); // 2
    // 64 KB of body and 1 + 6 + 1 bytes of attribute: 2.
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("v");
    let attribute = attribute.build().unwrap();
    send(64 * KB).message_attributes("n", attribute).send().await.unwrap();
    // 10 messages of 10 KB are 100 KB: 2 requests, and not 10.
    let batch = (0..10).map(|id| entry(id, 10 * KB)).collect();
    sqs.send_message_batch().queue_url(&url).set_entries(Some(batch)).send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[
            counted("SendMessage", Unit::Calls, 4),
            requests("SendMessage", 1 + 1 + 2 + 2),
            counted("SendMessage", Unit::MessagesIn, 4),
            counted("SendMessageBatch", Unit::Calls, 1),
            requests("SendMessageBatch", 2),
            counted("SendMessageBatch", Unit::MessagesIn, 10),
        ],
    );
}

#[tokio::test]
async fn sqs_receives_cost_when_empty_too() {
    let metered = Metered::start().await;
    let url = queue(&metered, "queue", false).await;
    let sqs = metered.caller("").await.sqs;
    let receive = || sqs.receive_message().queue_url(&url).max_number_of_messages(10).send();
    assert!(receive().await.unwrap().messages.is_none()); // 1
    let batch = (0..3).map(|id| entry(id, 40 * KB)).collect();
    metered
        .direct
        .sqs
        .send_message_batch()
        .queue_url(&url)
        .set_entries(Some(batch))
        .send()
        .await
        .unwrap();
    let received = receive().await.unwrap().messages.unwrap(); // 120 KB: 2
    let receipt = received[0].receipt_handle().unwrap();
    sqs.delete_message().queue_url(&url).receipt_handle(receipt).send().await.unwrap(); // 1
    sqs.delete_message()
        .queue_url(format!("{url}-absent"))
        .receipt_handle("x")
        .send()
        .await
        .unwrap_err(); // 1
    assert_eq!(received.len(), 3);
    metered.check_bill(
        Terms::default(),
        &[
            counted("DeleteMessage", Unit::Calls, 2),
            counted("DeleteMessage", Unit::Errors, 1),
            requests("DeleteMessage", 2),
            counted("ReceiveMessage", Unit::Calls, 2),
            requests("ReceiveMessage", 1 + 2),
            counted("ReceiveMessage", Unit::MessagesOut, 3),
        ],
    );
}

#[tokio::test]
async fn fifo_queues_have_their_price() {
    let metered = Metered::start().await;
    let url = queue(&metered, "queue.fifo", true).await;
    let sqs = metered.caller("").await.sqs;
    let send = sqs.send_message().queue_url(&url).message_body("x".repeat(65 * KB));
    send.message_group_id("g").message_deduplication_id("d").send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[
            counted("SendMessage", Unit::Calls, 1),
            ("SendMessage", Unit::FifoRequests, 2, Some(2 * FIFO_REQUEST)),
            counted("SendMessage", Unit::MessagesIn, 1),
        ],
    );
}

/// The address of a queue that an answer gives leads back through the meter.
#[tokio::test]
async fn addresses_of_queues_lead_through_the_meter() {
    let metered = Metered::start().await;
    queue(&metered, "queue", false).await;
    let sqs = metered.caller("").await.sqs;
    let url = sqs.get_queue_url().queue_name("queue").send().await.unwrap().queue_url.unwrap();
    assert_eq!(url, format!("{}/{}/queue", metered.running.endpoint(), metered.account));
}

fn datum(name: &str, dimensions: &[(&str, &str)]) -> MetricDatum {
    let dimensions = dimensions
        .iter()
        .map(|(of, value)| Dimension::builder().name(*of).value(*value).build())
        .collect();
    let datum = MetricDatum::builder().metric_name(name).set_dimensions(Some(dimensions));
    datum.value(1.0).unit(StandardUnit::Count).build()
}

async fn put_metrics(clients: &Clients, data: Vec<MetricDatum>) {
    let put = clients.cloudwatch.put_metric_data().namespace("shop").set_metric_data(Some(data));
    put.send().await.unwrap();
}

/// Rounded half up to a pico-dollar, once for the row.
fn metric_hours(hours: u64) -> u128 {
    (2 * u128::from(hours) * METRIC_MONTH + 730) / (2 * 730)
}

#[tokio::test]
async fn cloudwatch_costs_requests_and_hours_of_metrics() {
    let metered = Metered::start().await;
    let clients = metered.caller("").await;
    let orders = |shop: &str| datum("orders", &[("shop", shop), ("kind", "web")]);
    let turned = datum("orders", &[("kind", "web"), ("shop", "a")]);
    // Three metrics; the order of dimensions makes none.
    put_metrics(&clients, vec![orders("a"), orders("b"), turned, datum("orders", &[])]).await;
    // In the same hour only the new one counts.
    put_metrics(&clients, vec![orders("a"), datum("late", &[])]).await;
    metered.clock.advance_ms(3_600_000);
    put_metrics(&clients, vec![orders("a")]).await;
    let hours = 3 + 1 + 1;
    metered.check_bill(
        Terms::default(),
        &[
            counted("PutMetricData", Unit::Calls, 3),
            ("PutMetricData", Unit::MetricRequests, 3, Some(3 * METRIC_REQUEST)),
            counted("PutMetricData", Unit::Data, 4 + 2 + 1),
            ("PutMetricData", Unit::MetricHours, hours, Some(metric_hours(hours))),
        ],
    );
}

/// The SDK packs what is larger than 10 KB; the meter reads it all the same, and so does the stand-in behind it.
#[tokio::test]
async fn packed_metrics_are_counted_and_arrive() {
    let metered = Metered::start().await;
    let clients = metered.caller("").await;
    let data = (0..600).map(|number| datum(&format!("metric-{number:03}"), &[("shop", "a")]));
    let put = clients.cloudwatch.put_metric_data().namespace("shop");
    let is_packed = Arc::new(AtomicBool::new(false));
    let packed = Arc::clone(&is_packed);
    let put =
        put.set_metric_data(Some(data.collect())).customize().mutate_request(move |request| {
            let encoding = request.headers().get("content-encoding");
            packed.store(encoding == Some("gzip"), Ordering::Relaxed);
        });
    put.send().await.unwrap();
    assert!(is_packed.load(Ordering::Relaxed), "the SDK packs requests no more; pack one by hand");
    metered.check_bill(
        Terms::default(),
        &[
            counted("PutMetricData", Unit::Calls, 1),
            ("PutMetricData", Unit::MetricRequests, 1, Some(METRIC_REQUEST)),
            counted("PutMetricData", Unit::Data, 600),
            ("PutMetricData", Unit::MetricHours, 600, Some(metric_hours(600))),
        ],
    );
    let list = metered.direct.cloudwatch.list_metrics().namespace("shop").metric_name("metric-599");
    assert_eq!(list.send().await.unwrap().metrics().len(), 1);
}

#[tokio::test]
async fn cloudwatch_queries_cost_by_metric() {
    let metered = Metered::start().await;
    put_metrics(&metered.direct, vec![datum("orders", &[])]).await;
    let clients = metered.caller("").await;
    let query = |id: &str| {
        let metric = Metric::builder().namespace("shop").metric_name("orders").build();
        let statistic = MetricStat::builder().metric(metric).period(60).stat("Sum").build();
        MetricDataQuery::builder().id(id).metric_stat(statistic).build()
    };
    let now = SystemTime::now();
    let hour = Duration::from_hours(1);
    let get = clients.cloudwatch.get_metric_data().start_time(DateTime::from(now - hour));
    let get = get.end_time(DateTime::from(now + hour));
    let got =
        get.metric_data_queries(query("a")).metric_data_queries(query("b")).send().await.unwrap();
    let sums: Vec<f64> =
        got.metric_data_results().iter().flat_map(|result| result.values().to_vec()).collect();
    assert_eq!(sums, [1.0, 1.0]);
    clients.cloudwatch.list_metrics().namespace("shop").send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[
            counted("GetMetricData", Unit::Calls, 1),
            ("GetMetricData", Unit::MetricsRequested, 2, Some(2 * METRIC_REQUEST)),
            counted("ListMetrics", Unit::Calls, 1),
            ("ListMetrics", Unit::MetricRequests, 1, Some(METRIC_REQUEST)),
        ],
    );
}

#[tokio::test]
async fn s3_costs_by_class() {
    let metered = Metered::start().await;
    let stack = Stack { buckets: vec![metered.account.clone()], ..Stack::default() };
    services(&metered.account, None).await.create_missing(&stack).await.unwrap();
    let s3 = metered.caller("").await.s3;
    let body = vec![b'x'; 100_000];
    let put = s3.put_object().bucket(&metered.account).key("a/b");
    put.body(body.clone().into()).send().await.unwrap();
    for _ in 0..2 {
        let got = s3.get_object().bucket(&metered.account).key("a/b").send().await.unwrap();
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    }
    let head = s3.head_object().bucket(&metered.account).key("a/b").send().await.unwrap();
    assert_eq!(head.content_length(), Some(100_000));
    assert_eq!(
        s3.list_objects_v2().bucket(&metered.account).send().await.unwrap().contents().len(),
        1
    );
    s3.delete_object().bucket(&metered.account).key("a/b").send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[
            counted("Delete", Unit::Calls, 1),
            counted("Get", Unit::Calls, 2),
            ("Get", Unit::GetRequests, 2, Some(2 * GET)),
            counted("Head", Unit::Calls, 1),
            ("Head", Unit::GetRequests, 1, Some(GET)),
            counted("List", Unit::Calls, 1),
            ("List", Unit::PutRequests, 1, Some(PUT)),
            counted("Put", Unit::Calls, 1),
            ("Put", Unit::PutRequests, 1, Some(PUT)),
        ],
    );
    assert_eq!(metered.amount(&Service::S3, "Delete", Unit::Errors), 0);
}
