//! The bill of a run: what the meter has counted, and what the functions took.

use streamgauge_lambda::summary::Summary;
use streamgauge_meter::bill::{Bill, Terms};
use streamgauge_meter::call::Service;
use streamgauge_meter::tally::Calls;
use streamgauge_meter::unit::Unit;

/// Adds the functions to the meter's bill, if there was a meter.
pub(super) fn whole(metered: Option<Bill>, summary: &Summary) -> Bill {
    let mut bill = metered.unwrap_or_else(|| Bill::of(&Calls::default(), Terms::default()));
    for (name, numbers) in &summary.functions {
        let service = || Service::Other("lambda".into());
        bill.add(service(), name, Unit::Invocations, numbers.invocations);
        bill.add(service(), name, Unit::MbMilliseconds, numbers.billed_mb_ms);
    }
    bill
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_lambda::summary::FunctionSummary;

    #[test]
    fn a_function_is_billed_by_its_invocations_and_its_memory_times_time() {
        let mut summary = Summary::default();
        // 2 invocations of 500 ms with 512 MB: half a GB-second.
        let numbers =
            FunctionSummary { invocations: 2, billed_mb_ms: 512 * 1_000, ..Default::default() };
        summary.functions.insert("count".into(), numbers);
        let bill = whole(None, &summary);
        let costs = bill.rows.iter().map(|row| row.cost.unwrap().1.to_string());
        assert_eq!(costs.collect::<Vec<_>>(), ["0.0000004", "0.00000833335"]);
    }
}
