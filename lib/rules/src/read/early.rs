//! `early`: whether a step may be tested ahead of the watermark, and whether it will be.

use super::Reader;
use super::alert::Settings;
use super::ladder::CheckedStep;
use super::metric::{Kind, Outline};
use super::rollup::is_exact;
use crate::problem::code::Code;
use crate::yaml::tree::Node;
use streamgauge_engine::alert::{Aggregate, Comparison, Condition, Over};
use streamgauge_engine::time::Millis;

impl Reader<'_> {
    /// Whether a condition may be tested ahead of the watermark: it can only become truer as events come.
    pub(super) fn check_early(
        &mut self,
        node: &Node,
        (condition, hold): (&Condition, Millis),
        metric: Option<&Outline>,
    ) -> bool {
        let grows = matches!(
            condition,
            Condition::Threshold {
                aggregate: Aggregate::Sum | Aggregate::Count,
                over: Over::Sliding(_),
                comparison: Comparison::AtLeast | Comparison::Above,
                ..
            }
        );
        let kind = metric.and_then(|metric| metric.kind);
        if grows && matches!(kind, None | Some(Kind::Count)) {
            self.warn_of_idle_early(node, condition, hold);
            return true;
        }
        self.findings
            .error(Code::NotAvailable, node.place, "this condition can become untrue as more events come, so it cannot be tested early")
            .hint("`early` is for `>` and `>=` on the `sum` or `count` of a count metric over a sliding time; leave it out");
        false
    }

    /// A step that could be tested early and is not, because of what stands beside it.
    fn warn_of_idle_early(&mut self, node: &Node, condition: &Condition, hold: Millis) {
        let message = match condition {
            _ if hold > 0 => "a step with `for` waits for the watermark, so `early` does nothing",
            Condition::Threshold { aggregate, threshold, .. }
                if !is_exact(Kind::Count, *aggregate, *threshold) =>
            {
                "counts above 1000 are looked at in slices, so `early` does nothing"
            }
            _ => return,
        };
        let warning = self.findings.warning(Code::NotAvailable, node.place, message);
        warning.hint("leave `early` out, or what keeps it from being tested");
    }

    /// What keeps all steps of an alert from being tested early: more events could end the episode, or it waits for points.
    pub(super) fn check_early_beside(
        &mut self,
        settings: &Settings<'_, '_>,
        steps: &[CheckedStep],
        resolve: Option<&Condition>,
    ) {
        let early = steps.iter().find(|step| step.step.early);
        let is_point = |condition: &Condition| {
            matches!(condition, Condition::Threshold { over: Over::Window, .. })
        };
        let falls = |condition: &Condition| {
            matches!(
                condition,
                Condition::Threshold {
                    over: Over::Sliding(_),
                    comparison: Comparison::Below | Comparison::AtMost,
                    ..
                }
            )
        };
        let other = steps.iter().find(|step| is_point(&step.step.when)).map(|step| step.place);
        let resolves = resolve.filter(|condition| !falls(condition));
        let own = resolves.and_then(|_| settings.get("resolve")).map(|node| node.place);
        let Some(early) = early else { return };
        let undone =
            "because of this no step of the alert is tested early: more events could end it";
        let waits =
            "because of this no step of the alert is tested early: it waits for final points";
        let found = own.map(|place| {
            (place, undone, "write `resolve` as `sum over 20m < 1`, or leave `early` out")
        });
        let found = found.or_else(|| {
            Some((other?, waits, "give this condition an alert of its own, or leave `early` out"))
        });
        if let Some((place, message, hint)) = found {
            self.findings
                .warning(Code::NotAvailable, place, message)
                .related(early.place, "the step with `early`")
                .hint(hint);
        }
    }
}
