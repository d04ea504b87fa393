//! Channels: ways to reach people. Secrets in them are references, never values.

use super::Reader;
use super::fields::Fields;
use crate::problem::code::Code;
use crate::reference::tables::{CHANNEL, EMAIL, PAGERDUTY, SMS, WEBHOOK, WEBHOOK_FORMATS};
use crate::rules::{Channel, ChannelKind, SecretReference, WebhookFormat, WebhookUrl};
use crate::source::Place;
use crate::yaml::tree::{Entry, Node, shown};

/// Channels in one plan.
pub(crate) const CHANNELS_MAX: usize = 200;
/// Receivers of one channel: SES takes 50 per mail.
/// <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>
pub(crate) const RECEIVERS_MAX: usize = 50;

impl Reader<'_> {
    /// The names of all channels, and those channels that are right.
    pub(crate) fn channels(&mut self, file: &Fields<'_>) -> (Vec<String>, Vec<Channel>) {
        let Some(node) = file.get("channels") else { return (Vec::new(), Vec::new()) };
        let entries = self.map(node, "a map of channels").unwrap_or_default();
        if entries.len() > CHANNELS_MAX {
            let message =
                format!("there are {} channels; the limit is {CHANNELS_MAX}", entries.len());
            self.findings.error(Code::LimitExceeded, node.place, message);
        }
        let names = entries.iter().map(|entry| entry.key.clone()).collect();
        let channels = entries
            .iter()
            .take(CHANNELS_MAX)
            .filter_map(|entry| {
                Some(Channel { name: entry.key.clone(), kind: self.channel(entry)? })
            })
            .collect();
        (names, channels)
    }

    fn channel(&mut self, entry: &Entry) -> Option<ChannelKind> {
        self.name(entry, "channel");
        let fields = self.fields(&entry.value, &CHANNEL, entry.key_place)?;
        let mut kinds: Vec<(&'static str, Option<ChannelKind>)> = Vec::new();
        for key in ["pagerduty", "email", "webhook", "sms"] {
            let Some(node) = fields.get(key) else { continue };
            let place = fields.key_place(key);
            let kind = match key {
                "pagerduty" => self.pagerduty(node, place),
                "email" => self.email(node, place),
                "webhook" => self.webhook(node, place),
                _ => self.sms(node, place),
            };
            kinds.push((key, kind));
        }
        let place = fields.place;
        if let [(first, _), (second, _), ..] = kinds.as_slice() {
            self.findings
                .error(
                    Code::ConflictingKeys,
                    fields.key_place(second),
                    format!("a channel has either `{first}` or `{second}`"),
                )
                .related(fields.key_place(first), "and here is the other")
                .hint("make two channels of it, and name both in `notify`");
        }
        fields.finish();
        if let Some((_, kind)) = kinds.pop() {
            return kind;
        }
        if !self.broken_files.contains(&place.file) {
            self.findings
                .error(
                    Code::MissingKey,
                    place,
                    "a channel needs a key that says how it reaches people",
                )
                .hint("add one of `pagerduty`, `email`, `webhook`, `sms`");
        }
        None
    }

    fn pagerduty(&mut self, node: &Node, place: Place) -> Option<ChannelKind> {
        let fields = self.fields(node, &PAGERDUTY, place)?;
        let routing_key =
            self.required(&fields, "routing_key").and_then(|value| self.secret(value));
        fields.finish();
        Some(ChannelKind::Pagerduty { routing_key: routing_key? })
    }

    fn email(&mut self, node: &Node, place: Place) -> Option<ChannelKind> {
        let fields = self.fields(node, &EMAIL, place)?;
        let is_address = |text: &str| {
            text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            }) && !text.contains(|letter: char| {
                letter.is_whitespace() || letter.is_control() || letter == ','
            })
        };
        let to = self
            .required(&fields, "to")
            .and_then(|value| self.receivers(value, is_address, "ops@example.com"));
        let from = self
            .required(&fields, "from")
            .and_then(|value| self.receiver(value, is_address, "ops@example.com"));
        fields.finish();
        Some(ChannelKind::Email { to: to?, from: from? })
    }

    fn webhook(&mut self, node: &Node, place: Place) -> Option<ChannelKind> {
        let fields = self.fields(node, &WEBHOOK, place)?;
        let is_url = |text: &str| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
                && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        };
        let is_address = |text: &str| is_url(text) || reference(text).is_some();
        let url = self
            .required(&fields, "url")
            .and_then(|value| self.receiver(value, is_address, "https://hooks.example/x"));
        let secret = fields.get("secret").map(|value| self.secret(value));
        let format = fields.get("format").map(|value| self.choice(value, &WEBHOOK_FORMATS));
        let (secret_place, format_place) = (fields.key_place("secret"), fields.key_place("format"));
        fields.finish();
        let format = match format {
            Some(position) if position? == 1 => WebhookFormat::Slack,
            _ => WebhookFormat::Standard,
        };
        if format == WebhookFormat::Slack && secret.is_some() {
            self.findings
                .error(
                    Code::ConflictingKeys,
                    secret_place,
                    "a webhook in Slack's form is not signed",
                )
                .related(format_place, "the form is chosen here")
                .hint("remove `secret`; the address itself can be one: `url: secret:NAME`");
            return None;
        }
        let secret = match secret {
            Some(secret) => Some(secret?),
            None => None,
        };
        let url = url?;
        let url = reference(&url).map_or(WebhookUrl::Written(url), WebhookUrl::Kept);
        Some(ChannelKind::Webhook { url, secret, format })
    }

    fn sms(&mut self, node: &Node, place: Place) -> Option<ChannelKind> {
        let fields = self.fields(node, &SMS, place)?;
        // E.164: a plus sign and up to 15 digits.
        let is_number = |text: &str| {
            text.strip_prefix('+').is_some_and(|digits| {
                (7..=15).contains(&digits.len())
                    && digits.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        let to = self
            .required(&fields, "to")
            .and_then(|value| self.receivers(value, is_number, "\"+971500000000\""));
        fields.finish();
        Some(ChannelKind::Sms { to: to? })
    }

    fn receivers(
        &mut self,
        node: &Node,
        is_valid: impl Fn(&str) -> bool,
        example: &str,
    ) -> Option<Vec<String>> {
        let items = self.one_or_list(node)?;
        if items.is_empty() || items.len() > RECEIVERS_MAX {
            let message = format!(
                "a channel has 1 to {RECEIVERS_MAX} receivers, this one has {}",
                items.len()
            );
            self.findings.error(Code::LimitExceeded, node.place, message);
            return None;
        }
        let receivers: Vec<_> =
            items.iter().map(|item| self.receiver(item, &is_valid, example)).collect();
        receivers.into_iter().collect()
    }

    /// An address; the message shows what stands in the file, not what the environment made of it.
    fn receiver(
        &mut self,
        node: &Node,
        is_valid: impl Fn(&str) -> bool,
        example: &str,
    ) -> Option<String> {
        let text = self.substituted(node)?;
        if is_valid(&text) {
            return Some(text);
        }
        let written = self.text(node).map(shown).unwrap_or_default();
        let message = format!("`{written}` is no address that this channel can reach");
        self.findings
            .error(Code::InvalidValue, node.place, message)
            .hint(format!("write `{example}`"));
        None
    }

    /// A reference to a secret. What is no reference may be the secret itself, and is not shown.
    fn secret(&mut self, node: &Node) -> Option<SecretReference> {
        const HINT: &str =
            "write `secret:NAME` (Secrets Manager), `ssm:NAME` (Parameter Store) or `env:NAME`";
        let Some(text) = self.substituted(node) else {
            self.concealed.push(node.place);
            return None;
        };
        let reference = reference(&text);
        if reference.is_none() {
            self.concealed.push(node.place);
            self.findings
                .error(
                    Code::LiteralSecret,
                    node.place,
                    "a secret must not stand in the rules, only a reference to it",
                )
                .hint(HINT);
        }
        reference
    }
}

/// A reference to a secret, if it is one.
fn reference(text: &str) -> Option<SecretReference> {
    let (store, name) = text.split_once(':').filter(|(_, name)| is_secret_name(name))?;
    match store {
        "secret" => Some(SecretReference::SecretsManager(name.to_owned())),
        "ssm" => Some(SecretReference::ParameterStore(name.to_owned())),
        "env" => Some(SecretReference::Environment(name.to_owned())),
        _ => None,
    }
}

fn is_secret_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 512 && name.chars().all(|letter| letter.is_ascii_graphic())
}
