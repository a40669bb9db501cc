//! `.include`: reads all files of a program and puts the included statements in their place.

use std::collections::BTreeSet;

use avm_ir::{Diagnostic, FileId, Span};

use crate::{
    LoadError, Sources,
    ast::{Stmt, StmtKind},
    messages::{self, Report, diagnostic},
    parse::parse,
    source::SourceFile,
};

/// Most files of a program.
const MAX_FILES: usize = 1000;
/// Most bytes of all files together.
const MAX_BYTES: usize = 64 << 20;
/// Most files that include one another in a chain.
const MAX_DEPTH: usize = 64;

/// All files of a program as one tree.
pub(crate) struct Loaded {
    pub(crate) items: Vec<Stmt>,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a program and everything it includes.
pub(crate) fn load(path: &str, text: &str, sources: &mut dyn Sources) -> Loaded {
    let mut loader = Loader {
        sources,
        files: Vec::new(),
        diagnostics: Vec::new(),
        bytes: 0,
        open: Vec::new(),
        once: BTreeSet::new(),
        full: false,
    };
    let items = loader.file(String::from(path), String::from(text), true);
    Loaded { items, files: loader.files, diagnostics: loader.diagnostics }
}

struct Loader<'s> {
    sources: &'s mut dyn Sources,
    files: Vec<SourceFile>,
    diagnostics: Vec<Diagnostic>,
    bytes: usize,
    /// Files being read, the main one first.
    open: Vec<String>,
    /// Files that were included outside of any block; a second time they bring nothing, so that
    /// two libraries may share a third.
    once: BTreeSet<String>,
    /// A limit was reached and said so.
    full: bool,
}

impl Loader<'_> {
    fn file(&mut self, path: String, text: String, top: bool) -> Vec<Stmt> {
        let id = FileId(self.files.len() as u16);
        self.bytes = self.bytes.saturating_add(text.len());
        let (ast, diagnostics, _) = parse(id, &text);
        self.diagnostics.extend(diagnostics);
        self.open.push(path.clone());
        self.files.push(SourceFile { path, text });
        let mut items = ast.items;
        self.expand(&mut items, top);
        self.open.pop();
        items
    }

    /// Replaces the `.include` lines of a block by what they bring in.
    fn expand(&mut self, items: &mut Vec<Stmt>, top: bool) {
        let mut includes = false;
        for item in items.iter_mut() {
            match &mut item.kind {
                StmtKind::Include { .. } => includes = true,
                StmtKind::If { arms, otherwise } => {
                    let bodies = arms.iter_mut().map(|(_, body)| body);
                    for body in bodies.chain(otherwise.as_mut()) {
                        self.expand(body, false);
                    }
                }
                StmtKind::While { body, .. } | StmtKind::For { body, .. } => {
                    self.expand(body, false);
                }
                StmtKind::Region(region) => self.expand(&mut region.body, false),
                StmtKind::Func(func) => self.expand(&mut func.body, false),
                _ => {}
            }
        }
        if !includes {
            return;
        }
        for item in core::mem::take(items) {
            match &item.kind {
                StmtKind::Include { path, path_span } => {
                    items.extend(self.include(path, *path_span, top));
                }
                _ => items.push(item),
            }
        }
    }

    fn include(&mut self, path: &str, span: Span, top: bool) -> Vec<Stmt> {
        let from = self.open.last().cloned().unwrap_or_default();
        let (name, text) = match self.sources.load(&from, path) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.diagnostics.push(refused(path, span, &error));
                return Vec::new();
            }
        };
        if let Some(at) = self.open.iter().position(|open| *open == name) {
            let mut chain: Vec<&str> = self.open[at..].iter().map(String::as_str).collect();
            chain.push(&name);
            let message = format!("\"{path}\" includes itself");
            let report = diagnostic(messages::INCLUDE_CYCLE, span, message)
                .label("closes the circle")
                .help(format!("the circle is {}", chain.join(" → ")));
            self.diagnostics.push(report);
            return Vec::new();
        }
        if top && !self.once.insert(name.clone()) {
            return Vec::new();
        }
        let too_much = if self.files.len() >= MAX_FILES {
            format!("more than {MAX_FILES} files")
        } else if self.bytes.saturating_add(text.len()) > MAX_BYTES {
            format!("more than {} MiB of source", MAX_BYTES >> 20)
        } else if self.open.len() >= MAX_DEPTH {
            format!("more than {MAX_DEPTH} files that include one another")
        } else {
            return self.file(name, text, top);
        };
        if !core::mem::replace(&mut self.full, true) {
            self.diagnostics.push(diagnostic(messages::INCLUDE_TOO_MUCH, span, too_much));
        }
        Vec::new()
    }
}

fn refused(path: &str, span: Span, error: &LoadError) -> Diagnostic {
    match error {
        LoadError::NotFound => {
            let message = format!("there is no file \"{path}\"");
            diagnostic(messages::INCLUDE_NOT_FOUND, span, message)
                .help("the path is relative to the file that holds the `.include`")
        }
        LoadError::OutsideRoot => {
            let message = format!("\"{path}\" lies outside of the project");
            diagnostic(messages::INCLUDE_OUTSIDE, span, message)
                .help("copy the file into the project")
        }
        LoadError::Io(cause) => {
            let message = format!("\"{path}\" cannot be read: {cause}");
            diagnostic(messages::INCLUDE_UNREADABLE, span, message)
        }
        LoadError::NotUtf8 => {
            let message = format!("\"{path}\" is not UTF-8 text");
            diagnostic(messages::INCLUDE_UNREADABLE, span, message)
        }
    }
}
