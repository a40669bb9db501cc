//! What a patch may be made of: the statements of one region, alone or in their `.region` block.

use avm_ir::{
    Diagnostic, Opcode, Program, Span,
    program::{Perm, Perms},
};

use crate::{
    ast::{Arena, Name, Region, Stmt, StmtKind},
    bind,
    messages::{self, Report, diagnostic},
    resolve::ends_flow,
};

/// The region that is patched.
pub(super) struct Target<'a> {
    pub(super) program: &'a Program,
    pub(super) index: usize,
    /// Control flows through it where it stands.
    pub(super) attached: bool,
}

/// The patch as the top level of a program: constants, then the region. What it may not hold is
/// reported and left out.
pub(super) fn items<'a>(
    target: &Target<'a>,
    patch: &'a [Stmt<'a>],
    before: &'a [Stmt<'a>],
    append: bool,
    arena: &'a Arena,
    diagnostics: &mut Vec<Diagnostic>,
) -> &'a [Stmt<'a>] {
    let mut pass = Pass { target, diagnostics };
    let mut items: Vec<Stmt<'a>> = Vec::new();
    let mut body: Vec<Stmt<'a>> = Vec::new();
    let mut head = Span::default();
    if append {
        // Our own text: constants, then the block.
        for item in before {
            match &item.kind {
                StmtKind::Region(region) => body.extend(region.body),
                _ => items.push(*item),
            }
        }
    }
    let new = match patch.iter().find(|item| matches!(item.kind, StmtKind::Region(_))) {
        Some(Stmt { kind: StmtKind::Region(region), .. }) => {
            head = region.head;
            pass.head(region);
            items.extend(pass.around(patch, region));
            region.body
        }
        _ => patch,
    };
    let new = pass.allowed(new);
    if append {
        pass.implied_end(&mut body);
        pass.reached(&body, &new);
    }
    // Functions may stand anywhere among the statements.
    body.extend(new);
    let old = &target.program.regions[target.index];
    let region = arena.put(Region {
        name: Name { text: &old.name, span: head },
        perms: None,
        detached: !target.attached,
        inputs: &[],
        outputs: &[],
        body: arena.list(&body),
        head,
    });
    items.push(Stmt { number: None, kind: StmtKind::Region(region), span: head });
    arena.list(&items)
}

