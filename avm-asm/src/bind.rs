//! Binding: which operand of the table each written operand is.
//!
//! Works on names and positions alone; what an operand's value means is the business of
//! `lower`.

use avm_ir::{DefaultValue, Diagnostic, Kind, OpInfo, Opcode, Span};

use crate::{
    ast::{Expr, ExprKind, Instruction, Operand},
    messages::{self, Report, diagnostic},
    spell,
};

mod names;
mod table;

pub use names::TableNames;
pub(crate) use table::synonym;
pub use table::{nearest_mnemonic, opcode};

/// No row has more operands or results than this; a test of the table holds it.
pub(crate) const MAX_INPUTS: usize = 8;
pub(crate) const MAX_OUTPUTS: usize = 2;

/// An instruction with its operands in the order of its row.
#[derive(Debug)]
pub(crate) struct Bound<'a> {
    pub(crate) info: &'static OpInfo,
    /// The function that a statement `f(…)` calls; it stands where the first input would.
    pub(crate) function: Option<&'a str>,
    /// Operands by position in the row; `None` where the default holds. A variadic one stays
    /// empty, see `rest`.
    pub(crate) inputs: [Option<&'a Expr<'a>>; MAX_INPUTS],
    /// Values of the variadic operand.
    pub(crate) rest: Vec<&'a Expr<'a>>,
    /// Where the results go.
    pub(crate) outputs: [Option<&'a Expr<'a>>; MAX_OUTPUTS],
}

impl Bound<'_> {
    fn new(info: &'static OpInfo) -> Self {
        Self {
            info,
            function: None,
            inputs: [None; MAX_INPUTS],
            rest: Vec::new(),
            outputs: [None; MAX_OUTPUTS],
        }
    }
}

/// Finds out which operand is which; `None` if that failed, with the reasons in `diagnostics`.
pub(crate) fn bind<'a>(
    instruction: &'a Instruction<'a>,
    info: &'static OpInfo,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Bound<'a>> {
    let span = instruction.mnemonic.span;
    let mut binder =
        Binder { bound: Bound::new(info), span, diagnostics, failed: false, position: 0 };
    let mut named: Option<Span> = None;
    for operand in instruction.operands {
        match &operand.name {
            Some(name) => {
                named.get_or_insert(name.span);
                binder.by_name(operand, name.text, name.span);
            }
            None => binder.by_position(operand.value, named),
        }
    }
    binder.outputs(instruction.outputs);
    binder.complete(instruction.operands.last().map(|operand| operand.value.span));
    (!binder.failed).then_some(binder.bound)
}

/// The same for the statement `f(a, b) -> R`, which calls a function of the program.
pub(crate) fn bind_function<'a>(
    instruction: &'a Instruction<'a>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Bound<'a>> {
    let info = Opcode::CALL.info();
    let function = &instruction.mnemonic;
    let bound = Bound { function: Some(function.text), ..Bound::new(info) };
    let span = function.span;
    // The function itself is there; what follows are its arguments.
    let mut binder = Binder { bound, span, diagnostics, failed: false, position: 1 };
    let mut named: Option<Span> = None;
    for operand in instruction.operands {
        match &operand.name {
            None => binder.by_position(operand.value, named),
            Some(name) if info.output_named(name.text).is_some() => {
                named.get_or_insert(name.span);
                binder.by_name(operand, name.text, name.span);
            }
            Some(name) => binder.fail(named_argument(name.span)),
        }
    }
    binder.outputs(instruction.outputs);
    (!binder.failed).then_some(binder.bound)
}

/// The same for a call in an expression, whose result is its value.
pub(crate) fn bind_call<'a>(
    info: &'static OpInfo,
    span: Span,
    arguments: &'a [Operand<'a>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Bound<'a>> {
    let mut binder =
        Binder { bound: Bound::new(info), span, diagnostics, failed: false, position: 0 };
    let mut named: Option<Span> = None;
    for argument in arguments {
        match &argument.name {
            None if binder.position == info.inputs.len() => binder.one_too_many(argument.value),
            None => binder.by_position(argument.value, named),
            Some(name) => {
                named.get_or_insert(name.span);
                binder.by_name(argument, name.text, name.span);
            }
        }
    }
    if let Some(place) = binder.bound.outputs[0] {
        let message = "a call in an expression has no place for its result";
        let report = diagnostic(messages::TOO_MANY_RESULTS, place.span, message);
        binder.fail(report.help("the result is the value of the call"));
    }
    binder.complete(arguments.last().map(|argument| argument.value.span));
    (!binder.failed).then_some(binder.bound)
}

