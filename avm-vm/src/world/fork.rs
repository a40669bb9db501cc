//! Agents that start agents (O-8, X-10, X-38): what a child gets, and what comes back of it.

use alloc::{boxed::Box, format, string::ToString, sync::Arc, vec::Vec};

use avm_ir::{
    Program, Value,
    program::Perm,
    value::{HandleKind, Text},
};

use super::{
    AgentId, Happened, Keep, Origin, World,
    actor::{Actor, Kin},
    money::{Part, Refusal, of_world},
    quoted,
};
use crate::{
    effect::{Answer, EffectRequest, FailureCode, Handover},
    identity::{Id, child_id},
    ledger::{MAX_FUNDS, Money},
    machine::{Config, Image, Limits, Machine},
    meter::{Budget, Meter},
};

/// The class of worlds that this is.
const THIS_CLASS: &str = "vm";
/// The agent's own code as it is now, where the world knows no code of that name.
const OWN_CODE: &str = "self";
/// Most programs that agents make and start others from.
const MADE: usize = 1 << 12;

impl World {
    /// Makes code known by a name, so that agents can start others from it.
    pub fn know(&mut self, name: &str, image: Arc<Image>) {
        self.code_names.insert(Text::from(name), image.program_hash());
        self.learn(image);
    }

    /// Code by its name, or by its hash in hexadecimal.
    fn code_of(&self, reference: &str) -> Option<Arc<Image>> {
        let hash = { self.code_names.get(reference).copied() }
            .or_else(|| Some(*blake3::Hash::from_hex(reference).ok()?.as_bytes()))?;
        self.code(&hash).cloned()
    }

    /// `FORK_AGENT`.
    pub(super) fn fork_agent(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) -> Result<Answer, Refusal> {
        match request.arg("world") {
            None | Some(Value::Null) => {}
            Some(Value::Text(class)) if class.as_str() == THIS_CLASS => {}
            Some(class) => {
                let class = avm_ir::value::to_json(class);
                let message = format!("nobody provides worlds of the class {class}");
                return Err(Refusal::Fails(FailureCode::NoProvider, message));
            }
        }
        let reference = request.text_arg("agent_code_ref").unwrap_or_default();
        let image = match self.code_of(reference) {
            Some(image) => image,
            None if reference == OWN_CODE => self.own_code(agent)?,
            None => {
                let message = format!("the world knows no code {}", quoted(reference));
                return Err(Refusal::Fails(FailureCode::NotFound, message));
            }
        };
        self.check_rights(agent, image.program())?;
        self.check_room(agent)?;
        let channel = match request.arg("swarm_channel") {
            Some(Value::Text(name)) if !name.is_empty() => Some(name.clone()),
            _ => None,
        };
        if let Some(channel) = &channel {
            self.role_in(agent, channel).ok_or_else(|| {
                Refusal::fails(FailureCode::Denied, "the channel is not open to the agent")
            })?;
        }
        let id = AgentId(u32::try_from(self.actors.len()).unwrap_or(u32::MAX));
        let child_gas = self.rules.child_gas;
        let Some(Actor { id: parent, machine: Some(machine), kin, .. }) = self.actor_mut(agent)
        else {
            return Err(Refusal::fails(FailureCode::Internal, "the agent is not there"));
        };
        let number = kin.as_ref().map_or(0, |kin| kin.forks);
        let child_id = child_id(parent, number);
        let child = Value::Handle(HandleKind::Agent, u64::from(id.0));
        let code: usize = image.program().regions.iter().map(|region| region.code.len()).sum();
        let mut answer = Answer::output(child, code as u64);
        let left = request.max_gas.saturating_sub(machine.price_of(&answer));
        answer.cost = match wanted_gas(request)? {
            Some(gas) if gas > left => {
                return Ok(Answer::short(Meter::Gas, "less gas is left than the child is to get"));
            }
            Some(gas) => gas,
            None => child_gas.min(left / 2),
        };
        let budget = part_of(&machine.left_of_budget());
        let config = Config {
            gas: answer.cost,
            budget,
            on_exhausted: machine.on_exhausted(),
            limits: Limits { memory: machine.limit(Meter::Memory), ..Limits::default() },
            run: child_run(&machine.run_key(), number),
            seed: number,
            inputs: inputs(request)?,
            keepsake: None,
            policy: machine.policy_of(),
        };
        let new = Machine::new(image, config.clone())
            .map_err(|error| Refusal::Fails(FailureCode::InvalidArgument, error.to_string()))?;
        if self.by_id.contains_key(&child_id) {
            let why = "another agent of the world has the identity that the child would have";
            return Err(Refusal::fails(FailureCode::Denied, why));
        }
        self.fund(agent, request, child_id)?;
        let taken = limited(&budget);
        if taken != Budget::NONE {
            answer.handover = Some(Box::new(Handover { taken, ..Handover::default() }));
        }
        let image = new.image().clone();
        if self.code(&image.program_hash()).is_none() {
            self.made.insert(image.program_hash());
            self.learn(image.clone());
        }
        self.did(agent);
        self.born(agent, child_id, new);
        let name = self.name(id).unwrap_or_default();
        let origin = Origin::Child { parent: agent, number };
        let joined = Happened::Joined { agent: id, name, image: &image, config: &config, origin };
        keep.saw(self.now(), &joined);
        if let Some(channel) = &channel {
            // That it may was looked at before.
            let _ = self.enter(id, channel, keep);
        }
        Ok(answer)
    }

