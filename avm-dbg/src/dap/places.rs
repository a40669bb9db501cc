//! Sources, lines and instructions as the client names them.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::verify::CodePlace;
use serde_json::{Value as Json, json};

use super::{
    adapter::{Adapter, Answer, Client, Debuggee, Failure, body, read},
    protocol::{
        BreakpointLocations, Disassemble, GotoTarget, GotoTargets, Instruction, Location, Source,
        SourceArgument, SourceText,
    },
    stopping::{first_behind, last_before},
};
use crate::{
    code::Code,
    search::{Test, What},
    views,
};

/// Most instructions of one answer.
const MAX_INSTRUCTIONS: i64 = 10_000;
/// The address of the first instruction. Each has one, over all regions; what is before it is filled
/// with addresses below.
const BASE: i64 = 0x10_0000;

/// Files of the debug data and what they are called elsewhere.
#[derive(Debug, Default)]
pub(super) struct Sources {
    names: Vec<String>,
    /// Paths for the client, by file.
    paths: BTreeMap<u16, String>,
}

/// Parts of a path, last first.
fn parts(path: &str) -> Vec<&str> {
    path.rsplit(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect()
}

/// The path in a `file:` URI.
fn from_uri(uri: &str) -> String {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The `file:` URI of a path.
fn to_uri(path: &str) -> String {
    let mut uri = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b':' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

impl Sources {
    /// The files of a program; those that are at hand with their paths.
    pub(super) fn new(files: BTreeMap<String, String>, program: Option<&str>, code: &Code) -> Self {
        let names =
            code.program().debug.as_ref().map_or_else(Vec::new, |debug| debug.files.clone());
        let mut sources = Self { names, paths: BTreeMap::new() };
        for (file, name) in (0..).zip(&sources.names) {
            if let Some(path) = files.get(name) {
                sources.paths.insert(file, path.clone());
            }
        }
        if let Some(program) = program
            && let Some(file) = sources.fits(program)
        {
            sources.paths.entry(file).or_insert_with(|| program.to_owned());
        }
        sources
    }

    /// The file that a path means: one of them is the end of the other. Else the only one with the
    /// same last part.
    fn fits(&self, path: &str) -> Option<u16> {
        let wanted = parts(path);
        let common = |name: &String| {
            let parts = parts(name);
            let common = parts.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            (common, common == parts.len().min(wanted.len()))
        };
        let common: Vec<(usize, bool)> = self.names.iter().map(common).collect();
        let whole = (0..).zip(&common).filter(|(_, (common, whole))| *whole && *common > 0);
        // The first of those that fit best.
        let best = whole.reduce(|best, next| if next.1.0 > best.1.0 { next } else { best });
        if let Some((file, _)) = best {
            return Some(file);
        }
        let mut named = (0..).zip(&common).filter(|(_, (common, _))| *common > 0);
        let only = named.next().map(|(file, _)| file);
        only.filter(|_| named.next().is_none())
    }

    /// The file that the client means.
    pub(super) fn find(&self, client: Client, source: &SourceArgument) -> Option<u16> {
        let reference = source.source_reference.filter(|reference| *reference > 0);
        if let Some(reference) = reference {
            let file = u16::try_from(reference - 1).ok()?;
            return (usize::from(file) < self.names.len()).then_some(file);
        }
        let path = source.path.as_deref().or(source.name.as_deref())?;
        if client.uris { self.fits(&from_uri(path)) } else { self.fits(path) }
    }

    /// The same, where the client has the file at a path: it is called that from then on.
    pub(super) fn learn(&mut self, client: Client, source: &SourceArgument) -> Option<u16> {
        let file = self.find(client, source)?;
        let own = source.source_reference.is_none_or(|reference| reference <= 0);
        if let (true, Some(path)) = (own, &source.path) {
            let path = if client.uris { from_uri(path) } else { path.clone() };
            self.paths.insert(file, path);
        }
        Some(file)
    }

    /// A file for the client: with a reference where it is not at hand, but its text is.
    pub(super) fn source(&self, code: &Code, client: Client, file: u16) -> Source {
        let name = code.file(file);
        let short = parts(name).first().map_or(name, |part| *part).to_owned();
        let path = self.paths.get(&file);
        let recorded = path.is_none() && code.text((file, 1)).is_some();
        let path = path.map_or(name, String::as_str);
        Source {
            name: short,
            path: Some(if client.uris { to_uri(path) } else { path.to_owned() }),
            source_reference: recorded.then(|| u32::from(file) + 1),
            origin: recorded.then_some("recorded with the run"),
        }
    }
}

/// The text of a source, where the journal has it.
pub(super) fn text(code: &Code, name: &str) -> Option<String> {
    let files = code.program().debug.as_ref().map_or(&[][..], |debug| &debug.files);
    let file = u16::try_from(files.iter().position(|file| file == name)?).ok()?;
    code.text((file, 1))?;
    let lines = (1..).map_while(|line| code.text((file, line)));
    Some(lines.flat_map(|line| [line, "\n"]).collect())
}

/// Where the client can go.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Commands that go there.
    commands: Vec<String>,
    /// Number of the first.
    first: i64,
}

impl Targets {
    fn add(&mut self, command: String) -> i64 {
        self.commands.push(command);
        self.first + self.commands.len() as i64 - 1
    }

    /// The command of a target of this stop.
    pub(super) fn get(&self, id: i64) -> Option<&str> {
        let index = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.commands.get(index).map(String::as_str)
    }

    /// Forgets them; their numbers do not come again.
    pub(super) fn clear(&mut self) {
        self.first += self.commands.len() as i64;
        self.commands.clear();
    }

    /// Goes on behind the numbers of others.
    pub(super) fn behind(&mut self, other: &Self) {
        self.first = other.first + other.commands.len() as i64;
    }
}

/// The name of an instruction: `region:pc`.
pub(super) fn reference(code: &Code, at: CodePlace) -> String {
    let region = code.region(at.region).map_or("?", |region| region.name.as_str());
    format!("{region}:{}", at.pc)
}

/// Instructions of all regions before one.
fn before(code: &Code, region: u32) -> usize {
    code.program().regions.iter().take(region as usize).map(|region| region.code.len()).sum()
}

fn address(code: &Code, at: CodePlace) -> i64 {
    BASE + before(code, at.region) as i64 + i64::from(at.pc)
}

/// The instruction of an address.
fn at_address(code: &Code, address: i64) -> Option<CodePlace> {
    let mut index = usize::try_from(address.checked_sub(BASE)?).ok()?;
    for (number, region) in (0..).zip(&code.program().regions) {
        if index < region.code.len() {
            return Some(CodePlace { region: number, pc: u32::try_from(index).ok()? });
        }
        index -= region.code.len();
    }
    None
}

/// The address that a reference means: `region:pc`, a label, or a number.
fn find_address(code: &Code, reference: &str) -> Result<i64, String> {
    let number = match reference.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => reference.parse().ok(),
    };
    let named = || code.label(reference).map(|at| address(code, at));
    let found = number.or_else(named);
    found.ok_or_else(|| format!("\"{reference}\" is no instruction; write region:pc"))
}

/// The instruction that a reference and an offset mean. Every instruction is one address long.
pub(super) fn instruction(
    code: &Code,
    reference: &str,
    offset: Option<i64>,
) -> Result<CodePlace, String> {
    let address = find_address(code, reference)?.saturating_add(offset.unwrap_or(0));
    at_address(code, address).ok_or_else(|| format!("there is no instruction at {reference}"))
}

/// The file of a source, for a request that needs one.
fn file(run: &Debuggee, client: Client, source: &SourceArgument) -> Result<u16, Failure> {
    let found = run.sources.find(client, source);
    found.ok_or_else(|| Failure::from("the program has no such source"))
}

pub(super) fn breakpoint_locations(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: BreakpointLocations = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let file = file(run, client, &asked.source)?;
    let first = client.line_from(asked.line)?;
    let last = asked.end_line.map_or(Ok(first), |line| client.line_from(line))?;
    let code = run.session.code();
    let lines = code.all().filter_map(|(at, ..)| code.line(at));
    let lines: BTreeSet<u32> = lines
        .filter(|(f, line)| *f == file && (first..=last).contains(line))
        .map(|(_, line)| line)
        .collect();
    let locations = lines.into_iter().map(|line| Location { line: client.line(line) });
    body(&json!({ "breakpoints": locations.collect::<Vec<_>>() }))
}

pub(super) fn goto_targets(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: GotoTargets = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let file = file(run, client, &asked.source)?;
    let line = client.line_from(asked.line)?;
    let code = run.session.code();
    let name = code.file(file).to_owned();
    let found = code.line_places(Some(&name), line).filter(|((f, _), _)| *f == file);
    let (begin, places) = found.ok_or("there is no code from that line on")?;
    let at = places.first().map(|at| reference(code, *at));
    let (line, tests) = (begin.1, [Test::from(What::At(begin))]);
    let here = run.session.step();
    let step = |step: u64, way: &str| {
        (format!("run-to {step}"), format!("{way} to line {line}, step {step}"))
    };
    // Whoever asks what there is must not make a run go on.
    let ahead = match run.session.timeline().is_live() {
        true => Some((format!("run-to line {name}:{line}"), format!("ahead to line {line}"))),
        false => first_behind(&mut run.session, &tests).map(|hit| step(hit.step, "ahead")),
    };
    let back = last_before(&mut run.session, here, 0, &tests).map(|hit| step(hit.step, "back"));
    let mut targets = Vec::new();
    for (command, label) in ahead.into_iter().chain(back) {
        targets.push(GotoTarget {
            id: run.targets.add(command),
            label,
            line: client.line(line),
            instruction_pointer_reference: at.clone(),
        });
    }
    body(&json!({ "targets": targets }))
}

pub(super) fn disassemble(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Disassemble = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    if !(0..=MAX_INSTRUCTIONS).contains(&asked.instruction_count) {
        return Err(format!("from 0 to {MAX_INSTRUCTIONS} instructions at once").into());
    }
    let code = run.session.code();
    let offset = asked.offset.unwrap_or(0).saturating_add(asked.instruction_offset.unwrap_or(0));
    let start = find_address(code, &asked.memory_reference)?.saturating_add(offset);
    let mut file = None;
    let mut instructions = Vec::new();
    for address in (0..asked.instruction_count).map(|index| start.saturating_add(index)) {
        let shown = format!("{:#x}", address.max(0));
        let Some(at) = at_address(code, address) else {
            instructions.push(Instruction {
                address: shown,
                instruction: String::from("no instruction"),
                symbol: None,
                location: None,
                line: None,
                presentation_hint: Some("invalid"),
            });
            continue;
        };
        let line = code.line(at);
        let source = line.filter(|(f, _)| file != Some(*f));
        file = line.map(|(file, _)| file);
        let symbol = code.labels().find(|(_, label)| *label == at).map(|(name, _)| name.to_owned());
        instructions.push(Instruction {
            address: shown,
            instruction: format!("{} {}", reference(code, at), views::plain(&run.session, at)),
            symbol,
            location: source.map(|(file, _)| run.sources.source(code, client, file)),
            line: line.map(|(_, line)| client.line(line)),
            presentation_hint: None,
        });
    }
    body(&json!({ "instructions": instructions }))
}

pub(super) fn loaded_sources(adapter: &mut Adapter<'_>, _: Json) -> Answer {
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let code = run.session.code();
    let files = (0..).zip(&run.sources.names);
    let sources = files.map(|(file, _)| run.sources.source(code, client, file));
    body(&json!({ "sources": sources.collect::<Vec<_>>() }))
}

pub(super) fn source(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SourceText = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let old = SourceArgument { name: None, path: None, source_reference: asked.source_reference };
    let wanted = asked.source.unwrap_or(old);
    let file = file(run, client, &wanted)?;
    let code = run.session.code();
    let name = code.file(file);
    let content = text(code, name).ok_or_else(|| format!("the journal has no text of {name}"))?;
    body(&json!({ "content": content, "mimeType": "text/x-avm" }))
}
