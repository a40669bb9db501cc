//! The assembler on any text: valid programs with pieces cut, swapped and repeated, and noise.

use avm_asm::{Dialect, NoSources, Options, assemble, format};
use avm_ir::verify;

use crate::Entropy;

/// Pieces that sources are made of, sound and broken.
pub(crate) const PIECES: &[&str] = &[
    ":start\n",
    "start:\n",
    "  12. ",
    "SET R = ",
    "R.a[-1]",
    "\"text\"",
    "\"open",
    "\n",
    "\n",
    "\n",
    "IF a == b THEN\n",
    "ELSE\n",
    "ENDIF\n",
    "ELSEIF x THEN\n",
    "WHILE i < 10 DO\n",
    "ENDWHILE\n",
    "FOR x IN xs DO\n",
    "ENDFOR\n",
    "BREAK\n",
    "CONTINUE\n",
    ".region A perms=read,modify in=(R)\n",
    ".endregion\n",
    ".func f(a, b)\n",
    ".endfunc\n",
    "RETURN a + b * (c - 1)\n",
    ".test \"t\" region=A\n",
    "given R = 1\n",
    "expect R == 2\n",
    "answer READ_FROM_TOOL \"T\" -> [1, {a: -2}]\n",
    "answer GPU_INFER fails \"busy\"\n",
    ".endtest\n",
    "#define N 10\n",
    "N",
    "JUMP start\n",
    "LOG \"hello\" + 1\n",
    "DOC_SEARCH \"Docs\", Q, 3, MMR=true -> R\n",
    "CALL f, 1, 2 -> R\n",
    "GPU_INFER \"m\", R, out=S, gas_limit=5\n",
    "[1, 2, [3]]",
    "{a: 1, \"b c\": [2]}",
    "->",
    "→",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "=",
    "==",
    "!=",
    "<=",
    "...",
    ".",
    "..",
    "%3",
    "1e400",
    "99999999999999999999",
    "0x",
    "'",
    "“",
    "\u{0}",
    "\u{feff}",
    "é",
    "😀",
    ";; comment\n",
    ";",
    "NOT ",
    " AND ",
    " OR ",
    " contains ",
    "-",
    "NULL",
    "true",
    ".include \"x\"\n",
    ".input n = 3\n",
    ".uses model \"m\"\n",
    "PUSH xs, 1\n",
    ".registers A, _, B\n",
    "APPEND_MESSAGE R_state.conversation, \"user\", t\n",
    "HALT\n",
];

/// Assembles one text.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let text = if entropy.once_in(4) {
        String::from_utf8_lossy(data).into_owned()
    } else {
        let count = 1 + entropy.below(60);
        (0..count).map(|_| *entropy.pick(PIECES)).collect()
    };
    let dialect = if entropy.once_in(2) { Dialect::Standard } else { Dialect::Paper };
    let options = Options { dialect, ..Options::default() };
    let assembly = assemble("fuzz.avm", &text, &mut NoSources, &options);
    for diagnostic in &assembly.diagnostics {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(text.get(start..end).is_some(), "span {start}..{end} lies in the text: {text:?}");
    }
    if let Some(program) = assembly.program {
        verify(program).expect("what assembles verifies");
    }
    if let Ok(once) = format(&text) {
        assert_eq!(format(&once).as_ref(), Ok(&once), "formatting twice changes nothing");
    }
}
