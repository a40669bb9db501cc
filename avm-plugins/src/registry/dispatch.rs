//! From a request to a provider's method and back: operands checked, units counted, outputs built.

use avm_ir::{Opcode, Reach, Value, value::Record};
use avm_vm::{EffectRequest, FailureCode};

use super::{Registry, model_name};
use crate::{
    docs::{collection::Document, mmr::DEFAULT_LAMBDA},
    provider::{Call, Documents, Found, Outcome, Query, Refusal, Reply},
};

impl Registry {
    pub(super) fn dispatch(&mut self, request: &EffectRequest) -> Outcome {
        let call = Call::of(request);
        match request.opcode {
            Opcode::GPU_INFER => {
                let input = request.arg("input").unwrap_or(&Value::Null);
                self.model_mut(named(request)?)?.infer(&call, input)
            }
            Opcode::CALC_EMBED => {
                let text = text(request, "text")?;
                let vector = self.model_mut(named(request)?)?.embed(&call, text)?;
                call.fits(Reply::new(Value::vector(vector), 0))
            }
            Opcode::DOC_EMBED => self.doc_embed(&call, request),
            Opcode::DOC_STORE => {
                let document = document(request, vector(request, "embed_vec")?.to_vec())?;
                self.documents()?.store(&call, text(request, "collection")?, document)?;
                Ok(ok(0))
            }
            Opcode::DOC_FETCH => {
                let id = text(request, "doc_id")?;
                let found = self.documents()?.fetch(&call, text(request, "collection")?, id)?;
                let outputs = vec![Value::from(found.text), Value::vector(found.vector)];
                call.fits(Reply { outputs, units: 0, cost: 0 })
            }
            Opcode::DOC_SEARCH => {
                let query = query(request)?;
                let collection = text(request, "collection")?;
                let (found, units) = self.documents()?.search(&call, collection, &query)?;
                let list = found.into_iter().map(record).collect();
                call.fits(Reply::new(Value::list(list), units))
            }
            Opcode::DELETE_DOC => {
                let id = text(request, "doc_id")?;
                self.documents()?.delete(&call, text(request, "collection")?, id)?;
                Ok(ok(0))
            }
            Opcode::DELETE_COLLECTION => {
                let collection = text(request, "collection")?;
                let deleted = self.documents()?.drop_collection(&call, collection)?;
                Ok(ok(deleted))
            }
            Opcode::GET_CURRENT_TIME => match &mut self.clock {
                Some(clock) => Ok(Reply::new(Value::Int(clock()), 0)),
                None => Err(unbound("this run has no clock")),
            },
            _ => Err(unbuilt(request)),
        }
    }

    fn doc_embed(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let text = text(request, "text")?;
        let vector = self.model_mut(named(request)?)?.embed(call, text)?;
        let units = vector.len() as u64;
        // Nothing is stored that cannot be paid.
        call.affords(units)?;
        let document = document(request, vector)?;
        let collection = request.text_arg("collection").unwrap_or_default();
        let stored = self.documents()?.store(call, collection, document);
        // The embedding was made, whether or not it could be stored.
        stored.map_err(|refusal| refusal.after(units))?;
        Ok(ok(units))
    }

    fn documents(&mut self) -> Result<&mut dyn Documents, Refusal> {
        match &mut self.documents {
            Some(documents) => Ok(documents.as_mut()),
            None => Err(unbound("no provider bound for document collections")),
        }
    }
}

fn ok(units: u64) -> Reply {
    Reply::new(Value::text("OK"), units)
}

fn unbound(message: &str) -> Refusal {
    Refusal::new(FailureCode::NoProvider, message)
}

/// A kind of request that no provider of this version answers, whatever is bound.
fn unbuilt(request: &EffectRequest) -> Refusal {
    let (mnemonic, kind) = (request.opcode.mnemonic(), request.reach.name());
    Refusal::new(
        FailureCode::NoProvider,
        match request.reach {
            Reach::Model => format!("no provider for {mnemonic} yet; models answer GPU_INFER"),
            _ => format!("no provider for {mnemonic} yet (kind {kind})"),
        },
    )
}

fn named(request: &EffectRequest) -> Result<&str, Refusal> {
    model_name(request).ok_or_else(|| Refusal::invalid("the model's name must be a text"))
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

fn wrong(request: &EffectRequest, operand: &str, wanted: &str) -> Refusal {
    let found = request.arg(operand).map_or("nothing", Value::type_name);
    let mnemonic = request.opcode.mnemonic();
    Refusal::invalid(format!("operand {operand} of {mnemonic} must be {wanted}, found {found}"))
}

fn document(request: &EffectRequest, vector: Vec<f32>) -> Result<Document, Refusal> {
    let id = text(request, "doc_id")?.to_owned();
    Ok(Document { id, title: String::new(), text: text(request, "text")?.to_owned(), vector })
}

fn query(request: &EffectRequest) -> Result<Query<'_>, Refusal> {
    let top_k = match request.arg("top_k") {
        // What does not fit is out of range for the search as well.
        Some(Value::Int(top_k)) => usize::try_from(*top_k).unwrap_or(0),
        _ => return Err(wrong(request, "top_k", "an int")),
    };
    let mmr = match request.arg("mmr") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(mmr)) => *mmr,
        Some(_) => return Err(wrong(request, "mmr", "a bool")),
    };
    let lambda = match request.arg("lambda") {
        None | Some(Value::Null) => DEFAULT_LAMBDA,
        Some(Value::Int(lambda)) => *lambda as f32,
        Some(Value::Float(lambda)) => *lambda as f32,
        Some(_) => return Err(wrong(request, "lambda", "a number")),
    };
    let vector = vector(request, "query_vec")?;
    Ok(Query { vector, top_k, lambda: mmr.then_some(lambda) })
}

fn record(Found { document, score }: Found) -> Value {
    let title = if document.title.is_empty() { document.id.clone() } else { document.title };
    Value::Record(Record::from_iter([
        ("id", Value::from(document.id)),
        ("score", Value::float(f64::from(score))),
        ("text", Value::from(document.text)),
        ("title", Value::from(title)),
    ]))
}
