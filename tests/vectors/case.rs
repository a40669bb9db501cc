//! Vector files to cases: directives and the program between them. See `spec/vectors/README.md`.

use avm_ir::{StatusWord, Value, value::from_json};
use avm_vm::{Budget, FailureCode, Meter, OnExhausted, Spend, TrapCode};

/// One case of a file.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Line of the file where it starts, from 1.
    pub(crate) line: usize,
    /// Its lines, directives (comments to the assembler) included.
    pub(crate) source: String,
    /// Each with its line of the file.
    pub(crate) directives: Vec<(usize, Directive)>,
}

/// A directive. Values stay text until a run gives `n` its size.
#[derive(Debug)]
pub(crate) enum Directive {
    Expect(String, String),
    End(WantedEnd),
    Result(String),
    Status(Vec<(StatusWord, bool)>),
    Log(String),
    Gas(Vec<u64>),
    Total(Vec<u64>),
    Sizes(Vec<i64>),
    Input(String, String),
    Limit(u64),
    Policy(OnExhausted),
    Memory(u64),
    /// Limit of a meter, and what should be used up of it at the end.
    Budget(Meter, u64),
    Used(Meter, u64),
    Depth(usize),
    /// Operand, and its value unless it was left out.
    Asks(String, Option<String>),
    Reply(Reply),
    /// Belong to the reply before them.
    Spent(Spend),
    Refund(Spend),
    Short(Meter),
    AnyLimit,
}

/// How a run should end.
#[derive(Debug, PartialEq)]
pub(crate) enum WantedEnd {
    Halted,
    /// On this meter.
    Exhausted(Meter),
    Trap(TrapCode, Option<String>),
}

/// A scripted answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) result: Result<Vec<String>, (FailureCode, String)>,
    pub(crate) units: String,
    pub(crate) cost: String,
    pub(crate) spent: Spend,
    pub(crate) refund: Spend,
    pub(crate) short: Option<Meter>,
}

impl Case {
    /// What an answer used up is part of the answer that stands before it.
    fn add(&mut self, line: usize, directive: Directive) -> Result<(), String> {
        let reply = self.directives.iter_mut().rev().find_map(|(_, directive)| match directive {
            Directive::Reply(reply) => Some(reply),
            _ => None,
        });
        match (directive, reply) {
            (Directive::Spent(spent), Some(reply)) => reply.spent = spent,
            (Directive::Refund(refund), Some(reply)) => reply.refund = refund,
            (Directive::Short(meter), Some(reply)) => reply.short = Some(meter),
            (Directive::Spent(_) | Directive::Refund(_) | Directive::Short(_), None) => {
                return Err("no answer stands before it".into());
            }
            (directive, _) => self.directives.push((line, directive)),
        }
        Ok(())
    }

    /// The sizes of its runs, `None` for a single run without size.
    pub(crate) fn sizes(&self) -> Vec<Option<i64>> {
        let sizes = self.directives.iter().find_map(|(_, directive)| match directive {
            Directive::Sizes(sizes) => Some(sizes.iter().copied().map(Some).collect()),
            _ => None,
        });
        sizes.unwrap_or_else(|| vec![None])
    }
}

/// Splits a file into cases; the error has the line.
pub(crate) fn parse(text: &str) -> Result<Vec<Case>, (usize, String)> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let directive = line.trim().strip_prefix(";;!").map(str::trim);
        if let Some(name) = directive.and_then(|text| text.strip_prefix("case ")) {
            if cases.iter().any(|case| case.name == name) {
                return Err((number, format!("a second case {name}")));
            }
            let (source, directives) = (String::new(), Vec::new());
            cases.push(Case { name: name.into(), line: number, source, directives });
        }
        let Some(case) = cases.last_mut() else {
            match line.trim() {
                line if line.is_empty() || line.starts_with(';') && directive.is_none() => continue,
                _ => return Err((number, "text before the first case".into())),
            }
        };
        case.source.push_str(line);
        case.source.push('\n');
        match directive {
            Some(text) if !text.starts_with("case ") => {
                let directive = read(text).map_err(|error| (number, error))?;
                case.add(number, directive).map_err(|error| (number, error))?;
            }
            _ => {}
        }
    }
    for case in &cases {
        check(case).map_err(|error| (case.line, error))?;
    }
    Ok(cases)
}

/// Five sizes, and as many prices as runs.
fn check(case: &Case) -> Result<(), String> {
    let runs = case.sizes();
    if runs.len() != 1 && runs.len() != 5 {
        return Err(format!("{} sizes instead of five", runs.len()));
    }
    for (_, directive) in &case.directives {
        if let Directive::Gas(prices) | Directive::Total(prices) = directive
            && prices.len() != runs.len()
        {
            return Err(format!("{} prices for {} runs", prices.len(), runs.len()));
        }
    }
    Ok(())
}

