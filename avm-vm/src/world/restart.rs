//! Supervision: an agent that traps goes on from where it waited last, but not for ever (H5).

use alloc::boxed::Box;

use avm_ir::wire::Writer;

use super::{
    AgentId, Happened, Keep, World,
    actor::State,
    channel::{Count, Rate},
};
use crate::{
    effect::Handover,
    machine::{End, Machine},
};

/// What becomes of an agent that traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// How often it is started again; once more, and it stays as it is.
    pub restarts: Rate,
}

/// An agent that is looked after.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) rules: Supervision,
    pub(super) restarted: Count,
    /// How often in all.
    pub(super) lives: u32,
    /// The agent where it waited last, or as it began; none once it came to its end.
    pub(super) rest: Option<Machine>,
}

impl Guard {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.rules.restarts.most);
        out.u64(self.rules.restarts.window);
        self.restarted.write(out);
        out.u32(self.lives);
        out.raw(&self.rest.as_ref().map_or([0; 32], Machine::state_hash));
    }
}

impl World {
    /// Looks after an agent from now on. `false` if there is none, or it came to its end.
    pub fn supervise(&mut self, agent: AgentId, rules: Supervision) -> bool {
        let Some(actor) = self.actor_mut(agent).filter(|actor| actor.state != State::Over) else {
            return false;
        };
        let Some(machine) = &actor.machine else { return false };
        let (restarted, rest) = (Count::default(), Some((**machine).clone()));
        actor.guard = Some(Box::new(Guard { rules, restarted, lives: 0, rest }));
        true
    }

    /// How often an agent was started again.
    pub fn restarts(&self, agent: AgentId) -> u32 {
        self.actor(agent).map_or(0, |actor| actor.lives())
    }

    /// The agent waits: from here it can be started again.
    pub(super) fn remember(&mut self, agent: AgentId) {
        if let Some(actor) = self.actor_mut(agent)
            && let (Some(guard), Some(machine)) = (&mut actor.guard, &actor.machine)
        {
            guard.rest = Some((**machine).clone());
        }
    }

    /// Starts an agent that trapped again, if it is looked after and that is not too often. What it
    /// took since it waited last is lost, and what it used up since stays so.
    pub(super) fn restart(&mut self, agent: AgentId, keep: &mut impl Keep) -> bool {
        let now = self.now();
        let Some(actor) = self.actor_mut(agent) else { return false };
        let (Some(guard), Some(machine)) = (&mut actor.guard, &mut actor.machine) else {
            return false;
        };
        let rate = guard.rules.restarts;
        if !matches!(machine.end(), Some(End::Trapped(_)))
            || guard.restarted.at(now, rate.window) >= rate.most
        {
            return false;
        }
        let Some(mut again) = guard.rest.clone() else { return false };
        guard.restarted.add(now, rate.window);
        guard.lives += 1;
        again.begin_again(guard.lives);
        let gas = machine.gas_used().saturating_sub(again.gas_used());
        let taken = machine.spent().minus(again.spent());
        **machine = again;
        let kin = actor.kin.get_or_insert_default();
        kin.lost = kin.lost.saturating_add(gas);
        kin.back = Handover { taken: kin.back.taken.plus(&taken), ..kin.back };
        let asks = machine.asks().is_some();
        keep.saw(now, &Happened::Restarted { agent, machine });
        match asks {
            true => self.asked(agent, keep),
            false => self.ready.push(agent),
        }
        true
    }
}
