//! Patches of one region: texts, diffs and bytecode, sound and broken. Whatever is accepted changes
//! that region and nothing else, and the result verifies.

use avm_asm::{
    disassemble,
    patch::{Refused, is_diff, patch_diff, patch_text, region_text},
};
use avm_ir::{
    Program,
    program::graft::{Patched, check, graft},
    verify,
};

use crate::{
    Entropy,
    generate::{Shape, program},
    text::PIECES,
};

/// Patches one random program once in each way.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let program = program(&mut entropy, Shape { textual: true, block: 12, ..Shape::ANY });
    let names: Vec<&str> = program.regions.iter().map(|region| region.name.as_str()).collect();
    let name = *entropy.pick(&names);
    let text = region_text(&program, name).expect("a textual program has texts");
    let own = patch_text(&program, name, &text, false);
    assert_eq!(own.is_err(), name == "main", "{own:?}\n{text}");
    for patched in own.iter() {
        // Constants may be numbered otherwise; the text may not differ.
        assert_eq!(region_text(&patched.program, name).as_ref(), Ok(&text));
        sound(&program, name, patched);
    }
    let edit = match entropy.below(4) {
        0 => String::from_utf8_lossy(data).into_owned(),
        1 => (0..entropy.below(20)).map(|_| *entropy.pick(PIECES)).collect(),
        _ => edited(&mut entropy, &text),
    };
    judge(&program, name, &edit, patch_text(&program, name, &edit, entropy.once_in(3)));
    let diff = diff(&mut entropy, &text);
    let _ = is_diff(&edit);
    let by_diff = patch_diff(&program, name, &diff);
    if let Err(refused) = &by_diff {
        assert!(!refused.to_string().is_empty());
    }
    by_diff.iter().for_each(|patched| sound(&program, name, patched));
    if let Ok(patched) = graft(&program, name, &fragment(&mut entropy, &program)) {
        alone(&program, name, &patched);
        // Bytecode may say what no text does; reading it must not panic.
        let _ = region_text(&patched.program, name);
    }
}

fn judge(program: &Program, name: &str, text: &str, patched: Result<Patched, Refused>) {
    match patched {
        Ok(patched) => sound(program, name, &patched),
        Err(refused) => {
            assert!(!refused.diagnostics.is_empty(), "a reason: {text:?}");
            for report in &refused.diagnostics {
                let file = refused.files.get(usize::from(report.span.file.0)).expect("a file");
                let (start, end) = (report.span.start as usize, report.span.end as usize);
                assert!(file.text.get(start..end).is_some(), "{start}..{end} lies in {text:?}");
            }
        }
    }
}

/// Panics unless an accepted patch keeps what it must.
fn alone(old: &Program, name: &str, patched: &Patched) {
    let growth = check(old, &patched.program, name).expect("nothing else changed");
    assert_eq!(growth, patched.growth);
    verify(patched.program.clone()).expect("it verifies");
    for (before, after) in old.regions.iter().zip(&patched.program.regions) {
        assert!(before.name == name || before.hash() == after.hash());
    }
}

/// The same of a patch that came from a text, which has one again.
fn sound(old: &Program, name: &str, patched: &Patched) {
    alone(old, name, patched);
    if let Err(error) = disassemble(&patched.program) {
        // The manifest keeps kinds that only the old body computed, and no directive says them.
        let known = error.causes.iter().all(|cause| cause.ends_with("names are computed"));
        assert!(known, "a textual patch has a text: {error}");
    }
    let text = region_text(&patched.program, name).expect("a text");
    let again = patch_text(&patched.program, name, &text, false);
    let again = again.unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    assert_eq!(region_text(&again.program, name).as_ref(), Ok(&text), "a fixed point");
}

/// Lines taken out, doubled and exchanged, and pieces put in.
fn edited(entropy: &mut Entropy<'_>, text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..1 + entropy.below(4) {
        let (at, other) = (entropy.below(lines.len()), entropy.below(lines.len()));
        match entropy.below(4) {
            0 if !lines.is_empty() => drop(lines.remove(at)),
            1 if !lines.is_empty() => lines.insert(at, lines[other]),
            2 if !lines.is_empty() => lines.swap(at, other),
            _ => lines.insert(at, entropy.pick::<&str>(PIECES)),
        }
    }
    lines.join("\n")
}

/// A diff that mostly fits, with hunks that are sometimes off.
fn diff(entropy: &mut Entropy<'_>, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::from("--- a\n+++ b\n");
    let mut at = 0;
    while at < lines.len() {
        at += entropy.below(6);
        let count = entropy.below(3).min(lines.len().saturating_sub(at));
        let added = entropy.below(3);
        let first = if count == 0 { at } else { at + 1 };
        let off = usize::from(entropy.once_in(12));
        out.push_str(&format!("@@ -{first},{} +{first},{} @@\n", count + off, added + 1 + off));
        for line in lines.iter().skip(at).take(count) {
            out.push_str(&format!("-{line}\n"));
        }
        for _ in 0..added {
            out.push_str(&format!("+{}\n", entropy.pick(PIECES).trim_end()));
        }
        out.push_str(match entropy.below(12) {
            0 => "@@\n",
            1 => " \n",
            _ => "+  LOG 1\n",
        });
        at += count;
    }
    out
}

/// Another program, or the same one with bytes changed.
fn fragment(entropy: &mut Entropy<'_>, old: &Program) -> Program {
    if entropy.once_in(2) {
        return program(entropy, Shape { textual: true, block: 12, ..Shape::ANY });
    }
    let mut bytes = old.to_bytes();
    for _ in 0..entropy.below(4) {
        let at = entropy.below(bytes.len());
        bytes[at] ^= 1 << entropy.below(8);
    }
    Program::from_bytes(&bytes).unwrap_or_else(|_| old.clone())
}
