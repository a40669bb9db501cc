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

/// What other languages call an instruction, in upper case.
const SYNONYMS: &[(&str, Opcode)] = &[
    ("PRINT", Opcode::LOG),
    ("PRINTLN", Opcode::LOG),
    ("ECHO", Opcode::LOG),
    ("SAY", Opcode::LOG),
    ("MOV", Opcode::SET),
    ("LET", Opcode::SET),
    ("VAR", Opcode::SET),
    ("INC", Opcode::ADD),
    ("DEC", Opcode::SUB),
    ("LENGTH", Opcode::LEN),
    ("SIZE", Opcode::LEN),
    ("COUNT", Opcode::LEN),
    ("STR", Opcode::TO_TEXT),
    ("STRING", Opcode::TO_TEXT),
    ("INT", Opcode::TO_INT),
    ("FLOAT", Opcode::TO_FLOAT),
    ("TYPE", Opcode::TYPE_OF),
    ("STRIP", Opcode::TRIM),
    ("CALL_MODEL", Opcode::GPU_INFER),
    ("INFER", Opcode::GPU_INFER),
    ("LLM", Opcode::GPU_INFER),
    ("EMBED", Opcode::CALC_EMBED),
    ("SEARCH", Opcode::DOC_SEARCH),
    ("SLEEP", Opcode::WAIT),
    ("END", Opcode::HALT),
    ("EXIT", Opcode::HALT),
    ("QUIT", Opcode::HALT),
    ("STOP", Opcode::HALT),
    ("THROW", Opcode::RAISE),
];

/// The instruction that a foreign word stands for, in any case.
pub(crate) fn synonym(word: &str) -> Option<Opcode> {
    SYNONYMS.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word)).map(|(_, op)| *op)
}

#[cfg(test)]
mod tests {
    use avm_ir::{Opcode, opcode::OPS};

    use super::{SYNONYMS, opcode};

    #[test]
    fn synonyms_are_no_mnemonics() {
        for (word, op) in SYNONYMS {
            assert_eq!(opcode(word), None, "{word} is an instruction, not another {op:?}");
        }
    }

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
