//! `send`, as far as it goes without a stream. What it sends: `stand_ins/send.rs`.

use super::Sandbox;
use insta::assert_snapshot;

#[test]
fn help_and_usage_errors() {
    let sandbox = Sandbox::new("send_usage");
    assert_snapshot!("help_send", sandbox.run("send --help"));
    assert_snapshot!("send_two_paces", sandbox.run("send --stream s --rate 1 --speed 1 e.ndjson"));
    assert_snapshot!("send_no_rate", sandbox.run("send --stream s --rate 0 e.ndjson"));
    assert_snapshot!("send_no_stream", sandbox.run("send e.ndjson"));
}

/// The command of the other tests is built without the SDK.
#[test]
fn a_program_that_cannot_send_says_how_to_get_one_that_can() {
    let sandbox = Sandbox::new("send_not_built");
    sandbox.file("e.ndjson", "{}");
    assert_snapshot!("send_not_built", sandbox.run("send --stream s e.ndjson"));
}
