//! Faults of calls to services, in the same file as those of functions: the meter does them.
//!
//! ```text
//! throttle-call call=DynamoDB.PutItem chance=0.1 times=20    # the service's own throttling error
//! fail-records share=0.2 every=3 times=10                    # a part of a PutRecords
//! lose-call-answer call=DynamoDB only=7                      # done, and the connection is closed
//! ```

use crate::command::lambda::plan::fault_names::{CALL_FAULTS, wrong};
use crate::exit::Failure;
use streamgauge_lambda::faults::{BILLION, FaultLine};
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Fault, Faults, Harm, MILLION, Selector, When};

/// Whether a line is one of these.
pub(super) fn is_one(line: &Result<FaultLine<'_>, String>) -> bool {
    line.as_ref().is_ok_and(|line| CALL_FAULTS.contains(&line.kind()))
}

/// The service of a name as `--endpoint` and plans of faults write it.
pub(super) fn service(name: &str) -> Option<Service> {
    match name.to_ascii_lowercase().as_str() {
        "" => None,
        "cloudwatch" => Some(Service::CloudWatch),
        other => Some(Service::from_signing_name(other)),
    }
}

/// The faults of calls in a plan.
pub(super) fn read(text: &str, seed: u64) -> Result<Faults, Failure> {
    let mut faults = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in FaultLine::all(text).filter(|(_, line)| is_one(line)) {
        match line.and_then(fault) {
            Ok(fault) => faults.push(fault),
            Err(problem) => problems.push(format!("line {number}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(Faults { seed, faults }) } else { Err(wrong(&problems)) }
}

fn fault(mut line: FaultLine<'_>) -> Result<Fault, String> {
    let harm = match line.kind() {
        "throttle-call" => Harm::Throttle,
        "delay-call" => Harm::Delay(line.wait("by")?),
        "fail-call" => Harm::ServerError,
        "refuse-call" => Harm::CloseBefore,
        "lose-call-answer" => Harm::LoseAnswer,
        _ => Harm::FailRecords(millionths(line.chance("share")?.unwrap_or(BILLION / 2))),
    };
    let (service, operation) = match (line.kind(), line.text("call")) {
        // The only call whose records can fail one by one.
        ("fail-records", None) => (Some(Service::Kinesis), Some("PutRecords")),
        ("fail-records", Some(call)) => {
            return Err(format!(
                "`fail-records` has no `call`: it is about Kinesis.PutRecords; leave call={call} out"
            ));
        }
        (_, None) => (None, None),
        (_, Some(call)) => called(call)?,
    };
    // All environments of this function, and none of one whose name goes on.
    let caller_prefix =
        line.text("function").map(|function| format!("{function}-environment-").into());
    let chance = line.chance("chance")?;
    let fault = Fault {
        selector: Selector { service, operation: operation.map(Into::into), caller_prefix },
        when: when(chance, line.number("every", 1)?, line.number("only", 1)?)?,
        harm,
        at_most: line.number("times", 1)?.unwrap_or(1),
    };
    line.end("call, function, chance, every, only and times")?;
    Ok(fault)
}

/// The service and the operation of `DynamoDB.PutItem`, or a service with all its operations.
fn called(call: &str) -> Result<(Option<Service>, Option<&str>), String> {
    let (name, operation) =
        call.split_once('.').map_or((call, None), |(name, operation)| (name, Some(operation)));
    match service(name) {
        None | Some(Service::Other(_)) => Err(format!(
            "`call={call}` names no service that the meter knows; services are cloudwatch, dynamodb, kinesis, s3, sqs, \
             as in call=DynamoDB.PutItem"
        )),
        known => Ok((known, operation)),
    }
}

fn when(chance: Option<u64>, every: Option<u64>, only: Option<u64>) -> Result<When, String> {
    match (chance, every, only) {
        (None, None, None) => Ok(When::Every(1)),
        (Some(chance), None, None) => Ok(When::Chance(millionths(chance))),
        (None, Some(every), None) => Ok(When::Every(every)),
        (None, None, Some(only)) => Ok(When::Only(only)),
        _ => Err("of `chance`, `every` and `only` a fault of calls takes one".to_owned()),
    }
}

/// The meter draws in parts of a million; what is less than one is one.
fn millionths(billionths: u64) -> u32 {
    let part = (billionths * MILLION).div_ceil(BILLION);
    u32::try_from(part).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a plan with one fault of calls.
    #[track_caller]
    fn check(text: &str, expect: Fault) {
        assert_eq!(read(text, 7).unwrap(), Faults { seed: 7, faults: vec![expect] });
    }

    fn fault_of(harm: Harm, when: When, at_most: u64, selector: Selector) -> Fault {
        Fault { selector, when, harm, at_most }
    }

    #[test]
    fn each_kind_is_read_and_those_of_functions_are_left() {
        let any = Selector::default;
        let put = Selector {
            service: Some(Service::DynamoDb),
            operation: Some("PutItem".into()),
            caller_prefix: None,
        };
        check(
            "kill at=received\nthrottle-call call=DynamoDB.PutItem chance=0.1 times=20",
            fault_of(Harm::Throttle, When::Chance(100_000), 20, put),
        );
        let put_records = Selector {
            service: Some(Service::Kinesis),
            operation: Some("PutRecords".into()),
            caller_prefix: None,
        };
        check(
            "fail-records share=0.25 every=3",
            fault_of(Harm::FailRecords(250_000), When::Every(3), 1, put_records),
        );
        let of_function = Selector { caller_prefix: Some("settle-environment-".into()), ..any() };
        check(
            "lose-call-answer function=settle only=7",
            fault_of(Harm::LoseAnswer, When::Only(7), 1, of_function),
        );
        check("refuse-call", fault_of(Harm::CloseBefore, When::Every(1), 1, any()));
    }

    #[test]
    fn problems_have_their_lines() {
        let failure =
            read("\nfail-call chance=0.1 only=2\ndelay-call\nfail-call call=Dynamo.PutItem", 1)
                .unwrap_err();
        let text = format!("{failure:?}");
        assert!(text.contains("line 2: of `chance`, `every` and `only`"), "{text}");
        assert!(text.contains("line 3: `delay-call` needs `by=`"), "{text}");
        assert!(text.contains("line 4: `call=Dynamo.PutItem` names no service"), "{text}");
    }
}
