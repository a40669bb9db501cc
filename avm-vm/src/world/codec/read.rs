//! From bytes to a world. Nothing is believed: every count is bounded by the bytes that are there, every
//! agent is one of the world, and what each does fits its machine, its timers and the lists that it is in.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use avm_ir::{Program, value::Text, verify, wire::Reader};

use super::{CONTEXT, MAGIC, VERSION, WorldError};
use crate::{
    agent::Draws,
    journal::flag,
    ledger::{Kind, Ledger, Wanted, read_owner},
    machine::{Image, Machine},
    world::{
        AgentId, Message, Rate, Supervision, World,
        actor::{Actor, Kin, State},
        channel::{Channel, Count, next_agent},
        clock::{Clock, Due},
        inbox::Inbox,
        journal::read_rules,
        request::{Request, Terms, Wanted as Asked},
        restart::Guard,
        schedule::Tasks,
        stall::{Heard, Stall},
    },
};

/// Counters above this are beyond any world, and below it they have room to grow.
const MOST: u64 = 1 << 62;

type Read<T> = Result<T, WorldError>;
type Codes = BTreeMap<[u8; 32], Arc<Image>>;

fn ensure(fits: bool, why: &'static str) -> Read<()> {
    if fits { Ok(()) } else { Err(WorldError::State(why)) }
}

impl World {
    /// A world that goes on where [`Self::to_bytes`] was taken, with the same hash, given the programs
    /// that its agents run, by hash. Memory and time are bounded by the bytes, whatever they say.
    ///
    /// # Errors
    /// Bytes that are no world, or of programs that were not given.
    pub fn from_bytes(bytes: &[u8], codes: &Codes) -> Result<Self, WorldError> {
        let body = open(bytes)?;
        let input = &mut Reader::new(body);
        let mut world = Self::new(read_rules(input)?);
        let mut numbers = [0; 7];
        for number in &mut numbers {
            *number = input.u64()?;
        }
        let [drawn, now, sent, rounds, ticks, orders, dropped] = numbers;
        let counters = [drawn, sent, rounds, ticks, orders, dropped];
        ensure(counters.iter().all(|number| *number <= MOST), "a counter beyond any world")?;
        world.draws = Draws::new(world.rules.seed, drawn);
        (world.sent, world.rounds, world.ticks) = (sent, rounds, ticks);
        (world.orders, world.dropped) = (orders, dropped);
        world.still = input.u32()?;
        ensure(world.still <= 1 << 31, "time that stood still for too long")?;
        world.read_codes(codes, input)?;
        let mut messages = Messages::default();
        // The shortest agent has a name, an identity and a machine.
        for _ in 0..input.count(100)? {
            let actor = world.read_actor(&mut messages, input)?;
            world.take_in(actor)?;
        }
        for _ in 0..input.count(12)? {
            let name = Text::from(input.text()?);
            let last = world.channels.last_key_value();
            ensure(last.is_none_or(|(last, _)| *last < name), "channels are not in order")?;
            world.channels.insert(name, Channel::read(input)?);
        }
        for _ in 0..input.count(30)? {
            let number = input.u64()?;
            let last = world.requests.last_key_value();
            ensure(last.is_none_or(|(last, _)| *last < number), "requests are not in order")?;
            world.requests.insert(number, Request::read(input)?);
        }
        let (clock, timers) = Clock::read(now, world.actors.len(), input)?;
        world.clock = clock;
        world.ledger = Ledger::from_bytes(input.bytes()?)?;
        for _ in 0..input.count(4)? {
            let name = Text::from(input.text()?);
            ensure(world.pools.last().is_none_or(|last| *last < name), "pools are not in order")?;
            world.pools.insert(name);
        }
        world.read_domains(input)?;
        world.ready = world.agents(input)?;
        world.asks = VecDeque::from(world.agents(input)?);
        for _ in 0..input.count(4)? {
            let circle = world.agents(input)?;
            world.deadlocks.push(circle);
        }
        // The shortest is of nobody.
        for _ in 0..input.count(50)? {
            let stall = Stall::read(input)?;
            stall.agents.iter().chain([&stall.from]).try_for_each(|agent| world.known(*agent))?;
            world.stalls.push(stall);
        }
        ensure(world.stalls.len() <= Stall::MOST, "too many conversations that came to nothing")?;
        world.find_whether_looked();
        for _ in 0..input.count(4)? {
            let agent = next_agent(input, world.suspects.last().copied())?;
            world.suspects.insert(agent);
        }
        input.end()?;
        world.check_links(&messages)?;
        world.check_timers(&timers, &messages.timed)?;
        world.check_states()?;
        Ok(world)
    }

