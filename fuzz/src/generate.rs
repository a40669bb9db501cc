//! Random programs that verify, by construction: operands of the right roles, jumps inside their
//! blocks, calls that fit, a manifest that covers every name.

use avm_ir::{
    Instr, OpInfo, Opcode, Program, Slot, Value,
    instr::{Layout, NO_REGISTER, Role},
    operand::{DefaultValue, Kind, NameKind},
    program::{Func, Input, Label, MAIN, Manifest, Perms, Region, Target, entry_label, exit_label},
};

use crate::Entropy;

/// Named agent registers of every generated program.
const NAMED: usize = 12;

/// Registers by the kind of value they usually hold, so that most instructions find operands they
/// can work with; functions have fewer registers and no such order.
const fn usual(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Bool => &[3],
        Kind::Int => &[0, 1, 2],
        Kind::Num => &[0, 1, 2, 4],
        Kind::Float => &[4],
        Kind::Text | Kind::Name(_) => &[5, 6],
        Kind::List => &[7, 8],
        Kind::Record => &[9],
        Kind::Vector => &[10],
        _ => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    }
}

/// What a row's untyped operands usually are.
fn usual_kind(info: &OpInfo, kind: Kind) -> Kind {
    match (info.family, kind) {
        ("arith" | "compare", Kind::Any) => Kind::Num,
        ("list" | "data", Kind::Place) if info.inputs[0].name != "container" => Kind::List,
        (_, Kind::Place) if info.opcode == Opcode::NEXT => Kind::Int,
        (_, Kind::Place) => Kind::Record,
        ("text", Kind::Any) => Kind::Text,
        ("data", Kind::Any) if info.inputs[0].name == "container" => Kind::Text,
        (_, kind) => kind,
    }
}
/// Names given to operands that name something.
const NAMES: &[&str] = &["alpha", "Beta", "gamma delta", "ü", ""];

/// Names given to operands that say what an agent looks at; one is unknown.
const LOOKS: &[&str] = &[
    "logs",
    "gas",
    "budget",
    "memory",
    "performance",
    "last_failure",
    "regions",
    "versions",
    "checkpoints",
    "alpha",
];

/// What may be generated.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Constants that a source text can say: no bytes, vectors, handles, NaN or infinities.
    pub textual: bool,
    /// Most instructions per block.
    pub block: usize,
    /// Mostly what programs compute with, in the sequences that compilers of loops, conditions
    /// and paths write.
    pub plain: bool,
}

impl Shape {
    /// Everything that bytecode can say.
    pub const ANY: Self = Self { textual: false, block: 20, plain: false };
}

/// What programs compute with, and in the front what others follow.
const PLAIN: &[Opcode] = &[
    Opcode::SET,
    Opcode::ADD,
    Opcode::SUB,
    Opcode::MUL,
    Opcode::DIV,
    Opcode::MOD,
    Opcode::ADD,
    Opcode::BIT_AND,
    Opcode::BIT_OR,
    Opcode::BIT_XOR,
    Opcode::SHIFT_LEFT,
    Opcode::SHIFT_RIGHT,
    Opcode::MUL_WRAP,
    Opcode::ADD_WRAP,
    Opcode::ABS,
    Opcode::SQRT,
    Opcode::CEIL,
    Opcode::FLOOR,
    Opcode::TO_FLOAT,
    Opcode::TO_INT,
    Opcode::NEG,
    Opcode::LT,
    Opcode::LE,
    Opcode::GT,
    Opcode::GE,
    Opcode::EQ,
    Opcode::NE,
    Opcode::NOT,
    Opcode::TEST,
    Opcode::AND,
    Opcode::OR,
    Opcode::JUMP,
    Opcode::JUMP_IF,
    Opcode::JUMP_IF_FALSE,
    Opcode::JUMP_IF_TRUE,
    Opcode::NEXT,
    Opcode::NEXT,
    Opcode::GET,
    Opcode::GET,
    Opcode::PUT,
    Opcode::PUT,
    Opcode::PUT_IN,
    Opcode::PUT_IN,
    Opcode::TAKE,
    Opcode::PUSH,
    Opcode::POP,
    Opcode::GET_OR,
    Opcode::ORD,
    Opcode::LEN,
    Opcode::LIST,
    Opcode::RECORD,
    Opcode::CALL,
    Opcode::CALL,
    Opcode::RETURN,
];

