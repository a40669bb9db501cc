//! What led to a message, as far as it takes to tell whether anything comes of it.

use alloc::{sync::Arc, vec::Vec};

use avm_ir::wire::{Reader, WireError, Writer};

use super::said::{GROUPS, Numbers, Said, mix, short};
use crate::{journal::flag, world::AgentId};

/// Words that are remembered, in each of two generations.
pub(super) const WORDS: usize = 512;
/// Messages and data that are remembered.
pub(super) const PRINTS: usize = 32;
/// Agents whose numbers are remembered.
pub(super) const SPEAKERS: usize = 8;

/// What a turn adds that says what was said before, in an order that was before, too.
pub(super) const SAME: u32 = 4;
/// What one adds whose words were all said before.
const FAMILIAR: u32 = 3;
/// What one adds in which nothing is new but numbers that count, that answers such a one, or that is one
/// word.
const LEAST: u32 = 1;
/// What a new word takes away.
const WORD: u32 = 8;
/// A turn is news if one in so many of its words is new.
const SHARE: usize = 8;
/// Or if so many are: long turns repeat much of what they answer.
const MANY: usize = 4;

/// In what way a conversation comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// The same is said again and again.
    Repeats,
    /// It is said in other words, but none of them is new.
    Agrees,
    /// Nothing changes but numbers that count.
    Counts,
}

/// Where a conversation began to come to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    /// Number of the message.
    pub(super) message: u64,
    /// Who sent it.
    pub(super) from: AgentId,
    /// Executed instructions of the sender.
    pub(super) step: u64,
    /// Turns since, by how stale they were.
    pub(super) turns: [u32; 3],
}

/// The numbers that an agent said last, and where they went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speaker {
    agent: AgentId,
    numbers: Numbers,
    serials: u64,
    /// For each group whether it rose when it changed last, if it did.
    rises: [Option<bool>; GROUPS],
}

/// A conversation up to a message: every answer goes on with that of the message that it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::world) struct Talk {
    /// How little came of it lately.
    pub(super) score: u32,
    pub(super) since: Option<Since>,
    /// Whether it was reported.
    pub(super) told: bool,
    /// Whether numbers counted in the latest message.
    counts: bool,
    /// Who spoke, whoever spoke last at the end.
    speakers: Vec<Speaker>,
    /// Hashes of the latest two messages.
    last: [u32; 2],
    /// Hashes of messages and data, each once, and of three messages in a row.
    prints: Vec<u32>,
    orders: Vec<u32>,
    /// Hashes of words, sorted: the newer ones, and those before.
    words: Vec<u32>,
    before: Arc<[u32]>,
}

/// What a turn brings.
enum Turn {
    /// Something that was not there before.
    News,
    /// So many new words.
    Words(u32),
    /// Nothing either way.
    Signal,
    Stale(Stale, u32),
}

fn remember(prints: &mut Vec<u32>, print: u32) -> bool {
    if prints.contains(&print) {
        return false;
    }
    if prints.len() >= PRINTS {
        prints.remove(0);
    }
    prints.push(print);
    true
}

impl Talk {
    /// The conversation with one more message.
    pub(super) fn with(&self, said: &Said, at: Since) -> Self {
        let mut next = self.clone();
        let first = self.speakers.is_empty();
        let turn = next.weigh(said, at.from);
        // What begins a conversation is no answer.
        match if first { Turn::Signal } else { turn } {
            Turn::News => next.moved_on(),
            Turn::Words(new) => {
                next.score = next.score.saturating_sub(WORD.saturating_mul(new));
                if next.score == 0 {
                    next.moved_on();
                }
            }
            Turn::Signal => {}
            Turn::Stale(how, adds) => {
                let turns = &mut next.since.get_or_insert(at).turns;
                turns[how as usize] = turns[how as usize].saturating_add(1);
                next.score = next.score.saturating_add(adds);
            }
        }
        next
    }