    fn read_codes(&mut self, codes: &Codes, input: &mut Reader<'_>) -> Read<()> {
        let mut made = Codes::new();
        for _ in 0..input.count(40)? {
            // They are priced as those are that they were made from.
            let schedule = codes.values().next().map(|image| image.schedule.clone());
            let schedule = schedule.ok_or(WorldError::State("code made from nothing"))?;
            let program = Program::from_bytes(input.bytes()?)?;
            let verified =
                verify(program).map_err(|_| WorldError::State("code that cannot run"))?;
            let image = Image::new(verified, &schedule);
            let hash = image.program_hash();
            let last = made.last_key_value();
            ensure(
                last.is_none_or(|(last, _)| *last < hash),
                "code that was made is not in order",
            )?;
            made.insert(hash, Arc::new(image));
        }
        self.made = made.keys().copied().collect();
        for _ in 0..input.count(32)? {
            let program = input.hash()?;
            let last = self.codes.last_key_value();
            ensure(last.is_none_or(|(last, _)| *last < program), "programs are not in order")?;
            let known = made.get(&program).or_else(|| codes.get(&program));
            let image = known.ok_or(WorldError::Program(program))?;
            self.codes.insert(program, image.clone());
        }
        let known = self.made.iter().all(|program| self.codes.contains_key(program));
        ensure(known, "code that was made and is not there")?;
        for _ in 0..input.count(36)? {
            let (name, program) = (Text::from(input.text()?), input.hash()?);
            let last = self.code_names.last_key_value();
            ensure(last.is_none_or(|(last, _)| *last < name), "names of code are not in order")?;
            ensure(self.codes.contains_key(&program), "a name of code that is not there")?;
            self.code_names.insert(name, program);
        }
        Ok(())
    }

    fn read_actor(&self, messages: &mut Messages, input: &mut Reader<'_>) -> Read<Actor> {
        let agent = AgentId(self.actors.len() as u32);
        let (name, id) = (Text::from(input.text()?), input.hash()?);
        let mut actor = Actor::new(name, id, self.read_machine(agent, input)?);
        actor.state = match State::read(input)? {
            Some(state) => state,
            None => State::Approval(Box::new(read_wanted(input)?)),
        };
        actor.inbox = Inbox::read_shared(&mut messages.all, &mut messages.numbers, input)?;
        for _ in 0..input.count(4)? {
            actor.channels.push(Text::from(input.text()?));
        }
        for _ in 0..input.count(12)? {
            let (name, number) = (Text::from(input.text()?), input.u64()?);
            let last = actor.requests.last_key_value();
            ensure(
                last.is_none_or(|(last, _)| *last < name),
                "names of requests are not in order",
            )?;
            actor.requests.insert(name, number);
        }
        if flag(input)? {
            let kin = Kin::read(input)?;
            // Whoever follows parents comes to an end.
            ensure(kin.parent.is_none_or(|parent| parent < agent), "a child before its parent")?;
            ensure(kin.forks <= MOST && kin.children <= 1 << 31, "too many children")?;
            actor.kin = Some(Box::new(kin));
        }
        if flag(input)? {
            let rules = Supervision { restarts: Rate { most: input.u32()?, window: input.u64()? } };
            let (restarted, lives) = (Count::read(input)?, input.u32()?);
            ensure(lives <= 1 << 31, "an agent that was started again too often")?;
            let rest = match flag(input)? {
                true => Some(self.read_machine(agent, input)?),
                false => None,
            };
            actor.guard = Some(Box::new(Guard { rules, restarted, lives, rest }));
        }
        if flag(input)? {
            let (tasks, timed) = Tasks::read(input)?;
            actor.tasks = Some(Box::new(tasks));
            messages.timed.extend(timed.into_iter().map(|task| (agent, task)));
        }
        actor.outbox = self.read_outbox(input)?;
        let sent = actor.outbox.as_ref().map_or(0, |outbox| outbox.count);
        ensure(sent <= self.sent, "more in an outbox than was sent")?;
        actor.heard = Heard::read(input)?;
        Ok(actor)
    }

