//! A webhook in Slack's form: a notification as a message with one attachment, which Mattermost, Rocket.Chat and others read
//! as well.
//!
//! Nothing in it tells a repeat, so a call without an answer is not made again ([`crate::retry`]).
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
//! <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>

#[cfg(feature = "http")]
mod sink;

use crate::details::{clip, group_line, is_link};
use serde_json::json;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Member, Notification, Subject};

#[cfg(feature = "http")]
pub use sink::Slack;

/// The longest text of a section, in characters: <https://docs.slack.dev/reference/block-kit/blocks/section-block>.
const TEXT_CHARS_MAX: usize = 3_000;
/// The longest line, in characters: a message is read on a telephone.
const LINE_CHARS_MAX: usize = 300;
/// How many members get a line.
const LINES_MAX: usize = 10;

/// The body that tells a notification.
pub fn body(notification: &Notification) -> Vec<u8> {
    let word = match notification.action {
        Action::Trigger => notification.severity.as_str(),
        Action::Repeat => "still firing",
        Action::Resolve => "resolved",
        Action::Change => "changed",
    };
    let title = format!("[{word}] {}", escaped(&clip(&notification.summary, LINE_CHARS_MAX)));
    let link = notification.runbook.as_deref().filter(|runbook| is_link(runbook));
    let attachment = json!({
        "color": color(notification),
        "fallback": title,
        "title": title,
        "title_link": link.filter(|link| link.len() <= TEXT_CHARS_MAX),
        "text": clip(&lines(notification).join("\n"), TEXT_CHARS_MAX),
        "footer": escaped(&format!("StreamGauge {}", notification.at)),
        "mrkdwn_in": ["text"],
    });
    json!({"attachments": [attachment]}).to_string().into_bytes()
}

/// What is said below the title.
fn lines(notification: &Notification) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(description) = &notification.description {
        lines.push(escaped(&clip(description, TEXT_CHARS_MAX / 2)));
    }
    match &notification.subject {
        Subject::Alert(member) => lines.push(escaped(&clip(&line(member), LINE_CHARS_MAX))),
        Subject::Gathered { members, more } => {
            let named = members.iter().take(LINES_MAX);
            lines
                .extend(named.map(|member| {
                    format!("• {}", escaped(&clip(&member.summary, LINE_CHARS_MAX)))
                }));
            let more = members.len().saturating_sub(LINES_MAX).saturating_add(*more);
            if more > 0 {
                lines.push(format!("and {more} more"));
            }
        }
        Subject::Pipeline { alert } => lines.push(escaped(&clip(alert, LINE_CHARS_MAX))),
        Subject::Deploy(deploy) => lines.push(escaped(&clip(&deploy.version, LINE_CHARS_MAX))),
    }
    lines
}

/// What a member was decided by, in one line.
fn line(member: &Member) -> String {
    let value = member.evidence.value.map(|value| format!(", and it is {value}"));
    let group = group_line(&member.group).map(|group| format!(" ({group})"));
    [Some(member.condition.clone()), value, group].into_iter().flatten().collect()
}

/// Slack's three control characters: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const fn color(notification: &Notification) -> &'static str {
    match (notification.action, notification.severity) {
        (Action::Resolve, _) => "good",
        (_, Severity::Critical | Severity::Error) => "danger",
        (_, Severity::Warning) => "warning",
        (_, Severity::Info) => "#439FE0",
    }
}

#[cfg(test)]
mod tests;
