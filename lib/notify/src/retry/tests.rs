//! Every status, per channel, as ranges that a reader can check.

use super::*;
use proptest::prelude::*;

fn of_status(channel: Channel, status: u16) -> Delivery {
    delivery(channel, Outcome::Answer(Answer { status, said: "so", ..Answer::default() }))
}

fn shown(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Delivered => "delivered".to_owned(),
        Delivery::Retry { after_ms } => format!("retry after {} s", after_ms / SECOND_MS),
        Delivery::Rejected { .. } => "rejected".to_owned(),
        Delivery::Unknown => "unknown".to_owned(),
    }
}

/// What statuses mean, as ranges of those that mean the same.
fn ranges(outcomes: impl Iterator<Item = (u16, String)>) -> String {
    let mut ranges: Vec<(u16, u16, String)> = Vec::new();
    for (status, outcome) in outcomes {
        match ranges.last_mut() {
            Some((_, last, same)) if *same == outcome => *last = status,
            _ => ranges.push((status, status, outcome)),
        }
    }
    let lines = ranges.iter().map(|(first, last, outcome)| {
        if first == last {
            format!("{first} {outcome}\n")
        } else {
            format!("{first}-{last} {outcome}\n")
        }
    });
    lines.collect()
}

fn statuses(channel: Channel) -> String {
    ranges((100..=599).map(|status| (status, shown(&of_status(channel, status)))))
}

/// The table of a channel: what it waits for when the other end is busy, and what it does when a gateway lost the answer.
fn table(busy: &str, gateway: &str) -> String {
    let servers = if busy == gateway {
        format!("500-599 {busy}\n")
    } else {
        format!("500-501 {busy}\n502 {gateway}\n503 {busy}\n504 {gateway}\n505-599 {busy}\n")
    };
    format!(
        "\
100-199 retry after 120 s
200-299 delivered
300-399 retry after 120 s
400 rejected
401-405 retry after 120 s
406 rejected
407 retry after 120 s
408 {busy}
409-420 rejected
421 retry after 120 s
422-424 rejected
425 {busy}
426 retry after 120 s
427-428 rejected
429 {busy}
430-499 rejected
{servers}"
    )
}

#[test]
fn every_status_of_every_channel_means_what_the_table_says() {
    for (channel, busy) in [
        (Channel::Webhook, "retry after 5 s"),
        (Channel::Slack, "retry after 1 s"),
        (Channel::Ses, "retry after 1 s"),
        (Channel::Smtp, "retry after 60 s"),
        (Channel::Sms, "retry after 1 s"),
    ] {
        let gateway = if channel.knows_repeats() { busy } else { "unknown" };
        assert_eq!(statuses(channel), table(busy, gateway), "{channel:?}");
    }
    // PagerDuty waits as long when it is busy as when only a person can help, so its ranges are wider.
    assert_eq!(
        statuses(Channel::PagerDuty),
        "\
100-199 retry after 120 s
200-299 delivered
300-399 retry after 120 s
400 rejected
401-405 retry after 120 s
406 rejected
407-408 retry after 120 s
409-420 rejected
421 retry after 120 s
422-424 rejected
425-426 retry after 120 s
427-428 rejected
429 retry after 120 s
430-499 rejected
500-599 retry after 120 s
"
    );
}

#[test]
fn replies_of_mail_servers_mean_what_the_table_says() {
    let of_reply = |code| delivery(Channel::Smtp, Outcome::Reply { code, said: "so" });
    assert_eq!(
        ranges((200..=599).map(|code| (code, shown(&of_reply(code))))),
        "\
200-299 delivered
300-399 unknown
400-499 retry after 60 s
500-529 rejected
530 retry after 120 s
531-533 rejected
534-535 retry after 120 s
536-537 rejected
538 retry after 120 s
539-599 rejected
"
    );
}

#[test]
fn what_was_not_sent_is_made_again_soon_and_what_was_not_answered_is_unknown() {
    for channel in Channel::ALL {
        assert_eq!(delivery(channel, Outcome::NotSent), Delivery::Retry { after_ms: SOON_MS });
        assert_eq!(delivery(channel, Outcome::NoAnswer), Delivery::Unknown);
        let impossible = delivery(channel, Outcome::Impossible("it is no address"));
        assert_eq!(impossible, Delivery::Rejected { reason: "it is no address".to_owned() });
    }
}

#[test]
fn only_who_knows_repeats_is_told_again_without_an_answer() {
    let known = Channel::ALL.into_iter().filter(|channel| channel.knows_repeats());
    assert_eq!(known.collect::<Vec<_>>(), [Channel::PagerDuty, Channel::Webhook]);
}

#[track_caller]
fn check_code(status: u16, code: &str, expected: &str) {
    let answer = Answer { status, code, said: "so", ..Answer::default() };
    assert_eq!(shown(&delivery(Channel::Ses, Outcome::Answer(answer))), expected);
}

#[test]
fn a_providers_code_says_more_than_its_status() {
    check_code(400, "ThrottlingException", "retry after 1 s");
    check_code(400, "TooManyRequestsException", "retry after 1 s");
    check_code(400, "SendingPausedException", "retry after 120 s");
    check_code(400, "ExpiredToken", "retry after 120 s");
    check_code(400, "MessageRejected", "rejected");
    check_code(502, "Throttling", "retry after 1 s");
    check_code(200, "Throttling", "delivered");
}

#[test]
fn the_other_end_can_ask_for_a_longer_pause_but_not_for_silence() {
    let asked = |channel, status, retry_after_ms| {
        let answer = Answer { status, retry_after_ms: Some(retry_after_ms), ..Answer::default() };
        shown(&delivery(channel, Outcome::Answer(answer)))
    };
    assert_eq!(asked(Channel::Slack, 429, 30_000), "retry after 30 s");
    assert_eq!(asked(Channel::Slack, 429, -1), "retry after 1 s");
    assert_eq!(asked(Channel::PagerDuty, 429, 30_000), "retry after 120 s");
    assert_eq!(asked(Channel::PagerDuty, 429, Millis::MAX), "retry after 3600 s");
    assert_eq!(asked(Channel::Webhook, 403, 600_000), "retry after 600 s");
}

#[track_caller]
fn check_reason(status: u16, code: &str, said: &str, expected: &str) {
    let answer = Answer { status, code, said, ..Answer::default() };
    let reason = expected.to_owned();
    assert_eq!(delivery(Channel::Ses, Outcome::Answer(answer)), Delivery::Rejected { reason });
}

#[test]
fn a_reason_is_one_short_line() {
    check_reason(400, "", "", "400");
    check_reason(400, "MessageRejected", "no\r\nsuch", "400 MessageRejected: no  such");
    let long = "é".repeat(1_000);
    check_reason(400, "", &long, &format!("400: {}", "é".repeat(300)));
}

proptest! {
    #[test]
    fn a_retry_waits_and_a_rejection_says_why(
        channel in proptest::sample::select(Channel::ALL.to_vec()),
        status: u16,
        retry_after_ms: Option<Millis>,
        said: String,
    ) {
        let answer = Answer { status, retry_after_ms, said: &said, code: "" };
        match delivery(channel, Outcome::Answer(answer)) {
            Delivery::Retry { after_ms } => prop_assert!((SOON_MS..=ASKED_MS_MAX).contains(&after_ms)),
            Delivery::Rejected { reason } => prop_assert!(!reason.is_empty()),
            Delivery::Delivered | Delivery::Unknown => {}
        }
    }
}
