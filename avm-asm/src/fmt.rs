//! The canonical form of a source (`avm fmt`).
//!
//! Works from the tree and the trivia, so the layout of the source has no influence on the result
//! beyond line breaks between statements and in lists. A source with errors is never touched.

use std::borrow::Cow;

use avm_ir::{Diagnostic, FileId, Severity, Span};

use crate::{
    ast::{Answer, Arena, Arm, Expr, Gives, Stmt, StmtKind},
    messages::{self, Report, diagnostic},
    parse::{MAX_SOURCE, Mark, Trivia, parse},
};

mod doc;
mod lines;
mod print;

use doc::Doc;
pub use print::{Printer, quote};

/// What the formatter cannot know without the instruction table.
pub trait Names {
    /// The canonical name of an operand: `function` for `func`.
    fn operand<'a>(&self, mnemonic: &str, name: &'a str) -> Cow<'a, str>;

    /// Whether the operand of that name is the result, which is then written behind an arrow.
    fn is_output(&self, mnemonic: &str, name: &str) -> bool {
        let _ = mnemonic;
        name.eq_ignore_ascii_case("out")
    }
}

/// Keeps operand names as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsWritten;

impl Names for AsWritten {
    fn operand<'a>(&self, _: &str, name: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(name)
    }
}

/// The canonical form of `text`.
///
/// # Errors
/// All diagnostics of a source that has syntax errors, or one that the canonical form would be too
/// large to be read.
pub fn format(file: FileId, text: &str, names: &dyn Names) -> Result<String, Vec<Diagnostic>> {
    let arena = Arena::default();
    let (ast, diagnostics, trivia) = parse(file, text, &arena);
    if diagnostics.iter().any(|report| report.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let mut writer = Writer::new(text, names, &trivia);
    writer.statements(ast.items, Depth { statements: 2, directives: 0 });
    writer.comments_before(text.len() as u32, 0);
    if writer.out.len() > MAX_SOURCE {
        let message = format!("the canonical form of this file exceeds {MAX_SOURCE} bytes");
        let report = diagnostic(messages::TOO_LARGE, Span::new(file, 0, 0), message)
            .help("split the program with `.include`");
        return Err(vec![report]);
    }
    Ok(writer.out)
}

/// How far statements and directives of a block are indented, in spaces.
#[derive(Clone, Copy)]
struct Depth {
    statements: usize,
    directives: usize,
}

impl Depth {
    fn inner(self) -> Self {
        let deeper = self.statements + 2;
        Self { statements: deeper, directives: deeper }
    }
}

struct Writer<'a> {
    text: &'a str,
    print: Printer<'a>,
    comments: &'a [Span],
    marks: &'a [Mark],
    out: String,
    /// End in the source of what was written last.
    done: u32,
    indent: usize,
}

impl<'a> Writer<'a> {
    fn new(text: &'a str, names: &'a dyn Names, trivia: &'a Trivia) -> Self {
        Self {
            text,
            print: Printer::new(text, names),
            comments: &trivia.comments,
            marks: &trivia.marks,
            out: String::with_capacity(text.len() + text.len() / 8),
            done: 0,
            indent: 0,
        }
    }

    /// A line that divides or ends a block.
    fn mark(&mut self, inner: usize, outer: usize, line: impl Into<Doc>) {
        let Some((mark, rest)) = self.marks.split_first() else { return };
        self.marks = rest;
        self.line_below(mark.span, (inner, outer), mark.number, line);
    }

    fn statements(&mut self, statements: &[Stmt<'_>], depth: Depth) {
        let mut rest = statements;
        while let Some((statement, behind)) = rest.split_first() {
            rest = behind;
            if let StmtKind::Define { .. } = statement.kind {
                let group = self.group(statement, behind);
                let (others, after) = behind.split_at(group);
                self.defines(statement, others, depth.directives);
                rest = after;
            } else {
                self.statement(statement, depth);
            }
        }
    }

    /// How many of the statements behind a `#define` are of its group.
    fn group(&self, first: &Stmt<'_>, behind: &[Stmt<'_>]) -> usize {
        let mut end = first.span.end;
        behind
            .iter()
            .take_while(|next| {
                let near = self.breaks(end, next.span.start) == 1;
                end = next.span.end;
                near && matches!(next.kind, StmtKind::Define { .. })
            })
            .count()
    }

