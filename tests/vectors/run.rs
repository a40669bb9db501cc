//! Runs a case and compares what happened with what its directives say.

use std::sync::Arc;

use avm_ir::{Opcode, Schedule, StatusWord, Value, gas::GAS, program::Patch, verify::CodePlace};
use avm_vm::{
    Answer, Config, EffectRequest, End, FailureCode, Image, Machine, Meter, Observer, Pause, Spend,
};

use crate::{
    case::{Case, Directive, Reply, WantedEnd},
    value,
};

/// Gas of a case without `limit`.
const AMPLE: u64 = 1_000_000 * GAS;
/// Steps after which a case counts as endless.
const MAX_STEPS: u64 = 1_000_000;

/// What a case showed of the instruction under test, for the count of what is covered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) executed: bool,
    pub(crate) halted: bool,
    /// The instruction itself trapped.
    pub(crate) trapped: bool,
    /// A scripted failure came back, or an instruction that asks nobody failed.
    pub(crate) failed: bool,
    /// The machine refused the operands.
    pub(crate) refused: bool,
    /// An answer that used up more than was left of a meter beside gas was taken back.
    pub(crate) taken_back: bool,
    /// Under the policy deny the machine made it a failure.
    pub(crate) over_budget: bool,
    /// A time-out that used something up came back.
    pub(crate) timed_out: bool,
    /// The machine made an answer of more than `max_bytes` a failure.
    pub(crate) too_large: bool,
}

impl Shown {
    /// What either of two runs showed.
    const fn or(self, other: Self) -> Self {
        Self {
            executed: self.executed | other.executed,
            halted: self.halted | other.halted,
            trapped: self.trapped | other.trapped,
            failed: self.failed | other.failed,
            refused: self.refused | other.refused,
            taken_back: self.taken_back | other.taken_back,
            over_budget: self.over_budget | other.over_budget,
            timed_out: self.timed_out | other.timed_out,
            too_large: self.too_large | other.too_large,
        }
    }
}

/// Everything a run leaves behind.
struct Outcome {
    machine: Machine,
    end: End,
    watch: Watch,
}

/// Watches one instruction.
struct Watch {
    op: Opcode,
    /// What its last step paid.
    gas: Option<u64>,
    last: Option<EffectRequest>,
    /// The answer that was given last, until the machine took it.
    given: Option<(Opcode, Answer)>,
    shown: Shown,
}

impl Observer for Watch {
    fn step(&mut self, _: CodePlace, opcode: Opcode, gas: u64) {
        if opcode == self.op {
            self.gas = Some(gas);
        }
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, _: u64) {
        let given = self.given.take().map(|(_, given)| given);
        if request.opcode == self.op
            && let Err(failure) = &answer.result
        {
            self.shown = self.shown.or(failed(request, given.as_ref(), failure.code));
        }
        self.last = Some(request.clone());
    }
}

/// What an effect showed that failed: one that the machine refused, given a failure, or given an
/// answer that the machine did not take.
fn failed(request: &EffectRequest, given: Option<&Answer>, code: FailureCode) -> Shown {
    let nothing = Shown::default();
    let Some(given) = given else {
        return Shown { refused: code == FailureCode::InvalidArgument, ..nothing };
    };
    match &given.result {
        Err(_) => {
            let timed_out = code == FailureCode::Timeout && given.spent != Spend::NONE;
            Shown { failed: true, timed_out, ..nothing }
        }
        Ok(outputs) => {
            let bytes: u64 = outputs.iter().map(Value::size).sum();
            Shown {
                too_large: code == FailureCode::TooLarge && bytes > request.max_bytes,
                over_budget: code == FailureCode::OverBudget,
                ..nothing
            }
        }
    }
}

/// Whether an instruction that asks nobody, and says by its status word how it went, failed.
fn fails_alone(op: Opcode, machine: &Machine) -> bool {
    op.info().family == "code" && machine.status(StatusWord::Rewrite) == Value::Bool(true)
}

/// What is used up of every meter.
fn used(machine: &Machine) -> Vec<(Meter, u64)> {
    Meter::ALL.iter().map(|meter| (*meter, machine.used(*meter))).collect()
}

/// The same, of steps too or not.
struct Look<'w, const STEPS: bool>(&'w mut Watch);

impl<const STEPS: bool> Observer for Look<'_, STEPS> {
    const STEPS: bool = STEPS;

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        self.0.step(at, opcode, gas);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        self.0.effect(request, answer, gas);
    }
}

