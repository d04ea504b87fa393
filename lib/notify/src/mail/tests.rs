//! Mails read back by a parser that knows nothing of how they were written.

use super::samples::{abandonment, gathered, hostile, pipeline, rejections, resolve};
use super::*;
use mail_parser::{HeaderValue, MessageParser, MimeHeaders};
use proptest::prelude::*;
use std::collections::BTreeSet;
use streamgauge_engine::notification::{Member, Subject};
use streamgauge_engine::transition::Evidence;

const FROM: &str = "streamgauge@example.com";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-05T10:10:03.250Z").unwrap()
}

fn mail(notification: &Notification) -> Mail {
    compose(notification, FROM, &["ops@example.com".to_owned()], now()).unwrap()
}

fn parsed(mail: &Mail) -> mail_parser::Message<'_> {
    MessageParser::new().parse(&mail.bytes).unwrap()
}

/// Names of all headers, in order.
fn names(mail: &Mail) -> Vec<String> {
    parsed(mail).headers().iter().map(|header| header.name().to_owned()).collect()
}

fn shown(notification: &Notification) -> String {
    let (text, html) = draw(notification);
    format!("{}\n\n{text}\n\n{html}", subject(notification))
}

#[test]
fn a_page_of_rejections() {
    insta::assert_snapshot!(shown(&rejections()));
}

#[test]
fn a_resolve() {
    insta::assert_snapshot!(shown(&resolve()));
}

#[test]
fn several_at_once() {
    insta::assert_snapshot!(shown(&gathered()));
}

#[test]
fn a_rate_of_a_journey_that_is_told_again() {
    insta::assert_snapshot!(shown(&abandonment()));
}

#[test]
fn hostile_values() {
    insta::assert_snapshot!(shown(&hostile()));
}

#[test]
fn the_pipeline_itself() {
    insta::assert_snapshot!(shown(&pipeline()));
}

#[test]
fn the_documentation_shows_a_mail_as_it_is() {
    let page = include_str!("../../../../docs/mail.md");
    let (text, _) = draw(&rejections());
    let sample = format!("```text\nSubject: {}\n\n{text}```\n", subject(&rejections()));
    assert!(page.contains(&sample), "docs/mail.md should show\n{sample}");
}

/// The names of all elements.
fn elements(html: &str) -> BTreeSet<&str> {
    let names = html.split('<').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('/');
        rest.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or_default()
    });
    names.collect()
}

#[test]
fn headers_name_the_notification_and_say_who_speaks() {
    let mail = mail(&rejections());
    let message = parsed(&mail);
    let id = "rejections/noon/1767607190000/reactive";
    let subject = format!("[CRITICAL] noon rejected 3 orders in 10m ({id})");
    assert_eq!(message.subject(), Some(subject.as_str()));
    assert_eq!(
        message.message_id(),
        Some("notification.rejections_2fnoon_2f1767607190000_2freactive@example.com")
    );
    assert_eq!(message.date().unwrap().to_rfc3339(), "2026-01-05T10:10:03Z");
    let from = message.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("StreamGauge"), Some(FROM)));
    let header = |name| message.header(name).and_then(HeaderValue::as_text);
    assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(header("Importance"), Some("high"));
    assert_eq!(header("MIME-Version"), Some("1.0"));
}

#[test]
fn parts_say_the_same_in_text_and_html() {
    let notification = rejections();
    let mail = mail(&notification);
    let message = parsed(&mail);
    let kind = message.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("alternative")));
    assert_eq!((message.text_body_count(), message.html_body_count()), (1, 1));
    assert_eq!(message.attachment_count(), 0);
    let (text, html) = draw(&notification);
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), text);
    assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), html);
    for said in ["a1", "b2", "c3", "sum over 10m &gt;= 3", "5f2c9e", "team: orders"] {
        assert!(html.contains(said), "{said}");
        assert!(text.contains(&said.replace("&gt;", ">")), "{said}");
    }
}

