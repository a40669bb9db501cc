//! Journals of worlds: recorded, read, replayed; every changed byte is found.

use std::{sync::Arc, thread};

use avm_ir::{Schedule, Value};
use avm_vm::{
    Answer, Config, FailureCode, Image, World,
    journal::{JournalError, Tail},
    world::{
        AgentId, Event, Happened, Idle, Joined, Keep, Next, Replay, Rules, SECOND, Stop, Turn,
        Unfit,
        journal::{Entry, Journal, Mark, Start, Time, Writer},
        skim,
    },
};

const ASKER: &str = "\
.input wait = 1
SWARM_CONNECT \"c\"
WAIT wait
SWARM_BROADCAST \"REQ\", [\"BTC\"]
WAIT_FOR_RESPONSE \"REQ\" -> partial
REDUCE_MODEL_CALL \"average\", partial -> final
RETURN [LEN(partial), final]";

const RESPONDER: &str = "\
.input mine = 0.5
SWARM_CONNECT \"c\"
WAIT_FOR_RESPONSE \"REQ\", timeout=5 -> asked
JUMP_IF_TASK_FAILED late
SEND_SWARM_MSG asked.request, mine
RETURN LEN(asked.data)
late:
RETURN \"late\"";

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics));
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

/// A world that is written down as it goes.
struct Tape {
    world: World,
    writer: Writer,
    bytes: Vec<u8>,
    /// Its snapshots, in the order in which the journal names them.
    kept: Vec<Vec<u8>>,
}

impl Tape {
    fn new(rules: Rules, time: Time) -> Self {
        let schedule = Schedule::v1().hash();
        let (writer, bytes) = Writer::new(&Start { rules: rules.clone(), time, schedule });
        Self { world: World::new(rules), writer, bytes, kept: Vec::new() }
    }

    fn note(&mut self, entry: &Entry) {
        self.bytes.extend(self.writer.record(self.world.ticks(), entry));
    }

    fn learn(&mut self, image: &Arc<Image>) {
        self.note(&Entry::Code(image.program().to_bytes()));
        self.world.learn(image.clone());
    }

    fn apply(&mut self, event: Event) {
        self.note(&Entry::Event(event.clone()));
        self.world.apply(&event, &mut ()).expect("it fits");
    }

    fn join(&mut self, name: &str, image: &Image, inputs: &[(&str, Value)]) {
        let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let config = Config { inputs: inputs.collect(), ..Config::default() };
        let (name, program) = (name.to_owned(), image.program_hash());
        let key = *blake3::hash(name.as_bytes()).as_bytes();
        self.apply(Event::Joined(Box::new(Joined {
            name,
            key,
            copy: None,
            signs: true,
            program,
            config,
        })));
    }

    fn keep(&mut self) {
        let kept = self.world.to_bytes().expect("no turn is out");
        let (mark, world) = (Mark::of(&self.world), *blake3::hash(&kept).as_bytes());
        self.note(&Entry::Snapshot { mark, world, host: [7; 32] });
        self.kept.push(kept);
    }

    /// Runs to rest on so many threads, with a mark or a snapshot now and then.
    fn run(&mut self, threads: usize) {
        loop {
            if self.world.ticks().is_multiple_of(8) {
                self.note(&Entry::Mark(Mark::of(&self.world)));
            }
            if self.world.ticks() % 3 == 2 {
                self.keep();
            }
            match self.world.idle() {
                Idle::Not => {
                    let mut turns = self.world.turns();
                    spread(&mut turns, threads);
                    self.world.commit(turns, &mut ());
                }
                Idle::Asks => {
                    let asking: Vec<AgentId> = self.world.asks().map(|(agent, _)| agent).collect();
                    for agent in asking {
                        let answer = Answer::output(Value::Float(2.5), 0);
                        let event = Event::answered(&self.world, agent, answer);
                        self.apply(event.expect("it asks"));
                    }
                }
                Idle::Until(until) => self.world.pass(until, &mut ()),
                Idle::Over => break,
            }
        }
        self.note(&Entry::Rested(Mark::of(&self.world)));
    }
}

fn spread(turns: &mut [Turn], threads: usize) {
    let size = turns.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for part in turns.chunks_mut(size) {
            scope.spawn(|| part.iter_mut().for_each(|turn| turn.run(&mut ())));
        }
    });
}