/// One size of a case.
struct Run<'a> {
    case: &'a Case,
    op: Opcode,
    image: Arc<Image>,
    n: Option<i64>,
}

/// Runs a case at all its sizes; problems come with their line of the file.
pub(crate) fn check(case: &Case, op: Opcode, problems: &mut Vec<(usize, String)>) -> Shown {
    let mut shown = Shown::default();
    let image = match crate::assemble(&case.source) {
        Ok(program) => Arc::new(Image::new(program, &Schedule::v1())),
        Err(error) => {
            problems.push((case.line, error));
            return shown;
        }
    };
    for (index, n) in case.sizes().into_iter().enumerate() {
        let run = Run { case, op, image: image.clone(), n };
        let before = problems.len();
        match run.check(index, problems) {
            Ok(outcome) => {
                let Outcome { end, watch, .. } = &outcome;
                shown = shown.or(Shown {
                    executed: watch.gas.is_some(),
                    halted: matches!(end, End::Halted(_)),
                    failed: watch.shown.failed || fails_alone(op, &outcome.machine),
                    trapped: matches!(end, End::Trapped(trap) if trap.opcode == op),
                    taken_back: matches!(end, End::Exhausted(meter) if *meter != Meter::Gas)
                        && watch.given.as_ref().is_some_and(|(asked, _)| *asked == op),
                    ..watch.shown
                });
            }
            Err(error) => problems.push((case.line, error)),
        }
        if let Some(n) = n {
            for (_, problem) in &mut problems[before..] {
                problem.push_str(&format!(" (n = {n})"));
            }
        }
    }
    shown
}