    fn defines(&mut self, first: &Stmt<'_>, others: &[Stmt<'_>], indent: usize) {
        let all = || core::iter::once(first).chain(others);
        let named = |statement: &Stmt<'_>| match &statement.kind {
            StmtKind::Define { name, .. } => name.text.len(),
            _ => 0,
        };
        let width = all().map(named).max().unwrap_or(0);
        for statement in all() {
            if let StmtKind::Define { name, value } = &statement.kind {
                let mut line = Doc::from(format!("#define {:width$}  ", name.text));
                self.print.write(&mut line, value, 0);
                self.line(statement.span, indent, statement.number, line);
            }
        }
    }

    fn statement(&mut self, statement: &Stmt<'_>, depth: Depth) {
        let Stmt { number, kind, span } = statement;
        let (number, span) = (*number, *span);
        match kind {
            StmtKind::Label(name) => {
                self.line(span, 0, number, format!(":{}", name.text));
            }
            StmtKind::If { arms, otherwise } => {
                if let Some(line) = self.one_line(statement) {
                    return self.line(span, depth.statements, number, line);
                }
                self.arms(span, number, arms, depth);
                if let Some(body) = otherwise {
                    self.mark(depth.inner().statements, depth.statements, "ELSE");
                    self.statements(body, depth.inner());
                }
                self.mark(depth.inner().statements, depth.statements, "ENDIF");
            }
            StmtKind::While { condition, body } => {
                let line = self.head("WHILE ", condition, " DO");
                self.block(head(span, condition), number, line, body, depth, "ENDWHILE");
            }
            StmtKind::For { item, list, body } => {
                let line = self.head(&format!("FOR {} IN ", item.text), list, " DO");
                self.block(head(span, list), number, line, body, depth, "ENDFOR");
            }
            StmtKind::Region(region) => {
                let line = print::region(region);
                self.section(region.head, number, line, region.body, depth, ".endregion");
            }
            StmtKind::Func(func) => {
                let line = format!(".func {}({})", func.name.text, print::names(func.params));
                self.section(func.head, number, line, func.body, depth, ".endfunc");
            }
            StmtKind::Test(test) => self.test(test, number, depth),
            _ => {
                let directive = matches!(
                    kind,
                    StmtKind::Define { .. }
                        | StmtKind::Include { .. }
                        | StmtKind::Input { .. }
                        | StmtKind::Uses { .. }
                        | StmtKind::Registers(_)
                        | StmtKind::Allow { .. }
                );
                let indent = if directive { depth.directives } else { depth.statements };
                let line = self.print.statement(kind);
                self.line(span, indent, number, line);
            }
        }
    }

    /// The text of an `IF` that the source has on one line.
    fn one_line(&self, statement: &Stmt<'_>) -> Option<Doc> {
        let StmtKind::If { arms, otherwise: None } = &statement.kind else { return None };
        let [(condition, body)] = arms else { return None };
        let [only] = body else { return None };
        (only.span.end == statement.span.end).then(|| {
            let mut line = self.head("IF ", condition, " THEN ");
            self.print.write_statement(&mut line, &only.kind);
            line
        })
    }

    /// A keyword, an expression and another keyword.
    fn head(&self, before: &str, expr: &Expr<'_>, after: &str) -> Doc {
        let mut line = Doc::from(before);
        self.print.write(&mut line, expr, 0);
        line.push(after);
        line
    }

    fn arms(&mut self, span: Span, number: Option<u32>, arms: &[Arm<'_>], depth: Depth) {
        for (at, (condition, body)) in arms.iter().enumerate() {
            if at == 0 {
                let line = self.head("IF ", condition, " THEN");
                self.line(head(span, condition), depth.statements, number, line);
            } else {
                let line = self.head("ELSEIF ", condition, " THEN");
                self.mark(depth.inner().statements, depth.statements, line);
            }
            self.statements(body, depth.inner());
        }
    }

    fn block(
        &mut self,
        head: Span,
        number: Option<u32>,
        line: impl Into<Doc>,
        body: &[Stmt<'_>],
        depth: Depth,
        end: &str,
    ) {
        self.line(head, depth.statements, number, line);
        self.statements(body, depth.inner());
        self.mark(depth.inner().statements, depth.statements, end);
    }

    /// A region or function: its head is a directive, its body one step further in.
    fn section(
        &mut self,
        head: Span,
        number: Option<u32>,
        line: impl Into<Doc>,
        body: &[Stmt<'_>],
        depth: Depth,
        end: &str,
    ) {
        let inner = depth.directives + 2;
        self.line(head, depth.directives, number, line);
        self.statements(body, Depth { statements: inner, directives: inner });
        self.mark(inner, depth.directives, end);
    }

    fn test(&mut self, test: &crate::ast::Test<'_>, number: Option<u32>, depth: Depth) {
        let (outer, inner) = (depth.directives, depth.directives + 2);
        let line = format!(
            ".test {} region={}",
            self.print.literal(test.name_span, test.name),
            test.region.text
        );
        self.line(test.head, outer, number, line);
        // The kinds of line are kept apart in the tree; their places tell the order.
        let given = test.given.iter().map(|(name, value)| {
            (name.span.to(value.span), self.head(&format!("given {} = ", name.text), value, ""))
        });
        let expect = test
            .expect
            .iter()
            .map(|condition| (condition.span, self.head("expect ", condition, "")));
        let answers = test.answers.iter().map(|answer| (answer.span, self.answer(answer)));
        let mut lines: Vec<(Span, Doc)> = given.chain(expect).chain(answers).collect();
        lines.sort_by_key(|(span, _)| span.end);
        for (span, line) in lines {
            self.line(span, inner, None, line);
        }
        self.mark(inner, outer, ".endtest");
    }

    fn answer(&self, answer: &Answer<'_>) -> Doc {
        let mut line = Doc::from(&*format!("answer {}", answer.mnemonic.text.to_ascii_uppercase()));
        if let Some(name) = &answer.name {
            line.push(" ");
            line.push(&self.print.literal(name.span, name.text));
        }
        match answer.gives {
            Gives::Failure(reason) => {
                line.push(" fails ");
                line.push(&self.print.literal(reason.span, reason.text));
            }
            Gives::Results([]) => {}
            Gives::Results([only]) => {
                line.push(" -> ");
                self.print.write(&mut line, only, 0);
            }
            Gives::Results(several) => {
                let list: Vec<_> = several.iter().map(|value| self.print.expr(value)).collect();
                line.push(&format!(" -> ({})", list.join(", ")));
            }
        }
        line
    }
}

/// The head of a block that begins at `span` and ends with `last`, without `THEN` or `DO`.
fn head(span: Span, last: &Expr<'_>) -> Span {
    Span::new(span.file, span.start, last.span.end)
}
