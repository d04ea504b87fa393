//! Answers with `batchItemFailures`: what is done, what comes again, and from where on.

use super::bench::Bench;
use super::stand::Stand;
use streamgauge_lambda::happening::Ending;

/// Six records of which some fail, the given times.
fn failing(how: &str, deeds: &str) -> Bench {
    Bench::new(1).reporting(how).doing(deeds)
}

const ONCE_3: &str = r#"{"3":{"do":"fail","times":1}}"#;
const ALL: &str = "1 2 3 4 5 6";

#[tokio::test]
async fn records_before_the_returned_one_are_done_and_the_rest_comes_again() {
    failing("first", ONCE_3).check(ALL, &[ALL, "3 4 5 6"]).await;
}

#[tokio::test]
async fn of_several_returned_records_the_lowest_counts_and_later_successes_come_again() {
    let deeds = r#"{"3":{"do":"fail","times":1},"5":{"do":"fail","times":1}}"#;
    let stand = failing("all", deeds).check(ALL, &[ALL, "3 4 5 6"]).await;
    assert_eq!(stand.met(), [1, 2, 3, 4, 5, 6, 3, 4, 5, 6]);
}

#[tokio::test]
async fn returning_the_first_record_brings_all_of_them_again() {
    failing("first", r#"{"1":{"do":"fail","times":1}}"#).check(ALL, &[ALL, ALL]).await;
}

#[tokio::test]
async fn returning_the_last_record_brings_only_that_one_again() {
    failing("first", r#"{"6":{"do":"fail","times":1}}"#).check(ALL, &[ALL, "6"]).await;
}

#[tokio::test]
async fn nothing_returned_is_a_success() {
    let stand = failing("first", "{}").check(ALL, &[ALL]).await;
    let endings: Vec<Ending> = stand.watch.endings().into_iter().map(|(_, it)| it).collect();
    assert_eq!(endings, [Ending::Success]);
}

#[tokio::test]
async fn an_identifier_that_is_empty_null_misspelt_or_strange_fails_the_whole_batch() {
    for how in ["empty", "null", "wrong_key", "unknown"] {
        failing(how, ONCE_3).check(ALL, &[ALL, ALL]).await;
    }
}

/// What the function answers the first time: the batch comes once if that is a success.
async fn check(answer: &str, is_success: bool) -> Stand {
    let deeds = format!("{{\"1\":{{\"do\":\"reply\",\"with\":{answer},\"times\":1}}}}");
    let expect: &[&str] = if is_success { &["1 2"] } else { &["1 2", "1 2"] };
    failing("first", &deeds).check("1 2", expect).await
}

#[tokio::test]
async fn empty_and_null_answers_are_successes() {
    for answer in
        ["null", "{}", "\"\"", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#]
    {
        check(answer, true).await;
    }
}

#[tokio::test]
async fn malformed_answers_fail_the_whole_batch() {
    for answer in [
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"id":"1"}]}"#,
        r#"{"batchItemFailures":[{}]}"#,
    ] {
        check(answer, false).await;
    }
}

#[tokio::test]
async fn without_the_setting_returned_records_are_no_failures() {
    let bench = failing("first", ONCE_3).mapping(|mapping| mapping.report_item_failures = false);
    bench.check(ALL, &[ALL]).await;
}

#[tokio::test]
async fn an_unhandled_error_brings_the_whole_batch_again_also_with_the_setting() {
    failing("error", ONCE_3).check(ALL, &[ALL, ALL]).await;
}

#[tokio::test]
async fn an_unhandled_error_bisects_also_with_the_setting() {
    let bench = failing("error", r#"{"3":{"do":"fail","times":2}}"#).bisecting();
    bench.check(ALL, &[ALL, "1 2 3", "1", "2 3", "4 5 6"]).await;
}

/// One retry: without the cut at the returned number it would be used up by the second failure.
#[tokio::test]
async fn a_returned_number_is_where_bisecting_cuts() {
    let bench = failing("first", r#"{"3":{"do":"fail","times":1},"5":{"do":"fail","times":1}}"#);
    let stand = bench.bisecting().retries(Some(0)).check(ALL, &[ALL, "3 4 5 6", "5 6"]).await;
    assert_eq!(stand.watch.discarded(), []);
}

#[tokio::test]
async fn bisecting_at_returned_numbers_leaves_only_the_bad_record() {
    let bench = failing("first", r#"{"3":{"do":"fail"}}"#).bisecting().retries(Some(0));
    let stand = bench.check(ALL, &[ALL, "3 4 5 6", "3 4", "3", "4", "5 6"]).await;
    assert_eq!(stand.watch.discarded(), [(1, "RetryAttemptsExhausted")]);
}

/// Batches are no units: what comes again is the rest of one, and what came later follows in others.
#[tokio::test]
async fn batches_are_cut_anew_after_a_partial_failure() {
    let bench = failing("first", ONCE_3).mapping(|mapping| mapping.batch_records_max = 4);
    bench.check("1 2 3 4 5 6 7", &["1 2 3 4", "3 4", "5 6 7"]).await;
}

/// A partial failure uses an attempt as any other does.
#[tokio::test]
async fn returned_records_are_given_up_after_their_attempts() {
    let bench = failing("first", r#"{"3":{"do":"fail"}}"#).retries(Some(2));
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 4);
    let stand = bench.check(ALL, &["1 2 3 4", "3 4", "3 4", "5 6"]).await;
    assert_eq!(stand.watch.discarded(), [(2, "RetryAttemptsExhausted")]);
}
