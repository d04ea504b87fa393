//! What is checked of every stored form.

use super::StoredError;
use proptest::prelude::{any, prop};
use proptest::test_runner::{Config, TestRunner};
use std::fmt::{Debug, Write as _};

/// Today's writer writes `fixture` (hex), which is what version 1 wrote, and it is read back; no cut, no longer and no newer one is.
pub(crate) fn check_form<T: PartialEq + Debug>(
    value: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, StoredError>,
    fixture: &str,
) {
    let bytes = encode(value);
    assert_eq!(hex(&bytes), fixture.split_whitespace().collect::<String>(), "the form has changed");
    assert_eq!(&decode(&bytes).unwrap(), value);
    for length in 0..bytes.len() {
        let cut = decode(&bytes[..length]);
        assert!(matches!(cut, Err(StoredError::Damaged { .. })), "{length} bytes: {cut:?}");
    }
    let longer = decode(&[&bytes[..], &[0]].concat());
    assert!(matches!(longer, Err(StoredError::Damaged { .. })), "{longer:?}");
    let newer = decode(&[&[23], &bytes[1..]].concat());
    assert!(matches!(newer, Err(StoredError::Newer { version: 23, .. })), "{newer:?}");
    let none = decode(&[&[0], &bytes[1..]].concat());
    assert!(matches!(none, Err(StoredError::Damaged { .. })), "{none:?}");
    check_any_bytes(&bytes, &decode);
}

/// Any bytes, and any damage to good ones, are read or refused.
fn check_any_bytes<T: Debug>(good: &[u8], decode: impl Fn(&[u8]) -> Result<T, StoredError>) {
    let mut runner =
        TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    let strategy = (prop::collection::vec(any::<u8>(), 0..200), changes);
    let outcome = runner.run(&strategy, |(mut any_bytes, damage)| {
        any_bytes.insert(0, 1);
        let mut damaged = good.to_vec();
        for (place, byte) in damage {
            *place.get_mut(&mut damaged) = byte;
        }
        for bytes in [any_bytes, damaged] {
            let read = decode(&bytes);
            assert!(read.is_ok() || read.is_err());
        }
        Ok(())
    });
    outcome.unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
