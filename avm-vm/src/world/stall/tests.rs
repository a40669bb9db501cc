//! One conversation, message by message.

use alloc::{format, string::String, vec::Vec};

use avm_ir::{
    Value,
    value::Text,
    wire::{Reader, Writer},
};

use super::{
    said::Said,
    talk::{PRINTS, SAME, SPEAKERS, Since, Stale, Talk, WORDS},
};
use crate::{agent::Draws, world::AgentId};

const TURNS: u32 = 16;
const LIMIT: u32 = TURNS * SAME;

/// A conversation with one more message, which is number `turn`.
fn step(talk: &Talk, turn: u64, agents: u64, say: impl Into<Value>) -> Talk {
    let from = AgentId((turn % agents) as u32);
    let since = Since { message: turn, from, step: 10 * turn, turns: [0; 3] };
    talk.with(&Said::of(&Text::from(""), &say.into()), since)
}

fn draw(draws: &mut Draws, most: i64) -> i64 {
    draws.int(0, most - 1)
}

/// A text of so many words out of so many.
fn words(draws: &mut Draws, count: i64, of: i64) -> String {
    let words: Vec<String> =
        (0..count).map(|_| format!("w{}x", letters(draw(draws, of)))).collect();
    words.join(" ")
}

/// A number in letters.
fn letters(number: i64) -> String {
    format!("{number}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn nothing_is_found_before_its_turns_are_over() {
    let mut draws = Draws::new(7, 0);
    for _ in 0..300 {
        let (mut talk, mut stale) = (Talk::default(), 0);
        let (most, vocabulary) = (1 + draw(&mut draws, 12), 1 + draw(&mut draws, 40));
        for turn in 0..200 {
            let count = draw(&mut draws, most + 1);
            let text = words(&mut draws, count, vocabulary);
            let before = talk.score;
            talk = step(&talk, turn, 2, text.as_str());
            assert!(talk.score <= before + SAME);
            stale = if talk.score == 0 { 0 } else { stale + 1 };
            assert!(talk.score < LIMIT || stale >= TURNS, "{stale} turns");
        }
    }
}

/// Whatever comes round again, and whoever says it, is found when it came round twice and then so many
/// turns went by.
#[test]
fn what_comes_round_is_found_in_time() {
    let mut draws = Draws::new(8, 0);
    for period in 1..=12_u64 {
        for agents in 1..=4 {
            let said: Vec<String> = (0..period).map(|_| words(&mut draws, 9, 1000)).collect();
            let mut talk = Talk::default();
            for turn in 0..20 {
                // News before: each has words that were not there.
                talk = step(&talk, turn, agents, format!("q{}", letters(turn as i64)).as_str());
            }
            let mut turns = 0;
            while talk.score < LIMIT {
                talk = step(&talk, 20 + turns, agents, said[(turns % period) as usize].as_str());
                turns += 1;
                assert!(turns <= 2 * period + u64::from(TURNS) + 2, "period {period}");
            }
            let since = talk.since.expect("it is stale");
            assert!(since.message >= 20 && since.turns[Stale::Repeats as usize] > 0);
        }
    }
}

#[test]
fn something_new_ends_the_count() {
    let loops = |talk: &Talk, from: u64| {
        (from..from + 40).fold(talk.clone(), |talk, turn| step(&talk, turn, 2, "thank you all"))
    };
    let stale = loops(&Talk::default(), 0);
    assert!(stale.score >= LIMIT);
    // Data that was not there before.
    assert_eq!(step(&stale, 40, 2, Value::Bytes(Vec::from([1, 2]).into())).score, 0);
    // Words, a few at a time.
    let some = step(&stale, 40, 2, "the pump leaks");
    assert!(some.score < stale.score);
    // A deed, the first time.
    let mut acted = stale.clone();
    assert!(acted.did(7) && acted.score == 0 && acted.since.is_none());
    let mut again = loops(&acted, 41);
    assert!(again.score >= LIMIT && !again.did(7));
}

#[test]
fn numbers_are_news_unless_they_count() {
    let led = |says: &dyn Fn(u64) -> String| {
        (0..60).fold(Talk::default(), |talk, turn| step(&talk, turn, 2, says(turn).as_str())).score
    };
    let counted = led(&|turn| format!("That is message {turn}, thank you."));
    assert!((50..60).contains(&counted), "{counted}");
    assert_eq!(led(&|turn| format!("It is {}", turn * 7919 % 101)), 0);
    // Digits of other scripts are digits.
    let arabic =
        led(&|turn| format!("رسالة {}", char::from_u32(0x660 + turn as u32 % 10).unwrap()));
    assert!(arabic < LIMIT, "{arabic}");
    // Numbers by themselves are what is said, however they go.
    let ints =
        (0..60).fold(Talk::default(), |talk, turn| step(&talk, turn, 2, Value::Int(turn as i64)));
    assert_eq!(ints.score, 0);
}

#[test]
fn what_is_remembered_is_bounded_and_comes_back_from_bytes() {
    let mut draws = Draws::new(9, 0);
    let mut talk = Talk::default();
    for turn in 0..3000 {
        let count = draw(&mut draws, 300);
        let text = format!("{} {turn}", words(&mut draws, count, 100_000));
        let value = match turn % 5 {
            0 => Value::Int(turn as i64),
            1 => Value::list([Value::text(&text), Value::Int(turn as i64)].into()),
            _ => Value::text(&text),
        };
        talk = step(&talk, turn, 1 + turn % 50, value);
        let mut out = Writer::new();
        talk.write(&mut out);
        let bytes = out.finish();
        assert!(bytes.len() <= 8 * WORDS + 8 * PRINTS + 96 * SPEAKERS + 100, "{}", bytes.len());
        let mut input = Reader::new(&bytes);
        assert_eq!(Talk::read(&mut input), Ok(talk.clone()));
        input.end().expect("nothing is left");
    }
}

/// Some bytes that nobody wrote.
#[test]
fn what_nobody_wrote_is_refused() {
    let talk = (0..30).fold(Talk::default(), |talk, turn| step(&talk, turn, 2, "thank you all"));
    let mut out = Writer::new();
    talk.write(&mut out);
    let bytes = out.finish();
    // A score without a beginning; words out of order; less than there is.
    let mut changed = bytes.clone();
    changed[..4].fill(0);
    assert!(Talk::read(&mut Reader::new(&changed)).is_err());
    let mut changed = bytes.clone();
    let last = changed.len() - 16;
    changed[last..last + 4].fill(0xff);
    assert!(Talk::read(&mut Reader::new(&changed)).is_err());
    assert!(Talk::read(&mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
}
