//! Text to bytes: our assembler beside that of WebAssembly. Both get the same random operations,
//! each written as one writes it there: `SET a = b + c` is one line of ours, and `local.get $b`,
//! `local.get $c`, `i64.add`, `local.set $a` are four instructions there, a line each.

use std::{fmt::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use avm_asm::{NoSources, Options, assemble};

use super::{Cost, RUNS, clocked, cost, each};

/// Operations of the program.
const OPERATIONS: usize = 100_000;
/// Operations of a function.
const EACH: usize = 200;
/// Variables of a function.
const VARIABLES: u64 = 16;

/// Assembles both programs in turns.
pub fn measure(costs: &mut Vec<Cost>) -> Result<()> {
    let Pair { ours, lines, wasm, instructions } = generate();
    let (mut plain, mut linted, mut wat) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        plain = plain.min(assembled(&ours, false)?);
        linted = linted.min(assembled(&ours, true)?);
        let (binary, time) = clocked(|| wat::parse_str(&wasm));
        ensure!(!binary?.is_empty(), "wat gave nothing");
        wat = wat.min(time);
    }
    let how = format!("text to bytes, lints off, {lines} lines");
    costs.push(cost("assembling a line", each(lines, plain), &how));
    costs.push(cost("the same with lints", each(lines, linted), "`avm-asm` with its warnings"));
    let how = format!("`wat`, {instructions} instructions of the same operations");
    costs.push(cost("an instruction of WebAssembly", each(instructions, wat), &how));
    let ratio = |ours: Duration| {
        let (ours, wat) = (ours.as_secs_f64() / lines as f64, wat.as_secs_f64());
        format!("{:.2}", ours / (wat / instructions as f64))
    };
    costs.push(cost("a line through an instruction", ratio(plain), "lints off"));
    costs.push(cost("the same with lints", ratio(linted), "lints on"));
    Ok(())
}

/// How long our assembler took for a text; it has to take it.
fn assembled(source: &str, lints: bool) -> Result<Duration> {
    let options = Options { lints, ..Options::default() };
    let (bytes, time) = clocked(|| {
        let assembly = assemble("large.avm", source, &mut NoSources, &options);
        let program = assembly.program.with_context(|| format!("{:?}", assembly.diagnostics))?;
        anyhow::Ok(program.to_bytes())
    });
    bytes.map(|_| time)
}

/// The same operations in both languages.
struct Pair {
    ours: String,
    lines: usize,
    wasm: String,
    instructions: usize,
}

fn generate() -> Pair {
    let mut pair = Pair { ours: String::new(), lines: 0, wasm: String::new(), instructions: 0 };
    let mut state = 1;
    pair.wasm.push_str("(module\n");
    for function in 0..OPERATIONS / EACH {
        pair.function(function, &mut state);
    }
    pair.wasm.push_str(")\n");
    pair.line("RETURN 0");
    pair
}

impl Pair {
    fn line(&mut self, line: &str) {
        self.ours.push_str(line);
        self.ours.push('\n');
        self.lines += 1;
    }

    fn instructions(&mut self, instructions: &[&str]) {
        for instruction in instructions {
            let _ = writeln!(self.wasm, "    {instruction}");
        }
        self.instructions += instructions.len();
    }

    fn function(&mut self, number: usize, state: &mut u64) {
        self.line(&format!(".func work{number}(v0)"));
        let _ = writeln!(self.wasm, "  (func $work{number} (param $v0 i64) (result i64)");
        for variable in 1..VARIABLES {
            self.line(&format!("  SET v{variable} = {variable}"));
            let _ = writeln!(self.wasm, "    (local $v{variable} i64)");
        }
        for _ in 0..EACH {
            self.operation(number, state);
        }
        self.line("  RETURN v0");
        self.line(".endfunc");
        self.instructions(&["local.get $v0"]);
        self.wasm.push_str("  )\n");
    }

    fn operation(&mut self, function: usize, state: &mut u64) {
        let mut below = |bound: u64| {
            *state = (*state * 48_271 + 11) % 2_147_483_647;
            (*state >> 8) % bound
        };
        let (a, b, c) = (below(VARIABLES), below(VARIABLES), below(VARIABLES));
        let (get_b, get_c) = (format!("local.get $v{b}"), format!("local.get $v{c}"));
        let set_a = format!("local.set $v{a}");
        match below(10) {
            0 => {
                self.line(&format!("  IF v{b} < v{c} THEN"));
                self.line(&format!("    SET v{a} = v{b}"));
                self.line("  ENDIF");
                self.instructions(&[&get_b, &get_c, "i64.lt_s", "if", &get_b, &set_a, "end"]);
            }
            1 if function > 0 => {
                let other = below(function as u64);
                self.line(&format!("  SET v{a} = work{other}(v{b})"));
                self.instructions(&[&get_b, &format!("call $work{other}"), &set_a]);
            }
            2..5 => {
                let number = below(100_000);
                self.line(&format!("  SET v{a} = v{b} * {number}"));
                self.instructions(&[&get_b, &format!("i64.const {number}"), "i64.mul", &set_a]);
            }
            operation => {
                let (sign, name) = if operation < 8 { ('+', "add") } else { ('-', "sub") };
                self.line(&format!("  SET v{a} = v{b} {sign} v{c}"));
                self.instructions(&[&get_b, &get_c, &format!("i64.{name}"), &set_a]);
            }
        }
    }
}
