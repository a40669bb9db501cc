//! Everybody who looks on while a world goes on.

use avm_vm::{
    Answer, Machine, World,
    world::{AgentId, Happened, Keep, Witness},
};

use super::{drive::Watch, table::Table};

/// Who looks on.
pub(crate) struct Eyes {
    /// For people.
    pub(crate) table: Table,
    /// For seals, if somebody wants some.
    pub(crate) witness: Option<Witness>,
}

impl Keep for Eyes {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        self.table.saw(now, happened);
        if let Some(witness) = &mut self.witness {
            witness.saw(now, happened);
        }
    }
}

impl Watch for Eyes {
    fn look(&mut self, world: &World) {
        self.table.look(world);
    }
}