    fn read_machine(&self, agent: AgentId, input: &mut Reader<'_>) -> Read<Machine> {
        let program = input.hash()?;
        let image = self.codes.get(&program).ok_or(WorldError::Program(program))?;
        let mut machine = Machine::restore(image.clone(), input.bytes()?)
            .map_err(|error| WorldError::Machine(agent, error))?;
        // It gets room when it runs.
        machine.rest();
        Ok(machine)
    }

    /// Takes an agent in as it is; names and identities are given as they were.
    fn take_in(&mut self, actor: Actor) -> Read<()> {
        let id = AgentId(self.actors.len() as u32);
        if actor.parent().is_some() {
            // A name that somebody else took stays theirs.
            self.by_name.entry(actor.name.clone()).or_insert(id);
        } else {
            let taken = self.by_name.insert(actor.name.clone(), id).is_some();
            ensure(!taken, "two agents of one name")?;
        }
        ensure(self.by_id.insert(actor.id, id).is_none(), "two agents of one identity")?;
        self.living += u32::from(actor.state != State::Over);
        self.waiting += u32::from(matches!(actor.state, State::Approval(_)));
        self.actors.push(actor);
        Ok(())
    }

    fn agents(&self, input: &mut Reader<'_>) -> Read<Vec<AgentId>> {
        let mut agents = Vec::new();
        for _ in 0..input.count(4)? {
            let agent = AgentId(input.u32()?);
            self.known(agent)?;
            agents.push(agent);
        }
        Ok(agents)
    }

    fn known(&self, agent: AgentId) -> Read<()> {
        ensure(self.actor(agent).is_some(), "an agent that is not there")
    }

    /// Channels, requests and messages are of agents that are there, and name each other.
    fn check_links(&mut self, messages: &Messages) -> Read<()> {
        let mut listens = BTreeSet::new();
        for (number, actor) in (0..).zip(&self.actors) {
            actor.inbox.senders().try_for_each(|from| self.known(from))?;
            actor.heard.names().try_for_each(|agent| self.known(agent))?;
            for name in &actor.channels {
                ensure(listens.insert((name.clone(), AgentId(number))), "a channel twice")?;
            }
        }
        for message in &messages.all {
            ensure(message.number < self.sent, "a message that was not sent")?;
            let talk = message.talk.iter().flat_map(|talk| talk.names());
            talk.into_iter().try_for_each(|agent| self.known(agent))?;
        }
        let mut members = 0;
        for (name, channel) in &self.channels {
            for agent in channel.members.keys() {
                members += 1;
                ensure(listens.contains(&(name.clone(), *agent)), "a member that is none")?;
            }
            channel.sent.keys().try_for_each(|agent| self.known(*agent))?;
        }
        ensure(members == listens.len(), "a channel without its member")?;
        for (number, request) in &self.requests {
            ensure(*number < self.sent, "a request that was not sent")?;
            let answered = request.answers.iter().map(|(agent, _)| agent);
            let terms = match &request.reward {
                Some(reward) => match &reward.terms {
                    Terms::Accepted(verifier) => Some(verifier),
                    Terms::First | Terms::Split => None,
                },
                None => None,
            };
            let talk = request.talk.iter().flat_map(|talk| talk.names());
            talk.into_iter().try_for_each(|agent| self.known(agent))?;
            let others = answered.chain(&request.open).chain(&request.verifier).chain(terms);
            others.chain([&request.from]).try_for_each(|agent| self.known(*agent))?;
            if let Asked::Verdict { of, candidate, .. } = &request.wanted {
                self.known(*candidate)?;
                let judged = self.requests.get(of).is_some_and(|of| of.judged.contains(number));
                ensure(judged && request.judged.is_empty(), "a verdict on nothing")?;
            }
            for verdict in &request.judged {
                let wanted = self.requests.get(verdict).map(|request| &request.wanted);
                let fits = matches!(wanted, Some(Asked::Verdict { of, .. }) if of == number);
                ensure(fits, "an answer that nobody judges")?;
            }
            for agent in &request.open {
                if let Some(actor) = self.actors.get_mut(agent.0 as usize) {
                    ensure(actor.state != State::Over, "a question to somebody who is gone")?;
                    actor.asked.insert(*number);
                }
            }
        }
        for suspect in &self.suspects {
            self.known(*suspect)?;
        }
        Ok(())
    }

