//! `deployed`: that something was deployed, for PagerDuty and charts: of a stack, or of a [`dev`] that runs.

mod dev;

use crate::arguments::DeployedArguments;
use crate::exit::{Exit, Failure};
use crate::sdk;
use crate::style::tell;
use crate::{control_log, moment, rules};
use streamgauge_dev::remote::Told;
use streamgauge_engine::notification::Deploy;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::mark_deploy;
use streamgauge_pipeline::port::log::Log;

/// Says so.
pub(super) fn run(arguments: &DeployedArguments) -> Result<Exit, Failure> {
    let Some(table) = arguments.target.stack() else { return dev::run(arguments) };
    sdk::check("`deployed --table`")?;
    sdk::runtime()?.block_on(async {
        let (log, now) = control_log::open(&table, "deployed").await?;
        tell(mark(&log, arguments, now).await?);
        Ok(Exit::Fine)
    })
}

/// Marks the deploy; what is told of it.
async fn mark(
    log: &impl Log,
    arguments: &DeployedArguments,
    now: Timestamp,
) -> Result<String, Failure> {
    let said = read(arguments)?;
    let (at, what) = (said.at.unwrap_or(now), named(&said));
    let Told { version, author, service, link, .. } = said;
    let author = author.ok_or_else(control_log::nobody)?;
    let deploy = Deploy { version, service, author, link };
    control_log::control(log).await?;
    mark_deploy(log, &deploy, at, now).await.map_err(|error| control_log::refused(&error))?;
    Ok(format!("{what} was deployed at {at}; PagerDuty and charts show it in a minute"))
}

/// What was typed, and who typed it if that is known. What is empty is a variable of a pipeline that is not set.
fn read(arguments: &DeployedArguments) -> Result<Told, Failure> {
    let DeployedArguments { version, at, author, .. } = arguments;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (service, link) = (given(&arguments.service), given(&arguments.link));
    let is_page = |it: &&str| it.starts_with("https://") || it.starts_with("http://");
    if let Some(link) = link.as_deref().filter(|link| !is_page(link)) {
        return Err(Failure::wrong(format!("`{link}` is no address for --link"))
            .hint("write it with `https://`"));
    }
    let at = at.as_deref().map(|text| moment::parse(text, "--at")).transpose()?;
    let author = control_log::known_author(author.as_deref(), rules::environment);
    Ok(Told { version: version.clone(), at, author, service, link })
}

/// What people call it.
fn named(deploy: &Told) -> String {
    let service = deploy.service.as_deref();
    let service = service.map(|service| format!("{service} ")).unwrap_or_default();
    format!("{service}{}", deploy.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use crate::command::silence::tests::{NOW, message, stack};
    use clap::Parser;
    use streamgauge_pipeline::control::ControlEntry;
    use streamgauge_pipeline::memory::block_on;
    use streamgauge_pipeline::port::log::{LogId, Version, Wanted};

    /// Types a command, with who speaks; the deploys that then stand in the log, or what is said.
    fn deployed(typed: &str) -> Result<Vec<(Deploy, Timestamp)>, String> {
        let log = stack();
        let typed = format!("streamgauge deployed --table t --author ci {typed}");
        let arguments = Arguments::try_parse_from(typed.split_whitespace()).unwrap();
        let Command::Deployed(arguments) = arguments.command else { panic!("{typed}") };
        block_on(mark(&log, &arguments, NOW)).map_err(message)?;
        let read = block_on(log.read(&LogId::control(), Version::START, Wanted::Only(&[])));
        let entries = read.unwrap().iter().map(ControlEntry::decode).collect::<Result<Vec<_>, _>>();
        let deploys = entries.unwrap().into_iter().filter_map(|entry| match entry {
            ControlEntry::Deployed { deploy, at } => Some((deploy, at)),
            _ => None,
        });
        Ok(deploys.collect())
    }

    #[test]
    fn a_deploy_stands_in_the_log_with_all_that_is_known_of_it() {
        let deploy = Deploy {
            version: "1.2.3".to_owned(),
            service: None,
            author: "ci".to_owned(),
            link: None,
        };
        assert_eq!(deployed("1.2.3"), Ok(vec![(deploy.clone(), NOW)]));
        let whole = Deploy {
            service: Some("shop".to_owned()),
            link: Some("https://ci.test/7".to_owned()),
            ..deploy
        };
        // 13:00 in Dubai is 9:00 in UTC.
        let typed = "1.2.3 --service shop --link https://ci.test/7 --at 2026-01-05T13:00:00+04:00";
        assert_eq!(deployed(typed), Ok(vec![(whole, NOW.minus(3_600_000))]));
    }

    #[test]
    fn what_cannot_be_shown_is_refused_with_what_to_do() {
        let check = |typed: &str, expect: &str| assert_eq!(deployed(typed).unwrap_err(), expect);
        check(
            "1 --at 2026-01-05T10:00:01Z",
            "the deploy is at 2026-01-05T10:00:01Z, and it is 2026-01-05T10:00:00Z; say it when it is done; check the date and its offset from UTC",
        );
        check(
            "1 --at 2025-12-01T00:00:00Z",
            "the deploy was at 2025-12-01T00:00:00Z, and none before 2025-12-23T10:00:00Z can be marked; CloudWatch takes no point over two weeks",
        );
        check(
            "1 --at 2026-01-05T10:00:00",
            "`2026-01-05T10:00:00` is no time for --at; write it as 2026-01-05T10:00:00Z",
        );
        check("1 --link ci", "`ci` is no address for --link; write it with `https://`");
    }
}