fn read(text: &str) -> Result<Directive, String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let assigned = || {
        let (name, value) = rest.split_once('=').ok_or("NAME = VALUE")?;
        Ok::<_, String>((name.trim().to_owned(), value.trim().to_owned()))
    };
    Ok(match word {
        "expect" => assigned().map(|(name, value)| Directive::Expect(name, value))?,
        "input" => assigned().map(|(name, value)| Directive::Input(name, value))?,
        "asks" => match rest.strip_suffix(" absent") {
            Some(name) => Directive::Asks(name.trim().into(), None),
            None => assigned().map(|(name, value)| Directive::Asks(name, Some(value)))?,
        },
        "end" => Directive::End(end(rest)?),
        "result" => Directive::Result(rest.into()),
        "log" => Directive::Log(rest.into()),
        "status" => {
            Directive::Status(rest.split_whitespace().map(status).collect::<Result<_, _>>()?)
        }
        "gas" => Directive::Gas(numbers(rest)?),
        "total" => Directive::Total(numbers(rest)?),
        "sizes" => Directive::Sizes(numbers(rest)?),
        "limit" => Directive::Limit(number(rest)?),
        "memory" => Directive::Memory(number(rest)?),
        "depth" => Directive::Depth(number(rest)?),
        "budget" => metered(rest).map(|(meter, amount)| Directive::Budget(meter, amount))?,
        "used" => metered(rest).map(|(meter, amount)| Directive::Used(meter, amount))?,
        "deny" => Directive::Policy(OnExhausted::Deny),
        "suspend" => Directive::Policy(OnExhausted::Suspend),
        "any-limit" => Directive::AnyLimit,
        "spent" => Directive::Spent(spend(rest)?),
        "refund" => Directive::Refund(spend(rest)?),
        "short" => Directive::Short(meter(rest)?),
        "answer" | "answers" | "fail" => Directive::Reply(reply(word, rest)?),
        _ => return Err(format!("unknown directive {word}")),
    })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn numbers<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, String> {
    text.split_whitespace().map(number).collect()
}

fn status(text: &str) -> Result<(StatusWord, bool), String> {
    let (word, value) = text.split_once('=').ok_or("WORD=true or WORD=false")?;
    let word = match word {
        "bool" => StatusWord::Bool,
        "plugin" => StatusWord::Plugin,
        "task" => StatusWord::Task,
        "rewrite" => StatusWord::Rewrite,
        _ => return Err(format!("unknown status word {word}")),
    };
    Ok((word, number(value)?))
}

fn end(text: &str) -> Result<WantedEnd, String> {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("halted", "") => Ok(WantedEnd::Halted),
        ("exhausted", "") => Ok(WantedEnd::Exhausted(Meter::Gas)),
        ("exhausted", name) => Ok(WantedEnd::Exhausted(meter(name)?)),
        ("trap", rest) => {
            let (name, message) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = TrapCode::ALL.iter().find(|code| code.name() == name);
            let code = *code.ok_or_else(|| format!("unknown trap {name}"))?;
            let message = (!message.is_empty()).then(|| quoted(message)).transpose()?;
            Ok(WantedEnd::Trap(code, message))
        }
        _ => Err("halted, exhausted METER or trap NAME".into()),
    }
}

fn meter(name: &str) -> Result<Meter, String> {
    let meter = Meter::ALL.iter().find(|meter| meter.name() == name);
    meter.copied().ok_or_else(|| format!("unknown meter {name}"))
}

/// `METER=N`
fn metered(text: &str) -> Result<(Meter, u64), String> {
    let (name, amount) = text.split_once('=').ok_or("METER=N")?;
    Ok((meter(name.trim())?, number(amount.trim())?))
}

/// Amounts on meters that providers use up: `tokens=N credits=N gpu=N wall=N`, any of them.
fn spend(text: &str) -> Result<Spend, String> {
    let mut budget = Budget::NONE;
    for word in text.split_whitespace() {
        let (meter, amount) = metered(word)?;
        match budget.amount_mut(meter) {
            Some(place) if meter != Meter::Effects => *place = amount,
            _ => return Err(format!("{} is not for providers to use up", meter.name())),
        }
    }
    Ok(budget.spend)
}

fn quoted(text: &str) -> Result<String, String> {
    match from_json(text, u64::MAX) {
        Ok(Value::Text(text)) => Ok(text.as_str().into()),
        _ => Err(format!("{text} is no quoted text")),
    }
}

fn reply(word: &str, text: &str) -> Result<Reply, String> {
    let (mut rest, mut units, mut cost) = (text.trim(), "0", "0");
    loop {
        let (before, last) = rest.rsplit_once(' ').unwrap_or(("", rest));
        if let Some(amount) = last.strip_prefix("units=") {
            units = amount;
        } else if let Some(amount) = last.strip_prefix("cost=") {
            cost = amount;
        } else {
            break;
        }
        rest = before.trim();
    }
    let result = match word {
        "answer" if rest.is_empty() => Ok(Vec::new()),
        "answer" => Ok(vec![rest.to_owned()]),
        "answers" => {
            let (count, values) = rest.split_once(':').ok_or("answers COUNT: VALUE ; VALUE")?;
            let values: Vec<String> = values.split(" ; ").map(|v| v.trim().to_owned()).collect();
            if values.len() != number::<usize>(count)? {
                return Err(format!("{} values instead of {count}", values.len()));
            }
            Ok(values)
        }
        _ => {
            let (name, message) = rest.split_once(' ').ok_or("fail CODE \"message\"")?;
            let code = FailureCode::ALL.iter().find(|code| code.name() == name);
            Err((*code.ok_or_else(|| format!("unknown failure {name}"))?, quoted(message)?))
        }
    };
    Ok(Reply {
        result,
        units: units.into(),
        cost: cost.into(),
        spent: Spend::NONE,
        refund: Spend::NONE,
        short: None,
    })
}