    /// The code of an agent as it is now, whatever it made of it. It goes along as a whole or not at all:
    /// each region has to have the permission `fork`, but for `main`, which nobody changes.
    fn own_code(&self, agent: AgentId) -> Result<Arc<Image>, Refusal> {
        let Some(machine) = self.machine(agent) else {
            return Err(Refusal::fails(FailureCode::Internal, "the agent is not there"));
        };
        let image = machine.image();
        let mut regions = image.program().regions.iter().skip(1);
        if let Some(region) = regions.find(|region| !region.perms.has(Perm::Fork)) {
            let message = format!(
                "region {} does not go along with a forked agent: it has no permission `fork`",
                quoted(&region.name)
            );
            return Err(Refusal::Fails(FailureCode::Denied, message));
        }
        match self.code(&image.program_hash()) {
            Some(known) => Ok(known.clone()),
            None if self.made.len() >= MADE => {
                let why = "agents have made as many programs as a world keeps";
                Err(Refusal::fails(FailureCode::Unavailable, why))
            }
            None => Ok(Arc::new(image.afresh())),
        }
    }

    /// A child has no right that its parent lacks: it reaches no name that the parent's program does
    /// not declare.
    fn check_rights(&self, agent: AgentId, program: &Program) -> Result<(), Refusal> {
        let Some(machine) = self.machine(agent) else { return Ok(()) };
        let own = &machine.image().program().manifest;
        let missing = program.manifest.names.difference(&own.names).next();
        missing.map_or(Ok(()), |(kind, name)| {
            let message = format!(
                "the child would reach {} {}, which its parent does not declare",
                kind.name(),
                quoted(name)
            );
            Err(Refusal::Fails(FailureCode::NotGranted, message))
        })
    }

    /// How many agents there may be.
    fn check_room(&self, agent: AgentId) -> Result<(), Refusal> {
        let full = |why: &str| Err(Refusal::fails(FailureCode::Unavailable, why));
        let kin = self.actor(agent).and_then(|actor| actor.kin.as_deref());
        if self.living >= self.rules.agents {
            return full("the world has as many agents as it allows");
        }
        if kin.is_some_and(|kin| kin.children >= self.rules.children) {
            return full("the agent has as many children as the world allows");
        }
        match (self.rules.forks, kin) {
            (Some(rate), Some(kin)) if kin.forked.at(self.now(), rate.window) >= rate.most => {
                full("the agent starts agents faster than the world allows")
            }
            _ => Ok(()),
        }
    }

    /// Makes the child a part of its parent's family, and moves its funds.
    fn fund(&mut self, agent: AgentId, request: &EffectRequest, child: Id) -> Result<(), Refusal> {
        let funds = Self::funds_of(request)?;
        if funds.len() > MAX_FUNDS {
            let message = format!("a child gets at most {MAX_FUNDS} tokens");
            return Err(Refusal::Fails(FailureCode::InvalidArgument, message));
        }
        let Some(parent) = self.actor(agent).map(|actor| actor.id) else { return Ok(()) };
        let money: Vec<Money<'_>> =
            { funds.iter() }.map(|(token, amount)| Money { token, amount: *amount }).collect();
        let order = self.order(agent, request, Part::Child, "fork");
        self.ledger.fork(&order, parent, child, &money)?;
        Ok(())
    }

