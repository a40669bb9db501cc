//! Expressions: every operator becomes one instruction.

use avm_ir::{Kind, Opcode, Slot, Span};

use super::{
    Lower,
    register::{Mark, Window},
};
use crate::{
    ast::{BinaryOp, Expr, ExprKind, Name, Operand, UnaryOp},
    bind,
    emit::{Arg, Literal},
    messages::{self, Report, diagnostic},
    resolve::{NotConstant, fold, not_constant, status_word},
};

/// Computed items of a literal that wait in registers at the same time. Longer literals are built
/// piece by piece, so that they cannot run out of registers.
const MAX_WAITING: usize = 8;
/// Items that one instruction takes.
const MAX_ITEMS: usize = 4096;

/// A value that an operand can name without further instructions.
#[derive(Clone, Debug)]
pub(super) enum Atom<'a> {
    Reg(u8),
    Literal(Literal<'a>),
    /// Stands for what already got a diagnostic.
    Poison,
}

impl<'a> Lower<'_, 'a> {
    /// The slot of an atom.
    pub(super) fn slot(&mut self, atom: &Atom<'a>) -> Slot {
        match atom {
            Atom::Reg(register) => Slot::reg(*register),
            Atom::Literal(literal) => self.literal(literal),
            Atom::Poison => self.literal(&Literal::Null),
        }
    }

    /// Evaluates an expression to something an operand can name; a scratch register may hold it.
    pub(super) fn atom(&mut self, expr: &'a Expr<'a>) -> Atom<'a> {
        match self.direct(expr, false) {
            Some(atom) => atom,
            None => self.compute(expr, None),
        }
    }

    /// The same where a text is expected that names something.
    pub(super) fn name_atom(&mut self, expr: &'a Expr<'a>) -> Atom<'a> {
        match self.direct(expr, true) {
            Some(atom) => atom,
            None => self.compute(expr, None),
        }
    }

    /// Evaluates an expression into a register; nothing is written before all of it was read.
    pub(super) fn into(&mut self, expr: &'a Expr<'a>, dest: u8) {
        if let Some(atom) = self.direct(expr, false) {
            let slot = self.slot(&atom);
            self.emit(Opcode::SET, &[dest], &[Arg::Slot(slot)]);
        } else {
            let mark = self.mark();
            self.compute(expr, Some(dest));
            self.release(mark);
        }
    }

    /// What needs no instruction: literals, constants, registers.
    fn direct(&mut self, expr: &'a Expr<'a>, names: bool) -> Option<Atom<'a>> {
        let literal = match &expr.kind {
            ExprKind::Null => Literal::Null,
            ExprKind::Bool(value) => Literal::Bool(*value),
            ExprKind::Int(value) => Literal::Int(*value),
            ExprKind::Float(value) => Literal::Float(*value),
            ExprKind::Text(text) => Literal::Text(text),
            ExprKind::Name(name) => {
                if let Some(number) = self.constant(name, expr.span) {
                    Literal::Define(number)
                } else if status_word(name).is_some() {
                    return None;
                } else {
                    return Some(match self.read(name, expr.span, names) {
                        Some(register) => Atom::Reg(register),
                        None => Atom::Poison,
                    });
                }
            }
            ExprKind::Raw(number) => {
                return Some(self.raw(*number, expr.span).map_or(Atom::Poison, Atom::Reg));
            }
            ExprKind::List(_) | ExprKind::Record(_) | ExprKind::Unary(UnaryOp::Neg, _) => {
                if let ExprKind::Record(pairs) = &expr.kind {
                    self.check_keys(pairs);
                }
                match fold(expr, self.env.symbols) {
                    Ok(value) => Literal::Value(value),
                    Err(NotConstant::Computed(_)) => return None,
                    Err(reason) => {
                        if let Some(report) = not_constant(reason, expr) {
                            self.env.report(report);
                        }
                        return Some(Atom::Poison);
                    }
                }
            }
            ExprKind::Error | ExprKind::Ellipsis => return Some(Atom::Poison),
            _ => return None,
        };
        Some(Atom::Literal(literal))
    }

    /// The constant of a name, also of one that the paper dialect takes for a constant.
    fn constant(&mut self, name: &str, span: Span) -> Option<u32> {
        if let Some(number) = self.env.symbols.define(name) {
            return Some(number);
        }
        let number = *self.env.stand_ins.get(name)?;
        let near = self.env.symbols.defines[number as usize].name;
        let message = format!("`{name}` is defined nowhere and taken for `{near}`");
        let report = diagnostic(messages::PAPER_NAME, span, message);
        self.env.report(report.edit(span, near, format!("write `{near}`")));
        Some(number)
    }

    fn check_keys(&mut self, pairs: &'a [(Name<'a>, Expr<'a>)]) {
        let mut names: Vec<&Name<'_>> = pairs.iter().map(|(name, _)| name).collect();
        names.sort_by(|a, b| a.text.cmp(b.text));
        for pair in names.windows(2) {
            if let [first, second] = pair
                && first.text == second.text
            {
                let message = format!("key `{}` is given twice", second.text);
                let report = diagnostic(messages::DUPLICATE_KEY, second.span, message)
                    .note(first.span, "first given here");
                self.env.report(report);
            }
        }
    }

    /// The register for a result: `dest`, or a scratch register in place of those above `mark`.
    pub(super) fn result(&mut self, mark: Mark, dest: Option<u8>, span: Span) -> u8 {
        self.release(mark);
        match dest {
            Some(dest) => dest,
            None => self.alloc(span),
        }
    }

    fn compute(&mut self, expr: &'a Expr<'a>, dest: Option<u8>) -> Atom<'a> {
        let mark = self.mark();
        let span = expr.span;
        match &expr.kind {
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                self.short_circuit(*op, left, right, dest, span)
            }
            ExprKind::Binary(op, left, right) => {
                let left = self.atom(left);
                let right = self.atom(right);
                self.unary_or_binary(opcode_of(*op), &[left, right], mark, dest, span)
            }
            ExprKind::Unary(op, operand) => {
                let op = match op {
                    UnaryOp::Neg => Opcode::NEG,
                    UnaryOp::Not => Opcode::NOT,
                };
                let value = self.atom(operand);
                self.check_input(op, 0, &value, operand);
                self.unary_or_binary(op, &[value], mark, dest, span)
            }
            ExprKind::Field(base, name) => {
                let base = self.base(base, None, dest);
                let key = Atom::Literal(Literal::Text(name.text));
                self.unary_or_binary(Opcode::GET, &[base, key], mark, dest, span)
            }
            ExprKind::Index(base, index) => {
                let base = self.base(base, Some(index), dest);
                let key = self.key(index);
                self.unary_or_binary(Opcode::GET, &[base, key], mark, dest, span)
            }
            ExprKind::Call(name, arguments) => self.call_expr(name, arguments, dest, span),
            ExprKind::List(items) => self.list(items, dest, span),
            ExprKind::Record(pairs) => self.record(pairs, dest, span),
            ExprKind::Name(name) => match status_word(name) {
                Some(word) => {
                    let word = Atom::Literal(Literal::Int(word as i64));
                    self.unary_or_binary(Opcode::STATUS, &[word], mark, dest, span)
                }
                None => Atom::Poison,
            },
            _ => Atom::Poison,
        }
    }

    /// What a part is read from: in the register for the result, unless the index still reads that.
    fn base(
        &mut self,
        base: &'a Expr<'a>,
        index: Option<&'a Expr<'a>>,
        dest: Option<u8>,
    ) -> Atom<'a> {
        if let Some(atom) = self.direct(base, false) {
            return atom;
        }
        let is_apart = |window: &Window<'a>, dest: u8| match index.map(|index| &index.kind) {
            None | Some(ExprKind::Int(_) | ExprKind::Text(_)) => true,
            Some(ExprKind::Name(name)) => window.name(dest) != Some(*name),
            _ => false,
        };
        let window = self.window();
        let dest = dest.filter(|dest| is_apart(window, *dest));
        self.compute(base, dest)
    }

    fn unary_or_binary(
        &mut self,
        op: Opcode,
        operands: &[Atom<'a>],
        mark: Mark,
        dest: Option<u8>,
        span: Span,
    ) -> Atom<'a> {
        let mut slots = [Arg::Slot(Slot::ABSENT); 2];
        for (slot, atom) in slots.iter_mut().zip(operands) {
            *slot = Arg::Slot(self.slot(atom));
        }
        let result = self.result(mark, dest, span);
        self.emit(op, &[result], &slots[..operands.len()]);
        Atom::Reg(result)
    }

    /// `AND` and `OR`: the right side is evaluated only where the left does not decide. A chain of
    /// the same operator is one row of tests.
    fn short_circuit(
        &mut self,
        op: BinaryOp,
        left: &'a Expr<'a>,
        right: &'a Expr<'a>,
        dest: Option<u8>,
        span: Span,
    ) -> Atom<'a> {
        let mark = self.mark();
        // A named register may be read on the way; a scratch register only by what wrote it.
        let own = dest.filter(|dest| self.scratch.depth_of(*dest).is_some());
        let value = own.unwrap_or_else(|| self.alloc(span));
        let end = self.out.fresh();
        let jump = if op == BinaryOp::And { Opcode::JUMP_UNLESS } else { Opcode::JUMP_IF };
        let mut chain = vec![right];
        let mut first = left;
        while let ExprKind::Binary(inner, left, right) = &first.kind
            && *inner == op
        {
            chain.push(right);
            first = left;
        }
        self.into(first, value);
        for operand in chain.into_iter().rev() {
            self.emit(jump, &[], &[Arg::Slot(Slot::reg(value)), Arg::Label(end)]);
            self.into(operand, value);
        }
        self.out.place(end);
        let result = self.result(mark, dest, span);
        self.emit(Opcode::TEST, &[result], &[Arg::Slot(Slot::reg(value))]);
        Atom::Reg(result)
    }

    fn list(&mut self, items: &'a [Expr<'a>], dest: Option<u8>, span: Span) -> Atom<'a> {
        let mark = self.mark();
        let mut args = Vec::with_capacity(items.len().min(MAX_ITEMS));
        let mut waiting = 0;
        let mut items = items.iter();
        for item in items.by_ref() {
            let atom = self.atom(item);
            waiting += usize::from(is_computed(item));
            args.push(Arg::Slot(self.slot(&atom)));
            if waiting == MAX_WAITING || args.len() == MAX_ITEMS {
                break;
            }
        }
        if items.as_slice().is_empty() {
            let result = self.result(mark, dest, span);
            self.emit(Opcode::LIST, &[result], &args);
            return Atom::Reg(result);
        }
        // Later items may read the register that the list is meant for.
        let list = self.result(mark, None, span);
        self.emit(Opcode::LIST, &[list], &args);
        for item in items {
            let inner = self.mark();
            let atom = self.atom(item);
            let args = [Arg::Slot(Slot::reg(list)), Arg::Slot(self.slot(&atom))];
            self.emit(Opcode::PUSH, &[], &args);
            self.release(inner);
        }
        self.built(list, dest)
    }

    fn record(
        &mut self,
        pairs: &'a [(Name<'a>, Expr<'a>)],
        dest: Option<u8>,
        span: Span,
    ) -> Atom<'a> {
        let mark = self.mark();
        let mut args = Vec::with_capacity(2 * pairs.len().min(MAX_ITEMS));
        let mut waiting = 0;
        let mut pairs = pairs.iter();
        for (key, value) in pairs.by_ref() {
            let atom = self.atom(value);
            waiting += usize::from(is_computed(value));
            args.push(Arg::Slot(self.literal(&Literal::Text(key.text))));
            args.push(Arg::Slot(self.slot(&atom)));
            if waiting == MAX_WAITING || args.len() == 2 * MAX_ITEMS {
                break;
            }
        }
        if pairs.as_slice().is_empty() {
            let result = self.result(mark, dest, span);
            self.emit(Opcode::RECORD, &[result], &args);
            return Atom::Reg(result);
        }
        let record = self.result(mark, None, span);
        self.emit(Opcode::RECORD, &[record], &args);
        for (key, value) in pairs {
            let inner = self.mark();
            let atom = self.atom(value);
            let key = Arg::Slot(self.literal(&Literal::Text(key.text)));
            let args = [Arg::Slot(Slot::reg(record)), key, Arg::Slot(self.slot(&atom))];
            self.emit(Opcode::PUT, &[], &args);
            self.release(inner);
        }
        self.built(record, dest)
    }

    /// Brings what was built in a scratch register to its destination.
    fn built(&mut self, value: u8, dest: Option<u8>) -> Atom<'a> {
        let Some(dest) = dest else { return Atom::Reg(value) };
        self.emit(Opcode::SET, &[dest], &[Arg::Slot(Slot::reg(value))]);
        Atom::Reg(dest)
    }

    /// `name(arguments)`: a function of the program or an instruction with one result.
    fn call_expr(
        &mut self,
        name: &'a Name<'a>,
        arguments: &'a [Operand<'a>],
        dest: Option<u8>,
        span: Span,
    ) -> Atom<'a> {
        let mark = self.mark();
        if let Some(symbol) = self.env.symbols.function(name.text) {
            let func = symbol.func;
            self.check_arguments(func, arguments.iter().map(|argument| argument.value));
            let mut args = vec![Arg::Slot(self.out.import(func.name.text))];
            for argument in arguments {
                if let Some(name) = &argument.name {
                    self.env.report(bind::named_argument(name.span));
                }
                let atom = self.atom(argument.value);
                args.push(Arg::Slot(self.slot(&atom)));
            }
            let result = self.result(mark, dest, span);
            self.emit(Opcode::CALL, &[result], &args);
            return Atom::Reg(result);
        }
        let Some(op) = bind::opcode(name.text) else {
            let report = self.no_function(name);
            self.env.report(report);
            self.evaluate_all(arguments);
            return Atom::Poison;
        };
        if let Some(report) = not_in_expression(op, name) {
            let report = match self.as_statement(op, arguments, dest) {
                Some(statement) => report.help(format!("write `{statement}` on a line of its own")),
                None => report,
            };
            self.env.report(report);
            self.evaluate_for(op, arguments);
            return Atom::Poison;
        }
        let Some(bound) =
            bind::bind_call(op.info(), name.span, arguments, &mut self.env.diagnostics)
        else {
            self.evaluate_all(arguments);
            return Atom::Poison;
        };
        let args = self.inputs(&bound, name.span);
        let result = self.result(mark, dest, span);
        self.emit(op, &[result], &args);
        Atom::Reg(result)
    }

    /// A call as the instruction that it should have been, where that says it all.
    #[cold]
    fn as_statement(
        &mut self,
        op: Opcode,
        arguments: &[Operand<'_>],
        dest: Option<u8>,
    ) -> Option<String> {
        let info = op.info();
        let literal = matches!(op, Opcode::LIST | Opcode::RECORD | Opcode::CALL);
        let first = arguments.first()?;
        let first = first.name.as_ref().map_or(first.value.span, |name| name.span);
        let operands = self.source(first.to(arguments.last()?.value.span))?;
        match info.outputs {
            _ if literal => None,
            [] => Some(format!("{} {operands}", info.mnemonic)),
            [_] => {
                let place = dest.and_then(|dest| self.window().name(dest)).unwrap_or("result");
                Some(format!("{} {operands} -> {place}", info.mnemonic))
            }
            _ => None,
        }
    }

    /// Evaluates the arguments of a misplaced instruction: what it would have changed counts as
    /// written, labels and functions are no values.
    #[cold]
    fn evaluate_for(&mut self, op: Opcode, arguments: &'a [Operand<'a>]) {
        let mark = self.mark();
        for (position, argument) in arguments.iter().enumerate() {
            let name = argument.name.as_ref();
            let input = name.map_or(Some(position), |name| op.info().input_named(name.text));
            match input.and_then(|at| op.info().inputs.get(at)).map(|input| input.kind) {
                Some(Kind::Place) => self.forgive_place(argument.value),
                Some(Kind::Label | Kind::Func) => {}
                _ => {
                    self.atom(argument.value);
                }
            }
            self.release(mark);
        }
    }

    /// Evaluates arguments for their diagnostics alone.
    fn evaluate_all(&mut self, arguments: &'a [Operand<'a>]) {
        let mark = self.mark();
        for argument in arguments {
            self.atom(argument.value);
            self.release(mark);
        }
    }

    #[cold]
    fn no_function(&self, name: &Name<'_>) -> avm_ir::Diagnostic {
        let message = format!("there is no function `{}`", name.text);
        let report = diagnostic(messages::UNKNOWN_FUNCTION, name.span, message);
        if let Some(op) = bind::synonym(name.text) {
            let text = format!("the instruction is called {}", op.mnemonic());
            return match not_in_expression(op, name) {
                None => report.edit(name.span, op.mnemonic(), text),
                Some(_) => report.help(format!("{text} and stands on a line of its own")),
            };
        }
        let near = self.env.nearest_function(name.text);
        match near.or_else(|| self.env.nearest_mnemonic(name.text)) {
            Some(near) => report.edit(name.span, near, format!("did you mean `{near}`?")),
            None => report.help("define it by `.func`, or use an instruction that has one result"),
        }
    }
}

