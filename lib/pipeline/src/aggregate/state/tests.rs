//! Stored states, of all formats.

use super::*;
use crate::stored::check::check_form;

fn stored(is_thin: bool, origins: [Option<Origins>; 2]) -> StoredState {
    let [first, second] = origins;
    StoredState {
        control: Version(3),
        last: Some(RecordId { sequence: 7.into(), sub_sequence: 2 }),
        expires_at: Timestamp::from_millis(1_000),
        log_bytes: if first.is_some() { 300 } else { 0 },
        is_thin,
        sections: vec![
            StoredSection { plan: "ab".to_owned(), state: vec![1, 2], origins: first },
            StoredSection { plan: "cd".to_owned(), state: vec![], origins: second },
        ],
    }
}

#[test]
fn states_of_format_1_are_read_as_they_were_written() {
    let fixture = "01038161370219 03e8 82 626162420102 62636440";
    let digits: Vec<u8> = fixture.bytes().filter(|byte| *byte != b' ').collect();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| 16 * digit(pair[0]) + digit(pair[1])).collect();
    assert_eq!(StoredState::decode(&bytes).unwrap(), stored(false, [None, None]));
}

#[test]
fn states_are_read_as_written_and_written_as_ever() {
    let mut origins = Origins::elsewhere([5].into_iter());
    origins.saw([-6].into_iter(), Origin { version: Version(43), bytes_before: 200 }, Some(-9));
    let thin = stored(true, [Some(origins.clone()), Some(Origins::default())]);
    let fixture =
        "02 03 81 6137 02 1903e8 19012c f5 82 626162 42 0102 82 25 81 182b 18c8 05 80 626364 40 80";
    check_form(&thin, StoredState::encode, StoredState::decode, fixture);
    let full = stored(false, [Some(origins), Some(Origins::default())]);
    let full_fixture =
        "02 03 81 6137 02 1903e8 19012c f4 82 626162 42 0102 82 25 81 182b 18c8 05 80 626364 40 80";
    check_form(&full, StoredState::encode, StoredState::decode, full_fixture);
}
