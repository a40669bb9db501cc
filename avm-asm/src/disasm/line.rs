//! One instruction as one line.

use avm_ir::{
    DefaultValue, Instr, Kind, OpInfo, Opcode, Slot, Value,
    instr::{NO_REGISTER, Role},
    program::Region,
};

use super::{Writer, constant::View};
use crate::{
    ast::{Arena, Expr, ExprKind, Instruction, Operand, StmtKind},
    fmt::{AsWritten, Printer},
    show::{bare, plain},
};

/// An expression as text.
pub(super) fn print(expr: &Expr<'_>) -> String {
    Printer::new("", &AsWritten).expr(expr)
}

/// The operands of an instruction, in the order of its row.
pub(super) struct Operands {
    pub(super) outputs: Vec<Option<u8>>,
    /// Slots of the inputs but the variadic one; `None` where a place is kept in `a`.
    pub(super) inputs: Vec<Slot>,
    pub(super) rest: Vec<Slot>,
}

impl Operands {
    pub(super) fn of(instr: Instr, region: &Region) -> Option<Self> {
        let info = instr.op.info();
        let slots = instr.slots(&region.pool)?;
        let register = |number: u8| (number != NO_REGISTER).then_some(number);
        let mut outputs = vec![None; info.outputs.len()];
        if let Some(first) = outputs.first_mut() {
            *first = register(instr.a);
        }
        let fixed = info.inputs.len() - usize::from(info.variadic());
        let mut inputs = vec![Slot::ABSENT; fixed];
        if let Some(place) = info.place_in_a() {
            inputs[place] = Slot::reg(instr.a);
        }
        let mut rest = Vec::new();
        let mut roles = info.slot_roles();
        for slot in slots.iter() {
            match roles.next() {
                Some(Role::Output(n)) => outputs[n] = slot.as_reg(),
                Some(Role::Input(n)) if n < fixed => inputs[n] = *slot,
                _ => rest.push(*slot),
            }
        }
        Some(Self { outputs, inputs, rest })
    }
}

/// One more than the highest register that an instruction names.
pub(super) fn registers_used(region: &Region, pc: usize) -> u8 {
    let Some(operands) = region.code.get(pc).and_then(|i| Operands::of(*i, region).map(|o| (i, o)))
    else {
        return 0;
    };
    let (instr, operands) = operands;
    let info = instr.op.info();
    let inputs =
        operands.inputs.iter().enumerate().filter(|(position, _)| {
            !matches!(info.inputs[*position].kind, Kind::Label | Kind::Func)
        });
    let inputs =
        inputs.map(|(_, slot)| slot).chain(&operands.rest).filter_map(|slot| slot.as_reg());
    let all = operands.outputs.iter().copied().flatten().chain(inputs);
    all.map(|register| register.saturating_add(1)).max().unwrap_or(0)
}

/// Whether a slot holds what the operand is when it is left out.
pub(super) fn is_default(info: &OpInfo, input: usize, slot: Slot, region: &Region) -> bool {
    if slot == Slot::ABSENT {
        return true;
    }
    let constant = slot.as_const().and_then(|at| region.consts.get(at));
    match (info.inputs[input].default, constant) {
        (DefaultValue::Null, Some(Value::Null)) => true,
        (DefaultValue::Bool(default), Some(Value::Bool(value))) => default == *value,
        (DefaultValue::Int(default), Some(Value::Int(value))) => default == *value,
        (DefaultValue::Text(default), Some(Value::Text(value))) => default == value.as_str(),
        _ => false,
    }
}

impl Writer<'_> {
    /// Writes the instruction at `pc`; `name` gives registers their names.
    pub(super) fn instruction<'a>(
        &mut self,
        view: &View<'a>,
        pc: usize,
        name: &dyn Fn(u8) -> Expr<'a>,
    ) {
        let mut causes = Vec::new();
        let arena = Arena::default();
        let text = statement(view, pc, &|register| name(register), &mut causes, &arena);
        for cause in causes {
            self.cannot(cause);
        }
        self.line(&text);
    }
}

fn statement<'a>(
    view: &View<'a>,
    pc: usize,
    name: &dyn Fn(u8) -> Expr<'a>,
    causes: &mut Vec<String>,
    arena: &'a Arena,
) -> String {
    let region = view.region;
    let instr = region.code[pc];
    let info = instr.op.info();
    let Some(operands) = Operands::of(instr, region) else {
        causes.push(String::from("operands beyond the pool"));
        return String::from(info.mnemonic);
    };
    let mut value = |input: usize, slot: Slot| {
        let kind = info.inputs[input].kind;
        let value = operand(view, kind, slot, name, arena).unwrap_or_else(|cause| {
            causes.push(cause);
            bare(ExprKind::Null)
        });
        arena.put(value)
    };
    if let (Opcode::SET, [Some(register)], [slot]) =
        (instr.op, operands.outputs.as_slice(), operands.inputs.as_slice())
    {
        let set = StmtKind::Set { place: arena.put(name(*register)), value: value(0, *slot) };
        return Printer::new("", &AsWritten).simple(&set);
    }
    let mut written = Vec::new();
    let mut skipped = false;
    for (input, slot) in operands.inputs.iter().enumerate() {
        if is_default(info, input, *slot, region) {
            skipped |= info.inputs[input].default != DefaultValue::Named;
            continue;
        }
        let by_name = skipped || info.inputs[input].default == DefaultValue::Named;
        let label = by_name.then(|| arena.put(plain(info.inputs[input].name)));
        written.push(Operand { name: label, value: value(input, *slot) });
    }
    for slot in &operands.rest {
        written.push(Operand { name: None, value: value(info.inputs.len() - 1, *slot) });
    }
    // Named ones stand behind those by position, whatever their place in the row.
    written.sort_by_key(|operand| operand.name.is_some());
    let last = operands.outputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let outputs = operands.outputs[..last].iter().map(|output| match output {
        Some(register) => name(*register),
        None => bare(ExprKind::Name("_")),
    });
    let instruction = Instruction {
        mnemonic: plain(info.mnemonic),
        operands: &written,
        outputs: &outputs.collect::<Vec<_>>(),
        call_form: false,
    };
    Printer::new("", &AsWritten).simple(&StmtKind::Instruction(&instruction))
}

/// An operand as an expression, or why none stands for it.
pub(super) fn operand<'a>(
    view: &View<'a>,
    kind: Kind,
    slot: Slot,
    name: &dyn Fn(u8) -> Expr<'a>,
    arena: &'a Arena,
) -> Result<Expr<'a>, String> {
    let region = view.region;
    match kind {
        Kind::Label => match region.labels.get(usize::from(slot.0)) {
            Some(label) if label.name.is_empty() => {
                Ok(bare(ExprKind::Name(arena.text(&format!(".L{}", slot.0)))))
            }
            Some(label) if super::is_name(&label.name) => Ok(bare(ExprKind::Name(&label.name))),
            Some(label) => Err(format!("a jump to {}", label.name)),
            None => Err(String::from("a jump to nowhere")),
        },
        Kind::Func => match region.imports.get(usize::from(slot.0)) {
            Some(function) => Ok(bare(ExprKind::Name(function))),
            None => Err(String::from("a call of nothing")),
        },
        _ => match (slot.as_reg(), slot.as_const()) {
            (Some(register), _) => Ok(name(register)),
            (None, Some(constant)) => view.constant(constant, arena),
            (None, None) => Err(String::from("an operand that is missing")),
        },
    }
}