/// What reads or writes a part of a container.
const PARTS: &[Opcode] = &[Opcode::GET, Opcode::GET_OR, Opcode::PUT, Opcode::PUT_IN, Opcode::TAKE];

/// A random program. [`avm_ir::verify()`] accepts every one.
pub fn program(entropy: &mut Entropy<'_>, shape: Shape) -> Program {
    let regions = 1 + entropy.below(3);
    let functions: Vec<(String, u8)> =
        (0..entropy.below(4)).map(|n| (format!("f{n}"), entropy.below(4) as u8)).collect();
    let homes: Vec<usize> = functions.iter().map(|_| entropy.below(regions)).collect();
    let mut program =
        Program { registers: (0..NAMED).map(|n| format!("R{n}")).collect(), ..Program::default() };
    let names: Vec<String> =
        (0..regions).map(|n| if n == 0 { MAIN.into() } else { format!("REGION_{n}") }).collect();
    for (n, name) in names.iter().enumerate() {
        let mut builder = Builder {
            entropy: &mut *entropy,
            shape,
            functions: &functions,
            manifest: &mut program.manifest,
            region: Region { name: name.clone(), perms: perms(n), ..Region::default() },
        };
        builder.consts();
        builder.body(n, &names);
        for (f, (name, params)) in functions.iter().enumerate() {
            if homes[f] == n {
                builder.function(name, *params);
            }
        }
        builder.sort_labels();
        program.regions.push(builder.region);
    }
    // Only registers that nothing else fills may be inputs; a default keeps the program startable.
    if entropy.once_in(3) {
        program.inputs.push(Input { register: 1, default: Some(Value::Int(7)) });
    }
    program
}

fn perms(region: usize) -> Perms {
    if region == 0 { Perms::MAIN } else { Perms::DEFAULT }
}

struct Builder<'a, 'e> {
    entropy: &'a mut Entropy<'e>,
    shape: Shape,
    functions: &'a [(String, u8)],
    manifest: &'a mut Manifest,
    region: Region,
}