fn sentiment(responders: u64, threads: usize, rules: Rules) -> Tape {
    let mut tape = Tape::new(rules, Time::Simulated);
    let (asker, responder) = (image(ASKER), image(RESPONDER));
    tape.learn(&asker);
    tape.learn(&responder);
    tape.join("asker", &asker, &[]);
    for number in 0..responders {
        let mine = Value::Float(number as f64 / 2.0);
        tape.join(&format!("responder {number}"), &responder, &[("mine", mine)]);
    }
    tape.run(threads);
    tape
}

fn small(seed: u64) -> Rules {
    Rules { seed, slice: 3, jitter: true, ..Rules::default() }
}

/// The journal is the same to the byte for every number of threads, and plays to the same world.
#[test]
fn the_same_for_every_number_of_threads_and_again() {
    let one = sentiment(20, 1, small(1));
    for threads in [2, 8] {
        assert_eq!(sentiment(20, threads, small(1)).bytes, one.bytes);
    }
    assert_ne!(sentiment(20, 1, small(2)).bytes, one.bytes);

    let journal = Journal::read(&one.bytes).expect("it was just written");
    assert_eq!((journal.link(), journal.tail), (one.writer.link(), Tail::Whole));
    assert!(journal.records.iter().any(|record| matches!(record.entry, Entry::Mark(_))));
    for threads in [1, 2, 8] {
        let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
        let stop = loop {
            match replay.next(&mut ()).expect("the same world") {
                Next::Turns(mut turns) => {
                    spread(&mut turns, threads);
                    replay.commit(turns, &mut ());
                }
                Next::Passed => {}
                Next::Stop(stop) => break stop,
            }
        };
        assert_eq!(stop, Stop::Rested);
        assert_eq!(replay.world().hash(), one.world.hash());
    }
}

/// The records that name snapshots, by number.
fn snapshots(journal: &Journal) -> Vec<usize> {
    let named = |entry: &Entry| matches!(entry, Entry::Snapshot { .. });
    let records = journal.records.iter().zip(0..);
    records.filter(|(record, _)| named(&record.entry)).map(|(_, number)| number).collect()
}

#[test]
fn it_goes_on_from_every_snapshot() {
    let tape = sentiment(5, 1, small(4));
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let named = snapshots(&journal);
    assert!(named.len() > 2 && named.len() == tape.kept.len());
    for (record, bytes) in named.into_iter().zip(&tape.kept) {
        let replay = Replay::behind(&journal, record, bytes, Schedule::v1());
        let mut replay = replay.expect("it is the one that is named");
        assert_eq!(replay.world().ticks(), journal.records[record].tick);
        assert_eq!(replay.run(&mut ()), Ok(Stop::Rested));
        assert_eq!(replay.world().hash(), tape.world.hash());
        assert_eq!(replay.world().to_bytes(), tape.world.to_bytes());
    }
}

/// A journal whose records are changed, with links that fit.
fn relinked(tape: &Tape, forge: impl Fn(&mut Entry)) -> Journal {
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let (mut writer, mut bytes) = Writer::new(&journal.start);
    for record in journal.records {
        let mut entry = record.entry;
        forge(&mut entry);
        bytes.extend(writer.record(record.tick, &entry));
    }
    Journal::read(&bytes).expect("its links fit")
}

#[test]
fn a_snapshot_that_is_not_the_one_named_is_refused() {
    let tape = sentiment(2, 1, small(3));
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let named = snapshots(&journal);
    let (first, kept) = (named[0], &tape.kept[0]);
    let refused = |journal: &Journal, record: usize, bytes: &[u8]| {
        Replay::behind(journal, record, bytes, Schedule::v1()).expect_err("it is not that one")
    };
    assert_eq!(refused(&journal, first, &tape.kept[1]), Unfit::Bytes);
    assert_eq!(refused(&journal, first, &kept[..kept.len() - 1]), Unfit::Bytes);
    assert_eq!(refused(&journal, 0, kept), Unfit::Record);
    assert_eq!(refused(&journal, journal.records.len(), kept), Unfit::Record);
    let (bytes, world) = (&tape.kept[1], *blake3::hash(&tape.kept[1]).as_bytes());
    let other = relinked(&tape, |entry| {
        if let Entry::Snapshot { world: named, .. } = entry {
            *named = world;
        }
    });
    // The right file, named by the record of another tick.
    assert_eq!(refused(&other, first, bytes), Unfit::Stands);
    let other = relinked(&tape, |entry| {
        if let Entry::Code(code) = entry {
            code.truncate(8);
        }
    });
    assert!(matches!(refused(&other, first, kept), Unfit::Code(_)));
}

