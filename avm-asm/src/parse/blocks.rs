//! Nests lines into blocks and says which of them do not fit.

use avm_ir::Span;

use super::{Builder, Flat, Mark};
use crate::{
    ast::{Answer, Arm, Expr, ExprKind, Func, Name, Region, Stmt, StmtKind, Test},
    messages::{self, Report, diagnostic},
    token::Key,
};

/// Blocks that may stand in each other.
const MAX_BLOCKS: usize = 64;

/// A block whose end was not seen yet.
#[derive(Debug)]
pub(super) struct Block<'s> {
    open: Open<'s>,
    head: Span,
    number: Option<u32>,
    /// Where its statements begin in the builder's list.
    start: usize,
    /// The regions, functions and tests that begin in it although they may not.
    inside: Vec<(Key, Span)>,
}

#[derive(Debug)]
enum Open<'s> {
    If {
        arms: Vec<Arm<'s>>,
        condition: Option<&'s Expr<'s>>,
    },
    While(&'s Expr<'s>),
    For(Name<'s>, &'s Expr<'s>),
    Region(&'s Region<'s>),
    Func(Name<'s>, &'s [Name<'s>]),
    Test {
        test: &'s Test<'s>,
        given: Vec<(Name<'s>, Expr<'s>)>,
        expect: Vec<Expr<'s>>,
        answers: Vec<Answer<'s>>,
    },
}

impl Open<'_> {
    fn key(&self) -> Key {
        match self {
            Self::If { .. } => Key::If,
            Self::While(_) => Key::While,
            Self::For(..) => Key::For,
            Self::Region(_) => Key::Region,
            Self::Func(..) => Key::Func,
            Self::Test { .. } => Key::Test,
        }
    }
}

/// A block keyword's spelling and that of the word that closes it.
fn words(key: Key) -> (&'static str, &'static str) {
    match key {
        Key::If => ("IF", "ENDIF"),
        Key::While => ("WHILE", "ENDWHILE"),
        Key::For => ("FOR", "ENDFOR"),
        Key::Region => (".region", ".endregion"),
        Key::Func => (".func", ".endfunc"),
        _ => (".test", ".endtest"),
    }
}

/// The block that a closing word closes.
fn closes(key: Key) -> Option<Key> {
    Some(match key {
        Key::EndIf => Key::If,
        Key::EndWhile => Key::While,
        Key::EndFor => Key::For,
        Key::EndRegion => Key::Region,
        Key::EndFunc => Key::Func,
        Key::EndTest => Key::Test,
        _ => return None,
    })
}

fn is_control(key: Key) -> bool {
    matches!(key, Key::If | Key::While | Key::For)
}

impl<'s> Builder<'_, 's> {
    /// The end of the source: what was read, what was wrong, where blocks are divided.
    pub(super) fn finish(mut self) -> (&'s [Stmt<'s>], Vec<(Span, avm_ir::Diagnostic)>, Vec<Mark>) {
        while let Some(block) = self.blocks.last() {
            let head = block.head;
            self.never_closed(None);
            self.pop(head);
        }
        self.body.append(&mut self.displaced);
        (self.arena.list(&self.body), self.errors, self.marks)
    }

    /// The innermost block has no closing line.
    fn never_closed(&mut self, found: Option<Span>) {
        let Some(block) = self.blocks.last_mut() else { return };
        let (key, head) = (block.open.key(), block.head);
        // What begins in it most likely stands behind the place where it was to be closed.
        let inside = core::mem::take(&mut block.inside);
        let (word, closing) = words(key);
        let mut report =
            diagnostic(messages::NEVER_CLOSED, head, format!("this `{word}` is never closed"))
                .help(format!("add `{closing}` behind its last statement"));
        if let Some((definition, span)) = inside.first() {
            let word = words(*definition).0;
            report = report.note(*span, format!("a `{word}` stands outside of any block"));
        } else if let Some(span) = found {
            report = report.note(span, "this closes or begins a block around it");
        }
        self.report(report);
    }

    /// Adds a statement to the innermost block.
    pub(super) fn push(&mut self, kind: StmtKind<'s>, span: Span) {
        let number = self.number.take().map(|(number, _)| number);
        self.check(&kind, span);
        if self.in_test() {
            if !matches!(kind, StmtKind::Error) {
                let report = diagnostic(
                    messages::ONLY_IN_TEST,
                    span,
                    "a test holds only `given`, `expect` and `answer` lines",
                );
                self.report(report);
            }
            return;
        }
        self.body.push(Stmt { number, kind, span });
    }

    /// What a plain statement may not say where it stands.
    pub(super) fn check(&mut self, kind: &StmtKind<'s>, span: Span) {
        let word = match kind {
            StmtKind::Break => "BREAK",
            StmtKind::Continue => "CONTINUE",
            _ => return,
        };
        let inner = self.blocks.iter().rev().map(|block| block.open.key());
        let mut inner = inner.take_while(|&key| key != Key::Func);
        if !inner.any(|key| matches!(key, Key::While | Key::For)) {
            let message = format!("`{word}` stands outside of a loop");
            self.report(diagnostic(messages::NO_LOOP, span, message));
        }
    }

    /// Takes in one line.
    pub(super) fn take(&mut self, flat: Flat<'s>, span: Span) {
        match flat {
            Flat::Nothing => {}
            Flat::Statement(StmtKind::Instruction(instruction)) => {
                self.number_or_end(StmtKind::Instruction(instruction), span);
            }
            Flat::Statement(kind) => self.push(kind, span),
            Flat::If(condition) => {
                self.no_condition(condition, "IF", "THEN");
                self.open(Open::If { arms: Vec::new(), condition: Some(condition) }, span);
            }
            Flat::While(condition) => {
                self.no_condition(condition, "WHILE", "DO");
                self.open(Open::While(condition), span);
            }
            Flat::For(item, list) => self.open(Open::For(item, list), span),
            Flat::Region(region) => self.outermost(Open::Region(region), span),
            Flat::Func(name, params) => self.outermost(Open::Func(name, params), span),
            Flat::Test(test) => {
                let (given, expect, answers) = (Vec::new(), Vec::new(), Vec::new());
                self.outermost(Open::Test { test, given, expect, answers }, span);
            }
            Flat::Given(name, value) => {
                self.number = None;
                if let Some(Block { open: Open::Test { given, .. }, .. }) = self.blocks.last_mut() {
                    given.push((name, *value));
                }
            }
            Flat::Expect(condition) => {
                self.number = None;
                if let Some(Block { open: Open::Test { expect, .. }, .. }) = self.blocks.last_mut()
                {
                    expect.push(*condition);
                }
            }
            Flat::Answer(answer) => {
                self.number = None;
                if let Some(Block { open: Open::Test { answers, .. }, .. }) = self.blocks.last_mut()
                {
                    answers.push(Answer { span, ..answer });
                }
            }
            Flat::ElseIf(condition) => {
                self.no_condition(condition, "ELSEIF", "THEN");
                self.branch(Some(condition), span);
            }
            Flat::Key(Key::Else) => self.branch(None, span),
            Flat::Key(key) => self.close(key, span),
        }
    }

    /// `IF THEN`: the second word was taken for a register.
    fn no_condition(&mut self, condition: &Expr<'_>, word: &str, link: &str) {
        if matches!(&condition.kind, ExprKind::Name(name) if name.eq_ignore_ascii_case(link)) {
            let message = format!("`{word}` has no condition");
            self.report(diagnostic(messages::NO_CONDITION, condition.span, message));
        }
    }

    /// An instruction, unless it is `END IF` or a line of a test that is none.
    fn number_or_end(&mut self, kind: StmtKind<'s>, span: Span) {
        let StmtKind::Instruction(instruction) = kind else { return };
        let head = instruction.mnemonic.text;
        // Most mnemonics begin otherwise.
        if !head.starts_with(['A', 'a', 'E', 'e', 'G', 'g']) {
            return self.push(kind, span);
        }
        let second = match instruction.operands {
            [only] if only.name.is_none() => self.slice(only.value.span),
            _ => "",
        };
        let key = match second.to_ascii_uppercase().as_str() {
            "IF" => Some(Key::EndIf),
            "WHILE" => Some(Key::EndWhile),
            "FOR" => Some(Key::EndFor),
            _ => None,
        };
        if head.eq_ignore_ascii_case("END")
            && let Some(key) = key
        {
            let word = format!("END{}", second.to_ascii_uppercase());
            let report = diagnostic(messages::TWO_WORDS, span, format!("`{word}` is one word"))
                .suggest(span, word);
            self.report(report);
            return self.close(key, span);
        }
        if head.eq_ignore_ascii_case("END")
            && instruction.operands.is_empty()
            && instruction.outputs.is_empty()
            && let Some(block) = self.blocks.last()
        {
            let (key, place) = (block.open.key(), block.head);
            let (word, closing) = words(key);
            let message =
                format!("`{closing}` closes the `{word}` at line {}", self.line_of(place));
            let report = diagnostic(messages::WRONG_CLOSING, span, message)
                .note(place, format!("the `{word}` that is open"))
                .suggest(span, closing);
            self.report(report);
            self.mark(span);
            return self.pop(span);
        }
        let answer = || head.eq_ignore_ascii_case("answer") && !instruction.call_form;
        if head.eq_ignore_ascii_case("expect") || head.eq_ignore_ascii_case("given") || answer() {
            let message = format!("`{head}` belongs into a `.test`");
            return self.report(diagnostic(messages::NOT_IN_TEST, span, message));
        }
        self.push(kind, span);
    }

    fn open(&mut self, open: Open<'s>, head: Span) {
        if self.blocks.len() == MAX_BLOCKS {
            let message = format!("blocks are nested deeper than {MAX_BLOCKS} levels");
            let report = diagnostic(messages::BLOCKS_TOO_DEEP, head, message)
                .help("move the inner blocks into a function");
            self.report(report);
        }
        let number = self.number.take().map(|(number, _)| number);
        let start = self.body.len();
        self.blocks.push(Block { open, head, number, start, inside: Vec::new() });
    }

    /// Opens a region, function or test, none of which may stand in just any block.
    fn outermost(&mut self, open: Open<'s>, head: Span) {
        let key = open.key();
        // Inside IF, WHILE or FOR: only their end shows whether that or a missing end is the error.
        if let Some(block) = self.blocks.last_mut()
            && is_control(block.open.key())
        {
            block.inside.push((key, head));
            return self.open(open, head);
        }
        while let Some(block) = self.blocks.last()
            && !(key == Key::Func && block.open.key() == Key::Region)
        {
            let (outer, place) = (block.open.key(), block.head);
            let (word, closing) = words(outer);
            let report =
                diagnostic(messages::NESTED, head, format!("`{}` inside `{word}`", words(key).0))
                    .note(place, format!("this `{word}` is still open"))
                    .help(format!("close it with `{closing}` first"));
            self.report(report);
            self.forgiven.push(outer);
            self.pop(head);
        }
        self.open(open, head);
    }

    #[cold]
    fn misplaced(&mut self, key: Key, place: Span, around: &Block<'_>) {
        let what = match key {
            Key::Region => "a region",
            Key::Func => "a function",
            _ => "a test",
        };
        let word = words(around.open.key()).0;
        let message = format!("{what} cannot stand inside a block");
        let report = diagnostic(messages::MISPLACED, place, message)
            .note(around.head, format!("this `{word}` is still open there"))
            .help("move it out of the block");
        self.report(report);
    }

    /// `ELSEIF condition`, or `ELSE` where there is none.
    fn branch(&mut self, next: Option<&'s Expr<'s>>, span: Span) {
        let word = if next.is_some() { "ELSEIF" } else { "ELSE" };
        self.mark(span);
        // Loops inside the IF that were not closed.
        if self.has_control(Key::If) {
            while let Some(block) = self.blocks.last()
                && block.open.key() != Key::If
            {
                let key = block.open.key();
                self.never_closed(Some(span));
                self.forgiven.push(key);
                self.pop(span);
            }
        }
        let Some(block) = self.blocks.last_mut() else {
            return self.no_if(word, span);
        };
        let (head, start) = (block.head, block.start);
        let Open::If { arms, condition } = &mut block.open else {
            return self.no_if(word, span);
        };
        match condition.take() {
            Some(of) => {
                arms.push((*of, self.arena.list(self.body.get(start..).unwrap_or_default())));
                self.body.truncate(start);
                *condition = next;
            }
            None => {
                let report = diagnostic(
                    messages::AFTER_ELSE,
                    span,
                    format!("`{word}` behind the `ELSE` of the same `IF`"),
                )
                .note(head, "the `IF` begins here");
                self.report(report);
            }
        }
    }

    fn no_if(&mut self, word: &str, span: Span) {
        let report = diagnostic(messages::NO_IF, span, format!("`{word}` without `IF`"))
            .help("a one-line `IF c THEN statement` is complete and has no `ELSE`");
        self.report(report);
    }

    /// Whether a control block of this kind is open in the innermost region, function or file.
    fn has_control(&self, key: Key) -> bool {
        self.blocks
            .iter()
            .rev()
            .map(|block| block.open.key())
            .take_while(|&inner| is_control(inner))
            .any(|inner| inner == key)
    }

    /// Whether the lines here are those of a test.
    pub(super) fn in_test(&self) -> bool {
        matches!(self.blocks.last(), Some(Block { open: Open::Test { .. }, .. }))
    }

    fn mark(&mut self, span: Span) {
        let number = self.number.take().map(|(number, _)| number);
        self.marks.push(Mark { span, number });
    }

    fn close(&mut self, word: Key, span: Span) {
        let Some(key) = closes(word) else { return };
        self.mark(span);
        let innermost = self.blocks.last().map(|block| (block.open.key(), block.head));
        if innermost.is_some_and(|(inner, _)| inner == key) {
            return self.pop(span);
        }
        let inside = if is_control(key) {
            self.has_control(key)
        } else {
            self.blocks.iter().any(|block| block.open.key() == key)
        };
        if inside {
            while let Some(block) = self.blocks.last()
                && block.open.key() != key
            {
                self.never_closed(Some(span));
                self.pop(span);
            }
            return self.pop(span);
        }
        if let Some(at) = self.forgiven.iter().rposition(|&forgiven| forgiven == key) {
            self.forgiven.remove(at);
            return;
        }
        let (opening, closing) = words(key);
        match innermost.filter(|&(inner, _)| is_control(inner) && is_control(key)) {
            Some((inner, head)) => {
                let (word, expected) = words(inner);
                let line = self.line_of(head);
                let report = diagnostic(
                    messages::WRONG_CLOSING,
                    span,
                    format!(
                        "found `{closing}`, expected `{expected}` for the `{word}` at line {line}"
                    ),
                )
                .note(head, format!("the `{word}` that is open"))
                .suggest(span, expected);
                self.report(report);
                self.pop(span);
            }
            None => {
                let report = diagnostic(
                    messages::NO_OPENING,
                    span,
                    format!("`{closing}` without `{opening}`"),
                )
                .edit(span, "", "remove it");
                self.report(report);
            }
        }
    }

    /// The number of the line that `span` begins in.
    fn line_of(&self, span: Span) -> usize {
        1 + self.text.bytes().take(span.start as usize).filter(|&byte| byte == b'\n').count()
    }

    /// Ends the innermost block at `end` and makes a statement of it.
    fn pop(&mut self, end: Span) {
        let Some(block) = self.blocks.pop() else { return };
        for &(key, place) in &block.inside {
            self.misplaced(key, place, &block);
        }
        let arena = self.arena;
        let body = arena.list(self.body.get(block.start..).unwrap_or_default());
        self.body.truncate(block.start);
        let span = block.head.to(end);
        let key = block.open.key();
        // Too deep: an error was given, and no tree may be built that deep.
        if self.blocks.len() >= MAX_BLOCKS {
            return;
        }
        let kind = match block.open {
            Open::If { mut arms, condition } => {
                let otherwise = match condition {
                    Some(condition) => {
                        arms.push((*condition, body));
                        None
                    }
                    None => Some(body),
                };
                StmtKind::If { arms: arena.list(&arms), otherwise }
            }
            Open::While(condition) => StmtKind::While { condition, body },
            Open::For(item, list) => StmtKind::For { item, list, body },
            Open::Region(region) => {
                StmtKind::Region(arena.put(Region { body, head: block.head, ..*region }))
            }
            Open::Func(name, params) => {
                StmtKind::Func(arena.put(Func { name, params, body, head: block.head }))
            }
            Open::Test { test, given, expect, answers } => {
                let (given, expect) = (arena.list(&given), arena.list(&expect));
                let answers = arena.list(&answers);
                let test = Test { given, expect, answers, head: block.head, ..*test };
                StmtKind::Test(arena.put(test))
            }
        };
        let statement = Stmt { number: block.number, kind, span };
        let around = self.blocks.last().map(|block| block.open.key());
        if !is_control(key) && around.is_some_and(is_control) {
            self.displaced.push(statement);
        } else {
            self.body.push(statement);
        }
    }
}