impl Builder<'_, '_> {
    fn consts(&mut self) {
        for _ in 0..4 + self.entropy.below(8) {
            let value = self.value(0);
            // One constant per value: the assembler interns them.
            if !self.region.consts.contains(&value) {
                self.region.consts.push(value);
            }
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        let kinds = if self.shape.textual { 8 } else { 11 };
        match self.entropy.below(kinds) {
            0 => Value::Null,
            1 => Value::Bool(self.entropy.once_in(2)),
            2 => Value::Int(self.int()),
            3 => Value::Int(self.entropy.below(10) as i64),
            4 => self.float(),
            5 => Value::text(NAMES[self.entropy.below(NAMES.len())]),
            6 if depth < 3 => {
                let count = self.entropy.below(4);
                Value::list((0..count).map(|_| self.value(depth + 1)).collect())
            }
            7 if depth < 3 => {
                let count = self.entropy.below(3);
                let names = ["a", "b", "text"];
                let fields = (0..count).map(|n| (names[n], self.value(depth + 1)));
                Value::Record(fields.collect())
            }
            8 => Value::Bytes(vec![1, 2, 255].into()),
            9 => Value::vector(vec![1.0, -0.5, f32::NAN]),
            _ => Value::text("plain text, with words"),
        }
    }

    fn int(&mut self) -> i64 {
        *self.entropy.pick(&[i64::MIN + 1, i64::MAX, -1, 0, 1, 63, 64, 1 << 40, 1_000_000])
    }

    fn float(&mut self) -> Value {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let plain = [0.5, -0.0, 1e300, 1e-300, 3.25, 1e15];
        let float = if !self.shape.textual && self.entropy.once_in(3) {
            *self.entropy.pick(&odd)
        } else {
            *self.entropy.pick(&plain)
        };
        Value::float(float)
    }

    /// The body of a region. The main body shows regions in place; a region's end leads on behind.
    fn body(&mut self, region: usize, names: &[String]) {
        let start = self.region.code.len();
        if region == 0 {
            self.fill_registers();
        }
        let labels = self.block(NO_REGISTER - 1);
        if region == 0 {
            for name in &names[1..] {
                let entry = self.elsewhere(entry_label(name));
                self.push(Instr { b: Slot(entry), ..Instr::bare(Opcode::JUMP) });
                let target = Target::Here(self.region.code.len() as u32);
                self.region.labels.push(Label { name: exit_label(name), target });
                let constant = self.constant();
                self.push(Instr { a: 2, b: constant, ..Instr::bare(Opcode::SET) });
            }
            self.push(Instr::bare(Opcode::HALT));
        } else {
            // What a source text can say ends in a jump that something reaches.
            let constant = self.constant();
            self.push(Instr { a: 2, b: constant, ..Instr::bare(Opcode::SET) });
            let exit = self.elsewhere(exit_label(&names[region]));
            self.push(Instr { b: Slot(exit), ..Instr::bare(Opcode::JUMP) });
        }
        self.place_labels(labels, start);
    }

    /// Gives the agent's registers values of their usual kinds.
    fn fill_registers(&mut self) {
        let record = [("a", Value::Int(1)), ("text", Value::text("t"))];
        let record: avm_ir::value::Record = record.into_iter().collect();
        let list = Value::list(vec![Value::Int(3), Value::Int(1), Value::Int(2)]);
        let nested = if self.shape.plain {
            let mixed = vec![Value::text("t"), Value::float(0.5), Value::Null, list.clone()];
            Value::list(vec![list.clone(), Value::Record(record.clone()), Value::list(mixed)])
        } else {
            list.clone()
        };
        let mut values = vec![
            (0, Value::Int(if self.shape.plain { 0 } else { 3 })),
            (3, Value::Bool(true)),
            (4, Value::float(0.5)),
            (5, Value::text("plain text, with words")),
            (6, Value::text("text")),
            (7, list.clone()),
            (8, nested),
            (9, Value::Record(record)),
        ];
        if self.shape.plain {
            values.push((2, Value::Int(1)));
        }
        if !self.shape.textual {
            values.push((10, Value::vector(vec![1.0, -0.5])));
        }
        for (register, value) in values {
            let constant = self.interned(value);
            self.push(Instr { a: register, b: constant, ..Instr::bare(Opcode::SET) });
        }
    }

    fn function(&mut self, name: &str, params: u8) {
        let entry = self.region.code.len();
        let mut registers = params + 3;
        let labels = self.block(registers);
        let value = self.source(registers, Kind::Any);
        self.push(Instr { b: value, ..Instr::bare(Opcode::RETURN) });
        self.place_labels(labels, entry);
        // A source text says how many registers a function has by using them.
        registers = registers.min(params.max(self.highest_register(entry)));
        let (entry, end) = (entry as u32, self.region.code.len() as u32);
        let name = String::from(name);
        self.region.functions.push(Func { name, entry, end, params, registers });
    }

    /// One more than the highest register that the code from here on names.
    fn highest_register(&self, start: usize) -> u8 {
        let mut highest = 0;
        for instr in &self.region.code[start..] {
            if instr.a != NO_REGISTER {
                highest = highest.max(instr.a + 1);
            }
            let info = instr.op.info();
            let slots = instr.slots(&self.region.pool).expect("a list in the pool");
            let roles: Vec<Role> = info.slot_roles().collect();
            for (n, slot) in slots.iter().enumerate() {
                let is_number = match roles[n.min(roles.len() - 1)] {
                    Role::Input(n) => matches!(info.inputs[n].kind, Kind::Label | Kind::Func),
                    Role::Output(_) => false,
                };
                if let (Some(register), false) = (slot.as_reg(), is_number) {
                    highest = highest.max(register + 1);
                }
            }
        }
        highest
    }

    /// Random instructions. Jumps take label numbers that [`Self::place_labels`] gives places.
    fn block(&mut self, registers: u8) -> std::ops::Range<usize> {
        let first = self.region.labels.len();
        let count = 1 + self.entropy.below(3);
        for _ in 0..count {
            self.region.labels.push(Label { name: String::new(), target: Target::Here(0) });
        }
        let labels = first..first + count;
        for _ in 0..1 + self.entropy.below(self.shape.block) {
            self.instruction(registers, &labels);
        }
        labels
    }

    fn place_labels(&mut self, labels: std::ops::Range<usize>, start: usize) {
        let end = self.region.code.len();
        for label in labels {
            let pc = start + self.entropy.below(end - start);
            self.region.labels[label].target = Target::Here(pc as u32);
        }
    }

    /// Puts the labels in the order that the validator wants: by place, other regions' last. Local
    /// ones that nothing jumps to go, as no source text keeps them.
    fn sort_labels(&mut self) {
        let mut used = vec![false; self.region.labels.len()];
        self.each_label(|label| used[usize::from(label.0)] = true);
        let labels = &self.region.labels;
        let mut order: Vec<usize> =
            (0..labels.len()).filter(|n| used[*n] || !labels[*n].name.is_empty()).collect();
        // At one place the label behind a region comes first, as its text does.
        order.sort_by_key(|n| match self.region.labels[*n].target {
            Target::Here(pc) => (false, pc, labels[*n].name.is_empty()),
            Target::Elsewhere => (true, 0, false),
        });
        let mut new_numbers = vec![0; used.len()];
        for (new, old) in order.iter().enumerate() {
            new_numbers[*old] = new as u16;
        }
        self.region.labels = order.iter().map(|old| self.region.labels[*old].clone()).collect();
        self.each_label(|label| label.0 = new_numbers[usize::from(label.0)]);
    }

    /// Every slot of the code that names a label.
    fn each_label(&mut self, mut visit: impl FnMut(&mut Slot)) {
        for instr in &mut self.region.code {
            let info = instr.op.info();
            // No row with a label keeps its slots in the pool.
            for (role, slot) in info.slot_roles().zip([&mut instr.b, &mut instr.c, &mut instr.d]) {
                if let Role::Input(n) = role
                    && info.inputs[n].kind == Kind::Label
                {
                    visit(slot);
                }
            }
        }
    }

    fn elsewhere(&mut self, name: String) -> u16 {
        self.region.labels.push(Label { name, target: Target::Elsewhere });
        (self.region.labels.len() - 1) as u16
    }

    fn instruction(&mut self, registers: u8, labels: &std::ops::Range<usize>) {
        let plain = self.shape.plain && !self.entropy.once_in(24);
        let op = *self.entropy.pick(if plain { PLAIN } else { Opcode::ALL });
        // Most runs would end there.
        if op == Opcode::RETURN && plain && !self.entropy.once_in(8) {
            return;
        }
        if plain && matches!(op, Opcode::ADD | Opcode::EQ | Opcode::NE) && self.entropy.once_in(2) {
            self.on_texts(op, registers);
            return;
        }
        if plain && PARTS.contains(&op) {
            self.part(op, registers);
            return;
        }
        if plain && self.entropy.once_in(4) {
            self.idiom(registers, labels);
            return;
        }
        let info = op.info();
        if op == Opcode::CALL && self.functions.is_empty() {
            return;
        }
        let mut instr = Instr::bare(op);
        if let Some(output) = info.outputs.first() {
            let dropped = output.optional && self.entropy.once_in(4);
            let kind = usual_kind(info, output.kind);
            instr.a = if dropped { NO_REGISTER } else { self.register(registers, kind) };
        } else if info.place_in_a().is_some() {
            instr.a = self.register(registers, usual_kind(info, Kind::Place));
        }
        let mut slots = Vec::new();
        let mut most_arguments = 6;
        for role in info.slot_roles() {
            let slot = match role {
                Role::Output(n) => Slot::reg(self.register(registers, info.outputs[n].kind)),
                Role::Input(n) => {
                    let operand = &info.inputs[n];
                    match operand.kind {
                        Kind::Args => continue,
                        Kind::Label => {
                            Slot((labels.start + self.entropy.below(labels.len())) as u16)
                        }
                        Kind::Func => {
                            let (name, params) = self.entropy.pick(self.functions).clone();
                            most_arguments = usize::from(params);
                            Slot(self.import(&name))
                        }
                        Kind::Place => {
                            Slot::reg(self.register(registers, usual_kind(info, Kind::Place)))
                        }
                        kind => {
                            let optional = matches!(
                                operand.default,
                                DefaultValue::Absent | DefaultValue::Named
                            );
                            if optional && self.entropy.once_in(2) {
                                Slot::ABSENT
                            } else {
                                self.source(registers, usual_kind(info, kind))
                            }
                        }
                    }
                }
            };
            slots.push(slot);
        }
        if info.variadic() {
            let mut count = self.entropy.below(most_arguments + 1);
            if op == Opcode::RECORD {
                count &= !1;
            }
            for _ in 0..count {
                slots.push(self.source(registers, Kind::Any));
            }
        }
        match info.layout() {
            Layout::Inline => {
                for (to, slot) in [&mut instr.b, &mut instr.c, &mut instr.d].into_iter().zip(slots)
                {
                    *to = slot;
                }
            }
            Layout::Pool => {
                let start = self.region.pool.len();
                instr.b = Slot(slots.len() as u16);
                instr.c = Slot((start & 0xFFFF) as u16);
                instr.d = Slot((start >> 16) as u16);
                self.region.pool.extend(slots);
            }
        }
        self.push(instr);
        if plain && !self.entropy.once_in(3) {
            self.follow(instr, labels);
        }
    }

    /// What mostly stands behind a comparison: a jump on it.
    fn follow(&mut self, instr: Instr, labels: &std::ops::Range<usize>) {
        use Opcode::{EQ, GE, GT, JUMP_IF, JUMP_UNLESS, LE, LT, NE};
        if !matches!(instr.op, LT | LE | GT | GE | EQ | NE) {
            return;
        }
        let label = Slot((labels.start + self.entropy.below(labels.len())) as u16);
        let op = *self.entropy.pick(&[JUMP_UNLESS, JUMP_UNLESS, JUMP_IF]);
        self.push(Instr { b: Slot::reg(instr.a), c: label, ..Instr::bare(op) });
    }

    /// Several instructions that programs often have one behind the other, and a loop.
    fn idiom(&mut self, registers: u8, labels: &std::ops::Range<usize>) {
        use Opcode::{
            ADD, BIT_XOR, EQ, GET, GET_OR, JUMP, JUMP_IF, JUMP_UNLESS, LE, LEN, LT, MOD, MUL, NE,
            ORD, PUT, SET, SLICE, SUB,
        };
        let label = Slot((labels.start + self.entropy.below(labels.len())) as u16);
        let numbers = [0, 1, 2, 3, 4];
        let [a, b, c, d, e] = [(); 5].map(|()| self.among(&numbers, registers));
        let (container, text) =
            (self.among(&[7, 8, 9], registers), self.among(&[5, 6, 11], registers));
        let [ra, rb, rc, rd, re] = [a, b, c, d, e].map(Slot::reg);
        let (k, l) = (self.constant(), self.constant());
        let index = if self.entropy.once_in(3) { self.interned(Value::Int(0)) } else { rc };
        let jump = *self.entropy.pick(&[JUMP_IF, JUMP_UNLESS]);
        let on = Instr { b: ra, c: label, ..Instr::bare(jump) };
        let make = |op, a, b, c| Instr { a, b, c, ..Instr::bare(op) };
        let get = |of, key| make(GET, a, Slot::reg(of), key);
        match self.entropy.below(12) {
            0 => {
                let sum = if self.entropy.once_in(2) { ADD } else { SUB };
                let (x, y) = if self.entropy.once_in(3) { (ra, re) } else { (re, ra) };
                self.extend([make(MUL, a, rb, rc), make(sum, d, x, y)]);
            }
            1 => self.extend([make(ADD, a, rb, rc), make(MOD, a, ra, k)]),
            2 => self.extend([make(MUL, a, rb, k), make(BIT_XOR, a, ra, rc)]),
            3 => self.extend([make(MUL, a, rb, k), make(ADD, a, ra, l)]),
            4 => self.extend([get(container, index), on]),
            5 => {
                let (x, y) = if self.entropy.once_in(2) { (ra, rd) } else { (rd, ra) };
                self.extend([get(container, index), make(LT, a, x, y), on]);
            }
            6 => {
                let letter = self.interned(Value::text("a"));
                let op = *self.entropy.pick(&[EQ, NE]);
                self.extend([get(text, index), make(op, a, ra, letter), on]);
            }
            7 => self.extend([get(text, index), make(ORD, a, ra, Slot::ABSENT)]),
            8 => {
                let from = self.interned(Value::Int(0));
                let whole = Instr { a: d, b: Slot::reg(text), c: rb, d: rc, ..Instr::bare(SLICE) };
                self.extend([
                    make(SET, b, from, Slot::ABSENT),
                    make(LEN, c, Slot::reg(text), Slot::ABSENT),
                    whole,
                ]);
            }
            9 => {
                let name = self.interned(Value::text("a"));
                let key = if self.entropy.once_in(2) { Slot::reg(text) } else { rc };
                let sum = Instr { a, b: Slot::reg(container), c: key, d: k, ..Instr::bare(GET_OR) };
                let put = Instr { a: container, b: key, c: ra, ..Instr::bare(PUT) };
                self.extend([make(SET, text, name, Slot::ABSENT), sum, make(ADD, a, ra, l), put]);
            }
            10 => {
                let letter = self.interned(Value::text("a"));
                let op = *self.entropy.pick(&[EQ, NE]);
                self.extend([make(op, a, Slot::reg(text), letter), on]);
            }
            _ => {
                let head = self.region.labels.len();
                let here = Target::Here(self.region.code.len() as u32);
                self.region.labels.push(Label { name: String::new(), target: here });
                let out = Instr { b: ra, c: label, ..Instr::bare(jump) };
                match self.entropy.below(4) {
                    0 => {
                        let (x, y) = if self.entropy.once_in(2) { (ra, rd) } else { (rd, ra) };
                        self.extend([get(container, rb), make(LT, a, x, y), out]);
                    }
                    1 => {
                        let letter = self.interned(Value::text("a"));
                        self.extend([get(text, rb), make(EQ, a, ra, letter), out]);
                    }
                    _ => {
                        let op = *self.entropy.pick(&[LT, LT, LE]);
                        let out = Instr { b: ra, c: label, ..Instr::bare(JUMP_UNLESS) };
                        self.extend([make(op, a, rb, rc), out]);
                    }
                }
                if self.entropy.once_in(2) {
                    self.push(make(ADD, e, re, rb));
                }
                let step = match self.entropy.below(3) {
                    0 => rd,
                    1 => k,
                    _ => self.interned(Value::Int(1)),
                };
                let back = Instr { b: Slot(head as u16), ..Instr::bare(JUMP) };
                self.extend([make(ADD, b, rb, step), back]);
            }
        }
    }

    fn extend<const N: usize>(&mut self, instrs: [Instr; N]) {
        self.region.code.extend(instrs);
    }

    /// Joins or compares texts, registers and constants.
    fn on_texts(&mut self, op: Opcode, registers: u8) {
        let a = self.among(&[3, 5, 6, 11], registers);
        let mut side = || match self.entropy.below(4) {
            0 => self.interned(Value::text(NAMES[usize::from(registers) % NAMES.len()])),
            1 => Slot::reg(self.among(&[0, 2, 4], registers)),
            _ => Slot::reg(self.among(&[5, 6, 11], registers)),
        };
        let (b, c) = (side(), side());
        self.push(Instr { a, b, c, ..Instr::bare(op) });
    }

    /// Reads or writes a part of a container, or a part of a part, as paths do.
    fn part(&mut self, op: Opcode, registers: u8) {
        let any = [0, 1, 3, 4, 7, 8, 9, 11];
        let container = self.among(&[7, 8, 9], registers);
        let (to, key, value) =
            (self.among(&any, registers), self.key(registers), self.among(&any, registers));
        let instr = match op {
            Opcode::PUT => Instr { a: container, b: key, c: Slot::reg(value), ..Instr::bare(op) },
            Opcode::GET_OR => {
                let d = if self.entropy.once_in(2) { self.constant() } else { Slot::reg(value) };
                Instr { a: to, b: Slot::reg(container), c: key, d, ..Instr::bare(op) }
            }
            Opcode::PUT_IN => {
                let d = if self.entropy.once_in(3) { self.constant() } else { Slot::reg(value) };
                Instr { a: container, b: key, c: self.key(registers), d, ..Instr::bare(op) }
            }
            _ => Instr { a: to, b: Slot::reg(container), c: key, ..Instr::bare(op) },
        };
        self.push(instr);
        // Again, when what the first time had to copy is its own.
        if op == Opcode::PUT_IN && self.entropy.once_in(2) {
            self.push(instr);
        }
        if op == Opcode::GET && !self.entropy.once_in(3) {
            let c = self.key(registers);
            self.push(Instr { a: to, b: Slot::reg(to), c, ..Instr::bare(op) });
        }
        if op == Opcode::TAKE && !self.entropy.once_in(3) {
            let b = self.key(registers);
            let inner = Instr { a: to, b, c: Slot::reg(value), ..Instr::bare(Opcode::PUT) };
            let put = Instr { a: container, b: key, c: Slot::reg(to), ..Instr::bare(Opcode::PUT) };
            self.push(inner);
            self.push(put);
            // Again, when what the first time had to copy is its own.
            for again in [instr, inner, put] {
                self.push(again);
            }
        }
    }

    fn key(&mut self, registers: u8) -> Slot {
        match self.entropy.below(4) {
            0 => Slot::reg(self.among(&[0, 2, 2, 5], registers)),
            1 => {
                let index = self.entropy.below(3) as i64 - 1;
                self.interned(Value::Int(index))
            }
            2 => self.interned(Value::text("a")),
            _ => self.interned(Value::Int(0)),
        }
    }

    /// One of some registers, or any where a function has fewer.
    fn among(&mut self, some: &[u8], registers: u8) -> u8 {
        if usize::from(registers) < NAMED {
            return self.entropy.below(usize::from(registers)) as u8;
        }
        *self.entropy.pick(some)
    }

    fn push(&mut self, instr: Instr) {
        self.region.code.push(instr);
    }

    fn register(&mut self, registers: u8, kind: Kind) -> u8 {
        // Few registers, so that values meet.
        if usize::from(registers) < NAMED {
            return self.entropy.below(usize::from(registers)) as u8;
        }
        let wild = self.entropy.once_in(24);
        *self.entropy.pick(usual(if wild { Kind::Any } else { kind }))
    }

    fn import(&mut self, name: &str) -> u16 {
        let known = self.region.imports.iter().position(|import| import == name);
        let index = known.unwrap_or_else(|| {
            self.region.imports.push(name.into());
            self.region.imports.len() - 1
        });
        index as u16
    }

    fn constant(&mut self) -> Slot {
        Slot::constant(self.entropy.below(self.region.consts.len()) as u16)
    }

    fn source(&mut self, registers: u8, kind: Kind) -> Slot {
        if let Kind::Name(kind) = kind {
            if self.entropy.once_in(4) {
                self.manifest.computed.insert(kind);
                return Slot::reg(self.register(registers, Kind::Text));
            }
            let names = if kind == NameKind::Introspect { LOOKS } else { NAMES };
            let name = names[self.entropy.below(names.len())];
            self.manifest.names.insert((kind, name.into()));
            return self.interned(Value::text(name));
        }
        let fits = |value: &Value| match kind {
            Kind::Bool => matches!(value, Value::Bool(_)),
            Kind::Int => matches!(value, Value::Int(-1..=64)),
            Kind::Num => matches!(value, Value::Int(_) | Value::Float(_)),
            Kind::Text => matches!(value, Value::Text(_)),
            Kind::List => matches!(value, Value::List(_)),
            Kind::Record => matches!(value, Value::Record(_)),
            // The assembler refuses literals of types that an instruction can never take.
            Kind::Any => true,
            _ => false,
        };
        let constant = self.constant();
        let fits = constant.as_const().is_some_and(|n| fits(&self.region.consts[n]));
        if fits && self.entropy.once_in(3) {
            constant
        } else {
            Slot::reg(self.register(registers, kind))
        }
    }

    fn interned(&mut self, value: Value) -> Slot {
        let known = self.region.consts.iter().position(|constant| *constant == value);
        let index = known.unwrap_or_else(|| {
            self.region.consts.push(value);
            self.region.consts.len() - 1
        });
        Slot::constant(index as u16)
    }
}
