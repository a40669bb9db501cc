//! Random programs that are right: every instruction of the table, every statement, nested
//! expressions, regions, functions and tests, in every way of writing operands.

use std::fmt::Write as _;

use avm_ir::{DefaultValue, Kind, OpInfo, Opcode, opcode::OPS};

/// The text of a program; the same for the same seed.
pub(crate) fn program(seed: u64) -> String {
    let mut generator =
        Generator { state: seed, out: String::new(), indent: 1, scope: Scope::Main, loops: 0 };
    generator.program();
    generator.out
}

const REGISTERS: [&str; 8] = ["alpha", "R1", "Rport", "in", "_x", "expect", "R_state", "out2"];
const LOCALS: [&str; 4] = ["n", "m", "item", "alpha"];
const FUNCTIONS: [(&str, usize); 3] = [("zero", 0), ("one", 1), ("two", 2)];
const CONSTANTS: [&str; 4] = ["LIMIT", "RATE", "NAME", "PAIRS"];
const TEXTS: [&str; 8] =
    ["", "a", "two words", "q\\\"uote", "line\\nbreak", "é→😀", "; no comment", "-> %1"];

#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Main,
    Region,
    Func,
}

struct Generator {
    state: u64,
    out: String,
    indent: usize,
    scope: Scope,
    loops: usize,
}

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(self.indent));
    }

    fn program(&mut self) {
        self.line("#define LIMIT 5");
        self.line("#define RATE -0.25");
        self.line("#define NAME \"some name\"");
        self.line("#define PAIRS [LIMIT, {rate: RATE, \"odd key\": NULL}]");
        if self.chance(50) {
            self.line(".input alpha = [1, 2]");
            self.line(".uses model \"computed model\"");
        }
        for register in REGISTERS {
            self.line(&format!("SET {register} = {}", self.state % 100));
        }
        let regions = self.below(4);
        for region in 0..regions {
            self.some_statements();
            self.region(region);
        }
        self.some_statements();
        for label in 0..3 {
            self.line(&format!(":main{label}"));
            self.some_statements();
        }
        for region in regions..4 {
            // Every label that a jump may name exists.
            self.line(&format!(":region{region}"));
        }
        for (name, params) in FUNCTIONS {
            self.function(name, params);
        }
        for test in 0..self.below(3) {
            self.test(test, regions);
        }
    }

    fn region(&mut self, number: usize) {
        let head = match self.below(4) {
            0 => "",
            1 => " detached",
            2 => " perms=read,modify in=(alpha) out=(R1, Rport)",
            _ => " perms=execute,lock",
        };
        self.line(&format!(".region Region{number}{head}"));
        self.scope = Scope::Region;
        self.indent += 1;
        self.some_statements();
        self.line(&format!(":region{number}"));
        self.some_statements();
        self.line(":.local");
        self.some_statements();
        self.indent -= 1;
        self.scope = Scope::Main;
        self.line(".endregion");
    }

    fn function(&mut self, name: &str, params: usize) {
        self.line(&format!(".func {name}({})", LOCALS[..params].join(", ")));
        self.scope = Scope::Func;
        self.indent += 1;
        for local in &LOCALS[params..] {
            self.line(&format!("SET {local} = {}", self.state % 100));
        }
        self.line(":start");
        self.some_statements();
        self.line(":.local");
        self.some_statements();
        self.indent -= 1;
        self.scope = Scope::Main;
        self.line(".endfunc");
    }

    fn test(&mut self, number: usize, regions: usize) {
        let region = match self.below(regions + 1) {
            0 => String::from("main"),
            region => format!("Region{}", region - 1),
        };
        self.line(&format!(".test \"test {number} \\\"quoted\\\"\" region={region}"));
        for _ in 0..self.below(3) {
            let register = self.pick(&REGISTERS);
            let value = self.expr(2, false);
            self.line(&format!("given {register} = {value}"));
        }
        for _ in 0..self.below(3) {
            let condition = self.condition(2);
            self.line(&format!("expect {condition}"));
        }
        for _ in 0..self.below(3) {
            let line = self.pick(&[
                "answer READ_FROM_TOOL \"Tool\" -> [1, -2.5, {a: NULL, \"b c\": \"x\\n\"}]",
                "answer READ_FROM_TOOL -> true",
                "answer GPU_INFER \"m\" fails \"no \\\"more\\\"\"",
                "answer WAIT",
            ]);
            self.line(line);
        }
        self.line(".endtest");
    }

    fn some_statements(&mut self) {
        for _ in 0..self.below(6) {
            self.statement(2);
        }
    }

    fn block(&mut self, depth: usize) {
        self.indent += 1;
        for _ in 0..self.below(4) {
            self.statement(depth - 1);
        }
        self.indent -= 1;
    }

    fn statement(&mut self, depth: usize) {
        match self.below(if depth == 0 { 12 } else { 16 }) {
            0..=6 => self.instruction(),
            7 | 8 => {
                let (place, value) = (self.place(), self.expr(3, true));
                self.line(&format!("SET {place} = {value}"));
            }
            9 => {
                let condition = self.condition(2);
                let label = self.label();
                self.line(&format!("IF {condition} THEN JUMP {label}"));
            }
            10 if self.loops > 0 => {
                let word = self.pick(&["BREAK", "CONTINUE"]);
                self.line(word);
            }
            10 | 11 => {
                let value = self.expr(2, true);
                self.line(&format!("{}. LOG {value} ;; note", self.state % 40));
            }
            12 | 13 => {
                let condition = self.condition(2);
                self.line(&format!("IF {condition} THEN"));
                self.block(depth);
                if self.chance(30) {
                    let condition = self.condition(1);
                    self.line(&format!("ELSEIF {condition}"));
                    self.block(depth);
                }
                if self.chance(40) {
                    self.line("ELSE");
                    self.block(depth);
                }
                self.line("ENDIF");
            }
            14 => {
                let condition = self.condition(2);
                self.line(&format!("WHILE {condition} DO"));
                self.loops += 1;
                self.block(depth);
                self.loops -= 1;
                self.line("ENDWHILE");
            }
            _ => {
                let item = self.register();
                let list = match self.below(3) {
                    0 => self.register().to_owned(),
                    1 => String::from("10"),
                    _ => format!("[{}, {}]", self.expr(1, true), self.expr(1, true)),
                };
                self.line(&format!("FOR {item} IN {list} DO"));
                self.loops += 1;
                self.block(depth);
                self.loops -= 1;
                self.line("ENDFOR");
            }
        }
    }

    fn label(&mut self) -> String {
        match (self.scope, self.below(3)) {
            (Scope::Func, 0) => String::from("start"),
            (Scope::Func | Scope::Region, 1 | 2) => String::from(".local"),
            (_, 0) => format!("main{}", self.below(3)),
            _ => format!("region{}", self.below(4)),
        }
    }

    fn register(&mut self) -> &'static str {
        if self.scope == Scope::Func { self.pick(&LOCALS) } else { self.pick(&REGISTERS) }
    }

    fn place(&mut self) -> String {
        let mut place = String::from(self.register());
        while self.chance(25) {
            place += &match self.below(3) {
                0 => String::from(".field"),
                1 => format!("[{}]", self.key()),
                _ => String::from("[-1]"),
            };
        }
        place
    }

    fn key(&mut self) -> String {
        match self.below(4) {
            0 => format!("{}", self.below(3)),
            1 => self.text(),
            2 => format!("{} + 1", self.register()),
            _ => String::from(self.register()),
        }
    }

    fn text(&mut self) -> String {
        format!("\"{}\"", self.pick(&TEXTS))
    }

    fn literal(&mut self) -> String {
        match self.below(9) {
            0 => String::from("NULL"),
            1 => String::from("true"),
            2 => String::from("FALSE"),
            3 => format!("{}", self.state as i64),
            4 => format!("{}", self.below(10)),
            5 => format!("{:?}", (self.state as i64) as f64 / 4096.0),
            6 => String::from("-9223372036854775808"),
            7 => String::from("2.5e-300"),
            _ => self.text(),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let (left, right) = (self.expr(depth, true), self.expr(depth, true));
        match self.below(if depth == 0 { 5 } else { 9 }) {
            0 => format!("({left}) == ({right})"),
            1 => format!("({left}) < ({right})"),
            2 => format!("({left}) contains ({right})"),
            3 => String::from(self.register()),
            4 => String::from("lastPluginFailed"),
            5 => format!("NOT ({})", self.condition(depth - 1)),
            6 => format!("({}) AND ({})", self.condition(depth - 1), self.condition(depth - 1)),
            7 => format!("({}) OR ({})", self.condition(depth - 1), self.condition(depth - 1)),
            _ => String::from(self.pick(&["true", "false", "NULL"])),
        }
    }

    /// `logic` allows `AND` and `OR`, which the disassembler cannot write in a `given`.
    fn expr(&mut self, depth: usize, logic: bool) -> String {
        if depth == 0 {
            return match self.below(5) {
                0 | 1 => self.literal(),
                2 => String::from(self.pick(&CONSTANTS)),
                _ => String::from(self.register()),
            };
        }
        let mut part = || self.expr(depth - 1, logic);
        let (left, right) = (part(), part());
        match self.below(14) {
            0 => format!("({left}) + ({right})"),
            1 => format!("({left}) * ({right})"),
            2 => format!("({left}) != ({right})"),
            3 => format!("{}[{}]", self.register(), self.key()),
            4 => format!("{}.field", self.register()),
            5 => format!("[{left}, {right}, {}]", self.literal()),
            6 => format!("{{a: {left}, \"b c\": {right}}}"),
            7 => format!("one({left})"),
            8 => format!("two({left}, {right})"),
            9 => format!("ROUND(alpha, {}2)", self.pick(&["", "digits="])),
            10 if logic => format!("({left}) AND ({right}) AND {}", self.register()),
            11 if logic => format!("({left}) OR ({right})"),
            12 => String::from("lastTaskFailed"),
            _ => format!("-({})", self.register()),
        }
    }

    /// A value that the operand accepts, as far as that is known before the program runs.
    fn operand(&mut self, kind: Kind) -> String {
        if self.chance(40) && !matches!(kind, Kind::Label | Kind::Func | Kind::Place) {
            return String::from(self.register());
        }
        match kind {
            Kind::Any | Kind::Args => self.expr(2, true),
            Kind::Bool => self.condition(1),
            Kind::Int => format!("{}", self.below(9)),
            Kind::Float | Kind::Num => String::from(self.pick(&["1", "0.5", "RATE", "-3"])),
            Kind::Text | Kind::Name(_) => {
                if self.chance(20) {
                    String::from("NAME")
                } else {
                    self.text()
                }
            }
            Kind::List => String::from(self.pick(&["[]", "[1, \"a\"]", "PAIRS", "[LIMIT]"])),
            Kind::Record => String::from(self.pick(&["{}", "{a: 1}"])),
            Kind::Bytes | Kind::Vector | Kind::Handle => String::from(self.register()),
            Kind::Place => self.place(),
            Kind::Label => self.label(),
            Kind::Func => String::from("two"),
        }
    }

    fn instruction(&mut self) {
        let info = loop {
            let info = &OPS[self.below(OPS.len())];
            // `SET` as a statement has a form of its own.
            if info.opcode != Opcode::SET {
                break info;
            }
        };
        let mnemonic = match info.aliases {
            [] => info.mnemonic.to_owned(),
            aliases if self.chance(20) => aliases[self.below(aliases.len())].to_owned(),
            _ if self.chance(10) => info.mnemonic.to_ascii_lowercase(),
            _ => info.mnemonic.to_owned(),
        };
        let mut operands = self.operands(info);
        let mut outputs: Vec<String> = Vec::new();
        match info.outputs.len() {
            0 => {}
            1 => match self.below(4) {
                0 => {}
                1 => operands.push(format!("out={}", self.place())),
                _ => outputs.push(self.place()),
            },
            _ => match self.below(3) {
                0 => outputs = vec![String::from("_"), self.place()],
                1 => outputs = vec![self.place(), self.place()],
                _ => outputs = vec![self.place()],
            },
        }
        let arrow = match outputs.as_slice() {
            [] => String::new(),
            [only] => format!(" -> {only}"),
            several => format!(" → ({})", several.join(", ")),
        };
        let operands = operands.join(", ");
        if self.chance(10) {
            self.line(&format!("{mnemonic}({operands}){arrow}"));
        } else {
            self.line(&format!("{mnemonic} {operands}{arrow}"));
        }
    }

    fn operands(&mut self, info: &OpInfo) -> Vec<String> {
        let mut operands = Vec::new();
        let mut named = false;
        for input in info.inputs {
            if input.kind == Kind::Args {
                let most = if info.opcode == Opcode::CALL { 3 } else { 12 };
                let count = self.below(most);
                let count = if info.opcode == Opcode::RECORD { count / 2 * 2 } else { count };
                for _ in 0..count {
                    operands.push(self.expr(1, true));
                }
                break;
            }
            if input.default != DefaultValue::Required && self.chance(60) {
                named = true;
                continue;
            }
            named |= input.default == DefaultValue::Named || (!info.variadic() && self.chance(15));
            let value = self.operand(input.kind);
            operands.push(match (named, input.aliases) {
                (false, _) => value,
                (true, [alias, ..]) if self.chance(40) => format!("{alias}={value}"),
                (true, _) => format!("{}={value}", input.name),
            });
        }
        operands
    }
}
