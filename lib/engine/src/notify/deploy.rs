//! Deploys: told to the channels that show them beside incidents, at once and once.
//!
//! They belong to no metric and so to partition 0. Nothing keeps them back: a deploy wakes nobody, and it is what people look for
//! when something fires that is silenced.

use super::keys;
use super::text::{Message, one_line};
use crate::alert::Severity;
use crate::notification::{Action, Deploy, Notification, Subject};
use crate::plan::Plan;
use crate::time::Timestamp;

/// What the channels of a plan are told of a deploy. No other deploy has this number.
pub fn deployed(plan: &Plan, deploy: &Deploy, at: Timestamp, number: u64) -> Vec<Notification> {
    let message = Message {
        key: keys::deploy(&deploy.version, number),
        severity: Severity::Info,
        at,
        summary: summary(deploy),
        description: None,
        runbook: None,
        subject: Subject::Deploy(deploy.clone()),
        labels: Vec::new(),
    };
    let channels = plan.notifying.channels.iter().filter(|channel| channel.changes);
    channels
        .map(|channel| message.clone().finish(&channel.name, Action::Change, 0, &plan.hash))
        .collect()
}

/// `checkout 1.2.3 deployed`
fn summary(Deploy { version, service, .. }: &Deploy) -> String {
    let service = service.as_deref().map(|service| format!("{service} "));
    one_line(&format!("{}{version} deployed", service.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::kit::{at, line, plan};

    fn told(version: &str, service: Option<&str>, number: u64) -> Vec<Notification> {
        let deploy = Deploy {
            version: version.to_owned(),
            service: service.map(str::to_owned),
            author: "mira".to_owned(),
            link: None,
        };
        deployed(&plan(), &deploy, at(0), number)
    }

    #[test]
    fn a_deploy_is_told_to_channels_that_take_changes_and_to_no_other() {
        let lines: Vec<_> = told("1.2.3", None, 1).iter().map(line).collect();
        assert_eq!(lines, ["oncall change 1.2.3"]);
    }

    #[test]
    fn a_deploy_is_told_under_its_name() {
        let summary = |version, service| told(version, service, 1)[0].summary.clone();
        assert_eq!(summary("1.2.3", None), "1.2.3 deployed");
        assert_eq!(summary("1.2\n3", Some("checkout")), "checkout 1.2 3 deployed");
    }

    #[test]
    fn a_version_that_is_deployed_again_is_another_deploy() {
        let ids = [1, 2].map(|number| told("1.2.3", None, number)[0].id.clone());
        assert_ne!(ids[0], ids[1]);
    }
}
