//! `dead-letters`, as far as it goes without a table. What it finds and replays: `stand_ins/dead_letters.rs`.

use super::Sandbox;
use insta::assert_snapshot;

#[test]
fn help_and_usage_errors() {
    let sandbox = Sandbox::new("dead_letters_usage");
    assert_snapshot!("help_dead_letters", sandbox.run("dead-letters --help"));
    assert_snapshot!("help_dead_letters_replay", sandbox.run("dead-letters replay --help"));
    assert_snapshot!("dead_letters_no_table", sandbox.run("dead-letters list"));
    assert_snapshot!(
        "dead_letters_since",
        sandbox.run("dead-letters list --table t --since yesterday")
    );
}

/// The command of the other tests is built without the SDK.
#[test]
fn a_program_that_knows_no_table_says_how_to_get_one_that_does() {
    let sandbox = Sandbox::new("dead_letters_not_built");
    assert_snapshot!("dead_letters_not_built", sandbox.run("dead-letters list --table t"));
}