    /// Each timer ends a wait or is of a task, and each of those has one.
    fn check_timers(&mut self, timers: &[Due], timed: &BTreeSet<(AgentId, u32)>) -> Read<()> {
        let (mut waits, mut tasks_timed) = (0, 0);
        for Due { timer, agent, task } in timers {
            let Some(actor) = self.actors.get_mut(agent.0 as usize) else {
                return Err(WorldError::State("a timer of nobody"));
            };
            let fits = match (task, &actor.state, &mut actor.tasks) {
                (Some(task), _, Some(tasks)) => {
                    tasks_timed += 1;
                    timed.contains(&(*agent, *task)) && tasks.has_timer(*task, *timer)
                }
                (None, State::Waits(wait), _) => {
                    waits += 1;
                    wait.timer == *timer
                }
                _ => false,
            };
            ensure(fits, "a timer of nothing")?;
        }
        ensure(tasks_timed == timed.len(), "a task without its timer")?;
        let waiting = self.actors.iter().filter(|actor| matches!(actor.state, State::Waits(_)));
        ensure(waiting.count() == waits, "a wait without its timer")
    }

    /// What each agent does is what its machine does, and it is in the lists of those that do it.
    fn check_states(&self) -> Read<()> {
        let ready: BTreeSet<AgentId> = self.ready.iter().copied().collect();
        let asks: BTreeSet<AgentId> = self.asks.iter().copied().collect();
        ensure(
            ready.len() == self.ready.len() && asks.len() == self.asks.len(),
            "twice in a list",
        )?;
        for (number, actor) in (0..).zip(&self.actors) {
            let agent = AgentId(number);
            let Some(machine) = &actor.machine else { continue };
            let (waits, suspended) = (machine.pending().is_some(), machine.is_suspended());
            let ended = machine.end().is_some();
            let fits = match &actor.state {
                State::Ready => !waits && !ended,
                State::Waits(_) | State::Asks | State::Approval(_) => waits,
                State::Rests => suspended,
                State::Over => ended && !suspended && actor.tasks.is_none(),
            };
            ensure(fits, "an agent that does something else than its machine")?;
            let listed = ready.contains(&agent) == (actor.state == State::Ready)
                && asks.contains(&agent) == (actor.state == State::Asks);
            ensure(listed, "an agent in a list of those that do something else")?;
        }
        Ok(())
    }
}

/// What was read of several agents.
#[derive(Default)]
struct Messages {
    /// Those that lie in inboxes, in the order in which they come first.
    all: Vec<Arc<Message>>,
    numbers: BTreeSet<u64>,
    /// Tasks that have a timer.
    timed: BTreeSet<(AgentId, u32)>,
}

/// What lies between the header and the hash at the end, which is right.
fn open(bytes: &[u8]) -> Read<&[u8]> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(WorldError::Magic)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(WorldError::Magic)?;
    match u16::from_le_bytes(*version) {
        VERSION => {}
        version => return Err(WorldError::Version(version)),
    }
    let (body, hash) = rest.split_last_chunk::<32>().ok_or(WorldError::Hash)?;
    if blake3::derive_key(CONTEXT, body) == *hash { Ok(body) } else { Err(WorldError::Hash) }
}

fn read_wanted(input: &mut Reader<'_>) -> Read<Wanted> {
    Ok(Wanted {
        owner: read_owner(input)?,
        over: input.u64()?,
        key: input.hash()?,
        kind: Kind::from_number(input.u8()?).ok_or(input.error("no such kind of order"))?,
        from: read_owner(input)?,
        to: read_owner(input)?,
        token: input.text()?,
        amount: input.u64()?,
        purpose: input.text()?,
    })
}
