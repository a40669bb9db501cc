//! Statements: blocks, branches, loops, tests.

use avm_ir::{Opcode, Slot, Value};

use super::{Lower, expr::Atom, instruction::with_article};
use crate::{
    ast::{Arm, Expr, ExprKind, Name, Operand, Stmt, StmtKind},
    bind,
    emit::{Arg, Literal},
    messages::{self, Report, diagnostic},
    show,
};

/// Words whose conditions messages name.
const IF: &str = "IF";
const ELSEIF: &str = "ELSEIF";
const WHILE: &str = "WHILE";

impl<'a> Lower<'_, 'a> {
    pub(super) fn block(&mut self, items: &'a [Stmt<'a>]) {
        for item in items {
            self.stmt(item);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt<'a>) {
        match &stmt.kind {
            StmtKind::Label(name) => self.define_label(name),
            StmtKind::Instruction(instruction) => {
                self.here(stmt.span, stmt.number);
                self.instruction(instruction);
            }
            StmtKind::Set { place, value } => {
                self.here(stmt.span, stmt.number);
                self.set(place, value);
            }
            StmtKind::If { arms, otherwise } => self.branches(stmt, arms, *otherwise),
            StmtKind::While { condition, body } => {
                let top = self.out.fresh();
                let end = self.out.fresh();
                self.out.place(top);
                self.here(stmt.span, stmt.number);
                let head = self.at;
                self.branch(condition, false, end, WHILE);
                self.loops.push((end, top));
                self.block(body);
                self.loops.pop();
                self.at = head;
                if !self.out.flow_ended(self.start) {
                    self.emit(Opcode::JUMP, &[], &[Arg::Label(top)]);
                }
                self.out.place_if_used(end);
            }
            StmtKind::For { item, list, body } => self.for_loop(stmt, item, list, body),
            StmtKind::Break | StmtKind::Continue => {
                self.here(stmt.span, stmt.number);
                // Outside of a loop the parser has said so.
                if let Some(&(end, next)) = self.loops.last() {
                    let target = if stmt.kind == StmtKind::Break { end } else { next };
                    self.emit(Opcode::JUMP, &[], &[Arg::Label(target)]);
                }
            }
            StmtKind::Region(region) => {
                let known = self.env.symbols.region_of.get(region.name.text);
                let known = known.and_then(|&at| self.env.symbols.regions.get(at as usize - 1));
                // A second region of the same name was reported.
                if known.is_some_and(|known| core::ptr::eq(*known, *region)) && !region.detached {
                    self.here(region.head, stmt.number);
                    self.pass_through(region);
                }
            }
            StmtKind::Func(_)
            | StmtKind::Test(_)
            | StmtKind::Define { .. }
            | StmtKind::Include { .. }
            | StmtKind::Input { .. }
            | StmtKind::Uses { .. }
            | StmtKind::Registers(_)
            | StmtKind::Allow { .. }
            | StmtKind::Error => {}
        }
    }

    fn set(&mut self, place: &'a Expr<'a>, value: &'a Expr<'a>) {
        let mark = self.mark();
        if !bind::is_place(place) {
            if !matches!(place.kind, ExprKind::Error | ExprKind::Ellipsis) {
                let report =
                    diagnostic(messages::NOT_A_PLACE, place.span, "only a place can be set");
                self.env.report(report.help("write a register, or a path such as `R.a[0]`"));
            }
        } else if matches!(place.kind, ExprKind::Name(_) | ExprKind::Raw(_)) {
            let known = match (&self.locals, &place.kind) {
                (Some(window), ExprKind::Name(name)) => window.is_written(name),
                _ => true,
            };
            match self.plain_place(place) {
                // The place is written once its value was read.
                Some(register) if !known => {
                    self.window().mark_written(register, false);
                    self.into(value, register);
                    self.window().mark_written(register, true);
                }
                Some(register) => self.into(value, register),
                None => {
                    self.atom(value);
                }
            }
        } else {
            let atom = self.atom(value);
            let slot = self.slot(&atom);
            if let Some(path) = self.path(place) {
                self.store(&path, slot);
            }
        }
        self.release(mark);
    }

    fn branches(
        &mut self,
        stmt: &'a Stmt<'a>,
        arms: &'a [Arm<'a>],
        otherwise: Option<&'a [Stmt<'a>]>,
    ) {
        if let ([(condition, body)], None) = (arms, otherwise)
            && let [only] = body
            && self.branch_out(stmt, condition, only)
        {
            return;
        }
        let end = self.out.fresh();
        for (position, (condition, body)) in arms.iter().enumerate() {
            let next = self.out.fresh();
            if position == 0 {
                self.here(stmt.span, stmt.number);
            } else {
                self.here(condition.span, None);
            }
            let word = if position == 0 { IF } else { ELSEIF };
            self.branch(condition, false, next, word);
            self.block(body);
            let last = position + 1 == arms.len() && otherwise.is_none();
            if !last && !self.out.flow_ended(self.start) {
                self.emit(Opcode::JUMP, &[], &[Arg::Label(end)]);
            }
            self.out.place_if_used(next);
        }
        if let Some(body) = otherwise {
            self.block(body);
        }
        self.out.place_if_used(end);
    }

    /// `IF c THEN JUMP x`, `BREAK` or `CONTINUE`: the branch itself is the jump.
    fn branch_out(
        &mut self,
        stmt: &'a Stmt<'a>,
        condition: &'a Expr<'a>,
        only: &'a Stmt<'a>,
    ) -> bool {
        let target = match &only.kind {
            StmtKind::Break => self.loops.last().map(|(end, _)| *end),
            StmtKind::Continue => self.loops.last().map(|(_, next)| *next),
            StmtKind::Instruction(jump)
                if bind::opcode(jump.mnemonic.text) == Some(Opcode::JUMP) =>
            {
                match (jump.operands, jump.outputs) {
                    ([Operand { name: None, value }], []) => match &value.kind {
                        ExprKind::Name(name) => self.target(name, value.span),
                        _ => return false,
                    },
                    _ => return false,
                }
            }
            _ => return false,
        };
        self.here(stmt.span, stmt.number);
        match target {
            Some(target) => self.branch(condition, true, target, IF),
            // The missing label was reported; the condition may have more to say.
            None => {
                let unknown = self.out.fresh();
                self.branch(condition, true, unknown, IF);
            }
        }
        true
    }

    fn for_loop(
        &mut self,
        stmt: &'a Stmt<'a>,
        item: &'a Name<'a>,
        list: &'a Expr<'a>,
        body: &'a [Stmt<'a>],
    ) {
        self.here(stmt.span, stmt.number);
        let head = self.at;
        let mark = self.mark();
        let items = match self.atom(list) {
            // The body may write the register; the loop walks over what it holds now.
            Atom::Reg(register) if self.scratch.depth_of(register).is_none() => {
                let copy = self.alloc(list.span);
                self.emit(Opcode::SET, &[copy], &[Arg::Slot(Slot::reg(register))]);
                Slot::reg(copy)
            }
            atom => {
                self.check_items(&atom, list);
                self.slot(&atom)
            }
        };
        let cursor = self.alloc(list.span);
        let zero = self.literal(&Literal::Int(0));
        self.emit(Opcode::SET, &[cursor], &[Arg::Slot(zero)]);
        let (next, end) = (self.out.fresh(), self.out.fresh());
        self.out.place(next);
        let item = self.write(item.text, item.span).unwrap_or(0);
        let operands = [Arg::Slot(Slot::reg(cursor)), Arg::Slot(items), Arg::Label(end)];
        self.emit(Opcode::NEXT, &[item], &operands);
        self.loops.push((end, next));
        self.fors.push(stmt.span);
        self.block(body);
        self.fors.pop();
        self.loops.pop();
        self.at = head;
        if !self.out.flow_ended(self.start) {
            self.emit(Opcode::JUMP, &[], &[Arg::Label(next)]);
        }
        self.out.place(end);
        self.release(mark);
    }

    fn check_items(&mut self, atom: &Atom<'a>, list: &Expr<'_>) {
        let Some(given) = self.type_of(atom, list).filter(|ty| !matches!(*ty, "list" | "int"))
        else {
            return;
        };
        let of = with_article(given);
        let message = format!("`FOR` walks over a list or counts to an int, not over {of}");
        let report = diagnostic(messages::WRONG_TYPE, list.span, message);
        let (to_list, keys) = (Opcode::TO_LIST.mnemonic(), Opcode::KEYS.mnemonic());
        let source = self.source(list.span);
        self.env.report(match (given, source) {
            ("text", Some(text)) => {
                let characters = format!("{to_list}({text})");
                report.edit(list.span, characters, "walk over the list of its characters")
            }
            ("text", None) => report.help(format!("`{to_list}` gives its characters")),
            ("record", source) => {
                let record = source.unwrap_or("…");
                let keys = format!("`{keys}({record})` for the keys");
                report.help(format!("write {keys}, `{to_list}({record})` for `[key, value]` pairs"))
            }
            _ => report,
        });
    }

    /// `given R = value` of a test.
    pub(super) fn given(&mut self, name: &'a Name<'a>, value: &'a Expr<'a>) {
        self.here(name.span, None);
        let constant = self.env.symbols.define(name.text).is_some();
        if constant || crate::resolve::status_word(name.text).is_some() || name.text == "_" {
            let message = format!("`{}` is no register", name.text);
            self.env.report(diagnostic(messages::READ_ONLY, name.span, message));
            return;
        }
        // What only a test writes, the program does not write.
        if let Some(register) = self.register(name.text, name.span, false) {
            self.into(value, register);
        }
    }

    /// `expect condition` of a test. The message is the condition's text with its constants
    /// replaced by their values, which is what can be read out of bytecode again.
    pub(super) fn expect(&mut self, condition: &'a Expr<'a>) {
        self.here(condition.span, None);
        let mark = self.mark();
        let atom = self.atom(condition);
        self.check_condition(&atom, condition, "expect");
        let slot = self.slot(&atom);
        let Some(text) = show::expr(condition, self.env.symbols) else {
            let message = "this condition is longer than 64 KiB";
            self.env.report(diagnostic(messages::CONSTANT_TOO_LARGE, condition.span, message));
            return;
        };
        let message = self.literal(&Literal::Value(Value::text(&text)));
        self.emit(Opcode::ASSERT, &[], &[Arg::Slot(slot), Arg::Slot(message)]);
        self.release(mark);
    }
}
