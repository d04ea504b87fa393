//! Calls of what does not exist: is it misspelt, another language's word, or a part of CEL that is not supported?

use super::CelProblem;
use super::ast::Call;
use super::compiler::{Compiler, Typed};
use super::suggest::nearest;
use std::ops::Range;

/// What is called `name(…)`.
const FUNCTIONS: [&str; 10] =
    ["has", "size", "matches", "int", "uint", "double", "string", "bytes", "bool", "dyn"];
/// What is called `receiver.name(…)`.
const METHODS: [&str; 10] = [
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];
/// What other languages call it.
const SYNONYMS: [(&str, &str); 9] = [
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("exists", "has"),
    ("defined", "has"),
    ("includes", "contains"),
    ("any", "exists"),
    ("number", "double"),
    ("str", "string"),
];
/// Parts of CEL and its extensions that are not supported, with the names that are called.
const UNSUPPORTED: [(&str, &str); 6] = [
    (
        "CEL's timestamps and durations",
        "timestamp duration getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear \
         getHours getMilliseconds getMinutes getMonth getSeconds",
    ),
    ("CEL's types as values", "type"),
    (
        "CEL's optional values",
        "of ofNonZeroValue none orValue or hasValue optMap optFlatMap unwrapOpt",
    ),
    (
        "CEL's strings extension",
        "charAt format indexOf join lastIndexOf lowerAscii quote replace reverse split \
         substring trim upperAscii",
    ),
    ("CEL's macros with two variables", "transformList transformMap transformMapEntry existsOne"),
    (
        "an extension of CEL",
        "bind block index iterVar accuVar greatest least ceil floor round trunc abs sign \
         isNaN isInf isFinite bitAnd bitOr bitXor bitNot bitShiftLeft bitShiftRight sqrt \
         encode family isUnspecified isLoopback containsIP containsCIDR prefixLength \
         masked decode ip cidr isIP isCIDR sort getExt hasExt",
    ),
];

impl Compiler<'_> {
    /// What to say about a call that is none of ours, and about what is in it.
    pub(super) fn no_such_call(&mut self, call: &Call, span: &Range<usize>) -> Typed {
        let name = call.name.as_str();
        let (here, there) = if call.receiver.is_some() {
            (&METHODS[..], &FUNCTIONS[..])
        } else {
            (&FUNCTIONS[..], &METHODS[..])
        };
        let unsupported =
            UNSUPPORTED.iter().find(|(_, names)| names.split(' ').any(|known| known == name));
        let problem = if here.contains(&name) {
            CelProblem::new(span.clone(), format!("wrong number of arguments for `{name}`"))
                .with_hint(usage(name))
        } else if let Some((part, _)) = unsupported {
            CelProblem::new(
                call.name_span.clone(),
                format!("`{name}` is not supported: it belongs to {part}"),
            )
        } else {
            let problem =
                CelProblem::new(call.name_span.clone(), format!("there is no function `{name}`"));
            let synonym = SYNONYMS.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
            if name == "not" {
                problem.with_hint("write `!`")
            } else if let Some(ours) = synonym.or_else(|| nearest(name, here.iter().copied())) {
                problem.with_hint(format!("did you mean `{ours}`?"))
            } else if there.contains(&name) {
                problem.with_hint(usage(name))
            } else {
                problem
            }
        };
        for part in call.receiver.iter().chain(&call.arguments) {
            self.expression(part);
        }
        self.broken(problem)
    }
}

/// How a function is called.
fn usage(name: &str) -> String {
    match name {
        "has" => "write `has(data.country)`".to_owned(),
        "size" => "write `size(x)` or `x.size()`".to_owned(),
        "startsWith" | "endsWith" | "contains" => format!("write `x.{name}(y)`"),
        "matches" => "write `x.matches(\"pattern\")`".to_owned(),
        name if METHODS.contains(&name) => format!("write `list.{name}(x, …)`"),
        name => format!("write `{name}(x)`"),
    }
}
