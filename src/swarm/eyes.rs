//! Everybody who looks on while a world goes on.

use avm_ir::{Value, value::to_text};
use avm_vm::{
    Answer, Machine, World,
    world::{AgentId, Happened, Keep, Witness},
};

use super::{drive::Watch, table::Table};
use crate::output::note;

/// Who looks on.
pub(crate) struct Eyes {
    /// For people.
    pub(crate) table: Table,
    /// Whether people read what agents write down.
    pub(crate) notes: bool,
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

    fn noted(&mut self, world: &World, agent: AgentId, written: &Value) {
        if self.notes {
            self.table.clear();
            let name = world.name(agent).unwrap_or("?");
            note(&format!("{name}: {}", to_text(written)));
        }
    }
}
