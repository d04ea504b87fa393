//! What a request to the Invoke API asks for.

use super::errors::Problem;
use crate::runtime::LATEST;
use hyper::header::HeaderMap;
use hyper::{Method, Uri};

/// `X-Amz-Invocation-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The caller waits for the answer.
    RequestResponse,
    /// The caller does not.
    Event,
    /// Nothing is run.
    DryRun,
}

/// An invocation that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The function's name.
    pub(super) function: String,
    pub(super) kind: Kind,
    /// Whether the last lines of the log are wanted.
    pub(super) wants_tail: bool,
}

/// Reads all but the payload.
pub(super) fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Asked, Problem> {
    let parts: Vec<&str> = uri.path().split('/').collect();
    let ["", "2015-03-31", "functions", name, "invocations"] = parts.as_slice() else {
        return Err(Problem::NoOperation);
    };
    if method != Method::POST {
        return Err(Problem::NoOperation);
    }
    let header = |key: &str| headers.get(key).and_then(|value| value.to_str().ok());
    let kind = match header("x-amz-invocation-type") {
        None | Some("" | "RequestResponse") => Kind::RequestResponse,
        Some("Event") => Kind::Event,
        Some("DryRun") => Kind::DryRun,
        Some(other) => return Err(Problem::NoKind(other.to_owned())),
    };
    let mut pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let qualifier = pairs.find_map(|pair| pair.strip_prefix("Qualifier="));
    let (function, version) = function(&decoded(name));
    let version = qualifier.map(decoded).or(version);
    if version.is_some_and(|version| version != LATEST) {
        return Err(Problem::NoFunction(function));
    }
    let wants_tail = header("x-amz-log-type") == Some("Tail");
    Ok(Asked { function, kind, wants_tail })
}

/// The name and the version of a function that is named by its name, its ARN, or a part of its ARN: `settle`, `settle:$LATEST`,
/// `000000000000:function:settle`, `arn:aws:lambda:eu-west-1:000000000000:function:settle:$LATEST`.
fn function(named: &str) -> (String, Option<String>) {
    let behind = named.rsplit_once("function:").map_or(named, |(_, behind)| behind);
    match behind.split_once(':') {
        Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
        None => (behind.to_owned(), None),
    }
}

/// Undoes `%3A` and the like. What is no such code stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = code {
            bytes.push(high * 16 + low);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The function that a path names, or the status of the problem.
    #[track_caller]
    fn check(method: &Method, path: &str, expect: Result<&str, u16>) {
        let uri: Uri = path.parse().unwrap();
        let asked = read(method, &uri, &HeaderMap::new());
        let found = asked.map(|asked| asked.function);
        let found = found.map_err(|problem| problem.answer().status().as_u16());
        assert_eq!(found, expect.map(str::to_owned), "{path}");
    }

    #[test]
    fn functions_are_named_by_name_or_arn() {
        let check = |name: &str, expect| {
            check(&Method::POST, &format!("/2015-03-31/functions/{name}/invocations"), expect);
        };
        check("settle", Ok("settle"));
        check("settle:$LATEST", Ok("settle"));
        check("000000000000:function:settle", Ok("settle"));
        check("arn:aws:lambda:eu-west-1:000000000000:function:settle", Ok("settle"));
        check(
            "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Asettle%3A%24LATEST",
            Ok("settle"),
        );
        check("settle:7", Err(404));
    }

    #[test]
    fn the_qualifier_may_stand_in_the_query() {
        let path = "/2015-03-31/functions/settle/invocations?Qualifier=";
        check(&Method::POST, &format!("{path}%24LATEST"), Ok("settle"));
        check(&Method::POST, &format!("{path}live"), Err(404));
    }

    #[test]
    fn there_is_one_operation() {
        check(&Method::GET, "/2015-03-31/functions/settle/invocations", Err(404));
        check(&Method::GET, "/2015-03-31/functions", Err(404));
    }

    #[test]
    fn the_kind_and_the_tail_are_headers() {
        let uri: Uri = "/2015-03-31/functions/f/invocations".parse().unwrap();
        let asked = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-invocation-type", kind.parse().unwrap());
            headers.insert("x-amz-log-type", "Tail".parse().unwrap());
            read(&Method::POST, &uri, &headers)
        };
        assert_eq!(asked("Event").unwrap().kind, Kind::Event);
        assert_eq!(asked("DryRun").unwrap().kind, Kind::DryRun);
        assert!(asked("RequestResponse").unwrap().wants_tail);
        assert_eq!(asked("Often").unwrap_err().answer().status(), 400);
    }

    #[test]
    fn codes_are_undone_and_the_rest_stays() {
        assert_eq!(decoded("a%3Ab%2"), "a:b%2");
        assert_eq!(decoded("%zz%C3%A9"), "%zz\u{e9}");
    }
}
