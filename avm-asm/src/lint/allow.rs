//! `.allow CODE "reason"`: which warnings it silences, and what is wrong with it.
//!
//! In front of a statement it holds for that statement, whole if it is a block; at the top of a
//! file, region or function for all of it. Scopes are files, blocks and statements, so two of them
//! lie in each other or apart.

use std::collections::BTreeMap;

use avm_ir::{Code, Diagnostic, FileId, Severity, Span};

use super::Findings;
use crate::{
    ast::{Name, Stmt, StmtKind},
    messages::{self, Report, diagnostic},
    source::SourceFile,
};

/// One `.allow`.
#[derive(Debug)]
struct Allow<'a> {
    code: &'a Name<'a>,
    /// What the code names, if that can be silenced.
    silences: Option<Code>,
    reason: bool,
    statement: Span,
    scope: Span,
    used: bool,
}

/// Takes away what is silenced, and says what is wrong with the lines that silence. `findings` is
/// what the lints found; without them an `.allow` of theirs is not called useless.
pub(crate) fn apply(
    items: &[Stmt<'_>],
    files: &[SourceFile],
    diagnostics: &mut Vec<Diagnostic>,
    findings: Option<&Findings>,
) {
    let mut walk = Walk { files, heads: BTreeMap::new(), allows: Vec::new() };
    walk.block(items, None);
    let mut allows = walk.allows;
    if allows.is_empty() {
        return;
    }
    silence(&mut allows, diagnostics);
    // Code that an included file brings in twice has its lines twice.
    let mut told: BTreeMap<Span, bool> = BTreeMap::new();
    for allow in &allows {
        let used = told.entry(allow.statement).or_default();
        *used |= allow.used;
    }
    for allow in &allows {
        let Some(used) = told.remove(&allow.statement) else { continue };
        let looked = |code| findings.is_some_and(|findings| !findings.is_cut(code));
        let report = match allow.silences {
            None => Some(not_silenced(allow.code)),
            Some(code) if !used && (looked(code) || !messages::is_lint(code)) => {
                let message = format!("nothing here gives {code}");
                let report = diagnostic(messages::UNUSED_ALLOW, allow.statement, message);
                Some(report.edit(allow.statement, "", "remove it"))
            }
            Some(code) if used && !allow.reason => {
                let message = format!("why may {code} be silenced here?");
                let report = diagnostic(messages::NO_REASON, allow.statement, message);
                Some(report.help(format!("write `.allow {code} \"reason\"`")))
            }
            Some(_) => None,
        };
        diagnostics.extend(report);
    }
}

fn not_silenced(code: &Name<'_>) -> Diagnostic {
    let row = number(code).and_then(messages::explain);
    let message = match row.map(|row| row.severity) {
        None => format!("there is no warning `{}`", code.text),
        Some(Severity::Error) => format!("{} is an error and cannot be silenced", code.text),
        Some(Severity::Warning) => format!("{} cannot be silenced", code.text),
    };
    diagnostic(messages::NOT_SILENCED, code.span, message)
        .help("`avm explain` lists all codes; warnings from AVM0900 on can be silenced")
}

fn number(code: &Name<'_>) -> Option<Code> {
    let digits = code.text.get(..3).filter(|start| start.eq_ignore_ascii_case("AVM"))?;
    let digits = code.text.get(digits.len()..).filter(|digits| digits.len() == 4)?;
    digits.parse().ok().map(Code)
}

fn can_be_silenced(code: Code) -> bool {
    let about_allow = [messages::UNUSED_ALLOW, messages::NO_REASON, messages::NOT_SILENCED];
    messages::explain(code).is_some_and(|row| row.severity == Severity::Warning)
        && !about_allow.contains(&code)
}

/// Removes what the innermost scope of its code silences.
fn silence(allows: &mut [Allow<'_>], diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|report| (report.span, report.code));
    let mut by_code: BTreeMap<Code, Vec<usize>> = BTreeMap::new();
    for (at, allow) in allows.iter().enumerate() {
        if let Some(code) = allow.silences {
            by_code.entry(code).or_default().push(at);
        }
    }
    // Outer scopes first.
    let key = |allow: &Allow<'_>| (allow.scope.file, allow.scope.start, u32::MAX - allow.scope.end);
    for list in by_code.values_mut() {
        list.sort_by_key(|at| key(&allows[*at]));
    }
    let mut next: BTreeMap<Code, (usize, Vec<usize>)> = BTreeMap::new();
    diagnostics.retain(|report| {
        if report.severity != Severity::Warning {
            return true;
        }
        let Some(list) = by_code.get(&report.code) else { return true };
        let (next, open) = next.entry(report.code).or_default();
        let at = (report.span.file, report.span.start);
        let holds = |scope: Span| scope.file == at.0 && scope.end > at.1;
        while let Some(candidate) = list.get(*next)
            && (allows[*candidate].scope.file, allows[*candidate].scope.start) <= at
        {
            while open.last().is_some_and(|last| {
                let (last, new) = (allows[*last].scope, allows[*candidate].scope);
                last.file != new.file || last.end <= new.start
            }) {
                open.pop();
            }
            open.push(*candidate);
            *next += 1;
        }
        while open.last().is_some_and(|last| !holds(allows[*last].scope)) {
            open.pop();
        }
        let Some(innermost) = open.last() else { return true };
        allows[*innermost].used = true;
        false
    });
}

struct Walk<'a> {
    files: &'a [SourceFile],
    /// Where the first statement of each file begins that is no `.allow`.
    heads: BTreeMap<FileId, u32>,
    allows: Vec<Allow<'a>>,
}

impl<'a> Walk<'a> {
    /// The lines of a block. `whole` is the region or function whose body it is.
    fn block(&mut self, items: &'a [Stmt<'a>], whole: Option<Span>) {
        let mut top = true;
        for (at, item) in items.iter().enumerate() {
            let StmtKind::Allow { code, reason } = &item.kind else {
                top = false;
                self.inside(item);
                continue;
            };
            let scope = match whole.filter(|_| top) {
                Some(whole) => whole,
                None if self.is_head(item.span) => Span { start: 0, end: u32::MAX, ..item.span },
                None => following(item.span, &items[at + 1..]),
            };
            let reason = reason.as_ref().is_some_and(|(reason, _)| !reason.trim().is_empty());
            let silences = number(code).filter(|code| can_be_silenced(*code));
            let statement = item.span;
            self.allows.push(Allow { code, silences, reason, statement, scope, used: false });
        }
    }

    fn inside(&mut self, item: &'a Stmt<'a>) {
        match &item.kind {
            StmtKind::If { arms, otherwise } => {
                for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                    self.block(body, None);
                }
            }
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => self.block(body, None),
            StmtKind::Region(region) => self.block(region.body, Some(item.span)),
            StmtKind::Func(func) => self.block(func.body, Some(item.span)),
            _ => {}
        }
    }

    /// Whether only comments and other such lines stand in front of it in its file.
    fn is_head(&mut self, span: Span) -> bool {
        let files = self.files;
        let head = self.heads.entry(span.file).or_insert_with(|| {
            let text = files.get(usize::from(span.file.0)).map_or("", |file| file.text.as_str());
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                let start = line.trim_start_matches('\u{feff}').trim_start();
                let word = start.get(..6).unwrap_or(start);
                if !(start.is_empty()
                    || start.starts_with(';')
                    || word.eq_ignore_ascii_case(".allow"))
                {
                    break;
                }
                at += line.len();
            }
            at as u32
        });
        span.start < *head
    }
}

/// The statement that an `.allow` stands in front of, with the labels before it.
fn following(allow: Span, behind: &[Stmt<'_>]) -> Span {
    let mut scope = Span { start: allow.end, ..allow };
    for item in behind.iter().filter(|item| item.span.file == allow.file) {
        scope.end = scope.end.max(item.span.end);
        if !matches!(item.kind, StmtKind::Allow { .. } | StmtKind::Label(_)) {
            break;
        }
    }
    scope
}
