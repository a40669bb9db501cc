//! Golden runs: a recorded run beside a program, `NAME.avmj` or `NAME.CASE.avmj` beside `NAME.avm`,
//! that the program has to repeat. It is fed the recorded answers, so nobody is asked.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_asm::SourceFile;
use avm_ir::{Gas, Opcode, Schedule, Value, verify::CodePlace};
use avm_vm::{
    End, Image, Machine, Observer,
    journal::{Diverged, Event, Journal, Player, Stop},
};

use crate::{
    cli::Dialect,
    config, end,
    exit::{Exit, Failure, Outcome},
    files,
    gas_table::{Entry, Line},
    journal, program,
    redact::{self, Rules},
};

/// Deepest folder that is looked through.
const DEEPEST: usize = 32;

/// What the names of golden runs end in.
pub(crate) const EXTENSION: &str = "avmj";

/// A golden run and its program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) journal: PathBuf,
    pub(crate) program: PathBuf,
}

/// What became of a case.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The same end, output and gas.
    Same,
    /// Something else, in words.
    Differs(String),
}

/// The golden runs of a program, of a folder and those below it, or one by itself.
pub(crate) fn find(path: &Path) -> Outcome<Vec<Case>> {
    let mut journals = Vec::new();
    let mut cases: Vec<Case> = if path.is_dir() {
        below(path, EXTENSION, &mut journals, 0)?;
        journals.into_iter().filter_map(Case::of).collect()
    } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
        let case = Case::of(path.to_owned()).ok_or_else(|| {
            Failure::files(format!("{}: there is no program of its name beside it", path.display()))
        })?;
        vec![case]
    } else {
        below(files::folder_of(path), EXTENSION, &mut journals, DEEPEST)?;
        let program = fs::canonicalize(path).map_err(|error| files::about(path, error))?;
        let of_it =
            |case: &Case| fs::canonicalize(&case.program).is_ok_and(|other| other == program);
        journals.into_iter().filter_map(Case::of).filter(of_it).collect()
    };
    cases.sort();
    Ok(cases)
}

impl Case {
    /// That of a journal, if its program is beside it.
    fn of(journal: PathBuf) -> Option<Self> {
        let program = program_of(&journal)?;
        Some(Self { journal, program })
    }
}

