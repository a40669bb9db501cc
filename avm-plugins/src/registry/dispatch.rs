//! From a request to a provider's method and back: operands checked, units counted, outputs built.

mod code;
mod docs;
mod gpu;
mod map;
mod model;
mod policy;
mod task;
mod tool;

use std::time::Duration;

use avm_ir::{Opcode, Value};
use avm_vm::{EffectRequest, FailureCode, Spend};

use super::Registry;
use crate::provider::{Call, Outcome, Refusal, Reply};

impl Registry {
    pub(super) fn dispatch(&mut self, request: &EffectRequest) -> Outcome {
        let call = Call::of(request);
        match request.opcode {
            Opcode::GPU_INFER => self.infer(&call, request),
            Opcode::MAP_MODEL_CALL => self.map(&call, request),
            Opcode::REDUCE_MODEL_CALL => self.reduce(&call, request),
            Opcode::CALC_EMBED => self.embed(&call, request),
            Opcode::LOAD_MODEL => self.load_model(request),
            Opcode::SEPARATE_PROMPT => self.propose(&call, request),

            Opcode::DOC_EMBED => self.doc_embed(&call, request),
            Opcode::DOC_STORE => self.doc_store(&call, request),
            Opcode::DOC_FETCH => self.doc_fetch(&call, request),
            Opcode::DOC_SEARCH => self.doc_search(&call, request),
            Opcode::DELETE_DOC => self.delete_doc(&call, request),
            Opcode::DELETE_COLLECTION => self.delete_collection(&call, request),

            Opcode::GET_TOOLS_LIST => self.tools_list(&call),
            Opcode::READ_FROM_TOOL => self.read_from_tool(&call, request),
            Opcode::WRITE_TO_TOOL => self.write_to_tool(&call, request),
            Opcode::CALL_PLUGIN => self.call_plugin(&call, request),
            Opcode::SQL_EXECUTE | Opcode::SQL_FETCH => self.sql(&call, request),
            Opcode::CHAIN_OP => self.chain_op(&call, request),

            Opcode::ALLOCATE_GPU => self.allocate_gpu(&call, request),
            Opcode::RELEASE_GPU => self.release_gpu(&call, request),
            Opcode::CHECK_GPU_LOAD => self.gpu_load(&call, request),

            Opcode::HPC_MIGRATE => self.migrate(&call, request),
            Opcode::HPC_EXTENDED_ANALYSIS => self.analyse(&call, request),
            Opcode::WAIT_FOR_RESPONSE | Opcode::WAIT_FOR_TASK => self.wait_for(&call, request),

            Opcode::SELF_READ | Opcode::SELF_MODIFY | Opcode::SELF_MODIFY_SANDBOX => {
                self.code(request)
            }

            Opcode::CHECK_PERMISSIONS => self.permissions(request),
            Opcode::CHECK_SIG => self.signature(request),
            Opcode::SECURITY_CHECK => self.security(request),
            Opcode::CHECK_BALANCE => self.balance(request),
            Opcode::GET_CURRENT_TIME if self.clock => {
                Ok(Reply::new(Value::Int(self.host.unix_time()), 0))
            }
            Opcode::WAIT if self.clock => self.wait(&call, request),
            _ => Err(unbuilt(request)),
        }
    }

    /// Waits as an agent alone does: by letting the time pass.
    fn wait(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let time = Duration::from_nanos(billionths(request, "delay_sec")?);
        if time > call.timeout {
            let wall = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            call.reserves(&Spend { wall, ..Spend::NONE })?;
        }
        if time > LONGEST_WAIT {
            return Err(Refusal::invalid("an agent that runs alone waits at most a day"));
        }
        self.host.sleep(time);
        Ok(Reply::default())
    }
}

/// Longest time that an agent alone may wait at once.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

fn unbound(message: impl Into<String>) -> Refusal {
    Refusal::new(FailureCode::NoProvider, message)
}

/// A kind of request that no provider of this version answers, whatever is bound.
fn unbuilt(request: &EffectRequest) -> Refusal {
    let (mnemonic, kind) = (request.opcode.mnemonic(), request.reach.name());
    unbound(match request.opcode {
        Opcode::PAY_AGENT => "no world: an agent that runs alone has nobody to pay".to_owned(),
        _ => {
            format!("no provider for {mnemonic} yet (kind {kind}): this run has no world around it")
        }
    })
}

/// The operand that gives the name of what is asked.
fn name<'a>(registry: &'a Registry, request: &'a EffectRequest) -> Result<&'a str, Refusal> {
    let name = registry.name_of(request);
    name.ok_or_else(|| Refusal::invalid("the name must be a text, or a handle of that kind"))
}

fn text<'a>(request: &'a EffectRequest, operand: &str) -> Result<&'a str, Refusal> {
    request.text_arg(operand).ok_or_else(|| wrong(request, operand, "a text"))
}

fn vector<'a>(request: &'a EffectRequest, operand: &str) -> Result<&'a [f32], Refusal> {
    match request.arg(operand) {
        Some(Value::Vector(vector)) => Ok(vector),
        _ => Err(wrong(request, operand, "a vector")),
    }
}

/// An operand, `NULL` if it was left out.
fn any(request: &EffectRequest, operand: &str) -> Value {
    request.arg(operand).cloned().unwrap_or_default()
}

fn wrong(request: &EffectRequest, operand: &str, wanted: &str) -> Refusal {
    let found = request.arg(operand).map_or("nothing", Value::type_name);
    let mnemonic = request.opcode.mnemonic();
    Refusal::invalid(format!("operand {operand} of {mnemonic} must be {wanted}, found {found}"))
}

/// A number of units as billionths of a unit; amounts of credits and tokens are counted so.
fn billionths(request: &EffectRequest, operand: &str) -> Result<u64, Refusal> {
    const UNIT: u64 = 1_000_000_000;
    match request.arg(operand) {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Int(int)) => Ok(u64::try_from(*int).unwrap_or(0).saturating_mul(UNIT)),
        // Converted once, here, and exact from then on; the cast saturates and makes NaN 0.
        Some(Value::Float(float)) => Ok((*float * UNIT as f64).round() as u64),
        Some(_) => Err(wrong(request, operand, "a number")),
    }
}
