//! Chrome's trace event format, which Perfetto reads: calls as slices on a line of gas, notes and
//! effects as marks. A microsecond there is a thousand nanogas here.

use alloc::{format, string::String};
use core::fmt::Write;

use avm_ir::{
    Opcode,
    value::{to_json, to_text},
    wire::hex,
};
use avm_vm::{
    journal::Event,
    trace::{Entry, Reader, Source},
};

use crate::{ViewError, json::quoted, stacks::frame, walk::clean};

/// Characters of a note or failure in a mark.
const LONG: usize = 200;

/// Writes the whole trace as one JSON object.
pub fn write<S: Source>(reader: &mut Reader<S>, out: &mut dyn Write) -> Result<(), ViewError> {
    let name = hex(&reader.header().program);
    write!(
        out,
        "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"program\":\"{name}\",\
         \"unit\":\"1 us is 1000 nanogas\"}},\"traceEvents\":[\n\
         {{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_name\",\"args\":{{\"name\":\"agent\"}}}}"
    )?;
    let begin = reader.machine().at();
    let mut now = 0_u64;
    let mut depth = 1_u64;
    event(out, "B", &frame(reader.machine().image().program(), begin), now, "")?;
    while let Some(entry) = reader.next()? {
        if let Entry::Rewritten(change) = entry {
            let machine = reader.machine();
            let region = machine.version(change.after).map(|version| &version.patch.region.name);
            let rest = format!(
                ",\"s\":\"t\",\"args\":{{\"step\":{},\"region\":{},\"before\":{},\"after\":{}}}",
                machine.steps(),
                quoted(&cut(region.map_or("", String::as_str))),
                change.before,
                change.after,
            );
            event(out, "i", "rewrite", now, &rest)?;
        }
        if let Entry::Outside(Event::Called { .. }) = entry {
            depth += 1;
            let machine = reader.machine();
            event(out, "B", &frame(machine.image().program(), machine.at()), now, "")?;
        }
        let Entry::Step { instr, said, number, .. } = entry else { continue };
        reader.commit()?;
        let happened = reader.happened();
        if let Some((request, answer)) = &happened.effect {
            let how = match &answer.result {
                Ok(_) => format!("\"units\":{}", answer.units),
                Err(failure) => format!("\"failure\":{}", quoted(&cut(&failure.message))),
            };
            let reach = request.reach.name();
            let rest = format!(
                ",\"dur\":{},\"args\":{{\"step\":{number},\"reach\":\"{reach}\",{how}}}",
                micro(said.gas)
            );
            event(out, "X", request.opcode.mnemonic(), now, &rest)?;
        }
        now += said.gas;
        if let Some(note) = &happened.note {
            let text = quoted(&cut(&to_text(note)));
            let rest = format!(",\"s\":\"t\",\"args\":{{\"step\":{number},\"note\":{text}}}");
            event(out, "i", Opcode::LOG.mnemonic(), now, &rest)?;
        }
        if let Some((key, value)) = &happened.stored {
            let value = value.as_ref().map_or_else(|| "null".into(), |v| quoted(&cut(&to_json(v))));
            let rest = format!(
                ",\"s\":\"t\",\"args\":{{\"step\":{number},\"key\":{},\"value\":{value}}}",
                quoted(&cut(key))
            );
            event(out, "i", instr.op.mnemonic(), now, &rest)?;
        }
        // A call that trapped has entered nothing.
        let alive = reader.machine().end().is_none();
        if instr.op == Opcode::CALL && alive {
            depth += 1;
            let machine = reader.machine();
            event(out, "B", &frame(machine.image().program(), machine.at()), now, "")?;
        } else if instr.op == Opcode::RETURN && alive && depth > 1 {
            depth -= 1;
            event(out, "E", "", now, "")?;
        }
    }
    for _ in 0..depth {
        event(out, "E", "", now, "")?;
    }
    out.write_str("\n]}\n")?;
    Ok(())
}

fn event(
    out: &mut dyn Write,
    phase: &str,
    name: &str,
    now: u64,
    rest: &str,
) -> Result<(), ViewError> {
    let (name, now) = (quoted(name), micro(now));
    write!(
        out,
        ",\n{{\"ph\":\"{phase}\",\"pid\":1,\"tid\":1,\"ts\":{now},\"name\":{name}{rest}}}"
    )?;
    Ok(())
}

/// Nanogas as microseconds, exactly.
fn micro(nanogas: u64) -> String {
    format!("{}.{:03}", nanogas / 1_000, nanogas % 1_000)
}

fn cut(text: &str) -> String {
    clean(&text.chars().take(LONG).collect::<String>())
}
