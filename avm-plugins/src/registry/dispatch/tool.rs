//! Tools, plugins, SQL, chains.

use avm_ir::{Opcode, Value};
use avm_vm::EffectRequest;

use super::{any, name, text, unbound, wrong};
use crate::{
    guard::Ask,
    provider::{Call, Outcome, Refusal, Reply},
    registry::Registry,
};

impl Registry {
    pub(super) fn tools_list(&self, call: &Call) -> Outcome {
        let names = self.tools.keys().map(|name| Value::text(name)).collect();
        call.fits(Reply::new(Value::list(names), 0))
    }

    pub(super) fn read_from_tool(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let args = any(request, "args");
        let tool = named(&self.tools, "tool", name(self, request)?)?;
        let ask = Ask { function: "read", args: Some(&args) };
        let args = args.clone();
        tool.call(call, ask, move |tool, call| tool.read(call, &args))
    }

    pub(super) fn write_to_tool(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let data = any(request, "data");
        let tool = named(&self.tools, "tool", name(self, request)?)?;
        let ask = Ask { function: "write", args: Some(&data) };
        let data = data.clone();
        tool.call(call, ask, move |tool, call| tool.write(call, &data))
    }

    pub(super) fn call_plugin(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let function = text(request, "func")?.to_owned();
        let args = any(request, "args");
        let plugin_name = name(self, request)?;
        let plugin = named(&self.plugins, "plugin", plugin_name)?;
        known(&plugin.manifest, "plugin", plugin_name, &function)?;
        let (args, asked) = (args.clone(), args);
        let ask = Ask { function: &function.clone(), args: Some(&asked) };
        plugin.call(call, ask, move |plugin, call| plugin.call(call, &function, &args))
    }

    pub(super) fn chain_op(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let action = text(request, "action")?.to_owned();
        let args = any(request, "args");
        let chain_name = name(self, request)?;
        let chain = named(&self.chains, "chain", chain_name)?;
        known(&chain.manifest, "chain", chain_name, &action)?;
        let (args, asked) = (args.clone(), args);
        let ask = Ask { function: &action.clone(), args: Some(&asked) };
        chain.call(call, ask, move |chain, call| chain.act(call, &action, &args))
    }

    pub(super) fn sql(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let Some(sql) = &self.sql else {
            return Err(unbound("no database bound; bind one under [sql]"));
        };
        let query = text(request, "query")?.to_owned();
        let params: Vec<Value> = match request.arg("params") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::List(list)) => list.iter().cloned().collect(),
            Some(_) => return Err(wrong(request, "params", "a list")),
        };
        let reads = request.opcode == Opcode::SQL_FETCH;
        let ask = Ask { function: if reads { "fetch" } else { "execute" }, args: None };
        sql.call(call, ask, move |sql, call| match reads {
            true => sql.fetch(call, &query, &params),
            false => sql.execute(call, &query, &params),
        })
    }
}

/// The provider that a name is bound to.
fn named<'a, P: ?Sized>(
    bindings: &'a super::super::Bindings<P>,
    kind: &str,
    name: &str,
) -> Result<&'a super::super::Bound<P>, Refusal> {
    bindings.get(name).ok_or_else(|| {
        unbound(format!(
            "no provider bound for {kind} \"{name}\"; bind one with --bind {kind}:{name}=PROVIDER"
        ))
    })
}

/// Refuses a function that the provider's manifest does not list.
fn known(
    manifest: &crate::provider::Manifest,
    kind: &str,
    name: &str,
    function: &str,
) -> Result<(), Refusal> {
    if manifest.function(function).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = manifest.functions.iter().map(|f| f.name.as_str()).collect();
    Err(Refusal::not_found(format!(
        "{kind} \"{name}\" has no function \"{function}\"; it has {}",
        known.join(", ")
    )))
}