/// The files of a folder, and of those below it down to the deepest, whose names end like this.
pub(crate) fn below(
    folder: &Path,
    extension: &str,
    found: &mut Vec<PathBuf>,
    depth: usize,
) -> Outcome<()> {
    let entries = fs::read_dir(folder).map_err(|error| files::about(folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| files::about(folder, error))?.path();
        let path = path.strip_prefix("./").map_or(path.clone(), Path::to_owned);
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !path.is_symlink() {
            if depth < DEEPEST && !hidden {
                below(&path, extension, found, depth + 1)?;
            }
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    Ok(())
}

/// The program that a golden run is of, by their names.
fn program_of(journal: &Path) -> Option<PathBuf> {
    let stem = journal.file_stem()?.to_str()?;
    let name = stem.split_once('.').map_or(stem, |(name, _)| name);
    let program = journal.with_file_name(format!("{name}.avm"));
    program.is_file().then_some(program)
}

/// Runs a case.
pub(crate) fn check(case: &Case, dialect: Option<Dialect>) -> Outcome<Verdict> {
    let journal = &journal::read(&case.journal)?;
    let old = Arc::new(Image::new(journal::program(&case.journal, journal)?, &Schedule::v1()));
    let config = config::load(&case.program, None)?;
    let source = program::read(&case.program, config.dialect(dialect))?;
    let Some(program) = source.program else {
        return Ok(Verdict::Differs("the program has errors; see avm check".to_owned()));
    };
    let new = Arc::new(Image::new(program, &Schedule::v1()));
    if old.program_hash() == new.program_hash() {
        // The machine itself is what could have changed.
        let mut player = begin(journal, old)?;
        return Ok(match player.run(journal, &mut ()) {
            Ok(Stop::Rested) => Verdict::Same,
            Ok(_) => Verdict::Differs("the golden run was cut off".to_owned()),
            Err(diverged) => Verdict::Differs(diverged.to_string()),
        });
    }
    let with = || Player::with(journal, Arc::clone(&new)).map_err(|error| error.to_string());
    let mut player = match with() {
        Ok(player) => player,
        Err(why) => return Ok(Verdict::Differs(why)),
    };
    let rules = &config.test.redact;
    let (mut seen, mut was) = (Notes::of(rules), Notes::of(rules));
    let went = player.run(journal, &mut seen);
    let mut recorded = begin(journal, Arc::clone(&old))?;
    let _ = recorded.run(journal, &mut was);
    let mut problems = Vec::new();
    let results = went.as_ref().err().and_then(|diverged| results(diverged, journal, &player));
    let results = results.map(|(now, was)| (rules.apply(now), rules.apply(was)));
    let same = results.as_ref().is_some_and(|(now, was)| now == was);
    let rested = same || matches!(went, Ok(Stop::Rested));
    match (went, results) {
        (Ok(Stop::Rested), _) => {}
        (Ok(_), _) => problems.push("it goes on where the golden run was cut off".to_owned()),
        (Err(_), _) if same => {}
        (Err(_), Some((now, was))) if is_large(&now) && is_large(&was) => {
            problems.push(format!("result{}", redact::difference(&now, &was)));
        }
        (Err(diverged), _) => problems.push(diverged.what),
    }
    let (seen, was) = (seen.notes, was.notes);
    if let Some(first) = seen.iter().zip(&was).position(|(now, was)| now != was) {
        let what = redact::difference(&seen[first], &was[first]);
        problems.push(format!("note {}{what}", first + 1));
    } else if seen.len() != was.len() && problems.is_empty() {
        problems.push(format!("{} notes, were {}", seen.len(), was.len()));
    }
    let [gas, before] = [&player, &recorded].map(|player| player.machine().gas_used());
    // One that asks for something else has not come to its end.
    if rested && gas != before {
        let sign = if gas > before { '+' } else { '-' };
        let by = Gas(gas.abs_diff(before));
        problems.push(format!("gas {}, was {} ({sign}{by})", Gas(gas), Gas(before)));
    }
    if problems.is_empty() {
        return Ok(Verdict::Same);
    }
    if let (Ok(new), old) = (with(), begin(journal, old)?) {
        problems.extend(first_difference(journal, rules, new, old));
    }
    Ok(Verdict::Differs(problems.join("\n  ")))
}

/// What a case costs now, by line.
pub(crate) fn gas(case: &Case, dialect: Option<Dialect>) -> Outcome<Entry> {
    let journal = &journal::read(&case.journal)?;
    let source = program::read(&case.program, dialect)?;
    let wrong = |why: &str| {
        let (program, journal) = (case.program.display(), case.journal.display());
        Failure::new(Exit::Program, format!("{program}: {why} {journal}"))
    };
    let program = source.program.ok_or_else(|| wrong("has errors, so it does not repeat"))?;
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    let player = Player::with(journal, image);
    let mut player = player.map_err(|_| wrong("does not start as it did in"))?;
    let mut places = Places::default();
    let went = player.run(journal, &mut places);
    let other_result =
        went.as_ref().err().is_some_and(|diverged| results(diverged, journal, &player).is_some());
    if went != Ok(Stop::Rested) && !other_result {
        return Err(wrong("does not repeat"));
    }
    Ok(places.entry(player.machine(), &source.files, &source.name))
}

fn begin(journal: &Journal, image: Arc<Image>) -> Outcome<Player> {
    Player::new(journal, image)
        .map_err(|error| Failure::files(format!("a golden run that does not start: {error}")))
}

/// Where two runs of different code go apart: the first step that is another instruction, costs
/// something else, or leaves another value in a register that both name.
fn first_difference(
    journal: &Journal,
    rules: &Rules,
    mut new: Player,
    mut old: Player,
) -> Option<String> {
    loop {
        let (mut now, mut was) = (Step::default(), Step::default());
        let next = new.machine().steps() + 1;
        let (a, b) = (new.run_to(journal, next, &mut now), old.run_to(journal, next, &mut was));
        let step = format!("first difference: step {next}, {}", place(new.machine(), now.at));
        let ((Some(op), Some(other)), Ok(_), Ok(_)) = ((now.opcode, was.opcode), a, b) else {
            return Some(step);
        };
        if op != other {
            let there = place(old.machine(), was.at);
            return Some(format!("{step}: {}, was {} ({there})", op.mnemonic(), other.mnemonic()));
        }
        for (name, value) in new.machine().registers() {
            let before = old.machine().register(name);
            let differs =
                |before: &&Value| *before != value && rules.apply(before) != rules.apply(value);
            if let Some(before) = before.filter(differs) {
                let (value, before) = (avm_dbg::show(value), avm_dbg::show(before));
                return Some(format!("{step}: {}: {name} is {value}, was {before}", op.mnemonic()));
            }
        }
        if now.gas != was.gas {
            let [now, was] = [now.gas, was.gas].map(Gas);
            return Some(format!("{step}: {}: gas {now}, was {was}", op.mnemonic()));
        }
    }
}

fn place(machine: &Machine, at: Option<CodePlace>) -> String {
    let program = machine.image().program();
    match at.and_then(|at| end::place(program, at)) {
        Some((file, line, _)) => format!("{file}:{line}"),
        None => "no line".to_owned(),
    }
}

/// The results of two runs that both halt, where that is what differs.
fn results<'a>(
    diverged: &Diverged,
    journal: &'a Journal,
    player: &'a Player,
) -> Option<(&'a Value, &'a Value)> {
    // The first record of a journal is how it began.
    let record = journal.records.get(diverged.record.checked_sub(1)?)?;
    match (player.machine().end()?, &record.event) {
        (End::Halted(now), Event::Rested { end: End::Halted(was), .. }) => Some((now, was)),
        _ => None,
    }
}

/// Whether it has parts, of which one can be named.
fn is_large(value: &Value) -> bool {
    matches!(value, Value::Record(_) | Value::List(_))
}

/// What a program logged, without what is not compared.
struct Notes<'a> {
    rules: &'a Rules,
    notes: Vec<Value>,
}