    /// Something came of it.
    pub(super) fn moved_on(&mut self) {
        (self.score, self.since, self.told) = (0, None, false);
    }

    /// An agent did something outside, which a hash stands for: whether that was new here.
    pub(super) fn did(&mut self, what: u32) -> bool {
        let new = remember(&mut self.prints, what);
        if new {
            self.moved_on();
        }
        new
    }

    fn weigh(&mut self, said: &Said, from: AgentId) -> Turn {
        let news = said.data.is_some_and(|data| remember(&mut self.prints, data));
        let new = self.learn(&said.words);
        let moves = self.numbers(said, from);
        let answers_count = core::mem::replace(&mut self.counts, moves.is_some());
        let order = short(mix(
            mix(u64::from(self.last[0]), u64::from(self.last[1])),
            u64::from(said.print),
        ));
        // Signals between words are not what is talked about.
        let again = if said.is_signal {
            true
        } else {
            self.last = [self.last[1], said.print];
            let known = !remember(&mut self.prints, said.print);
            let ordered = !remember(&mut self.orders, order);
            known && ordered
        };
        match (news, moves) {
            (true, _) => Turn::News,
            _ if new >= MANY || new > 0 && new * SHARE >= said.words.len() => {
                Turn::Words(new as u32)
            }
            _ if said.is_signal => Turn::Signal,
            (_, Some(Moves::Anywhere)) if said.counted * 4 >= said.words.len() as u32 => {
                Turn::Words(1)
            }
            (_, Some(_)) => Turn::Stale(Stale::Counts, LEAST),
            _ if said.is_word() || answers_count => Turn::Stale(Stale::Repeats, LEAST),
            _ if again => Turn::Stale(Stale::Repeats, SAME),
            _ => Turn::Stale(Stale::Agrees, FAMILIAR),
        }
    }

    /// Takes words in: how many are new.
    fn learn(&mut self, words: &[u32]) -> usize {
        let known = |word: &&u32| {
            self.words.binary_search(word).is_err() && self.before.binary_search(word).is_err()
        };
        let new: Vec<u32> = words.iter().filter(known).copied().collect();
        let count = new.len();
        if self.words.len() + count > WORDS {
            self.before = core::mem::take(&mut self.words).into();
        }
        // Those are hashes: the lowest ones are any.
        self.words.extend(new.into_iter().take(WORDS));
        self.words.sort_unstable();
        count
    }

    /// Takes the numbers of a speaker in: how they changed.
    fn numbers(&mut self, said: &Said, agent: AgentId) -> Option<Moves> {
        let place = self.speakers.iter().position(|speaker| speaker.agent == agent);
        let mut speaker = match place {
            Some(place) => self.speakers.remove(place),
            None => {
                if self.speakers.len() >= SPEAKERS {
                    self.speakers.remove(0);
                }
                Speaker { agent, numbers: Numbers::default(), serials: 0, rises: [None; GROUPS] }
            }
        };
        let (numbers, serials) = (said.numbers, said.serials);
        let mut moves = (serials != 0 && serials != speaker.serials).then_some(Moves::On);
        if said.counted > 0 && numbers != speaker.numbers {
            moves = Some(Moves::On);
            let groups = speaker.numbers.groups.iter().zip(&numbers.groups);
            for ((before, now), rises) in groups.zip(&mut speaker.rises) {
                if before != now {
                    let rose = rises.replace(now > before);
                    if rose.is_some_and(|rose| rose != (now > before)) {
                        moves = Some(Moves::Anywhere);
                    }
                }
            }
        }
        if said.counted > 0 {
            speaker.numbers = numbers;
        }
        if serials != 0 {
            speaker.serials = serials;
        }
        self.speakers.push(speaker);
        moves
    }

