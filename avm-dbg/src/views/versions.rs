//! The codes that an agent's regions have had.

use avm_ir::Value;
use avm_vm::{Machine, Version};

use crate::{
    reply::{Reply, int, list, record},
    session::Session,
};

/// Digits of a hash that people are shown.
const DIGITS: usize = 16;

fn hex(version: &Version) -> String {
    avm_ir::wire::hex(&version.patch.hash())
}

/// Every version up to where the session stands, in the order in which they came.
pub(crate) fn versions(session: &Session) -> Reply {
    let machine = session.machine();
    let mut lines = Vec::new();
    let mut data = Vec::new();
    for (number, version) in (1..).zip(machine.versions()) {
        let in_place = machine.current_versions().contains(&(version.region, number));
        let name = &version.patch.region.name;
        let hash = hex(version);
        let (mark, short) = (if in_place { '>' } else { ' ' }, &hash[..DIGITS]);
        let from = match version.before {
            0 => String::from("as the program came"),
            before if version.installed => {
                format!("since step {}, replaced {before}", version.step)
            }
            before => format!("since step {}, waits to replace {before}", version.step),
        };
        lines.push(format!("{mark}{number} {name}: {from}, hash {short}"));
        data.push(record([
            ("number", int(u64::from(number))),
            ("region", name.as_str().into()),
            ("step", int(version.step)),
            ("hash", hash.into()),
            (
                "replaced",
                if version.before == 0 { Value::Null } else { int(version.before.into()) },
            ),
            ("in_place", in_place.into()),
        ]));
    }
    if lines.is_empty() {
        lines.push(String::from("every region has the code that the program came with"));
    }
    Reply::new(lines.join("\n"), list(data))
}

/// What is said of a region that has another code than the program came with.
pub(super) fn rewritten(machine: &Machine, region: u32) -> Option<String> {
    let (_, number) = machine.current_versions().iter().find(|(known, _)| *known == region)?;
    let version = machine.version(*number).filter(|version| version.before != 0)?;
    let name = &version.patch.region.name;
    let hash = &hex(version)[..DIGITS];
    Some(format!("region {name} has version {number} of its code, hash {hash}"))
}
