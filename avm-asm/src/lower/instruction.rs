//! Instructions: operands by kind, results to their places.

use avm_ir::{
    DefaultValue, Diagnostic, Kind, NameKind, OpInfo, Opcode, Slot, Span, Value, instr::NO_REGISTER,
};

use super::{Lower, expr::Atom, place::Path};
use crate::{
    ast::{Expr, ExprKind, Func, Instruction, Operand},
    bind::{self, Bound},
    emit::{Arg, Literal},
    messages::{self, Report, diagnostic},
};

/// Where a result goes once the instruction is done.
enum Dest<'a> {
    /// The instruction writes it in place, or it is dropped.
    Done,
    /// From a scratch register to a path.
    Path(&'a Expr<'a>, u8),
}

impl<'a> Lower<'_, 'a> {
    pub(super) fn instruction(&mut self, instruction: &'a Instruction<'a>) {
        let mark = self.mark();
        let mnemonic = &instruction.mnemonic;
        let mut reports = Vec::new();
        let bound = match bind::opcode(mnemonic.text) {
            Some(op) => bind::bind(instruction, op.info(), &mut reports),
            None if instruction.call_form && self.env.symbols.function(mnemonic.text).is_some() => {
                bind::bind_function(instruction, &mut reports)
            }
            None => {
                reports.push(self.no_instruction(instruction));
                None
            }
        };
        reports.into_iter().for_each(|report| self.env.report(report));
        match bound {
            Some(bound) => self.operation(&bound, mnemonic.span),
            None => self.forgive(instruction),
        }
        self.release(mark);
    }

    /// What a broken instruction would have written counts as written.
    #[cold]
    fn forgive(&mut self, instruction: &'a Instruction<'a>) {
        let named = instruction.operands.iter().filter(|operand| operand.name.is_some());
        // The last operand may be a result by position.
        let last = instruction.operands.last();
        let places =
            instruction.outputs.iter().chain(named.chain(last).map(|operand| operand.value));
        for place in places {
            self.forgive_place(place);
        }
        let foreign = bind::synonym(instruction.mnemonic.text);
        if let (Some(Opcode::SET), Some(first)) = (foreign, instruction.operands.first()) {
            match &first.name {
                Some(name) => self.forgive_name(name.text, name.span),
                None => self.forgive_place(first.value),
            }
        }
    }

    /// What was to be written counts as written.
    pub(super) fn forgive_place(&mut self, place: &'a Expr<'a>) {
        let mut place = place;
        while let ExprKind::Field(base, _) | ExprKind::Index(base, _) = &place.kind {
            place = base;
        }
        if let ExprKind::Name(name) = &place.kind {
            self.forgive_name(name, place.span);
        }
    }

    fn forgive_name(&mut self, name: &'a str, span: Span) {
        if name != "_"
            && !name.starts_with('.')
            && self.env.symbols.define(name).is_none()
            && crate::resolve::status_word(name).is_none()
        {
            self.register(name, span, true);
        }
    }

    #[cold]
    fn no_instruction(&self, instruction: &Instruction<'_>) -> Diagnostic {
        let name = &instruction.mnemonic;
        let message = format!("there is no instruction `{}`", name.text);
        let report = diagnostic(messages::UNKNOWN_OPCODE, name.span, message);
        if self.env.symbols.function(name.text).is_some() {
            let call = Opcode::CALL.mnemonic();
            let separator = if instruction.operands.is_empty() { "" } else { "," };
            return report.edit(
                name.span,
                format!("{call} {}{separator}", name.text),
                format!("it is a function, call it by `{call}`"),
            );
        }
        if let Some(op) = bind::synonym(name.text) {
            return self.foreign(report, instruction, op);
        }
        match self.env.nearest_mnemonic(name.text) {
            Some(near) => report.edit(name.span, near, format!("did you mean `{near}`?")),
            None => report.help("`avm explain` lists all instructions"),
        }
    }

    /// What a word of another language is written like here.
    #[cold]
    fn foreign(&self, report: Diagnostic, instruction: &Instruction<'_>, op: Opcode) -> Diagnostic {
        let info = op.info();
        let word = instruction.mnemonic.span;
        let operands = instruction.operands;
        let shown = |operand: &Operand<'_>| {
            self.source(operand.value.span).filter(|_| operand.name.is_none())
        };
        let set = match (op, operands) {
            (Opcode::SET, [Operand { name: Some(_), .. }]) => {
                return report.edit(word, "SET", "write `SET place = value`");
            }
            (Opcode::SET, [place, value]) => {
                shown(place).zip(shown(value)).map(|(p, v)| (p, v.into()))
            }
            (Opcode::ADD | Opcode::SUB, [place, rest @ ..]) if bind::is_place(place.value) => {
                let sign = if op == Opcode::ADD { '+' } else { '-' };
                let step = rest.first().map_or(Some("1"), shown);
                let place = shown(place);
                place.zip(step).map(|(place, step)| (place, format!("{place} {sign} {step}")))
            }
            _ => None,
        };
        if let (Some((place, value)), [], Some(last)) = (set, instruction.outputs, operands.last())
            && !instruction.call_form
        {
            let statement = format!("SET {place} = {value}");
            let text = format!("write `{statement}`");
            return report.edit(word.to(last.value.span), statement, text);
        }
        if op == Opcode::SET {
            return report.help("write `SET place = value`");
        }
        if bind::bind(instruction, info, &mut Vec::new()).is_some() {
            let text = format!("the instruction is called {}", info.mnemonic);
            return report.edit(word, info.mnemonic, text);
        }
        report.help(format!("the instruction is called {}, usage: {}", info.mnemonic, info.usage()))
    }

    fn operation(&mut self, bound: &Bound<'a>, span: Span) {
        let info = bound.info;
        let mut args = self.inputs(bound, span);
        let place = info.inputs.iter().position(|input| input.kind == Kind::Place);
        let place = place.and_then(|at| Some((at, bound.inputs[at]?)));
        let mut path: Option<(Path, Vec<u8>)> = None;
        if let Some((at, expr)) = place {
            match &expr.kind {
                ExprKind::Field(..) | ExprKind::Index(..) if bind::is_place(expr) => {
                    let Some(found) = self.path(expr) else { return };
                    self.save_root(&found, at, &mut args);
                    let levels = self.take(&found);
                    args[at] = Arg::Slot(Slot::reg(levels.last().copied().unwrap_or(found.root)));
                    path = Some((found, levels));
                }
                _ => match self.plain_place(expr) {
                    Some(register) => args[at] = Arg::Slot(Slot::reg(register)),
                    None => {
                        if !matches!(
                            expr.kind,
                            ExprKind::Name(_) | ExprKind::Raw(_) | ExprKind::Error
                        ) {
                            let name = info.inputs[at].name;
                            let message =
                                format!("operand `{name}` of {} must be a place", info.mnemonic);
                            let report = diagnostic(messages::NOT_A_PLACE, expr.span, message)
                                .help("put the value into a register first");
                            self.env.report(report);
                        }
                        return;
                    }
                },
            }
        }
        let mut outs = [NO_REGISTER; bind::MAX_OUTPUTS];
        let mut dests = Vec::new();
        for (position, output) in info.outputs.iter().enumerate() {
            let given = bound.outputs[position]
                .filter(|place| !matches!(&place.kind, ExprKind::Name(name) if *name == "_"));
            let (register, dest) = match given {
                Some(place) => self.output(place, span),
                None if output.optional => (NO_REGISTER, Dest::Done),
                None => (self.alloc(span), Dest::Done),
            };
            outs[position] = register;
            dests.push(dest);
        }
        // Putting the parts back reads keys that the result may be about to overwrite.
        let moved = path.as_ref().is_some_and(|(path, _)| path.depends_on(outs[0]));
        let final_out = outs[0];
        if moved {
            outs[0] = self.alloc(span);
        }
        self.emit(info.opcode, &outs[..info.outputs.len()], &args);
        if let Some((path, levels)) = path {
            self.put_back(&path, &levels);
        }
        if moved {
            self.emit(Opcode::SET, &[final_out], &[Arg::Slot(Slot::reg(outs[0]))]);
        }
        for dest in dests {
            if let Dest::Path(place, value) = dest
                && let Some(path) = self.path(place)
            {
                self.store(&path, Slot::reg(value));
            }
        }
    }

    /// Copies operands that are the very register whose parts are about to be taken out.
    fn save_root(&mut self, path: &Path, place: usize, args: &mut [Arg]) {
        for (position, arg) in args.iter_mut().enumerate() {
            if position != place && *arg == Arg::Slot(Slot::reg(path.root)) {
                let copy = self.alloc(Span::default());
                self.emit(Opcode::SET, &[copy], &[*arg]);
                *arg = Arg::Slot(Slot::reg(copy));
            }
        }
    }

    fn output(&mut self, place: &'a Expr<'a>, span: Span) -> (u8, Dest<'a>) {
        match &place.kind {
            ExprKind::Name(_) | ExprKind::Raw(_) => {
                (self.plain_place(place).unwrap_or(0), Dest::Done)
            }
            _ => {
                let value = self.alloc(span);
                (value, Dest::Path(place, value))
            }
        }
    }

    /// Evaluates all operands but places, in the order of the row.
    pub(super) fn inputs(&mut self, bound: &Bound<'a>, span: Span) -> Vec<Arg> {
        let info = bound.info;
        let mut args = Vec::with_capacity(info.inputs.len() + bound.rest.len());
        for (position, input) in info.inputs.iter().enumerate() {
            if input.kind == Kind::Args {
                break;
            }
            let arg = match bound.inputs[position] {
                None if input.kind == Kind::Func && bound.function.is_some() => {
                    Arg::Slot(self.out.import(bound.function.unwrap_or_default()))
                }
                None => self.default(input.kind, input.default),
                Some(expr) => self.input(info, position, expr),
            };
            args.push(arg);
        }
        for expr in &bound.rest {
            let atom = self.atom(expr);
            args.push(Arg::Slot(self.slot(&atom)));
        }
        match info.opcode {
            Opcode::CALL => {
                let name = match bound.inputs[0].map(|expr| &expr.kind) {
                    Some(ExprKind::Name(name)) => *name,
                    _ => bound.function.unwrap_or_default(),
                };
                if let Some(symbol) = self.env.symbols.function(name) {
                    self.check_arguments(symbol.func, bound.rest.iter().copied());
                }
            }
            Opcode::RECORD if bound.rest.len() % 2 == 1 => {
                let at = bound.rest.last().map_or(span, |last| last.span);
                let message = format!("{} takes pairs of key and value", info.mnemonic);
                self.env.report(
                    diagnostic(messages::ODD_PAIRS, at, message).label("this key has no value"),
                );
            }
            _ => {}
        }
        args
    }

    fn input(&mut self, info: &OpInfo, position: usize, expr: &'a Expr<'a>) -> Arg {
        let kind = info.inputs[position].kind;
        match (kind, &expr.kind) {
            // Filled in once the other operands are there.
            (Kind::Place, _) => Arg::Slot(Slot::reg(0)),
            (Kind::Label, ExprKind::Name(name)) => match self.target(name, expr.span) {
                Some(label) => Arg::Label(label),
                None => Arg::Slot(Slot(0)),
            },
            (Kind::Func, ExprKind::Name(name)) => {
                let symbols = self.env.symbols;
                match symbols.function(name) {
                    Some(symbol) => Arg::Slot(self.out.import(symbol.func.name.text)),
                    None => {
                        let message = format!("there is no function `{name}`");
                        let report = diagnostic(messages::UNKNOWN_FUNCTION, expr.span, message);
                        self.env.report(match self.env.nearest_function(name) {
                            Some(near) => {
                                report.edit(expr.span, near, format!("did you mean `{near}`?"))
                            }
                            None => report.help("define it by `.func`"),
                        });
                        Arg::Slot(Slot(0))
                    }
                }
            }
            (Kind::Label | Kind::Func, _) => {
                let (code, what) = match kind {
                    Kind::Label => (messages::NOT_A_LABEL, "label"),
                    _ => (messages::NOT_A_FUNCTION, "function"),
                };
                if !matches!(expr.kind, ExprKind::Error | ExprKind::Ellipsis) {
                    let message = format!("{} needs the bare name of a {what}", info.mnemonic);
                    let report = diagnostic(code, expr.span, message);
                    self.env.report(match &expr.kind {
                        ExprKind::Text(text) if !text.is_empty() => {
                            report.edit(expr.span, String::from(*text), "write it without quotes")
                        }
                        _ => report,
                    });
                }
                Arg::Slot(Slot(0))
            }
            (Kind::Name(name_kind), _) => {
                let atom = self.name_atom(expr);
                self.check_input(info.opcode, position, &atom, expr);
                self.enter_name(name_kind, &atom, expr.span);
                Arg::Slot(self.slot(&atom))
            }
            _ => {
                let atom = self.atom(expr);
                self.check_input(info.opcode, position, &atom, expr);
                Arg::Slot(self.slot(&atom))
            }
        }
    }

    fn default(&mut self, kind: Kind, default: DefaultValue) -> Arg {
        let literal = match default {
            DefaultValue::Absent | DefaultValue::Named => return Arg::Slot(Slot::ABSENT),
            DefaultValue::Required | DefaultValue::Null => Literal::Null,
            DefaultValue::Bool(value) => Literal::Bool(value),
            DefaultValue::Int(value) => Literal::Int(value),
            DefaultValue::Text(text) => Literal::Text(text),
        };
        if let (Kind::Name(kind), Literal::Text(name)) = (kind, &literal) {
            self.env.names.insert((kind, name));
        }
        Arg::Slot(self.literal(&literal))
    }

    /// Enters a name in the manifest, or that the code computes names of its kind.
    fn enter_name(&mut self, kind: NameKind, atom: &Atom<'a>, span: Span) {
        let symbols = self.env.symbols;
        match atom {
            Atom::Literal(Literal::Text(name)) => self.env.manifest_name(kind, name, span),
            Atom::Literal(Literal::Define(number)) => {
                if let Value::Text(name) = &symbols.defines[*number as usize].value {
                    self.env.manifest_name(kind, name.as_str(), span);
                }
            }
            Atom::Reg(_) => {
                self.env.computed.insert(kind);
            }
            _ => {}
        }
    }

    /// A call has at most as many arguments as the function has parameters.
    pub(super) fn check_arguments(
        &mut self,
        func: &Func<'_>,
        mut arguments: impl ExactSizeIterator<Item = &'a Expr<'a>>,
    ) {
        let (most, count) = (func.params.len(), arguments.len());
        if let Some(extra) = arguments.nth(most) {
            let parameters = match most {
                0 => String::from("no parameters"),
                1 => String::from("one parameter"),
                _ => format!("{most} parameters"),
            };
            let message = format!("function `{}` has {parameters}, not {count}", func.name.text);
            let report = diagnostic(messages::TOO_MANY_ARGUMENTS, extra.span, message);
            self.env.report(report.note(func.head, "defined here"));
        }
    }

    /// Complains about a literal that the instruction would refuse.
    pub(super) fn check_input(
        &mut self,
        op: Opcode,
        position: usize,
        atom: &Atom<'a>,
        expr: &Expr<'_>,
    ) {
        let Some(given) = self.type_of(atom, expr) else { return };
        let info = op.info();
        let input = &info.inputs[position];
        if accepts(input.kind, given) {
            return;
        }
        let wanted = match input.kind {
            Kind::Name(kind) => format!("the name of {}", with_article(kind.name())),
            kind => with_article(kind.name()),
        };
        let (operand, given) = (input.name, with_article(given));
        let message =
            format!("operand `{operand}` of {} takes {wanted}, not {given}", info.mnemonic);
        let report = diagnostic(messages::WRONG_TYPE, expr.span, message);
        if input.kind == Kind::Vector && matches!(expr.kind, ExprKind::List(_)) {
            let help = format!("make one of the list: `{}([…])`", Opcode::TO_VECTOR.mnemonic());
            return self.env.report(report.help(help));
        }
        let numeric = matches!(input.kind, Kind::Int | Kind::Num | Kind::Float);
        self.env.report(match &expr.kind {
            ExprKind::Text(text) if numeric && text.parse::<i64>().is_ok() => {
                report.edit(expr.span, String::from(*text), "write the number without quotes")
            }
            _ => report,
        });
    }

    /// Complains about a condition that is no bool.
    pub(super) fn check_condition(&mut self, atom: &Atom<'a>, expr: &Expr<'_>, word: &str) {
        if let Some(given) = self.type_of(atom, expr).filter(|given| !accepts(Kind::Bool, given)) {
            let given = with_article(given);
            let message = format!("the condition of `{word}` takes a bool, not {given}");
            let report = diagnostic(messages::WRONG_TYPE, expr.span, message);
            self.env.report(report.help("compare a value with something, `value == 5`"));
        }
    }

    /// Complains about an index that is neither text nor int.
    pub(super) fn check_key(&mut self, atom: &Atom<'a>, span: Span) {
        let Atom::Literal(_) = atom else { return };
        let expr = Expr { kind: ExprKind::Null, span };
        match self.type_of(atom, &expr) {
            Some("int" | "text") | None => {}
            Some(given) => {
                let message = format!("an index is an int or a text, not {}", with_article(given));
                self.env.report(diagnostic(messages::WRONG_TYPE, span, message));
            }
        }
    }

    /// The type of a value, where it is known by now.
    pub(super) fn type_of(&self, atom: &Atom<'a>, expr: &Expr<'_>) -> Option<&'static str> {
        Some(match atom {
            Atom::Literal(Literal::Null) => "null",
            Atom::Literal(Literal::Bool(_)) => "bool",
            Atom::Literal(Literal::Int(_)) => "int",
            Atom::Literal(Literal::Float(_)) => "float",
            Atom::Literal(Literal::Text(_)) => "text",
            Atom::Literal(Literal::Value(value)) => value.type_name(),
            Atom::Literal(Literal::Define(number)) => {
                self.env.symbols.defines[*number as usize].value.type_name()
            }
            Atom::Reg(_) => match expr.kind {
                ExprKind::List(_) => "list",
                ExprKind::Record(_) => "record",
                _ => return None,
            },
            Atom::Poison => return None,
        })
    }
}

/// Whether an operand of a kind may have a value of a type.
fn accepts(kind: Kind, given: &str) -> bool {
    match kind {
        Kind::Any | Kind::Args | Kind::Place | Kind::Label | Kind::Func => true,
        // `NULL` counts as false.
        Kind::Bool => matches!(given, "bool" | "null"),
        Kind::Num | Kind::Float => matches!(given, "int" | "float"),
        Kind::Name(_) => given == "text",
        _ => kind.name() == given,
    }
}

/// A word with its article, for a message.
pub(super) fn with_article(word: &str) -> String {
    match word {
        "null" => String::from("NULL"),
        _ if word.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {word}"),
        _ => format!("a {word}"),
    }
}