/// Whether an item of a literal may need a register of its own.
fn is_computed(expr: &Expr<'_>) -> bool {
    !matches!(
        expr.kind,
        ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Text(_)
            | ExprKind::Raw(_)
    ) && !matches!(&expr.kind, ExprKind::Name(name) if status_word(name).is_none())
}

fn opcode_of(op: BinaryOp) -> Opcode {
    match op {
        BinaryOp::Or => Opcode::OR,
        BinaryOp::And => Opcode::AND,
        BinaryOp::Eq => Opcode::EQ,
        BinaryOp::Ne => Opcode::NE,
        BinaryOp::Lt => Opcode::LT,
        BinaryOp::Le => Opcode::LE,
        BinaryOp::Gt => Opcode::GT,
        BinaryOp::Ge => Opcode::GE,
        BinaryOp::Contains => Opcode::CONTAINS,
        BinaryOp::Add => Opcode::ADD,
        BinaryOp::Sub => Opcode::SUB,
        BinaryOp::Mul => Opcode::MUL,
        BinaryOp::Div => Opcode::DIV,
        BinaryOp::Mod => Opcode::MOD,
    }
}

/// Why an instruction cannot stand in an expression, if it cannot.
fn not_in_expression(op: Opcode, name: &Name<'_>) -> Option<avm_ir::Diagnostic> {
    let info = op.info();
    let (cause, help) = match op {
        Opcode::LIST => ("is written as a literal", "write `[a, b]`"),
        Opcode::RECORD => ("is written as a literal", "write `{name: value}`"),
        Opcode::CALL => ("is not needed here", "write `function(arguments)`"),
        _ if info.outputs.is_empty() => ("has no result", "write it as a statement of its own"),
        _ if info.outputs.len() > 1 => {
            ("has several results", "write it as a statement of its own")
        }
        _ if info.reach.is_some() => {
            ("reaches outside of the machine", "write it as a statement of its own")
        }
        _ if info
            .inputs
            .iter()
            .any(|i| matches!(i.kind, Kind::Place | Kind::Label | Kind::Func)) =>
        {
            ("changes an operand or the flow", "write it as a statement of its own")
        }
        _ => return None,
    };
    let message = format!("{} {cause}", info.mnemonic);
    Some(diagnostic(messages::NOT_IN_EXPRESSION, name.span, message).help(help))
}