impl Run<'_> {
    fn check(&self, index: usize, problems: &mut Vec<(usize, String)>) -> Result<Outcome, String> {
        let outcome = self.go(None, u64::MAX)?;
        let wanted_end = self.compare_all(index, &outcome, problems);
        if !ends_so(&outcome.end, wanted_end) {
            problems.push((self.case.line, format!("ends {}", describe(&outcome.end))));
            return Ok(outcome);
        }
        self.check_slices(&outcome)?;
        self.check_limits(&outcome)?;
        Ok(outcome)
    }

    /// What the directives say, one by one; gives back the end they want.
    fn compare_all(
        &self,
        index: usize,
        outcome: &Outcome,
        problems: &mut Vec<(usize, String)>,
    ) -> &WantedEnd {
        let mut wanted_end = &WantedEnd::Halted;
        let mut notes = outcome.machine.log();
        let mut logs = false;
        for (line, directive) in &self.case.directives {
            if let Directive::End(end) = directive {
                wanted_end = end;
            }
            logs |= matches!(directive, Directive::Log(_));
            if let Err(problem) = self.compare(directive, index, outcome, &mut notes) {
                problems.push((*line, problem));
            }
        }
        if logs && let Some(note) = notes.next() {
            problems.push((self.case.line, format!("a further note {}", value::write(&note.note))));
        }
        wanted_end
    }

    /// The same, one instruction at a time: slices must not show.
    fn check_slices(&self, outcome: &Outcome) -> Result<(), String> {
        let stepped = self.go(None, 1)?;
        if stepped.machine.state_hash() != outcome.machine.state_hash() {
            return Err("slices of one instruction give another state".into());
        }
        let unwatched = self.go_with::<false>(None, u64::MAX)?;
        if unwatched.machine.state_hash() != outcome.machine.state_hash() {
            return Err("fast code gives another state".into());
        }
        Ok(())
    }

    /// The gas it used is enough, and one nanogas less is not.
    fn check_limits(&self, outcome: &Outcome) -> Result<(), String> {
        let special = self.case.directives.iter().any(|(_, directive)| {
            matches!(directive, Directive::Limit(_) | Directive::Policy(_) | Directive::AnyLimit)
        });
        if special || !matches!(outcome.end, End::Halted(_)) {
            return Ok(());
        }
        let total = outcome.machine.gas_used();
        let exact = self.go(Some(total), u64::MAX)?;
        if exact.end != outcome.end || exact.machine.gas_used() != total {
            return Err(format!("with just its gas of {total} it ends {}", describe(&exact.end)));
        }
        let short = self.go(Some(total - 1), u64::MAX)?;
        if short.end != End::Exhausted(Meter::Gas) {
            return Err(format!("with one less than {total} it ends {}", describe(&short.end)));
        }
        Ok(())
    }

    fn config(&self, limit: Option<u64>) -> Result<Config, String> {
        let mut config = Config { gas: AMPLE, ..Config::default() };
        for (_, directive) in &self.case.directives {
            match directive {
                Directive::Limit(gas) => config.gas = *gas,
                Directive::Policy(policy) => config.on_exhausted = *policy,
                Directive::Memory(bytes) => config.limits.memory = *bytes,
                Directive::Budget(meter, amount) => match config.budget.amount_mut(*meter) {
                    Some(limit) => *limit = *amount,
                    None => return Err(format!("{} has a line of its own", meter.name())),
                },
                Directive::Depth(depth) => config.limits.call_depth = *depth,
                Directive::Input(name, text) => {
                    config.inputs.push((name.clone(), value::read(text, self.n)?));
                }
                _ => {}
            }
        }
        if let (Some(n), Some(_)) = (self.n, self.image.program().register("n")) {
            config.inputs.push(("n".into(), Value::Int(n)));
        }
        config.gas = limit.unwrap_or(config.gas);
        Ok(config)
    }

    fn go(&self, limit: Option<u64>, slice: u64) -> Result<Outcome, String> {
        self.go_with::<true>(limit, slice)
    }

    /// Watched step by step, or by fast code.
    fn go_with<const STEPS: bool>(
        &self,
        limit: Option<u64>,
        slice: u64,
    ) -> Result<Outcome, String> {
        let config = self.config(limit)?;
        let mut machine =
            Machine::new(self.image.clone(), config).map_err(|error| error.to_string())?;
        let shown = Shown::default();
        let mut watch = Watch { op: self.op, gas: None, last: None, given: None, shown };
        let mut replies = self.case.directives.iter().filter_map(|(_, d)| match d {
            Directive::Reply(reply) => Some(reply),
            _ => None,
        });
        let end = loop {
            if machine.steps() > MAX_STEPS {
                return Err(format!("no end after {MAX_STEPS} steps"));
            }
            let slice = slice.min(MAX_STEPS + 1);
            match machine.run(slice, &mut Look::<STEPS>(&mut watch)) {
                Pause::Slice => {}
                Pause::End(end) => break end,
                Pause::Effect(request) => {
                    let mnemonic = request.opcode.mnemonic();
                    let reply = replies.next();
                    let reply = reply.ok_or_else(|| format!("no answer left for {mnemonic}"))?;
                    let answer = self.answer(reply)?;
                    let before = used(&machine);
                    watch.given = Some((request.opcode, answer.clone()));
                    let taken = machine.answer(request.id, answer, &mut Look::<STEPS>(&mut watch));
                    taken.map_err(|error| error.to_string())?;
                    if watch.given.is_some() && used(&machine) != before {
                        return Err(format!("{mnemonic} was taken back and used something up"));
                    }
                }
            }
        };
        match replies.count() {
            left if left > 0 && limit.is_none() => Err(format!("{left} answers were not used")),
            _ => Ok(Outcome { machine, end, watch }),
        }
    }

    fn answer(&self, reply: &Reply) -> Result<Answer, String> {
        let units = value::number(&reply.units, self.n)?;
        let cost = value::number(&reply.cost, self.n)?;
        let result = match &reply.result {
            Ok(values) => Ok(values
                .iter()
                .map(|text| match text.strip_prefix("patch ") {
                    Some(what) => self.patch(what),
                    None => value::read(text, self.n),
                })
                .collect::<Result<_, _>>()?),
            Err((code, message)) => Err(avm_vm::Failure { code: *code, message: message.clone() }),
        };
        let Reply { spent, refund, short, .. } = *reply;
        Ok(Answer { result, units, cost, spent, refund, short, handover: None })
    }

    /// `NAME "TEXT"` or `NAME "TEXT" of N`: another code of a region, made as a host's assembler
    /// would make it.
    fn patch(&self, what: &str) -> Result<Value, String> {
        let usage = "patch REGION \"TEXT\", perhaps with `of N`";
        let (name, text) = what.split_once(' ').ok_or(usage)?;
        let (text, times) = match text.rsplit_once(" of ") {
            Some((text, times)) if text.ends_with('"') => (text, value::number(times, self.n)?),
            _ => (text, 1),
        };
        let Value::Text(text) = value::read(text, None)? else { return Err(usage.into()) };
        let text = text.as_str().repeat(usize::try_from(times).map_err(|e| e.to_string())?);
        let program = crate::assemble(&replaced(&self.case.source, name, &text)?)?;
        let patch =
            Patch::of(program.program(), name).ok_or_else(|| format!("no region {name}"))?;
        Ok(Value::Bytes(Arc::new(patch.to_bytes())))
    }

    fn compare<'o>(
        &self,
        directive: &Directive,
        index: usize,
        outcome: &Outcome,
        notes: &mut impl Iterator<Item = &'o avm_vm::LogEntry>,
    ) -> Result<(), String> {
        let same = |what: &str, text: &str, found: Option<&Value>| {
            let wanted = value::read(text, self.n)?;
            match found {
                Some(found) if *found == wanted => Ok(()),
                Some(found) => Err(format!(
                    "{what}: expected {}, found {}",
                    value::write(&wanted),
                    value::write(found)
                )),
                None => Err(format!("{what}: expected {}, found none", value::write(&wanted))),
            }
        };
        let price = |what: &str, wanted: &[u64], found: Option<u64>| match found {
            Some(found) if found == wanted[index] => Ok(()),
            Some(found) => Err(format!("{what}: expected {}, found {found}", wanted[index])),
            None => Err(format!("{what}: the instruction was not executed")),
        };
        match directive {
            Directive::Expect(name, text) => same(name, text, outcome.machine.register(name)),
            Directive::Result(text) => match &outcome.end {
                End::Halted(value) => same("result", text, Some(value)),
                _ => Err("no result".into()),
            },
            Directive::Log(text) => same("log", text, notes.next().map(|entry| &entry.note)),
            Directive::Gas(wanted) => price("gas", wanted, outcome.watch.gas),
            Directive::Total(wanted) => price("total", wanted, Some(outcome.machine.gas_used())),
            Directive::Asks(name, text) => {
                let request = outcome.watch.last.as_ref().ok_or("nothing was asked")?;
                let known = request.opcode.info().inputs.iter().any(|input| input.name == name);
                match (request.arg(name), text) {
                    (None, _) if !known => Err(format!("no operand {name}")),
                    (None, None) => Ok(()),
                    (Some(found), None) => Err(format!("{name} is {}", value::write(found))),
                    (found, Some(text)) => same(name, text, found),
                }
            }
            Directive::Used(meter, wanted) => match outcome.machine.used(*meter) {
                found if found == *wanted => Ok(()),
                found => Err(format!("used {}: expected {wanted}, found {found}", meter.name())),
            },
            Directive::Status(words) => {
                for (word, wanted) in words {
                    if outcome.machine.status(*word) != Value::Bool(*wanted) {
                        return Err(format!("{} is not {wanted}", word.name()));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A program with other lines in a region, and with another first line if the text has one.
fn replaced(source: &str, region: &str, text: &str) -> Result<String, String> {
    let mut lines = source.lines();
    let mut out = String::new();
    for line in lines.by_ref() {
        let mut words = line.split_whitespace();
        if words.next() == Some(".region") && words.next() == Some(region) {
            if !text.starts_with(".region") {
                out.push_str(line);
                out.push('\n');
            }
            out.push_str(text);
            out.push('\n');
            lines.by_ref().find(|line| line.trim() == ".endregion").ok_or("no .endregion")?;
            out.push_str(".endregion\n");
            out.extend(lines.flat_map(|line| [line, "\n"]));
            return Ok(out);
        }
        out.push_str(line);
        out.push('\n');
    }
    Err(format!("no region {region}"))
}

fn ends_so(end: &End, wanted: &WantedEnd) -> bool {
    match (end, wanted) {
        (End::Halted(_), WantedEnd::Halted) => true,
        (End::Exhausted(meter), WantedEnd::Exhausted(wanted)) => meter == wanted,
        (End::Trapped(trap), WantedEnd::Trap(code, message)) => {
            trap.code == *code
                && message.as_ref().is_none_or(|part| trap.message.contains(part.as_str()))
        }
        _ => false,
    }
}

fn describe(end: &End) -> String {
    match end {
        End::Halted(_) => "halted".into(),
        End::Unapproved(_) => "unapproved".into(),
        End::Exhausted(meter) => format!("exhausted {}", meter.name()),
        End::Trapped(trap) => format!("trap {} \"{}\"", trap.code.name(), trap.message),
    }
}
