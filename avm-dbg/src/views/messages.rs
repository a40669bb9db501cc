//! What the agent got from others, where it ran in a world.

use avm_ir::{Value, value::Record};

use crate::{
    reply::{Reply, int, list, text},
    session::{Message, Session},
};

/// Messages up to here that the agent got; or all, also those that it sent.
pub(crate) fn messages(session: &Session, all: bool) -> Reply {
    let here = session.step();
    let shown = session
        .messages
        .iter()
        .filter(|message| all || !message.sent && message.step.is_some_and(|step| step < here));
    let (mut lines, mut data) = (Vec::new(), Vec::new());
    for message in shown {
        let Message { number, step, sent, other, other_step, name, channel, bytes, open } = message;
        let mark = if *step == Some(here) { '>' } else { ' ' };
        let at = |step: &Option<u64>| {
            step.map_or_else(|| String::from("never took it"), |step| format!("step {step}"))
        };
        let on = channel.as_ref().map_or_else(String::new, |channel| format!(" on {channel}"));
        let way = if *sent { "to" } else { "from" };
        let open_it = open.as_ref().map_or_else(String::new, |open| format!("\n    {open}"));
        lines.push(format!(
            "{mark}#{number} {}, {name} {way} {other} ({}){on}, {bytes} bytes{open_it}",
            at(step),
            at(other_step)
        ));
        let or_null = |step: &Option<u64>| step.map_or(Value::Null, int);
        data.push(Value::Record(Record::from_iter([
            ("number", int(*number)),
            ("step", or_null(step)),
            ("sent", Value::Bool(*sent)),
            ("other", Value::from(other.as_str())),
            ("other_step", or_null(other_step)),
            ("name", Value::from(name.as_str())),
            ("channel", text(channel.as_deref())),
            ("bytes", int(*bytes)),
            ("open", text(open.as_deref())),
        ])));
    }
    if lines.is_empty() {
        let nothing = if all { "no messages" } else { "no messages so far" };
        lines.push(String::from(nothing));
    }
    Reply::new(lines.join("\n"), list(data))
}
