//! Recorded runs under other code: a change that means nothing makes no difference, and one that does
//! is found at its very step.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_asm::{Dialect, Options, assemble, files::Files};
use avm_ir::{Program, Schedule};
use avm_vm::{
    Answer, EffectRequest, Image, Observer,
    journal::{Diverged, Event, Journal, Player, Stop},
};

/// The golden runs of `programs/`, with the texts of their programs.
fn goldens() -> Vec<(String, Journal, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let source = path.with_extension("avm");
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|name| name == "avmj") && source.exists() {
                let journal = Journal::read(&fs::read(&path).expect("a journal"));
                let name = source.strip_prefix(&root).expect("below").display().to_string();
                found.push((name, journal.expect("it is whole"), source));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn assembled(source: &Path, text: &str) -> Option<Program> {
    let mut files = Files::of_project(source).expect("the file is there");
    let name = files.name(source).expect("it lies in its project");
    let options = Options { dialect: Dialect::Paper, ..Options::default() };
    assemble(&name, text, &mut files, &options).program
}

fn image(program: Program) -> Arc<Image> {
    let verified = avm_ir::verify(program).expect("it verifies");
    Arc::new(Image::new(verified, &Schedule::v1()))
}

fn replayed(journal: &Journal, program: Program) -> Result<Stop, Diverged> {
    let mut player = Player::with(journal, image(program)).expect("it takes the same inputs");
    player.run(journal, &mut ())
}

/// The text with an instruction more in front of every `SET`: other places, other steps, other gas.
fn refactored(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("SET ") {
            out += "NOP\n";
        }
        out += line;
        out += "\n";
    }
    out
}

#[test]
fn what_means_nothing_makes_no_difference() {
    let (mut same, mut changed) = (0, 0);
    for (name, journal, source) in goldens() {
        let text = fs::read_to_string(&source).expect("a text");
        let other = refactored(&text);
        changed += usize::from(other != text);
        let Some(program) = assembled(&source, &other) else {
            panic!("{name} does not assemble with more lines");
        };
        match replayed(&journal, program) {
            Ok(Stop::Rested) => same += 1,
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(same > 50 && changed > 40, "{same} are the same, {changed} have other text");
}

/// Where each effect was asked: executed steps and line of the program's first file.
#[derive(Default)]
struct Asked(Vec<(u64, u32)>);

impl Asked {
    fn of(journal: &Journal) -> Self {
        let program = Program::from_bytes(&journal.start.program).expect("it is there");
        let places = program.debug.clone().map(|debug| debug.places).unwrap_or_default();
        let mut player = Player::new(journal, image(program)).expect("it starts");
        let mut lines = Lines { places, asked: Self::default() };
        player.run(journal, &mut lines).expect("it plays");
        // What was refused before anybody was asked is in no journal.
        let answered = |wanted: u64| {
            journal
                .records
                .iter()
                .any(|record| matches!(record.event, Event::Answered { id, .. } if id == wanted))
        };
        lines.asked.0.retain(|(id, _)| answered(*id));
        lines.asked
    }
}

struct Lines {
    places: Vec<Vec<avm_ir::program::Place>>,
    asked: Asked,
}

impl Observer for Lines {
    const STEPS: bool = false;
    const VALUES: bool = false;

    fn effect(&mut self, request: &EffectRequest, _: &Answer, _: u64) {
        let place = { self.places.get(request.at.region as usize) }
            .and_then(|places| places.get(request.at.pc as usize))
            .filter(|place| place.file == 0);
        self.asked.0.push((request.id, place.map_or(0, |place| place.line)));
    }
}

/// A text that an effect is asked with is another one: the run differs at the first effect of that
/// line, and nowhere before.
#[test]
fn a_planted_change_is_found_at_its_step() {
    let mut planted = 0;
    for (name, journal, source) in goldens() {
        let text = fs::read_to_string(&source).expect("a text");
        let lines: Vec<&str> = text.lines().collect();
        let asked = Asked::of(&journal);
        let fit: BTreeSet<u32> = { asked.0.iter().map(|(_, line)| *line) }
            .filter(|line| {
                let line = lines.get((*line as usize).wrapping_sub(1));
                line.is_some_and(|line| line.matches('"').count() == 2 && !line.contains("SELF_"))
            })
            .collect();
        for line in fit {
            let first = asked.0.iter().find(|(_, at)| *at == line).expect("it is one of them");
            let mut other: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let changed = &mut other[line as usize - 1];
            let quote = changed.rfind('"').expect("it has one");
            changed.insert_str(quote, "_planted");
            let Some(program) = assembled(&source, &other.join("\n")) else { continue };
            let diverged = replayed(&journal, program).expect_err(&name);
            // Before the effect as many records were fed as had been answered.
            let fed = journal.records.get(diverged.record - 1).expect("a record");
            let Event::Answered { id, .. } = fed.event else { panic!("{name}: {diverged}") };
            assert_eq!(id, first.0, "{name}, line {line}: {diverged}");
            planted += 1;
        }
    }
    assert!(planted >= 10, "only {planted} were planted");
}
