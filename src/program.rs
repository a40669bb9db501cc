//! A program from a file: text or bytecode, told apart by its first bytes, and always verified.

use std::{io, path::Path};

use avm_asm::{Assembly, NoSources, Options, SourceFile, files::Files, parse::MAX_SOURCE};
use avm_ir::{
    Diagnostic, Program, Severity, Verified,
    program::{MAGIC, MAX_PROGRAM, SignatureError},
};

use crate::{
    cli::Dialect,
    config,
    exit::{Exit, Failure, Outcome},
    files::{self, folder_of, name_of},
    output::{note, note_styled},
    render,
};

/// What a file holds.
pub(crate) struct Source {
    /// Name in messages.
    pub(crate) name: String,
    /// The program, unless there are errors.
    pub(crate) program: Option<Verified>,
    /// What the assembler has to say.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many findings of lints are not among them.
    lints: usize,
    /// The texts that were read; none for bytecode.
    pub(crate) files: Vec<SourceFile>,
    /// What is wrong with bytecode.
    pub(crate) refused: Option<String>,
}

/// A program that can run, with its texts.
pub(crate) struct Loaded {
    pub(crate) program: Verified,
    pub(crate) files: Vec<SourceFile>,
}

/// Reads a file and assembles or decodes it. Findings of lints are counted and left out: who runs a
/// program wants its output, and `avm check` shows them. Without a dialect it is what the program's
/// configuration says.
pub(crate) fn read(path: &Path, dialect: impl Into<Option<Dialect>>) -> Outcome<Source> {
    let mut source = examine(path, dialect)?;
    let all = source.diagnostics.len();
    source.diagnostics.retain(|report| !avm_asm::messages::is_lint(report.code));
    source.lints = all - source.diagnostics.len();
    Ok(source)
}

/// Reads a file, with everything there is to say about it.
pub(crate) fn examine(path: &Path, dialect: impl Into<Option<Dialect>>) -> Outcome<Source> {
    let bytes = files::read(path, MAX_PROGRAM as u64)?;
    let name = name_of(path);
    if bytes.starts_with(&MAGIC) {
        return Ok(bytecode(name, &bytes));
    }
    if bytes.len() > MAX_SOURCE {
        return Err(Failure::files(format!("{name}: program text larger than 16 MiB")));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => return Ok(refused(name, "neither program text (UTF-8) nor bytecode".to_owned())),
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let dialect = match dialect.into() {
        Some(dialect) => dialect,
        None => config::load(path, None)?.dialect(None),
    };
    let assembly = assemble(path, &text, dialect);
    let mut source = Source {
        name,
        program: None,
        diagnostics: assembly.diagnostics,
        lints: 0,
        files: assembly.files,
        refused: None,
    };
    if let Some(program) = assembly.program {
        match avm_ir::verify(program) {
            Ok(program) => source.program = Some(program),
            Err(error) => source.refused = Some(format!("the assembler made bad code: {error}")),
        }
    }
    Ok(source)
}

/// Assembles a text with the files of its project, by names that the user would find them by.
fn assemble(path: &Path, text: &str, dialect: Dialect) -> Assembly {
    let options = Options { dialect: dialect.into(), ..Options::default() };
    let project = || -> io::Result<(Files, String)> {
        let folder = folder_of(path);
        if files::is_dash(path) {
            return Ok((Files::around(folder)?.seen_from(folder)?, name_of(path)));
        }
        let files = Files::of_project(path)?.seen_from(folder)?;
        let name = files.name(path)?;
        Ok((files, name))
    };
    match project() {
        Ok((mut files, name)) => avm_asm::assemble(&name, text, &mut files, &options),
        // A pipe, or a folder that is gone: there is the program and nothing beside it.
        Err(_) => avm_asm::assemble(&name_of(path), text, &mut NoSources, &options),
    }
}

fn bytecode(name: String, bytes: &[u8]) -> Source {
    let program = match Program::from_bytes(bytes) {
        Ok(program) => program,
        Err(error) => return refused(name, format!("not valid bytecode: {error}")),
    };
    match program.verify_signature() {
        Ok(_) | Err(SignatureError::Missing) => {}
        Err(error) => return refused(name, format!("{error}")),
    }
    match avm_ir::verify(program) {
        Ok(program) => Source {
            name,
            program: Some(program),
            diagnostics: Vec::new(),
            lints: 0,
            files: Vec::new(),
            refused: None,
        },
        Err(error) => refused(name, format!("the validator refuses the bytecode: {error}")),
    }
}

fn refused(name: String, why: String) -> Source {
    Source {
        name,
        program: None,
        diagnostics: Vec::new(),
        lints: 0,
        files: Vec::new(),
        refused: Some(why),
    }
}

impl Source {
    /// Number of errors and of warnings.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let warnings = self.diagnostics.len() - errors;
        (errors + usize::from(self.refused.is_some()), warnings)
    }

    /// Leaves warnings out.
    pub(crate) fn hush(&mut self) {
        self.diagnostics.retain(|report| report.severity == Severity::Error);
        self.lints = 0;
    }

    /// Shows what there is to say, unless that was done, and hands the program on.
    pub(crate) fn accept(self, shown: bool) -> Outcome<Loaded> {
        if !self.diagnostics.is_empty() && !shown {
            note_styled(&render::diagnostics(&self.diagnostics, &self.files));
            note("");
        }
        if self.lints > 0 && !shown {
            let s = if self.lints == 1 { "" } else { "s" };
            note(&format!("{} lint finding{s}; see avm check {}", self.lints, self.name));
        }
        let (errors, _) = self.counts();
        match (self.program, self.refused) {
            (Some(program), _) => Ok(Loaded { program, files: self.files }),
            (None, Some(why)) => Err(Failure::new(Exit::Program, format!("{}: {why}", self.name))),
            (None, None) => {
                let s = if errors == 1 { "" } else { "s" };
                Err(Failure::new(Exit::Program, format!("{}: {errors} error{s}", self.name)))
            }
        }
    }
}

/// The program of a file, or why there is none; shows warnings.
pub(crate) fn load(path: &Path, dialect: impl Into<Option<Dialect>>) -> Outcome<Loaded> {
    read(path, dialect)?.accept(false)
}