    /// Takes a child in.
    fn born(&mut self, parent: AgentId, child_id: Id, machine: Machine) {
        let (now, window) = (self.now(), self.rules.forks.map_or(0, |rate| rate.window));
        let silent = self.silent.clone();
        let Some(actor) = self.actor_mut(parent) else { return };
        let parent_name = actor.name.clone();
        let signs = actor.outbox.is_some().then_some(silent);
        let kin = actor.kin.get_or_insert_default();
        let number = kin.forks;
        kin.forks += 1;
        kin.children += 1;
        kin.forked.add(now, window);
        let id = AgentId(self.actors.len() as u32);
        // A name that somebody else took stays theirs; the child has its handle.
        let name = Text::from(format!("{parent_name}/{}", number + 1));
        self.by_name.entry(name.clone()).or_insert(id);
        self.by_id.insert(child_id, id);
        let mut child = Actor::new(name, child_id, machine);
        child.outbox = signs;
        child.kin = Some(Box::new(Kin { parent: Some(parent), ..Kin::default() }));
        self.actors.push(child);
        self.ready.push(id);
        self.living += 1;
    }

    /// A child came to its end: what it has left goes to its nearest ancestor that is still there.
    pub(super) fn bequeath(&mut self, agent: AgentId) {
        let Some(actor) = self.actor(agent) else { return };
        let (Some(parent), Some(machine)) = (actor.parent(), self.machine(agent)) else { return };
        let (gas, back) = (machine.gas_left(), limited(&machine.left_of_budget()));
        let own = actor.kin.as_ref().map(|kin| kin.back).unwrap_or_default();
        let order = of_world(u64::from(agent.0), Part::End, "end", self.now());
        // It has a family, so nothing can be wrong with it.
        let _ = self.ledger.end(&order, actor.id);
        if let Some(kin) = self.actor_mut(parent).and_then(|actor| actor.kin.as_deref_mut()) {
            kin.children = kin.children.saturating_sub(1);
        }
        let mut heir = Some(parent);
        while let Some(at) = heir {
            if self.acts(at) {
                let Some(actor) = self.actor_mut(at) else { return };
                let due = &mut actor.kin.get_or_insert_default().back;
                due.gas = due.gas.saturating_add(gas).saturating_add(own.gas);
                due.back = due.back.plus(&back).plus(&own.back);
                return;
            }
            heir = self.actor(at).and_then(Actor::parent);
        }
    }
}

/// What of a budget has limits.
fn limited(budget: &Budget) -> Budget {
    let mut limited = *budget;
    for meter in Meter::ALL {
        if let Some(amount) = limited.amount_mut(*meter).filter(|amount| **amount == u64::MAX) {
            *amount = 0;
        }
    }
    limited
}

/// The part of what is left that a child gets: half of what has a limit.
fn part_of(left: &Budget) -> Budget {
    let mut part = *left;
    for meter in Meter::ALL {
        if let Some(amount) = part.amount_mut(*meter).filter(|amount| **amount != u64::MAX) {
            *amount /= 2;
        }
    }
    part
}

/// Of the parent's, which is another one in every run of a world: what a child asks outside is not what
/// its like asked in another run.
fn child_run(parent: &[u8; 32], number: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("aither avm child run v1");
    hasher.update(parent);
    hasher.update(&number.to_le_bytes());
    *hasher.finalize().as_bytes()
}

fn wanted_gas(request: &EffectRequest) -> Result<Option<u64>, Refusal> {
    match request.arg("gas") {
        None | Some(Value::Null) => Ok(None),
        Some(_) => super::money::amount_of(request, "gas").map(Some),
    }
}

fn inputs(request: &EffectRequest) -> Result<Vec<(alloc::string::String, Value)>, Refusal> {
    match request.arg("inputs") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Record(record)) => {
            Ok(record.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
        }
        Some(_) => {
            let why = "inputs are a record of values by name";
            Err(Refusal::fails(FailureCode::InvalidArgument, why))
        }
    }
}
