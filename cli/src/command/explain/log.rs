//! From the logs of a stack: what settle recorded of alerts and points, and whom it told.
//!
//! An entry's clock is never long before the event times that it decides, so a question about a time begins reading at the snapshot
//! before it, where there is one: a page of this night is found without reading two weeks.

use super::points::{Explained, FoundPoints, From, Point, WantedPoints};
use super::stack::Stack;
use super::told::{Message, Origin, Recorded, Told, pairs};
use super::wanted::{Found, Wanted, has_all, names, tells_of};
use crate::exit::Failure;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use streamgauge_dev::rules::AnnouncedRules;
use streamgauge_engine::notification::{Member, Notification, Subject};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{HOUR_MS, Millis, Timestamp};
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::control::{Control, ControlEntry};
use streamgauge_pipeline::notifications;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{Label, Log, LogId, Logged, Version, Wanted as Chunks};
use streamgauge_pipeline::port::rules::{Rules, RulesText};
use streamgauge_pipeline::port::snapshots::Snapshots;
use streamgauge_pipeline::publication::{PointKind, Publication};
use streamgauge_pipeline::settle_entry::{ALERTS, NOTIFICATIONS, POINTS, SettleEntry};
use streamgauge_pipeline::shard_entry::partition_of;

/// How the keys begin that are not those of incidents of alerts.
const NO_INCIDENTS: [&str; 3] = ["gathered/", "pipeline/", "deploy/"];

/// What the control log says of a table.
#[derive(Debug)]
pub(super) struct Table {
    /// How many settle partitions there are.
    pub(super) partitions: u8,
    texts: BTreeMap<String, RulesText>,
    compiled: BTreeMap<String, Option<Arc<Plan>>>,
}

impl Table {
    pub(super) async fn read(stack: &impl Stack) -> Result<Self, Failure> {
        let id = LogId::control();
        let (mut control, mut texts) = (Control::default(), BTreeMap::new());
        let mut after = Version::START;
        loop {
            let entries = read(stack.log(), &id, after, Chunks::All).await?;
            let Some(last) = entries.last() else { break };
            after = last.version;
            for logged in &entries {
                let unreadable = |error| unreadable(&id, &error);
                control.take(logged).map_err(unreadable)?;
                let entry = ControlEntry::decode(logged).map_err(unreadable)?;
                if let ControlEntry::Announced { plan, text: Some(text), .. } = entry {
                    texts.insert(plan, text);
                }
            }
        }
        let partitions = control.partitions().ok_or_else(|| {
            Failure::wrong("the table holds no stack")
                .hint("is it the right one? No function has worked on it")
        })?;
        Ok(Self { partitions, texts, compiled: BTreeMap::new() })
    }

    fn all(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.partitions).filter_map(Partition::new)
    }

    /// How far the event times that an entry decides may be after its clock: events may be as far ahead of their arrival, and the
    /// clocks of streams may be ahead of ours.
    fn ahead_max(&mut self) -> Millis {
        let hashes: Vec<_> = self.texts.keys().cloned().collect();
        let plans = hashes.iter().filter_map(|hash| self.plan(hash));
        plans.map(|plan| plan.timing.max_ahead).fold(HOUR_MS, Millis::max)
    }

    /// The plan with this hash, if its text still means it.
    fn plan(&mut self, hash: &str) -> Option<Arc<Plan>> {
        let compiled = self.compiled.entry(hash.to_owned()).or_insert_with(|| {
            let text = self.texts.get(hash)?;
            AnnouncedRules.compile(text).ok().filter(|plan| plan.hash == hash)
        });
        compiled.clone()
    }
}

async fn read(
    log: &impl Log,
    id: &LogId,
    after: Version,
    wanted: Chunks<'_>,
) -> Result<Vec<Logged>, Failure> {
    log.read(id, after, wanted).await.map_err(|error| unreadable(id, &error))
}

fn unreadable(log: &LogId, error: &dyn Error) -> Failure {
    Failure::outside(format!("could not read the log \"{}\"", log.as_str())).because(error)
}

/// Where to begin reading for what was decided by a clock from then on.
async fn start(
    stack: &impl Stack,
    id: &LogId,
    from: Option<Timestamp>,
) -> Result<Version, Failure> {
    let Some(from) = from else { return Ok(Version::START) };
    let snapshots = stack.snapshots().versions(id).await;
    for version in snapshots.map_err(|error| unreadable(id, &error))? {
        let next = read(stack.log(), id, version, Chunks::Only(&[])).await?;
        if let Some(next) = next.first()
            && header(id, next)?.clock <= from
        {
            return Ok(version);
        }
    }
    Ok(Version::START)
}

