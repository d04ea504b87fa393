//! How entries of the control log are stored.

use super::*;
use crate::stored::check::check_form;

fn check(entry: &ControlEntry, fixture: &str) {
    let encode = |it: &ControlEntry| it.to_entry(EXPIRES_NEVER).unwrap().header().to_vec();
    let decode = |header: &[u8]| {
        let stored = Entry::new(header.to_vec(), Chunks::new(), EXPIRES_NEVER).unwrap();
        ControlEntry::decode(&Logged { version: Version(1), entry: stored })
    };
    check_form(entry, encode, decode, fixture);
}

#[test]
fn headers_are_written_as_ever() {
    let (plan, at) = ("ab".to_owned(), Timestamp::from_millis(1_000));
    check(&ControlEntry::Table { partitions: 64 }, "01 00 1840");
    check(&ControlEntry::Announced { plan: plan.clone(), text: None, at }, "01 01 626162 1903e8");
    check(&ControlEntry::InForce { plan, from: at }, "01 02 626162 1903e8");
    let letters = vec![Cursor { version: Version(7), point: 9 }];
    let partition = Partition::new(3).unwrap();
    let given_back = ControlEntry::GivenBack { partition, letters, points: None };
    check(&given_back, "01 03 03 81 07 09");
}

#[test]
fn what_people_say_is_written_as_ever() {
    let at = Timestamp::from_millis(1_000);
    let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    let conditions = vec![
        (Attribute::Alert, texts(&["a", "b"])),
        (Attribute::Channel, texts(&["c"])),
        (Attribute::Named("d".to_owned()), texts(&["e"])),
    ];
    let silence = Silence {
        matches: Match { conditions },
        from: at,
        until: Timestamp::from_millis(2_000),
        author: "f".to_owned(),
        reason: "g".to_owned(),
    };
    check(
        &ControlEntry::Silenced { silence, at },
        "02 04 1903e8 1903e8 1907d0 6166 6167 83 00 82 6161 6162 04 81 6163 05 6164 81 6165",
    );
    let author = "f".to_owned();
    check(
        &ControlEntry::SilenceEnded { silence: Version(17), author: author.clone(), at },
        "02 05 1903e8 11 6166",
    );
    let deployed = |service: Option<&str>, link: Option<&str>| ControlEntry::Deployed {
        deploy: Deploy {
            version: "1".to_owned(),
            service: service.map(str::to_owned),
            author: author.clone(),
            link: link.map(str::to_owned),
        },
        at,
    };
    check(&deployed(None, None), "02 06 1903e8 6131 f6 6166 f6");
    check(&deployed(Some("s"), Some("l")), "02 06 1903e8 6131 6173 6166 616c");
}

#[test]
fn texts_are_written_as_ever() {
    let text = RulesText {
        files: vec![
            ("a.yaml".to_owned(), "metrics: {}".to_owned()),
            (String::new(), String::new()),
        ],
    };
    check_form(
        &text,
        write_files,
        read_files,
        "01 82 66612e79616d6c 6b6d6574726963733a207b7d 60 60",
    );
    assert_eq!(read_text(&write_text(&text).unwrap()).unwrap(), text);
}

#[test]
fn a_text_stands_in_a_chunk_of_its_own() {
    let files = vec![("a.yaml".to_owned(), "metrics: {}".repeat(50_000))];
    let announced = ControlEntry::Announced {
        plan: "ab".to_owned(),
        text: Some(RulesText { files }),
        at: Timestamp::EPOCH,
    };
    let entry = announced.to_entry(EXPIRES_NEVER).unwrap();
    assert!(entry.bytes() < 10_000, "{}", entry.bytes());
    assert_eq!(ControlEntry::decode(&Logged { version: Version(1), entry }).unwrap(), announced);
}

#[test]
fn a_text_over_the_limit_is_refused() {
    let files = vec![("a.yaml".to_owned(), "#".repeat(RULES_BYTES_MAX))];
    let text = Some(RulesText { files });
    let announced = ControlEntry::Announced { plan: String::new(), text, at: Timestamp::EPOCH };
    let refused = announced.to_entry(EXPIRES_NEVER).unwrap_err();
    assert_eq!(refused.limit, RULES_BYTES_MAX);
}
