//! Telling a name of code from code.

use avm_ir::Opcode;

use crate::{disasm::is_name, token::Key};

/// What a patch names that is no code itself: a module of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'t> {
    /// Its name in the store.
    Name(&'t str),
    /// The BLAKE3 hash of its bytes as they lie in the store, as 64 hexadecimal digits of any case.
    Hash(&'t str),
}

/// The reference that a text is, if it is no code: 64 hexadecimal digits, or a single name of the
/// language with which no statement begins. No text is both a reference and the code of a region.
pub fn reference(text: &str) -> Option<Reference<'_>> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Reference::Hash(text));
    }
    let word = is_name(text)
        && Opcode::by_mnemonic(text).is_none()
        && [Key::statement, Key::value, Key::operator].iter().all(|key| key(text).is_none());
    word.then_some(Reference::Name(text))
}

#[cfg(test)]
mod tests {
    use super::{Reference, reference};
    use crate::{NoSources, Options, assemble};

    #[test]
    fn names_and_hashes_are_told_from_code() {
        let hash = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let (short, digit) = (&hash[1..], &hash[2..]);
        for (text, expected) in [
            ("SwarmDetectionModule", Some(Reference::Name("SwarmDetectionModule"))),
            ("_v2", Some(Reference::Name("_v2"))),
            (hash, Some(Reference::Hash(hash))),
            // Too few digits for a hash.
            (short, Some(Reference::Name(short))),
            (digit, None),
            ("HALT", None),
            ("halt", None),
            ("break", None),
            ("NULL", None),
            ("", None),
            ("two words", None),
            ("Module\n", None),
            ("a-b", None),
            ("modules/a.avm", None),
            (":label", None),
        ] {
            assert_eq!(reference(text), expected, "{text}");
        }
    }

    #[test]
    fn a_reference_is_no_statement() {
        for text in ["SwarmDetectionModule", "decide", &"ab".repeat(32), &"01".repeat(32)] {
            assert!(reference(text).is_some(), "{text}");
            let assembly = assemble("a.avm", text, &mut NoSources, &Options::default());
            assert!(assembly.program.is_none(), "{text} is a statement");
        }
    }
}
