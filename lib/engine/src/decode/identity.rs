//! What makes two records copies of one event.

use super::{Rejection, value};
use crate::field::{FieldValues, Raw};
use crate::hash;
use crate::json;
use crate::plan::Plan;
use crate::reject::RejectCode;
use crate::series::push_value;

/// The stable hash of the event's identity: its fields in order, each with its length, so that `a`+`bc` is not `ab`+`c`.
///
/// With n identities remembered, the chance that a new event is taken for one of them is n / 2^64.
pub(super) fn hash(
    plan: &Plan,
    values: &FieldValues<'_>,
    packed: &mut Vec<u8>,
) -> Result<u64, Rejection> {
    packed.clear();
    let mut found = false;
    for &field in &plan.event.identity {
        match values.get(field) {
            Raw::Text(text) if !text.is_empty() => push_value(packed, text),
            Raw::Escaped(text) => push_value(packed, &json::unescape(text)),
            raw @ (Raw::Text(_) | Raw::Absent | Raw::Unreachable | Raw::Null) => {
                if field == plan.event.id {
                    return Err(value::no_text(
                        RejectCode::MissingIdentity,
                        &plan.fields.name(field),
                        raw,
                    ));
                }
                packed.extend_from_slice(&u32::MAX.to_le_bytes());
                continue;
            }
            raw => {
                return Err(value::no_text(
                    RejectCode::MissingIdentity,
                    &plan.fields.name(field),
                    raw,
                ));
            }
        }
        found = true;
    }
    if !found {
        let names: Vec<_> =
            plan.event.identity.iter().map(|&field| plan.fields.name(field)).collect();
        return Err((
            RejectCode::MissingIdentity,
            format!("none of `{}` is there", names.join("`, `")),
        ));
    }
    Ok(hash::stable(packed))
}
