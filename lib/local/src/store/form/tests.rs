//! The forms, as format 1 has them, and what is no form.

use super::{Head, Root};
use proptest::prelude::{any, prop};
use proptest::test_runner::Config;
use proptest::{prop_assert_eq, proptest};
use std::fmt::Write;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{Label, Version};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn a_head_has_the_form_that_it_had() {
    let head = Head {
        expires_at: Timestamp::from_millis(1_767_607_200_000),
        chunks: vec![(Label(1), 3), (Label(258), 65_536)],
        header: b"plan".to_vec(),
    };
    let bytes = head.write();
    let form = "00 69 99 8d 9b 01 00 00  02 00  01 00 03 00 00 00  02 01 00 00 01 00  70 6c 61 6e";
    assert_eq!(hex(&bytes), form.replace(' ', ""));
    assert_eq!(Head::read(&bytes).unwrap(), head);
    for length in 0..bytes.len() - 4 {
        assert!(Head::read(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_root_has_the_form_that_it_had() {
    let root = Root { expires_at: None, snapshots: vec![(Version(9), 5), (Version(7), 1 << 20)] };
    let bytes = root.write();
    let form = "ff ff ff ff ff ff ff 7f  02  09 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00  \
        07 00 00 00 00 00 00 00 00 00 10 00 00 00 00 00";
    assert_eq!(hex(&bytes), form.replace(' ', ""));
    assert_eq!(Root::read(&bytes).unwrap(), root);
    for length in 0..bytes.len() {
        assert!(Root::read(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(Root::read(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn what_is_over_a_limit_is_no_form() {
    let head = |chunks, header| Head { expires_at: Timestamp::EPOCH, chunks, header }.write();
    assert!(Head::read(&head(vec![(Label(0), 16 << 20)], vec![])).is_ok());
    assert!(Head::read(&head(vec![(Label(0), 16 << 20)], vec![0])).is_err());
    assert!(Head::read(&head(vec![], vec![0; (256 << 10) + 1])).is_err());
    assert!(Head::read(&head(vec![(Label(0), 0); 1_025], vec![])).is_err());
    let root = |snapshots| Root { expires_at: None, snapshots }.write();
    assert!(Root::read(&root(vec![(Version(1), 1 << 30); 2])).is_ok());
    assert!(Root::read(&root(vec![(Version(1), (1 << 30) + 1)])).is_err());
    assert!(Root::read(&root(vec![(Version(1), 1); 3])).is_err());
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_a_form_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(head) = Head::read(&bytes) {
            prop_assert_eq!(head.write(), bytes.clone());
        }
        if let Ok(root) = Root::read(&bytes) {
            prop_assert_eq!(root.write(), bytes);
        }
    }
}
