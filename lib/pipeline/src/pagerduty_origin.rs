//! Where `PagerDuty` is: that is no rule, so the environment says it, and the same variable of a function and of a local run.

/// The variable.
pub const VARIABLE: &str = "STREAMGAUGE_PAGERDUTY";

/// Where it is without the variable: <https://developer.pagerduty.com/docs/events-api-v2-overview>. Accounts in the EU have
/// `https://events.eu.pagerduty.com`.
pub const ORIGIN: &str = "https://events.pagerduty.com";

/// Reads the value of the variable: a host over TLS. Without it what is sent could be read on the way, so then it is on this machine.
pub fn read(text: &str) -> Result<String, &'static str> {
    let origin = text.trim_end_matches('/');
    let is_host = |host: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte);
        !host.is_empty() && host.bytes().all(is_allowed)
    };
    let is_here = |host: &str| {
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        ["127.0.0.1", "localhost"].contains(&name)
    };
    let is_right = match origin.split_once("://") {
        Some(("https", host)) => is_host(host),
        Some(("http", host)) => is_host(host) && is_here(host),
        _ => false,
    };
    let remedy = "write https://events.pagerduty.com or https://events.eu.pagerduty.com";
    if is_right { Ok(origin.to_owned()) } else { Err(remedy) }
}
