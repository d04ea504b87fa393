//! `silence` and `deployed`, as far as they go without a table. What they say to a stack: `stand_ins/said.rs`.

use super::Sandbox;
use insta::assert_snapshot;

#[test]
fn help_and_usage_errors() {
    let sandbox = Sandbox::new("silence_usage");
    assert_snapshot!("help_silence", sandbox.run("silence --help"));
    assert_snapshot!("help_silence_add", sandbox.run("silence add --help"));
    assert_snapshot!("help_deployed", sandbox.run("deployed --help"));
    assert_snapshot!(
        "silence_of_nothing",
        sandbox.run("silence add --table t --for 1h --reason drill")
    );
    assert_snapshot!(
        "silence_without_end",
        sandbox.run("silence add --table t --alert a --reason drill")
    );
    assert_snapshot!(
        "silence_for_two",
        sandbox.run("silence add --table t --alert a --for two --reason drill")
    );
}

/// The command of the other tests is built without the SDK.
#[test]
fn a_program_that_knows_no_table_says_how_to_get_one_that_does() {
    let sandbox = Sandbox::new("silence_not_built");
    assert_snapshot!("silence_not_built", sandbox.run("silence list --table t"));
    assert_snapshot!("deployed_not_built", sandbox.run("deployed 1.2.3 --table t"));
}