fn header(id: &LogId, logged: &Logged) -> Result<SettleEntry, Failure> {
    SettleEntry::decode(logged.entry.header()).map_err(|error| unreadable(id, &error))
}

/// What was found of alerts.
#[derive(Debug)]
pub(super) struct Transitions {
    pub(super) found: Found,
    /// What was told of the pipeline itself, and of deploys.
    pub(super) notices: Vec<Notification>,
    /// How many more a gathered notification tells of, which it does not name.
    pub(super) unnamed: usize,
}

/// The transitions that are wanted, with whom they told.
pub(super) async fn transitions(
    stack: &impl Stack,
    table: &mut Table,
    mut wanted: Wanted,
    limit: usize,
) -> Result<Transitions, Failure> {
    let key = wanted.key.as_deref();
    let mut told = Members::default();
    if key.is_some_and(|key| NO_INCIDENTS.iter().any(|prefix| key.starts_with(prefix))) {
        told = members(stack, table, &wanted).await?;
        wanted.members = (!told.named.is_empty()).then_some(told.named);
    }
    let mut found = Found::new(limit);
    let from = wanted.recorded_from().map(|from| from.minus(table.ahead_max()));
    for partition in table.all() {
        let id = LogId::settle(partition);
        let mut after = start(stack, &id, from).await?;
        let labels = [ALERTS, NOTIFICATIONS];
        loop {
            let entries = read(stack.log(), &id, after, Chunks::Only(&labels)).await?;
            let Some(last) = entries.last() else { break };
            after = last.version;
            for logged in &entries {
                entry(partition, logged, &wanted, &mut found)?;
            }
        }
    }
    for one in &mut found.told {
        if let Some(plan) = table.plan(&one.alert.plan) {
            one.complete(&plan);
        }
    }
    Ok(Transitions { found, notices: told.notices, unnamed: told.unnamed })
}

/// Looks through one entry.
fn entry(
    partition: Partition,
    logged: &Logged,
    wanted: &Wanted,
    found: &mut Found,
) -> Result<(), Failure> {
    let id = LogId::settle(partition);
    let chunk = |label: Label| logged.entry.chunks().get(&label);
    if chunk(ALERTS).is_none() && chunk(NOTIFICATIONS).is_none() {
        return Ok(());
    }
    let recorded = Recorded::new(partition, logged.version, header(&id, logged)?.clock);
    if let Some(bytes) = chunk(ALERTS) {
        let record = AlertRecord::decode(bytes).map_err(|error| unreadable(&id, &error))?;
        let alerts: Vec<_> = record.alerts.into_iter().map(Arc::new).collect();
        for decided in record.transitions {
            let Some(alert) = alerts.get(decided.0.alert) else { continue };
            found.see(alert, &decided.0);
            if wanted.wants(alert, &decided.0) {
                let origin = Origin::Log(recorded.clone());
                found.push(Told::new(Arc::clone(alert), decided, None, origin));
            }
        }
    }
    if let Some(bytes) = chunk(NOTIFICATIONS) {
        for notice in notifications::decode(bytes).map_err(|error| unreadable(&id, &error))? {
            tell(&notice, recorded.clock, found);
        }
    }
    Ok(())
}

/// Adds a notification to the transitions that it tells of.
fn tell(notice: &Notification, clock: Timestamp, found: &mut Found) {
    let gathered: &[Member] = match &notice.subject {
        Subject::Gathered { members, .. } => members,
        Subject::Alert(_) | Subject::Pipeline { .. } | Subject::Deploy(_) => &[],
    };
    for told in &mut found.told {
        let kind = super::told::kind_of(notice.action);
        let own = Some(told.transition.kind) == kind && told.key == notice.key;
        let is_member =
            || gathered.iter().any(|member| tells_of(member, &told.alert, &told.transition));
        if !own && !is_member() {
            continue;
        }
        let Some(recorded) = told.recorded_mut() else { continue };
        recorded.messages.push(Message {
            channel: notice.channel.clone(),
            action: notice.action,
            id: notice.id.clone(),
            clock,
            gathered: !gathered.is_empty(),
        });
    }
}

