//! Which channels are found to tell nobody.

use super::*;
use streamgauge_pipeline::memory::block_on;
use streamgauge_rules::{SourceFile, compile};

const RULES: &str = r#"
version: 1
late: correct
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
alerts:
  rush: {metric: orders, by: [], when: sum over 1m >= 9, severity: critical, notify: [hook, pager]}
  calm: {metric: orders, by: [], when: absent for 5m, severity: warning, notify: [pager, mail]}
routes:
  - {match: {alert: calm}, notify: [phone]}
pipeline: {severity: error, notify: [chat]}
channels:
  hook: {webhook: {url: "http://127.0.0.1:9/"}}
  pager: {webhook: {url: "http://127.0.0.1:9/", secret: env:NONE}}
  mail: {email: {to: [ops@example.com], from: gauge@example.com}}
  phone: {sms: {to: ["+971500000000"]}}
  chat: {webhook: {url: secret:shop/chat, format: slack}}
  unused: {webhook: {url: env:NONE}}
"#;

fn rules(text: &str) -> Rules {
    let file = SourceFile { name: "rules.yaml".to_owned(), text: text.to_owned() };
    compile(&[file], &|_| None).rules.unwrap()
}

#[test]
fn each_channel_that_can_tell_nobody_is_named_with_who_needs_it_why_and_what_to_do() {
    let audit = block_on(audit(&rules(RULES), |_| None)).unwrap();
    assert_eq!(audit.tells, [("hook".to_owned(), "webhook")]);
    let said = audit.broken.iter().map(|one| {
        let Broken { channel, kind, notified_by, why, hint } = one;
        let (by, hint) = (notified_by.as_deref(), hint.as_deref());
        format!("{channel} ({kind}), {}: {why}: {}", by.unwrap_or("-"), hint.unwrap_or("-"))
    });
    let said: Vec<_> = said.collect();
    assert_eq!(
        said,
        [
            "pager (webhook), the alert `rush`: there is no secret `env:NONE`: the variable is not set, or empty; set it, or change the channel in the rules: -",
            "mail (mail), the alert `calm`: nothing carries mails here: name the mail server in STREAMGAUGE_SMTP_URL: smtps://USER@HOST, or smtp://localhost:25",
            "phone (text messages), a route: nothing carries text messages here: text messages go over AWS only; notify another channel here",
            "chat (Slack), `pipeline`: the secret `secret:shop/chat` cannot be read here; `env:NAME` can: in rules that AWS has too, write `${NAME:secret:shop/chat}`, and set NAME to `env:VARIABLE` here",
            "unused (webhook), -: there is no secret `env:NONE`: the variable is not set, or empty; set it, or change the channel in the rules: -",
        ]
    );
}

#[test]
fn what_the_environment_has_makes_channels_work() {
    let variable: Variable = |name| match name {
        "NONE" => Some("whsec_U1RSRUFNR0FVR0VTVFJFQU1HQVVHRVNUUkVBTUdBVUdF".to_owned()),
        "STREAMGAUGE_SMTP_URL" => Some("smtp://localhost:25".to_owned()),
        _ => None,
    };
    let audit = block_on(audit(&rules(RULES), variable)).unwrap();
    let names: Vec<_> = audit.tells.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["hook", "pager", "mail"]);
}

#[test]
fn pagerduty_is_where_the_variable_of_the_functions_says() {
    let opened = |variable: Variable| {
        let places = block_on(open(variable, SystemClock));
        places.map(|channels| format!("{channels:?}")).map_err(|error| error.to_string())
    };
    let named = |origin: &str| {
        Ok(format!("FromRules(Places {{ pagerduty: {origin:?}, webhooks: Anywhere }})"))
    };
    assert_eq!(opened(|_| None), named("https://events.pagerduty.com"));
    assert_eq!(opened(|_| Some(String::new())), named("https://events.pagerduty.com"));
    let eu: Variable = |name| {
        (name == "STREAMGAUGE_PAGERDUTY").then(|| "https://events.eu.pagerduty.com/".to_owned())
    };
    assert_eq!(opened(eu), named("https://events.eu.pagerduty.com"));
    let wrong: Variable =
        |name| (name == "STREAMGAUGE_PAGERDUTY").then(|| "events.eu.pagerduty.com".to_owned());
    let expect = "`STREAMGAUGE_PAGERDUTY` is `events.eu.pagerduty.com`; write https://events.pagerduty.com or https://events.eu.pagerduty.com";
    assert_eq!(opened(wrong), Err(expect.to_owned()));
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_it_is_said_how_to_build_with_it() {
    let encrypted =
        RULES.replace("url: \"http://127.0.0.1:9/\"}", "url: \"https://127.0.0.1:9/\"}");
    let audit = block_on(audit(&rules(&encrypted), |_| None)).unwrap();
    let hook = audit.broken.iter().find(|one| one.channel == "hook").unwrap();
    assert!(hook.why.contains("built without the feature `tls`"), "{}", hook.why);
    assert!(hook.hint.as_ref().unwrap().contains("--features tls"), "{:?}", hook.hint);
}