    /// Who spoke lately, the latest last.
    pub(super) fn speakers(&self) -> impl Iterator<Item = AgentId> + '_ {
        self.speakers.iter().map(|speaker| speaker.agent)
    }

    /// Agents that it names.
    pub(in crate::world) fn names(&self) -> impl Iterator<Item = AgentId> + '_ {
        self.speakers().chain(self.since.map(|since| since.from))
    }

    pub(in crate::world) fn write(&self, out: &mut Writer) {
        out.u32(self.score);
        out.u8(u8::from(self.told));
        out.u8(u8::from(self.counts));
        out.u8(u8::from(self.since.is_some()));
        if let Some(Since { message, from, step, turns }) = self.since {
            out.u64(message);
            out.u32(from.0);
            out.u64(step);
            turns.into_iter().for_each(|turns| out.u32(turns));
        }
        out.u32(self.speakers.len() as u32);
        for Speaker { agent, numbers, serials, rises } in &self.speakers {
            out.u32(agent.0);
            for group in numbers.groups {
                out.u64((group >> 64) as u64);
                out.u64(group as u64);
            }
            out.u64(numbers.hash);
            out.u64(*serials);
            for rises in rises {
                out.u8(rises.map_or(0, |rises| 1 + u8::from(rises)));
            }
        }
        self.last.into_iter().for_each(|print| out.u32(print));
        for list in [&self.prints, &self.orders, &self.words, &self.before[..]] {
            out.u32(list.len() as u32);
            list.iter().for_each(|hash| out.u32(*hash));
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(in crate::world) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let (score, told, counts) = (input.u32()?, flag(input)?, flag(input)?);
        let since = match flag(input)? {
            true => {
                let (message, from, step) = (input.u64()?, AgentId(input.u32()?), input.u64()?);
                let turns = [input.u32()?, input.u32()?, input.u32()?];
                Some(Since { message, from, step, turns })
            }
            false => None,
        };
        let mut speakers: Vec<Speaker> = Vec::new();
        for _ in 0..input.count(88)? {
            let agent = AgentId(input.u32()?);
            let mut numbers = Numbers::default();
            for group in &mut numbers.groups {
                *group = u128::from(input.u64()?) << 64 | u128::from(input.u64()?);
            }
            numbers.hash = input.u64()?;
            let serials = input.u64()?;
            let mut rises = [None; GROUPS];
            for rises in &mut rises {
                *rises = match input.u8()? {
                    0 => None,
                    rises @ (1 | 2) => Some(rises == 2),
                    _ => return Err(input.error("numbers that go nowhere")),
                };
            }
            if speakers.iter().any(|speaker| speaker.agent == agent) {
                return Err(input.error("a speaker twice"));
            }
            speakers.push(Speaker { agent, numbers, serials, rises });
        }
        let last = [input.u32()?, input.u32()?];
        let (prints, orders) = (hashes(input)?, hashes(input)?);
        let (words, before) = (hashes(input)?, hashes(input)?);
        let sorted = |words: &[u32]| words.len() <= WORDS && words.is_sorted_by(|a, b| a < b);
        let once = |prints: &[u32]| {
            let mut seen = prints.to_vec();
            seen.sort_unstable();
            prints.len() <= PRINTS && seen.is_sorted_by(|a, b| a < b)
        };
        let fits = speakers.len() <= SPEAKERS
            && sorted(&words)
            && sorted(&before)
            && once(&prints)
            && once(&orders)
            && since.is_some() == (score > 0)
            && (!told || since.is_some());
        match fits {
            true => Ok(Self {
                score,
                since,
                told,
                counts,
                speakers,
                last,
                prints,
                orders,
                words,
                before: before.into(),
            }),
            false => Err(input.error("a conversation that nobody led")),
        }
    }
}

fn hashes(input: &mut Reader<'_>) -> Result<Vec<u32>, WireError> {
    (0..input.count(4)?).map(|_| input.u32()).collect()
}

/// How numbers change.
enum Moves {
    /// On in the direction in which they went before, if that is known.
    On,
    /// Somewhere else.
    Anywhere,
}