#[test]
fn a_mail_that_is_sent_again_differs_in_its_date_only() {
    let again =
        compose(&rejections(), FROM, &["ops@example.com".to_owned()], now().plus(60_000)).unwrap();
    let without_date = |mail: &Mail| {
        let text = String::from_utf8(mail.bytes.clone()).unwrap();
        text.lines()
            .filter(|line| !line.starts_with("Date: "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(without_date(&again), without_date(&mail(&rejections())));
}

#[test]
fn a_resolve_threads_with_its_trigger() {
    let (trigger, resolve) = (mail(&rejections()), mail(&resolve()));
    let references = |mail: &Mail| parsed(mail).references().as_text().map(str::to_owned);
    assert_eq!(
        references(&trigger),
        Some("incident.rejections_2fnoon_2f1767607190000@example.com".to_owned())
    );
    assert_eq!(references(&trigger), references(&resolve));
    assert_eq!(parsed(&resolve).in_reply_to().as_text().map(str::to_owned), references(&trigger));
    assert_eq!(*parsed(&trigger).in_reply_to(), HeaderValue::Empty);
    assert_ne!(parsed(&trigger).message_id(), parsed(&resolve).message_id());
}

#[test]
fn what_is_not_ascii_arrives() {
    let notification = Notification {
        summary: "نون ترفض الطلبات – 30 €".to_owned(), ..gathered()
    };
    let mail = mail(&notification);
    assert!(mail.bytes.is_ascii());
    let message = parsed(&mail);
    let subject = "[CRITICAL] نون ترفض الطلبات – 30 € (gathered/operations/17/1)";
    assert_eq!(message.subject(), Some(subject));
    assert!(message.body_text(0).unwrap().contains("ديليفرو"));
}

#[test]
fn addresses_that_are_none_are_refused() {
    let refused = |from: &str, to: &[&str]| {
        let to: Vec<String> = to.iter().map(|to| (*to).to_owned()).collect();
        compose(&rejections(), from, &to, now()).unwrap_err().to_string()
    };
    let bad = "`ops@example.com\u{fffd}` is not a mail address; change it in the channel";
    assert_eq!(refused("ops@example.com\u{0}", &[FROM]), bad);
    let none = "a mail goes to 1 to 50 addresses, not to 0; split the channel";
    assert_eq!(refused(FROM, &[]), none);
    assert_eq!(refused(FROM, &[FROM; 51]), none.replace("to 0", "to 51"));
    assert!(
        refused(FROM, &["a@b.example>\r\nRCPT TO:<x@y.example"]).contains("is not a mail address")
    );
}

#[test]
fn many_members_become_a_number() {
    let Subject::Gathered { members, .. } = gathered().subject else { panic!("gathered") };
    let members: Vec<Member> = members.into_iter().cycle().take(500).collect();
    let many = Notification { subject: Subject::Gathered { members, more: 7 }, ..gathered() };
    let (text, html) = draw(&many);
    assert!(html.len() < HTML_BYTES_MAX, "{}", html.len());
    let told = text.matches("  Alert ").count();
    assert_eq!(told, html.matches(">Alert<").count());
    assert!((5..500).contains(&told), "{told}");
    assert!(text.contains(&format!("and {} more", 507 - told)));
}

#[test]
fn the_largest_mail_is_not_cut_by_gmail() {
    let quotes = "\"".repeat(5_000);
    let group = vec![(quotes.clone(), quotes.clone()); 40];
    for base in [abandonment(), gathered()] {
        let mut largest = dressed(base, &vec![quotes.clone(); 10], &group);
        largest.runbook = Some(format!("https://{quotes}"));
        let (_, html) = draw(&largest);
        assert!((60_000..HTML_BYTES_MAX).contains(&html.len()), "{}", html.len());
    }
}

/// Texts as events and rules can hold them, with a taste for what means something to mail or HTML.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nBcc: victim@example.com\r\n\r\n".to_owned()),
        Just("=?utf-8?q?=0d=0aBcc:_x?=".to_owned()),
        Just("</td><script>".to_owned()),
        Just("\"'><img src=x>&".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("--=_x".to_owned()),
        Just("\u{202e}\u{2028}\u{0}\u{85}".to_owned()),
        any::<String>(),
        "[\"&]{1,3000}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn any_notification() -> impl Strategy<Value = Notification> {
    let texts = prop::collection::vec(any_text(), 10);
    let group = prop::collection::vec((any_text(), any_text()), 0..40);
    (texts, group, prop::sample::select(vec![rejections(), gathered(), abandonment(), pipeline()]))
        .prop_map(|(texts, group, base)| dressed(base, &texts, &group))
}

fn dressed(base: Notification, texts: &[String], group: &[(String, String)]) -> Notification {
    let dress = |member: Member| Member {
        alert: texts[0].clone(),
        step: Some(texts[1].clone()),
        metric: texts[2].clone(),
        condition: format!("sum {}", texts[3]),
        group: group.to_vec(),
        summary: texts[4].clone(),
        evidence: Evidence {
            ids: texts.iter().cycle().take(20).map(|id| id.as_str().into()).collect(),
            ..member.evidence
        },
    };
    let subject = match base.subject {
        Subject::Alert(member) => Subject::Alert(Box::new(dress(*member))),
        Subject::Gathered { members, more } => Subject::Gathered {
            members: members.into_iter().cycle().take(60).map(dress).collect(),
            more,
        },
        Subject::Pipeline { .. } => Subject::Pipeline { alert: texts[0].clone() },
        deploy @ Subject::Deploy(_) => deploy,
    };
    Notification {
        channel: texts[5].clone(),
        key: texts[6].clone(),
        id: texts[7].clone(),
        summary: texts[4].clone(),
        description: Some(texts[8].clone()),
        runbook: Some(texts[9].clone()),
        labels: group.to_vec(),
        subject,
        ..base
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever values hold: no header but ours, the parts as they were drawn, no element but ours, and no mail too large.
    #[test]
    fn values_never_become_headers_or_elements(notification in any_notification()) {
        let mut known = names(&mail(&rejections()));
        let mail = mail(&notification);
        known.retain(|name| name != "Importance" && name != "In-Reply-To");
        let mut seen = names(&mail);
        seen.retain(|name| name != "Importance" && name != "In-Reply-To");
        prop_assert_eq!(seen, known);
        let message = parsed(&mail);
        let (text, html) = draw(&notification);
        prop_assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), text);
        prop_assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), html.clone());
        prop_assert_eq!(message.attachment_count(), 0);
        let ours = ["", "a", "body", "br", "div", "h1", "h2", "head", "html", "meta", "p", "span", "table", "td", "th", "title", "tr"];
        prop_assert!(elements(&html).is_subset(&ours.into()), "{:?}", elements(&html));
        prop_assert!(html.len() <= HTML_BYTES_MAX, "{}", html.len());
        let longest = mail.bytes.split(|&byte| byte == b'\n').map(<[u8]>::len).max();
        prop_assert!(longest <= Some(998), "{:?}", longest);
        prop_assert!(mail.bytes.is_ascii());
    }
}
