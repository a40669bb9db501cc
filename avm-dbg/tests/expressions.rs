//! Expressions of the debugger against those of the language: what the assembler makes of them, run
//! on the machine.

use std::{collections::BTreeMap, sync::Arc};

use avm_dbg::expr::{Condition, Expression};
use avm_ir::{
    Schedule, Value,
    value::{from_json, to_json},
};
use avm_vm::{Config, End, Image, Machine, Pause};

/// Numbers that only look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    fn one_of(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len())]
    }

    /// An expression that has at most so many levels.
    fn expression(&mut self, levels: u32) -> String {
        if levels == 0 || self.roll(6) == 0 {
            return self.one_of(LEAVES).to_owned();
        }
        let mut one = || self.expression(levels - 1);
        let [a, b, c] = [one(), one(), one()];
        match self.roll(16) {
            0..=3 => format!("{a} {} {b}", self.one_of(&["+", "-", "*", "/", "%"])),
            4..=6 => {
                let sign = self.one_of(&["==", "!=", "<", "<=", ">", ">=", "contains"]);
                format!("({a}) {sign} ({b})")
            }
            7 | 8 => format!("({a} {} {b})", self.one_of(&["AND", "or", "OR"])),
            9 => format!("(NOT {a})"),
            10 => format!("-({a})"),
            11 => format!("({a})[{b}]"),
            12 => format!("({a}).{}", self.one_of(&["price", "items", "nothing"])),
            13 => format!("[{a}, {b}, {c}]"),
            14 => format!("{{price: {a}, \"any text\": {b}}}"),
            _ => match self.roll(10) {
                0 => format!("LEN({a})"),
                1 => format!("max({a}, {b})"),
                2 => format!("SLICE({a}, {b}, {c})"),
                3 => format!("TO_TEXT({a})"),
                4 => format!("SORT({a}, descending=true)"),
                5 => format!("GET_OR({a}, {b}, {c})"),
                6 => format!("SQRT({a})"),
                7 => format!("TO_INT({a})"),
                8 => format!("RANGE({a}, {b})"),
                _ => format!("MERGE({a}, {b})"),
            },
        }
    }
}

const LEAVES: &[&str] = &[
    "0",
    "1",
    "2",
    "-3",
    "7",
    "9223372036854775807",
    "-9223372036854775808",
    "0x1F",
    "1_000",
    "0.5",
    "2.0",
    "1e300",
    "-0.0",
    "true",
    "FALSE",
    "NULL",
    "\"\"",
    "\"tea\"",
    "\"a\\n\\\"b\\\"\\u{e4}\"",
    "[]",
    "[1, 2.5]",
    "{}",
    "{price: 3}",
    "n",
    "n",
    "big",
    "f",
    "t",
    "list",
    "list",
    "record",
    "record.items",
    "list[0]",
    "nothing",
    "yes",
];

fn registers() -> BTreeMap<&'static str, Value> {
    let of = |json: &str| from_json(json, 1 << 20).expect("it is JSON");
    BTreeMap::from([
        ("n", of("3")),
        ("big", Value::Int(i64::MAX)),
        ("f", of("2.5")),
        ("t", of("\"text\"")),
        ("list", of("[3, 1, \"x\", [2]]")),
        ("record", of("{\"price\": null, \"items\": [1, 2, 3]}")),
        ("nothing", Value::Null),
        ("yes", of("true")),
    ])
}

/// What the language says; `None` where the assembler does not take it.
fn language(
    expression: &str,
    registers: &BTreeMap<&'static str, Value>,
) -> Option<Result<Value, String>> {
    let inputs: String = registers.keys().map(|name| format!(".input {name} = NULL\n")).collect();
    let source = format!("{inputs}RETURN {expression}\n");
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test.avm", &source, &mut avm_asm::NoSources, &options);
    let verified = avm_ir::verify(assembly.program?).expect("it verifies");
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    let inputs = registers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let config = Config { inputs: inputs.collect(), ..Config::default() };
    let mut machine = Machine::new(image, config).expect("it starts");
    Some(match machine.run(1 << 20, &mut ()) {
        Pause::End(End::Halted(value)) => Ok(value),
        Pause::End(End::Trapped(trap)) => Err(trap.to_string()),
        Pause::End(End::Exhausted(meter)) => Err(format!("it takes too much {}", meter.name())),
        other => panic!("{expression}: {other:?}"),
    })
}

fn shown(worth: &Result<Value, String>) -> String {
    match worth {
        Ok(value) => format!("{} {}", value.type_name(), to_json(value)),
        Err(trap) => trap.clone(),
    }
}

#[test]
fn expressions_are_worth_what_the_language_says() {
    let registers = registers();
    let mut dice = Dice(7);
    let (mut values, mut traps) = (0, 0);
    for _ in 0..4000 {
        let levels = 1 + dice.roll(3) as u32;
        let text = dice.expression(levels);
        let Some(wanted) = language(&text, &registers) else { continue };
        let read = Expression::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let got = read.value(|name| registers.get(name));
        assert_eq!(shown(&got), shown(&wanted), "{text}");
        // As a condition it holds where it is true.
        let condition = Condition::read(&text).expect("it reads");
        let holds = condition.holds(|name| registers.get(name));
        assert_eq!(holds, got == Ok(Value::Bool(true)), "{text}");
        *if got.is_ok() { &mut values } else { &mut traps } += 1;
    }
    assert!(values > 1000 && traps > 500, "{values} values, {traps} traps");
}

/// Text of every sort is read or refused, and evaluated in bounds.
#[test]
fn nothing_that_is_typed_does_harm() {
    const PIECES: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        "%",
        "-",
        "-9",
        "1e",
        "0x",
        "NOT ",
        " OR ",
        ".",
        "n",
        "REPEAT(",
        "\"ab\"",
        "9999999",
        "ä",
        "==",
        "=",
        "RANGE(0, 9223372036854775807)",
        "\u{0}",
    ];
    let registers = registers();
    let mut dice = Dice(3);
    for _ in 0..20_000 {
        let text: String = (0..dice.roll(9)).map(|_| dice.one_of(PIECES)).collect();
        if let Ok(read) = Expression::read(&text) {
            let _ = read.value(|name| registers.get(name));
        }
    }
    for text in
        ["REPEAT(\"abc\", 9223372036854775807)", "RANGE(0, 1000000000000)", "FILL(99999999999, 0)"]
    {
        let read = Expression::read(text).expect(text);
        assert!(read.value(|_| None).is_err(), "{text}");
    }
}
