//! A run that changes its own code, as the debugger shows it.

#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod recording;

use avm_dbg::Session;
use recording::{journal, rewriting};

/// Commands and what they say.
fn talk(commands: &[&str]) -> String {
    let mut session = Session::open(&journal(&rewriting(0))).expect("it opens");
    let mut out = String::new();
    for command in commands {
        let reply = session.command(command);
        out.push_str(&format!("> {command}\n{}\n", reply.text));
    }
    out
}

#[test]
fn versions_and_places_are_those_of_where_one_stands() {
    insta::assert_snapshot!(talk(&[
        "versions",
        "break rewrite SIDE",
        "continue",
        "versions",
        "run-to far",
        "code 3",
        "calls",
        "back 400",
        "run-to far",
        "code 3",
        "delete all",
        "run-to end",
        "versions",
        "effects 6",
    ]));
}

#[test]
fn breakpoints_hold_by_name_in_every_code() {
    // `near` stands elsewhere in the second code, and is not there in the third.
    insta::assert_snapshot!(talk(&[
        "break near",
        "goto 75",
        "continue",
        "code 2",
        "continue-back",
        "code 2",
        "goto 226",
        "break near",
        "continue",
        "run-to far",
        "watch m",
        "break rewrite",
        "continue",
        "continue",
        "reverse-watch m",
        "continue-back",
        "line",
        "line-back",
        "finish",
        "break rewrite NOWHERE",
        "breakpoints",
    ]));
}
