//! Labels: where a jump goes, and whether it may.

use avm_ir::{Diagnostic, Span};

use super::{Lower, NO_REGION};
use crate::{
    ast::{Name, Stmt, StmtKind},
    emit::LabelId,
    messages::{self, Report, diagnostic},
};

/// A label that only one body or function knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnLabel {
    id: LabelId,
    /// The innermost `FOR` it stands in.
    in_for: Option<Span>,
    span: Span,
}

impl<'a> Lower<'_, 'a> {
    /// Finds the labels that only this body or function knows: those with a dot and, in a
    /// function, all others too.
    pub(super) fn collect_scope(&mut self, items: &'a [Stmt<'a>], all: bool) {
        for item in items {
            match &item.kind {
                StmtKind::Label(name) if all || name.text.starts_with('.') => {
                    if let Some(first) = self.scope.get(name.text) {
                        let message = format!("label `{}` is defined twice", name.text);
                        let report = diagnostic(messages::DUPLICATE_LABEL, name.span, message)
                            .note(first.span, "first defined here");
                        self.env.report(report);
                        continue;
                    }
                    let (id, in_for) = (self.out.fresh(), self.fors.last().copied());
                    self.scope.insert(name.text, OwnLabel { id, in_for, span: name.span });
                    self.scope_names.push(name);
                }
                StmtKind::If { arms, otherwise } => {
                    for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                        self.collect_scope(body, all);
                    }
                }
                StmtKind::While { body, .. } => self.collect_scope(body, all),
                StmtKind::For { body, .. } => {
                    self.fors.push(item.span);
                    self.collect_scope(body, all);
                    self.fors.pop();
                }
                _ => {}
            }
        }
    }

    /// Puts a label of the program here.
    pub(super) fn define_label(&mut self, name: &'a Name<'a>) {
        // The second of two labels of the same name was reported and stands nowhere.
        if let Some(label) = self.scope.get(name.text) {
            if label.span == name.span {
                self.out.place(label.id);
            }
            return;
        }
        let symbol = self.env.symbols.labels.get(name.text);
        if symbol.is_none_or(|symbol| symbol.span != name.span) {
            return;
        }
        if self.out.flow_ended(self.start) {
            let pc = self.out.pc();
            self.env.unreachable.push((name.text, self.region, pc, name.span));
        }
        let label = self.program_label(name.text, false);
        self.out.place(label);
    }

    fn program_label(&mut self, name: &'a str, elsewhere: bool) -> LabelId {
        let out = &mut self.out;
        *self.labels.entry(name).or_insert_with(|| out.named(String::from(name), elsewhere))
    }

    /// The label that a jump names; reports one that it cannot reach.
    pub(super) fn target(&mut self, name: &'a str, span: Span) -> Option<LabelId> {
        if let Some(&label) = self.scope.get(name) {
            if let Some(report) = self.enters_loop(name, span, label.in_for) {
                self.env.report(report);
            }
            return Some(label.id);
        }
        let found = self.env.symbols.labels.get(name).copied();
        let (Some(symbol), None) = (found, &self.locals) else {
            let report = self.no_label(name, span);
            self.env.report(report);
            return None;
        };
        if let Some(report) = self.enters_loop(name, span, symbol.in_for) {
            self.env.report(report);
        }
        self.env.used_labels.insert(name);
        Some(self.program_label(name, symbol.region != self.region || self.region == NO_REGION))
    }

    fn enters_loop(&self, name: &str, span: Span, in_for: Option<Span>) -> Option<Diagnostic> {
        let head = in_for.filter(|head| !self.fors.contains(head))?;
        let message = format!("label `{name}` lies inside of a `FOR` loop");
        let head = Span { end: head.start, ..head };
        let report = diagnostic(messages::JUMP_INTO_LOOP, span, message);
        Some(report.note(head, "this loop").help("jump to a label in front of the loop"))
    }

    #[cold]
    fn no_label(&self, name: &str, span: Span) -> Diagnostic {
        let symbols = self.env.symbols;
        let elsewhere = symbols.labels.get(name).map(|symbol| symbol.span);
        if let Some(first) = symbols.hidden_labels.get(name).copied().or(elsewhere) {
            let message = match (&self.locals, name.starts_with('.')) {
                (_, true) => format!("label `{name}` belongs to another region or function"),
                (Some(_), _) => format!("label `{name}` lies outside of this function"),
                (None, _) => format!("label `{name}` lies inside of a function"),
            };
            return diagnostic(messages::OTHER_SCOPE, span, message).note(first, "defined here");
        }
        let report =
            diagnostic(messages::UNKNOWN_LABEL, span, format!("there is no label `{name}`"));
        let own = self.scope_names.iter().map(|name| name.text);
        let all = self.locals.is_none().then_some(&symbols.label_names);
        let known = own.chain(all.into_iter().flatten().copied());
        if let Some(near) = self.env.nearest(name, known) {
            return report.edit(span, near, format!("did you mean `{near}`?"));
        }
        if symbols.region_of.contains_key(name) {
            return report.help(format!(
                "control flows into region `{name}` where it stands; to jump there, put a label in its first line"
            ));
        }
        report.help(format!("define it by `:{name}`"))
    }
}