struct Pass<'t, 'a, 'd> {
    target: &'t Target<'a>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a> Pass<'_, 'a, '_> {
    fn region(&self) -> &'a avm_ir::program::Region {
        &self.target.program.regions[self.target.index]
    }

    fn report(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let report = diagnostic(messages::PATCH_SHAPE, span, message);
        self.diagnostics.push(report.help(help));
    }

    /// Name, bits and interface must be those that the region has.
    fn head(&mut self, written: &Region<'_>) {
        let region = self.region();
        if written.name.text != region.name {
            let message =
                format!("this is a patch of region `{}`, not `{}`", region.name, written.name.text);
            let report = diagnostic(messages::PATCH_SHAPE, written.name.span, message);
            self.diagnostics.push(report.suggest(written.name.span, region.name.as_str()));
        }
        if let Some(words) = written.perms {
            let mut perms = Some(Perms::default());
            for word in words {
                let known =
                    Perm::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(word.text));
                perms = perms.zip(known).map(|(perms, perm)| perms.with(perm));
            }
            if perms != Some(region.perms) {
                let has: Vec<&str> = region.perms.iter().map(Perm::name).collect();
                self.report(
                    span_of(words).unwrap_or(written.head),
                    "a patch cannot change the bits of its region",
                    match has.as_slice() {
                        [] => format!("leave `perms=` out; region `{}` has none", region.name),
                        has => format!(
                            "leave `perms=` out; region `{}` has {}",
                            region.name,
                            has.join(",")
                        ),
                    },
                );
            }
        }
        let registers = &self.target.program.registers;
        for (word, names, has) in
            [("in", written.inputs, &region.inputs), ("out", written.outputs, &region.outputs)]
        {
            let has: Vec<&str> = has
                .iter()
                .map(|number| registers.get(usize::from(*number)).map_or("_", String::as_str))
                .collect();
            if !names.is_empty() && !names.iter().map(|name| name.text).eq(has.iter().copied()) {
                let help = match has.as_slice() {
                    [] => format!("leave `{word}=` out; region `{}` has none", region.name),
                    has => format!(
                        "leave `{word}=` out; region `{}` has `{word}=({})`",
                        region.name,
                        has.join(", ")
                    ),
                };
                let span = span_of(names).unwrap_or(written.head);
                self.report(span, "a patch cannot change the interface of its region", help);
            }
        }
        if written.detached && self.target.attached {
            self.report(
                written.head,
                "a patch cannot detach its region",
                "control flows through it where it stands; leave `detached` out",
            );
        }
    }

    /// What stands beside the `.region` block: constants.
    fn around(&mut self, patch: &'a [Stmt<'a>], taken: &Region<'_>) -> Vec<Stmt<'a>> {
        let mut constants = Vec::new();
        for item in patch {
            match &item.kind {
                StmtKind::Define { .. } | StmtKind::Allow { .. } => constants.push(*item),
                StmtKind::Error => {}
                StmtKind::Region(region) if core::ptr::eq(*region, taken) => {}
                StmtKind::Region(region) => self.report(
                    region.head,
                    "a patch holds one region",
                    "patch one region after the other",
                ),
                _ if self.forbidden(item) => {}
                _ => self.report(
                    item.span,
                    "this stands outside of the region that is patched",
                    "move it into the `.region` block, or leave the `.region` line out",
                ),
            }
        }
        constants
    }

    /// The statements that may stand in a patch, those in blocks looked at too.
    fn allowed(&mut self, items: &'a [Stmt<'a>]) -> Vec<Stmt<'a>> {
        items.iter().filter(|item| !self.forbidden(item)).copied().collect()
    }

    /// Reports a statement that belongs to a whole program.
    fn forbidden(&mut self, item: &Stmt<'_>) -> bool {
        let (what, help) = match &item.kind {
            StmtKind::If { arms, otherwise } => {
                for body in arms.iter().map(|(_, body)| *body).chain(*otherwise) {
                    self.forbidden_in(body);
                }
                return false;
            }
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => {
                self.forbidden_in(body);
                return false;
            }
            StmtKind::Func(func) => {
                self.forbidden_in(func.body);
                return false;
            }
            StmtKind::Region(_) => ("`.region`", "a patch holds the statements of one region"),
            StmtKind::Test(_) => ("`.test`", "the tests of a program cannot be changed by a patch"),
            StmtKind::Include { .. } => {
                ("`.include`", "a patch has no files; put the included text in its place")
            }
            StmtKind::Uses { .. } => (
                "`.uses`",
                "a patch cannot grant itself names; write the name as a literal where it is used, \
                 or declare it in the program",
            ),
            StmtKind::Input { .. } => (
                "`.input`",
                "the inputs of a program are filled before it runs; use a register that it has",
            ),
            StmtKind::Registers(_) => (
                "`.registers`",
                "the registers of the program keep their numbers; new names come by themselves",
            ),
            _ => return false,
        };
        self.report(item.span, format!("{what} cannot stand in a patch"), help);
        true
    }

    fn forbidden_in(&mut self, items: &[Stmt<'_>]) {
        for item in items {
            // Nested blocks were not refused as such.
            let _ = self.forbidden(item);
        }
    }

    /// Takes away the `HALT` at the end of a detached region: it says what goes without saying.
    fn implied_end(&self, body: &mut Vec<Stmt<'_>>) {
        let last = body.iter().rposition(|item| !matches!(item.kind, StmtKind::Func(_)));
        if let Some(last) = last.filter(|_| !self.target.attached)
            && instruction(&body[last]) == Some(Opcode::HALT)
        {
            body.remove(last);
        }
    }

    /// Appended statements that can never run are a mistake.
    fn reached(&mut self, body: &[Stmt<'_>], new: &[Stmt<'_>]) {
        let runs = |item: &&Stmt<'_>| {
            !matches!(
                item.kind,
                StmtKind::Func(_)
                    | StmtKind::Define { .. }
                    | StmtKind::Allow { .. }
                    | StmtKind::Error
            )
        };
        let ends = body.iter().rfind(runs).and_then(instruction).is_some_and(ends_flow);
        match new.iter().find(runs) {
            Some(first) if ends && !matches!(first.kind, StmtKind::Label(_)) => self.report(
                first.span,
                "nothing reaches what is appended",
                "the region ends in a jump or a halt; begin with a label that something jumps to, \
                 or replace the whole region",
            ),
            _ => {}
        }
    }
}

fn instruction(item: &Stmt<'_>) -> Option<Opcode> {
    match &item.kind {
        StmtKind::Instruction(instruction) => bind::opcode(instruction.mnemonic.text),
        _ => None,
    }
}

fn span_of(names: &[Name<'_>]) -> Option<Span> {
    let (first, last) = (names.first()?, names.last()?);
    Some(first.span.to(last.span))
}