/// What notifications tell of whose key is not that of an incident.
#[derive(Debug, Default)]
struct Members {
    named: Vec<Member>,
    /// How many more there are, which they do not name.
    unnamed: usize,
    /// Those that tell of the pipeline itself, and of deploys.
    notices: Vec<Notification>,
}

/// What the wanted notifications tell of.
async fn members(stack: &impl Stack, table: &Table, wanted: &Wanted) -> Result<Members, Failure> {
    let key = wanted.key.as_deref().unwrap_or_default();
    let mut told = Members::default();
    for partition in table.all() {
        let id = LogId::settle(partition);
        let mut after = Version::START;
        loop {
            let entries = read(stack.log(), &id, after, Chunks::Only(&[NOTIFICATIONS])).await?;
            let Some(last) = entries.last() else { break };
            after = last.version;
            let chunks = entries.iter().filter_map(|one| one.entry.chunks().get(&NOTIFICATIONS));
            for chunk in chunks {
                let decoded = notifications::decode(chunk);
                for notice in decoded.map_err(|error| unreadable(&id, &error))? {
                    if !names(key, &notice.key) {
                        continue;
                    }
                    match &notice.subject {
                        Subject::Gathered { members, more } => {
                            told.named.extend(members.iter().cloned());
                            told.unnamed = told.unnamed.max(*more);
                        }
                        Subject::Alert(member) => told.named.push((**member).clone()),
                        Subject::Pipeline { .. } | Subject::Deploy(_) => told.notices.push(notice),
                    }
                }
            }
        }
    }
    Ok(told)
}

/// The points of a window, per series.
pub(super) async fn points(
    stack: &impl Stack,
    table: &mut Table,
    wanted: &WantedPoints,
) -> Result<FoundPoints, Failure> {
    let partition = partition_of(&wanted.metric, table.partitions);
    let id = LogId::settle(partition);
    let (mut found, mut explained) = (FoundPoints::default(), BTreeMap::new());
    let from = wanted.window.minus(table.ahead_max());
    let mut after = start(stack, &id, Some(from)).await?;
    loop {
        let entries = read(stack.log(), &id, after, Chunks::Only(&[POINTS])).await?;
        let Some(last) = entries.last() else { break };
        after = last.version;
        for logged in &entries {
            let Some(chunk) = logged.entry.chunks().get(&POINTS) else { continue };
            let failed = |error| unreadable(&id, &error);
            let publication = Publication::decode(chunk).map_err(failed)?;
            let clock = header(&id, logged)?.clock;
            let recorded = Recorded::new(partition, logged.version, clock);
            take(publication, wanted, &recorded, (&mut found, &mut explained));
        }
    }
    found.explained = explained.into_values().collect();
    Ok(found)
}

/// What is known per window (a metric that changed may have two that begin then) and series.
type BySeries = BTreeMap<((Timestamp, Timestamp), Arc<SeriesKey>), Explained>;

/// Takes the points that are wanted out of an entry.
fn take(
    publication: Publication,
    wanted: &WantedPoints,
    recorded: &Recorded,
    (found, explained): (&mut FoundPoints, &mut BySeries),
) {
    let Publication { metrics, points } = publication;
    for point in points {
        let place = usize::try_from(point.metric).unwrap_or(usize::MAX);
        let metric = metrics.get(place).filter(|metric| metric.name == wanted.metric);
        let Some(metric) = metric else { continue };
        let dimensions = || metric.dimensions.iter().map(String::as_str).zip(point.series.values());
        found.see(wanted, point.window_start, pairs(dimensions()));
        if point.window_start != wanted.window || !has_all(dimensions(), &wanted.dimensions) {
            continue;
        }
        let told = Point::new(kind(point.kind), &point.values, From::Log(recorded.clone()));
        let window = (point.window_start, point.window_end);
        let names = (metric.name.as_str(), metric.dimensions.as_slice());
        let of = explained.entry((window, Arc::clone(&point.series)));
        let new = || Explained::new(names, Arc::clone(&point.series), window);
        of.or_insert_with(new).points.push(told);
    }
}

/// What kind of point it is, in the words of `replay`, and two that only a stack has.
const fn kind(kind: PointKind) -> &'static str {
    match kind {
        PointKind::Final => "final",
        PointKind::Correction => "correction",
        PointKind::Increment => "increment",
        PointKind::Recorded => "recorded",
    }
}
