//! Mnemonics to instructions, fast: the instruction table hashed once.

use std::{collections::HashMap, sync::LazyLock};

use avm_ir::{Opcode, opcode::OPS};

use crate::spell;

/// Longest mnemonic that the lookup considers.
const LONGEST: usize = 32;

/// Every mnemonic and alias in upper case.
static MNEMONICS: LazyLock<HashMap<&'static [u8], Opcode>> = LazyLock::new(|| {
    let names = OPS.iter().flat_map(|info| {
        let aliases = info.aliases.iter().copied();
        core::iter::once(info.mnemonic).chain(aliases).map(|name| (name.as_bytes(), info.opcode))
    });
    names.collect()
});

/// The instruction of a mnemonic or alias, in any case. Equals [`Opcode::by_mnemonic`].
pub fn opcode(name: &str) -> Option<Opcode> {
    let mut upper = [0; LONGEST];
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name.as_bytes());
    upper.make_ascii_uppercase();
    MNEMONICS.get(&*upper).copied()
}

/// The mnemonic or alias nearest to a misspelled one.
pub fn nearest_mnemonic(name: &str) -> Option<&'static str> {
    let names = OPS
        .iter()
        .flat_map(|info| core::iter::once(info.mnemonic).chain(info.aliases.iter().copied()));
    spell::nearest(name, names)
}

#[cfg(test)]
mod tests {
    use avm_ir::{Opcode, opcode::OPS};

    use super::opcode;

    #[test]
    fn agrees_with_the_instruction_table() {
        for info in OPS {
            for name in core::iter::once(&info.mnemonic).chain(info.aliases) {
                assert!(name.bytes().all(|b| !b.is_ascii_lowercase()), "{name}");
                assert_eq!(opcode(name), Some(info.opcode));
                assert_eq!(opcode(&name.to_ascii_lowercase()), Opcode::by_mnemonic(name));
            }
        }
        assert_eq!(opcode(&"X".repeat(100)), None);
        assert_eq!(opcode(""), None);
    }
}