/// An argument of a function of the program with a name.
#[cold]
pub(crate) fn named_argument(name: Span) -> Diagnostic {
    diagnostic(messages::UNKNOWN_OPERAND, name, "the arguments of a function go by position")
        .help("write their values alone, in the order of `.func`")
}

struct Binder<'a, 'd> {
    bound: Bound<'a>,
    /// The mnemonic.
    span: Span,
    diagnostics: &'d mut Vec<Diagnostic>,
    failed: bool,
    /// The next input that a position may fill.
    position: usize,
}

impl<'a> Binder<'a, '_> {
    #[cold]
    fn fail(&mut self, report: Diagnostic) {
        self.failed = true;
        self.diagnostics.push(report);
    }

    #[cold]
    fn usage(&self) -> String {
        format!("usage: {}", self.bound.info.usage())
    }

    fn by_position(&mut self, value: &'a Expr<'a>, named: Option<Span>) {
        let info = self.bound.info;
        if let Some(first) = named {
            let report = diagnostic(
                messages::POSITION_BEHIND_NAME,
                value.span,
                "positional operand behind a named one",
            )
            .note(first, "the first named operand")
            .help("move it in front, or give it a name");
            return self.fail(report);
        }
        while info
            .inputs
            .get(self.position)
            .is_some_and(|input| input.default == DefaultValue::Named)
        {
            self.position += 1;
        }
        match info.inputs.get(self.position) {
            Some(input) if input.kind == Kind::Args => self.bound.rest.push(value),
            Some(_) => {
                self.bound.inputs[self.position] = Some(value);
                self.position += 1;
            }
            // One more than there are inputs is the result (Y-14).
            None if self.position == info.inputs.len()
                && !info.outputs.is_empty()
                && is_place(value) =>
            {
                self.position += 1;
                self.output(0, value);
            }
            None => self.one_too_many(value),
        }
    }

    #[cold]
    fn one_too_many(&mut self, value: &Expr<'_>) {
        let info = self.bound.info;
        let count = info.inputs.iter().filter(|input| input.default != DefaultValue::Named).count();
        let operands = match count {
            0 => String::from("no operands"),
            1 => String::from("one operand"),
            _ => format!("{count} operands"),
        };
        let message = format!("{} takes {operands} by position", info.mnemonic);
        let report = diagnostic(messages::TOO_MANY_OPERANDS, value.span, message)
            .label("one too many")
            .help(self.usage());
        if self.position != usize::MAX {
            self.fail(report);
        }
        self.position = usize::MAX;
    }

    fn by_name(&mut self, operand: &'a Operand<'a>, name: &str, span: Span) {
        let info = self.bound.info;
        if let Some(position) = info.input_named(name) {
            let given = self.bound.inputs[position].is_some()
                || (info.inputs[position].kind == Kind::Args && !self.bound.rest.is_empty());
            if given {
                let message = format!("operand `{}` is given twice", info.inputs[position].name);
                return self
                    .fail(diagnostic(messages::OPERAND_TWICE, span, message).help(self.usage()));
            }
            if info.inputs[position].kind != Kind::Args {
                self.bound.inputs[position] = Some(operand.value);
                return;
            }
            match operand.value.kind {
                ExprKind::List(items) => self.bound.rest.extend(items),
                _ => self.bound.rest.push(operand.value),
            }
        } else if let Some(position) = info.output_named(name) {
            self.output(position, operand.value);
        } else {
            let report = self.unknown(name, span);
            self.fail(report);
        }
    }

    #[cold]
    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        let info = self.bound.info;
        let message = format!("{} has no operand `{name}`", info.mnemonic);
        let report = diagnostic(messages::UNKNOWN_OPERAND, span, message).help(self.usage());
        let inputs = info.inputs.iter().flat_map(|i| i.aliases.iter().copied().chain([i.name]));
        let outputs = info.outputs.iter().flat_map(|o| o.aliases.iter().copied().chain([o.name]));
        match spell::nearest(name, inputs.chain(outputs)) {
            Some(near) => report.edit(span, near, format!("did you mean `{near}`?")),
            None => report,
        }
    }

    fn outputs(&mut self, outputs: &'a [Expr<'a>]) {
        let info = self.bound.info;
        for (position, place) in outputs.iter().enumerate() {
            if position >= info.outputs.len() {
                let message = match info.outputs.len() {
                    0 => format!("{} has no result", info.mnemonic),
                    1 => format!("{} has one result", info.mnemonic),
                    count => format!("{} has {count} results", info.mnemonic),
                };
                let report =
                    diagnostic(messages::TOO_MANY_RESULTS, place.span, message).help(self.usage());
                return self.fail(report);
            }
            self.output(position, place);
        }
    }

    fn output(&mut self, position: usize, place: &'a Expr<'a>) {
        let info = self.bound.info;
        if let Some(first) = self.bound.outputs[position] {
            let message = format!("result `{}` is given twice", info.outputs[position].name);
            let report = diagnostic(messages::RESULT_TWICE, place.span, message)
                .note(first.span, "first given here")
                .help(self.usage());
            return self.fail(report);
        }
        if !is_place(place) {
            if !matches!(place.kind, ExprKind::Error | ExprKind::Ellipsis) {
                let report =
                    diagnostic(messages::NOT_A_PLACE, place.span, "a result needs a register")
                        .help(self.usage());
                self.fail(report);
            }
            self.failed = true;
            return;
        }
        self.bound.outputs[position] = Some(place);
    }

    /// Says what is missing.
    fn complete(&mut self, last: Option<Span>) {
        let info = self.bound.info;
        // An operand of unknown name or place may be the missing one.
        if self.failed {
            return;
        }
        let missing = info.inputs.iter().enumerate().filter(|(position, input)| {
            input.default == DefaultValue::Required
                && input.kind != Kind::Args
                && self.bound.inputs[*position].is_none()
        });
        let missing: Vec<&str> = missing.map(|(_, input)| input.name).collect();
        let Some(first) = missing.first() else { return };
        let message = match missing.len() {
            1 => format!("{} needs its operand `{first}`", info.mnemonic),
            _ => format!("{} needs its operands `{}`", info.mnemonic, missing.join("`, `")),
        };
        let span = self.span.to(last.unwrap_or(self.span));
        let report = diagnostic(messages::MISSING_OPERAND, span, message).help(self.usage());
        self.fail(report);
    }
}

/// Whether something can be written: a register or a path into one.
pub(crate) fn is_place(expr: &Expr<'_>) -> bool {
    let mut expr = expr;
    loop {
        match &expr.kind {
            ExprKind::Name(name) => return !name.starts_with('.'),
            ExprKind::Raw(_) => return true,
            ExprKind::Field(base, _) | ExprKind::Index(base, _) => expr = base,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use avm_ir::{Kind, opcode::OPS};

    use super::{MAX_INPUTS, MAX_OUTPUTS};

    #[test]
    fn every_row_fits() {
        for info in OPS {
            assert!(info.inputs.len() <= MAX_INPUTS, "{}", info.mnemonic);
            assert!(info.outputs.len() <= MAX_OUTPUTS, "{}", info.mnemonic);
            let fixed = &info.inputs[..info.inputs.len().saturating_sub(1)];
            assert!(fixed.iter().all(|input| input.kind != Kind::Args), "{}", info.mnemonic);
            let places = info.inputs.iter().filter(|input| input.kind == Kind::Place).count();
            assert!(places <= 1, "{}", info.mnemonic);
            assert!(places == 0 || info.outputs.len() <= 1, "{}", info.mnemonic);
        }
    }
}
