//! `.include`: reads all files of a program and puts the included statements in their place.

use std::collections::BTreeSet;

use avm_ir::{Diagnostic, FileId, Span};

use crate::{
    LoadError, Sources,
    ast::{Arena, Arm, Func, Region, Stmt, StmtKind},
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
pub(crate) struct Loaded<'a> {
    pub(crate) items: &'a [Stmt<'a>],
    pub(crate) files: Vec<SourceFile>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a program and everything it includes.
pub(crate) fn load<'a>(
    path: &str,
    text: &'a str,
    sources: &mut dyn Sources,
    arena: &'a Arena,
) -> Loaded<'a> {
    let mut loader = Loader {
        sources,
        arena,
        files: Vec::new(),
        diagnostics: Vec::new(),
        bytes: 0,
        open: Vec::new(),
        once: BTreeSet::new(),
        full: false,
    };
    let items = loader.file(String::from(path), text, String::from(text), true);
    Loaded { items, files: loader.files, diagnostics: loader.diagnostics }
}

struct Loader<'s, 'a> {
    sources: &'s mut dyn Sources,
    arena: &'a Arena,
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

impl<'a> Loader<'_, 'a> {
    /// Reads a file; the tree points into `text`, diagnostics are shown with `own`, its copy.
    fn file(&mut self, path: String, text: &'a str, own: String, top: bool) -> &'a [Stmt<'a>] {
        let id = FileId(self.files.len() as u16);
        self.bytes = self.bytes.saturating_add(text.len());
        let (ast, diagnostics, _) = parse(id, text, self.arena);
        self.diagnostics.extend(diagnostics);
        self.open.push(path.clone());
        self.files.push(SourceFile { path, text: own });
        let items = self.expand(ast.items, top).unwrap_or(ast.items);
        self.open.pop();
        items
    }

    /// A block with what its `.include` lines bring in; `None` where there are none.
    fn expand(&mut self, items: &'a [Stmt<'a>], top: bool) -> Option<&'a [Stmt<'a>]> {
        let mut changed: Option<Vec<Stmt<'a>>> = None;
        for (at, item) in items.iter().enumerate() {
            let (included, kind) = match &item.kind {
                StmtKind::Include { path, path_span } => {
                    (self.include(path, *path_span, top), None)
                }
                kind => (&[][..], self.expand_inside(kind)),
            };
            if let StmtKind::Include { .. } = item.kind {
                changed.get_or_insert_with(|| items[..at].to_vec()).extend(included);
            } else if let Some(kind) = kind {
                changed.get_or_insert_with(|| items[..at].to_vec()).push(Stmt { kind, ..*item });
            } else if let Some(changed) = &mut changed {
                changed.push(*item);
            }
        }
        changed.map(|items| self.arena.list(&items))
    }

    /// A statement whose blocks changed.
    fn expand_inside(&mut self, kind: &StmtKind<'a>) -> Option<StmtKind<'a>> {
        let arena = self.arena;
        Some(match *kind {
            StmtKind::If { arms, otherwise } => {
                let bodies: Vec<_> =
                    arms.iter().map(|(_, body)| self.expand(body, false)).collect();
                let other = otherwise.and_then(|body| self.expand(body, false));
                if other.is_none() && bodies.iter().all(Option::is_none) {
                    return None;
                }
                let new = arms.iter().zip(bodies).map(|(arm, body)| (arm.0, body.unwrap_or(arm.1)));
                let arms = arena.list(&new.collect::<Vec<Arm<'a>>>());
                StmtKind::If { arms, otherwise: other.or(otherwise) }
            }
            StmtKind::While { condition, body } => {
                StmtKind::While { condition, body: self.expand(body, false)? }
            }
            StmtKind::For { item, list, body } => {
                StmtKind::For { item, list, body: self.expand(body, false)? }
            }
            StmtKind::Region(region) => {
                let body = self.expand(region.body, false)?;
                StmtKind::Region(arena.put(Region { body, ..*region }))
            }
            StmtKind::Func(func) => {
                let body = self.expand(func.body, false)?;
                StmtKind::Func(arena.put(Func { body, ..*func }))
            }
            _ => return None,
        })
    }

    fn include(&mut self, path: &str, span: Span, top: bool) -> &'a [Stmt<'a>] {
        let from = self.open.last().cloned().unwrap_or_default();
        let (name, text) = match self.sources.load(&from, path) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.diagnostics.push(refused(path, span, &error));
                return &[];
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
            return &[];
        }
        if top && !self.once.insert(name.clone()) {
            return &[];
        }
        let too_much = if self.files.len() >= MAX_FILES {
            format!("more than {MAX_FILES} files")
        } else if self.bytes.saturating_add(text.len()) > MAX_BYTES {
            format!("more than {} MiB of source", MAX_BYTES >> 20)
        } else if self.open.len() >= MAX_DEPTH {
            format!("more than {MAX_DEPTH} files that include one another")
        } else {
            return self.file(name, self.arena.text(&text), text, top);
        };
        if !core::mem::replace(&mut self.full, true) {
            self.diagnostics.push(diagnostic(messages::INCLUDE_TOO_MUCH, span, too_much));
        }
        &[]
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