impl<'a> Notes<'a> {
    const fn of(rules: &'a Rules) -> Self {
        Self { rules, notes: Vec::new() }
    }
}

impl Observer for Notes<'_> {
    const STEPS: bool = false;

    fn log(&mut self, note: &Value) {
        self.notes.push(self.rules.apply(note).into_owned());
    }
}

/// Nanogas by place.
#[derive(Default)]
struct Places(BTreeMap<(u32, u32), u64>);

impl Places {
    /// The same by line, in the order of the source; one file behind the other.
    fn entry(&self, machine: &Machine, files: &[SourceFile], own: &str) -> Entry {
        let program = machine.image().program();
        let mut lines: BTreeMap<(usize, &str, u32), u64> = BTreeMap::new();
        let mut elsewhere = machine.gas_used();
        for ((region, pc), gas) in &self.0 {
            let Some((file, line, _)) = end::place(program, CodePlace { region: *region, pc: *pc })
            else {
                continue;
            };
            // The program itself first.
            let order = files.iter().position(|known| known.path == file);
            let order = if file == own { 0 } else { 1 + order.unwrap_or(files.len()) };
            *lines.entry((order, file, line)).or_default() += gas;
            elsewhere = elsewhere.saturating_sub(*gas);
        }
        let text = |file: &str, line: u32| {
            let text = &files.iter().find(|known| known.path == file)?.text;
            text.lines().nth(line.checked_sub(1)? as usize).map(|text| text.trim().to_owned())
        };
        let line = |((_, file, line), gas): (&(usize, &str, u32), &u64)| Line {
            gas: *gas,
            text: text(file, *line).unwrap_or_else(|| format!("line {line}")),
            place: format!("{file}:{line}"),
        };
        let mut lines: Vec<Line> = lines.iter().map(line).collect();
        if elsewhere > 0 {
            let text = "(no line)".to_owned();
            lines.push(Line { gas: elsewhere, text: text.clone(), place: text });
        }
        Entry { total: machine.gas_used(), lines }
    }
}

impl Observer for Places {
    fn step(&mut self, at: CodePlace, _: Opcode, gas: u64) {
        *self.0.entry((at.region, at.pc)).or_default() += gas;
    }
}

/// The instruction that was executed last.
#[derive(Default)]
struct Step {
    at: Option<CodePlace>,
    opcode: Option<Opcode>,
    gas: u64,
}

impl Observer for Step {
    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        (self.at, self.opcode, self.gas) = (Some(at), Some(opcode), gas);
    }
}
