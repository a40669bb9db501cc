//! Every byte of a journal, changed: reading it says at which record, so nothing is played.

use std::sync::Arc;

use avm_ir::{
    Schedule, Value,
    program::{Domain, Signature},
};
use avm_vm::{
    Answer, Config, Image, Machine, Pause,
    journal::{Event, Journal, JournalError, Recorder, Start, Tail, Writer, skim},
};

const HELLO: &str = "READ_FROM_TOOL \"Names\", {} -> name\nLOG \"hello \" + name\nRETURN name\n";
/// Bytes before the first record.
const HEADER: usize = 6;

/// A signed run with an effect.
fn recorded() -> Vec<u8> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("hello.avm", HELLO, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    let start = Start::of(&image, Config::default());
    let mut machine = Machine::new(image, Config::default()).expect("it starts");
    let (writer, bytes) = Writer::new(&start);
    let mut recorder = Recorder::new(writer, bytes);
    recorder.note(0, &Event::Source { path: "hello.avm".into(), text: HELLO.into() });
    let Pause::Effect(request) = machine.run(u64::MAX, &mut ()) else { panic!("it asks") };
    recorder.ask(&machine, &request);
    let answer = Answer::output(Value::text("Ada"), 1);
    recorder.answer(&mut machine, answer, &mut ()).expect("it waits");
    assert!(matches!(machine.run(u64::MAX, &mut ()), Pause::End(_)));
    recorder.rest(&machine);
    let Signature { key, bytes } = Signature::of(Domain::Journal, &[7; 32], &recorder.link());
    recorder.note(machine.steps(), &Event::Signed { key, signature: bytes });
    recorder.take()
}

/// Where records begin, and where the last one ends.
fn offsets(bytes: &[u8]) -> Vec<usize> {
    let journal = Journal::read(bytes).expect("it was just written");
    let behind = journal.records.iter().map(|record| record.offset);
    [HEADER].into_iter().chain(behind).chain([bytes.len()]).collect()
}

#[test]
fn every_changed_byte_is_found_at_its_record() {
    let bytes = recorded();
    let offsets = offsets(&bytes);
    assert_eq!(offsets.len(), 1 + 6, "start, source, asked, answered, rest, signature");
    let patterns = (0..8).map(|bit| 1 << bit).chain([0xFF, 0x55, 0xAA]);
    let (mut changed, mut found) = (bytes.clone(), 0);
    for pattern in patterns {
        for at in 0..bytes.len() {
            changed[at] ^= pattern;
            let record = offsets.partition_point(|offset| *offset <= at).saturating_sub(1);
            let offset = offsets[record];
            let place = format!("byte {at} ^ {pattern:#x}, of record {record} at {offset}");
            match Journal::read(&changed) {
                Err(JournalError::Magic | JournalError::Version(_)) => assert!(at < HEADER),
                Err(error @ JournalError::Damaged { record: named, offset: byte }) => {
                    assert_eq!((named, byte), (record, offset), "{place}");
                    let said = format!("record {record}, at byte {offset}");
                    assert!(error.to_string().contains(&said), "{place}: {error}");
                }
                other => panic!("{place}: {other:?}"),
            }
            found += 1;
            changed[at] ^= pattern;
        }
    }
    assert_eq!((found, changed), (11 * bytes.len(), bytes));
}

#[test]
fn a_skimmed_journal_says_what_a_read_one_does() {
    let bytes = recorded();
    let read = |bytes: &[u8]| {
        let mut links = Vec::new();
        let skimmed = skim::<JournalError>(
            bytes.len() as u64,
            |at, into| {
                into.copy_from_slice(&bytes[at as usize..at as usize + into.len()]);
                Ok(())
            },
            |link, _| links.push(*link),
        );
        (skimmed, links)
    };
    for end in 0..=bytes.len() {
        let (skimmed, links) = read(&bytes[..end]);
        match (skimmed, Journal::read(&bytes[..end])) {
            (Ok(skimmed), Ok(journal)) => {
                let last = journal.records.last();
                assert_eq!(skimmed.records, 1 + journal.records.len() as u64);
                assert_eq!(skimmed.steps, last.map_or(0, |record| record.steps));
                assert_eq!((skimmed.first, skimmed.last), (journal.first, journal.link()));
                assert_eq!(links.last(), Some(&journal.link()));
                assert_eq!(skimmed.whole, journal.tail == Tail::Whole);
                assert_eq!(skimmed.rest.is_some(), journal.end().is_some());
            }
            (Err(skimmed), Err(read)) => assert_eq!(skimmed, read),
            (skimmed, read) => panic!("{end}: {skimmed:?}, {read:?}"),
        }
    }
}
