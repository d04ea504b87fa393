//! What makes two records copies of one event.

use super::{Rejection, value};
use crate::field::{FieldValues, Raw};
use crate::hash;
use crate::json;
use crate::plan::Plan;
use crate::reject::RejectCode;

/// What stands for a field that is missing.
const MISSING: u64 = 0;

/// The stable hash of the event's identity: the hashes of its fields, in order.
///
/// With n identities remembered, the chance that a new event is taken for one of them is n / 2^64.
pub(super) fn hash(plan: &Plan, values: &FieldValues<'_>) -> Result<u64, Rejection> {
    let mut found = false;
    let mut identity = 0;
    for &field in &plan.event.identity {
        let part = match values.get(field) {
            Raw::Text(text) if !text.is_empty() => hash::stable(text.as_bytes()),
            Raw::Escaped(text) => hash::stable(json::unescape(text).as_bytes()),
            Raw::Text(_) | Raw::Absent | Raw::Unreachable | Raw::Null if field != plan.event.id => {
                MISSING
            }
            raw => {
                let name = plan.fields.name(field);
                return Err(value::no_text(RejectCode::MissingIdentity, &name, raw));
            }
        };
        found |= part != MISSING;
        identity = hash::combine(identity, part);
    }
    if found {
        return Ok(identity);
    }
    let names: Vec<_> = plan.event.identity.iter().map(|&field| plan.fields.name(field)).collect();
    Err((RejectCode::MissingIdentity, format!("none of `{}` is there", names.join("`, `"))))
}
