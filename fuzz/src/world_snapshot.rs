//! Bytes of worlds with a few of them changed and a hash that fits them again.

use avm_vm::{
    Meter, World,
    world::{AgentId, Idle, SECOND},
};

use crate::{
    Entropy,
    forge::rehashed,
    machine::answer,
    world::{GAS, MEMORY, SLICE, TICKS, recorded},
};

/// Runs a random world for a while, forges its bytes, and lets go on what is accepted.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let tape = recorded(&mut entropy);
    let bytes = tape.world.to_bytes().expect("no turn is out");
    let bytes = rehashed(bytes, "aither avm world snapshot v1", &mut entropy);
    let Ok(mut forged) = World::from_bytes(&bytes, &tape.codes) else { return };
    assert_eq!(forged.to_bytes(), Some(bytes), "what is accepted has one form");
    let modest = (0..forged.len() as u32)
        .filter_map(|agent| forged.machine(AgentId(agent)))
        .all(|machine| machine.limit(Meter::Memory) <= MEMORY && machine.gas_limit() <= GAS);
    if !modest || forged.rules().slice > SLICE {
        return;
    }
    for _ in 0..TICKS {
        let asking: Vec<AgentId> = forged.asks().map(|(agent, _)| agent).collect();
        asking.into_iter().for_each(|agent| {
            forged.answer(agent, answer(&mut entropy), &mut ());
        });
        let waiting: Vec<AgentId> = forged.approvals().map(|(agent, _)| agent).collect();
        waiting.into_iter().for_each(|agent| {
            forged.approve(agent, entropy.once_in(2), &mut ());
        });
        match forged.idle() {
            Idle::Not => {
                let turns = forged.turns();
                forged.commit(turns, &mut ());
            }
            Idle::Asks => {}
            Idle::Until(until) => {
                forged.pass(until.max(forged.now().saturating_add(SECOND)), &mut ())
            }
            Idle::Over => return,
        }
    }
}
