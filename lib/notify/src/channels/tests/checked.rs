//! Channels that can tell nobody are found before anything is to be told; why others are not told is heard.

use super::*;
use std::net::TcpListener;

/// What is said of each channel that can tell nobody.
async fn broken(values: &Values, channels: &str) -> Vec<String> {
    let rules = format!(
        "namespace: Shop\nlate: drop\nmetrics: {{orders: {{count: type == 'order', window: 5m}}}}\nchannels:\n{channels}"
    );
    let text = RulesText { files: vec![("shop.yaml".to_owned(), rules)] };
    let places = Places { pagerduty: "http://127.0.0.1:9".to_owned(), webhooks: Reach::Anywhere };
    let clock = VirtualClock::new(Timestamp::EPOCH);
    let opener = FromRules::new(read, values.clone(), Post::none(), places, clock);
    let mut said = Vec::new();
    for channel in read(&text).unwrap() {
        if let Err(closed) = opener.check(&channel).await {
            said.push(format!("{}: {}", channel.name, chain(&closed)));
        }
    }
    said
}

#[tokio::test]
async fn a_channel_that_can_tell_nobody_is_found_without_a_call() {
    let values = Values::default();
    values.set("env:KEY", KEY);
    values.set("env:SHORT", "hunter2");
    values.set("env:SIGNING", SIGNING);
    values.set("env:ADDRESS", "ftp://hooks.example/");
    let channels = r#"
  pager: {pagerduty: {routing_key: env:KEY}}
  short: {pagerduty: {routing_key: env:SHORT}}
  lost: {pagerduty: {routing_key: env:NONE}}
  hook: {webhook: {url: "http://127.0.0.1:9/", secret: env:SIGNING}}
  unsigned: {webhook: {url: "http://127.0.0.1:9/", secret: env:SHORT}}
  elsewhere: {webhook: {url: env:ADDRESS}}
  chat: {webhook: {url: "http://ops@127.0.0.1:9/", format: slack}}
  mail: {email: {to: [ops@example.com], from: gauge@example.com}}
  phone: {sms: {to: ["+971500000000"]}}
"#;
    let said = broken(&values, channels).await;
    let [short, lost, unsigned, elsewhere, chat, mail, phone] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!(
        short,
        "short: the secret `env:SHORT` is of no use: a routing key has 32 characters"
    );
    assert_eq!(
        lost,
        "lost: there is no secret `env:NONE`: the variable is not set, or empty; set it, or change the channel in the rules"
    );
    assert!(unsigned.starts_with("unsigned: the secret `env:SHORT` is of no use: "), "{unsigned}");
    assert!(elsewhere.ends_with("it begins with neither https:// nor http://"), "{elsewhere}");
    assert!(chat.ends_with("it holds a user's name"), "{chat}");
    assert_eq!(mail, "mail: nothing carries mails here");
    assert_eq!(phone, "phone: nothing carries text messages here");
    assert!(!said.concat().contains("hunter2"), "{said:?}");
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_tls_no_encrypted_address_can_be_called() {
    let hook = "  hook: {webhook: {url: 'https://hooks.example/T0/s3cr3tt0k3n'}}\n";
    assert_eq!(
        broken(&Values::default(), hook).await,
        [
            "hook: the address begins with https://, and this program was built without the feature `tls`"
        ]
    );
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn with_tls_encrypted_addresses_can_be_called() {
    let hook = "  hook: {webhook: {url: 'https://hooks.example/T0'}}\n";
    assert_eq!(broken(&Values::default(), hook).await, Vec::<String>::new());
}

#[tokio::test]
async fn why_a_channel_is_not_told_is_heard_by_its_name() {
    let mut bench = Bench::new(Reach::Anywhere).await;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    bench.channels = bench.channels.heard_by(Arc::new(move |Heard { channel, why, is_final }| {
        let lost = if is_final { "lost: " } else { "" };
        hears.lock().unwrap().push(format!("{lost}{channel}: {why}"));
    }));
    let take = || std::mem::take(&mut *heard.lock().unwrap());
    let one = || <[String; 1]>::try_from(take()).unwrap().concat();
    assert_eq!(bench.tell("hook").await, Delivery::Delivered);
    assert_eq!(take(), Vec::<String>::new());
    bench.server.set(Manner::Echo(401));
    assert_eq!(bench.tell("bare").await, later());
    let busy = one();
    assert!(busy.starts_with("bare: it answered 401: "), "{busy}");
    assert!(!busy.contains('\n') && busy.len() < 400, "{busy}");
    bench.server.set(Manner::Echo(400));
    assert!(matches!(bench.tell("bare").await, Delivery::Rejected { .. }));
    let lost = one();
    assert!(lost.starts_with("lost: bare: it answered 400: "), "{lost}");
    assert_eq!(bench.tell("lost").await, later());
    let closed = one();
    assert_eq!(
        closed,
        "lost: there is no secret `secret:shop/none`; create it, or change the channel in the rules"
    );
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.values.set("env:SLACK", &format!("http://{gone}/services/T00/sl4cksecret"));
    assert_eq!(bench.tell("chat").await, Delivery::Retry { after_ms: SOON_MS });
    let refused = one();
    assert!(refused.starts_with("chat: no connection came about: "), "{refused}");
    assert!(refused.contains("refused") && !refused.contains("sl4cksecret"), "{refused}");
}
