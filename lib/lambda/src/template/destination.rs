//! `DestinationConfig`: where documents about failures go.

use super::evaluate::Evaluator;
use super::fields::Use::{Harmless, Read, Refused};
use super::fields::{Fields, Table};
use super::problem::shown;
use crate::arn::Arn;
use crate::stack::Destination;

const CONFIG: &Table = &[
    ("OnFailure", Read),
    (
        "OnSuccess",
        Refused(
            "documents about success are not sent here",
            "remove `OnSuccess`, or put it behind a condition",
        ),
    ),
];

/// SAM adds `Type`, which the ARN says too.
const TARGET: &Table = &[("Destination", Read), ("Type", Harmless)];

/// The destination for failures of a mapping or a function; none if there is none, or after a problem.
pub(super) fn read<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> Option<Destination> {
    let config = fields.within(evaluator, "DestinationConfig", "a DestinationConfig", CONFIG)?;
    let target = config.within(evaluator, "OnFailure", "a destination", TARGET)?;
    let arn = Arn::new(&target.required(evaluator, "Destination")?);
    let place = target.place("Destination");
    match arn.service() {
        "sqs" if is_fifo(&arn) => {
            let message = "a FIFO queue is no destination for failures";
            evaluator.problem(place, message, "name a standard queue");
            None
        }
        "sqs" => Some(Destination::Queue(arn)),
        "s3" => Some(Destination::Bucket(arn.name().to_owned())),
        service @ ("sns" | "lambda" | "events" | "kafka") => {
            let message = format!("destinations in {service} are not simulated");
            evaluator.problem(place, message, "name the ARN of an SQS queue or of an S3 bucket");
            None
        }
        _ => {
            let message = format!("`{}` is no ARN of a destination", shown(arn.as_str()));
            evaluator.problem(
                place,
                message,
                "name the ARN of an SQS queue or of an S3 bucket: `!GetAtt Queue.Arn`",
            );
            None
        }
    }
}

/// Whether a queue's name is that of a FIFO queue: AWS makes them all end alike.
pub(super) fn is_fifo(queue: &Arn) -> bool {
    queue.name().strip_suffix(".fifo").is_some()
}
