//! Channels: who hears what.

use alloc::collections::BTreeSet;

use avm_ir::wire::Writer;

use super::AgentId;

#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) members: BTreeSet<AgentId>,
}

impl Channel {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.members.len() as u32);
        self.members.iter().for_each(|member| out.u32(member.0));
    }
}