/// Where time is given from outside, a replay goes by what was given.
#[test]
fn time_that_was_given() {
    let mut tape = Tape::new(Rules::default(), Time::Given);
    let waits = image("WAIT 3\nGET_CURRENT_TIME -> now\nRETURN now");
    tape.learn(&waits);
    tape.join("waits", &waits, &[]);
    let mut time = 0;
    while tape.world.idle() != Idle::Over {
        match tape.world.idle() {
            Idle::Not => tape.world.settle(&mut ()),
            _ => {
                time += 2 * SECOND;
                tape.apply(Event::Passed { until: time });
            }
        }
    }
    tape.note(&Entry::Rested(Mark::of(&tape.world)));
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    assert_eq!(replay.run(&mut ()), Ok(Stop::Rested));
    assert_eq!(replay.world().now(), 4 * SECOND);
}

#[test]
fn every_changed_byte_is_found() {
    let bytes = sentiment(1, 1, Rules::default()).bytes;
    let journal = Journal::read(&bytes).expect("it was just written");
    // The first record begins behind magic and version.
    let starts: Vec<usize> =
        [6].into_iter().chain(journal.records.iter().map(|record| record.offset)).collect();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let named = starts.iter().rposition(|start| *start <= at);
        match (Journal::read(&changed), named) {
            (Err(JournalError::Magic | JournalError::Version(_)), None) => {}
            (Err(JournalError::Damaged { record, offset }), Some(number)) => {
                assert_eq!((record, offset), (number, starts[number]), "byte {at}");
            }
            (other, _) => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn what_a_crash_leaves_is_read_and_goes_on() {
    let tape = sentiment(2, 1, small(3));
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    for length in 6..tape.bytes.len() {
        let part = match Journal::read(&tape.bytes[..length]) {
            Ok(part) => part,
            Err(error) => {
                assert_eq!(error, JournalError::NoStart);
                assert!(length < journal.records[0].offset);
                continue;
            }
        };
        let whole = journal.records.iter().filter(|record| {
            record.offset < length && part.records.iter().any(|kept| kept.link == record.link)
        });
        assert_eq!(part.records.len(), whole.count());
        if length.is_multiple_of(50) {
            let mut replay = Replay::new(&part, Schedule::v1()).expect("the same schedule");
            assert_eq!(replay.run(&mut ()), Ok(Stop::Cut));
        }
    }
}

#[test]
fn a_skimmed_journal_says_what_a_read_one_does() {
    let tape = sentiment(2, 1, small(3));
    let skimmed = |bytes: &[u8]| {
        skim::<JournalError>(bytes.len() as u64, |at, into| {
            into.copy_from_slice(&bytes[at as usize..at as usize + into.len()]);
            Ok(())
        })
    };
    for end in 0..=tape.bytes.len() {
        let bytes = &tape.bytes[..end];
        match (skimmed(bytes), Journal::read(bytes)) {
            (Ok(skimmed), Ok(journal)) => {
                assert_eq!(skimmed.start, journal.start);
                assert_eq!(skimmed.records, 1 + journal.records.len() as u64);
                let ticks = journal.records.last().map_or(0, |record| record.tick);
                assert_eq!((skimmed.ticks, skimmed.last), (ticks, journal.link()));
                assert_eq!(skimmed.whole, journal.tail == Tail::Whole);
                let rest = journal.rest().map(|(_, mark)| (mark.hash, mark.agents.len() as u32));
                assert_eq!(skimmed.rest.map(|rest| (rest.hash, rest.agents)), rest);
            }
            (Err(skimmed), Err(read)) => assert_eq!(skimmed, read),
            (skimmed, read) => panic!("{end}: {skimmed:?}, {read:?}"),
        }
    }
    let mut changed = tape.bytes.clone();
    changed[20] ^= 1;
    assert!(matches!(skimmed(&changed), Err(JournalError::Damaged { record: 0, .. })));
}

/// A record with another content and links that fit: what differs is named.
fn forged(tape: &Tape, forge: impl Fn(&mut Entry)) -> String {
    let journal = relinked(tape, forge);
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    replay.run(&mut ()).expect_err("it is another world").to_string()
}

#[test]
fn what_differs_is_named() {
    let tape = sentiment(2, 1, Rules::default());
    let other = forged(&tape, |entry| {
        if let Entry::Event(Event::Answered { request, .. }) = entry {
            request[0] ^= 1;
        }
    });
    assert!(other.contains("agent \"asker\": it asks for something else"), "{other}");
    let other = forged(&tape, |entry| {
        if let Entry::Event(Event::Answered { answer, .. }) = entry {
            *answer = Answer::failed(FailureCode::Denied, "no");
        }
    });
    assert!(other.contains("agent \"asker\": it is in another state"), "{other}");
    assert!(other.contains("the last mark that fits is of tick"), "{other}");
    let other = forged(&tape, |entry| {
        if let Entry::Mark(mark) = entry {
            mark.hash = [7; 32];
        }
    });
    assert!(other.contains("the world's hash is"), "{other}");
    let other = forged(&tape, |entry| {
        if let Entry::Snapshot { world, .. } = entry {
            world[0] ^= 1;
        }
    });
    assert!(other.contains("the snapshot that it names is of another world"), "{other}");
    let other = forged(&tape, |entry| {
        if let Entry::Event(Event::Joined(joined)) = entry {
            joined.name = "twice".to_owned();
        }
    });
    assert!(other.contains("agent \"twice\": another agent of the world has this name"), "{other}");
}

/// What a world tells whoever looks on.
#[derive(Default)]
struct Looks(Vec<String>);

impl Keep for Looks {
    fn answer(&mut self, agent: AgentId, machine: &mut avm_vm::Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        let now = now / SECOND;
        self.0.push(match happened {
            Happened::Joined { agent, .. } => format!("{now} {} joined", agent.0),
            Happened::Connected { agent, channel } => format!("{now} {} in {channel}", agent.0),
            Happened::Published { from, name, members, .. } => {
                format!("{now} {} publishes {name} to {members}", from.0)
            }
            Happened::Sent(sent) => format!(
                "{now} #{} {} at {} to {}: {} {}{}",
                sent.number,
                sent.from.0,
                sent.step,
                sent.to.0,
                sent.name,
                if sent.answer { "answers" } else { "asks" },
                if sent.delivered { "" } else { ", no room" }
            ),
            Happened::Posted { from, message, outbox } => {
                format!("{now} #{message} {} vouches for {}", from.0, outbox.count)
            }
            Happened::Took { agent, step, message } => {
                format!("{now} {} at {step} took #{message}", agent.0)
            }
            Happened::Settled { agent, step, request } => {
                format!("{now} {} at {step} has what came of #{request}", agent.0)
            }
            Happened::RanOut { agent, step, wanted } => {
                format!("{now} {} at {step} ran out: {wanted:?}", agent.0)
            }
            Happened::Called { agent, step, function } => {
                format!("{now} {} at {step} does {function}", agent.0)
            }
            Happened::Stalled(stall) => format!("{now} nothing comes of #{}", stall.since),
            Happened::Restarted { agent, machine } => {
                format!("{now} {} goes on at {}", agent.0, machine.steps())
            }
            Happened::Left { agent, machine } => {
                format!("{now} {} left after {}", agent.0, machine.steps())
            }
        });
    }
}

#[test]
fn who_looks_on_sees_every_message() {
    let tape = sentiment(1, 1, Rules::default());
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    let mut looks = Looks::default();
    replay.run(&mut looks).expect("the same world");
    insta::assert_snapshot!(looks.0.join("\n"));
}

/// Asked too early, nobody hears it: one wait ends with nothing at once, the other with its time.
#[test]
fn waits_that_run_out_are_seen() {
    let mut tape = Tape::new(Rules::default(), Time::Simulated);
    let (asker, responder) = (image(ASKER), image(RESPONDER));
    tape.learn(&asker);
    tape.learn(&responder);
    tape.join("asker", &asker, &[("wait", Value::Int(9))]);
    tape.join("responder", &responder, &[]);
    tape.run(1);
    let journal = Journal::read(&tape.bytes).expect("it was just written");
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    let mut looks = Looks::default();
    replay.run(&mut looks).expect("the same world");
    let ran_out: Vec<&String> = looks.0.iter().filter(|look| look.contains("ran out")).collect();
    assert_eq!(
        ran_out,
        ["5 1 at 1 ran out: Message(Some(\"REQ\"))", "9 0 at 3 ran out: Answer(\"REQ\")"]
    );
}
