//! Document collections.

use avm_ir::{Value, value::Record};
use avm_vm::{EffectRequest, Spend};

use super::{super::Bound, text, unbound, vector, wrong};
use crate::{
    docs::{collection::Document, mmr::DEFAULT_LAMBDA},
    guard::Ask,
    provider::{Call, Documents, Found, Outcome, Query, Refusal, Reply},
    registry::Registry,
};

impl Registry {
    pub(super) fn doc_embed(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let (vector, spent) = self.embedding(call, request)?;
        let units = vector.len() as u64;
        let paid = |refusal: Refusal| refusal.after(units).spending(spent);
        // Nothing is stored that cannot be paid.
        call.affords(units)?;
        let document = document(request, vector)?;
        // The embedding was made, whether or not it can be stored.
        let reply = self.store(call, request, document).map_err(paid)?;
        Ok(Reply { units, ..reply }.spending(spent))
    }

    pub(super) fn doc_store(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let document = document(request, vector(request, "embed_vec")?.to_vec())?;
        self.store(call, request, document)
    }

    fn store(&self, call: &Call, request: &EffectRequest, document: Document) -> Outcome {
        let collection = text(request, "collection")?.to_owned();
        self.documents()?.call(call, ask("store"), move |documents, call| {
            documents.store(call, &collection, document.clone())?;
            Ok(Reply::ok(0))
        })
    }

    pub(super) fn doc_fetch(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let (collection, id) = (text(request, "collection")?, text(request, "doc_id")?);
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.documents()?.call(call, ask("fetch"), move |documents, call| {
            let found = documents.fetch(call, &collection, &id)?;
            let outputs = vec![Value::from(found.text), Value::vector(found.vector)];
            Ok(Reply { outputs, ..Reply::default() })
        })
    }

    pub(super) fn doc_search(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let collection = text(request, "collection")?.to_owned();
        let (top_k, lambda) = wanted(request)?;
        let Some(Value::Vector(vector)) = request.arg("query_vec").cloned() else {
            return Err(wrong(request, "query_vec", "a vector"));
        };
        self.documents()?.call(call, ask("search"), move |documents, call| {
            let query = Query { vector: &vector, top_k, lambda };
            let (found, units) = documents.search(call, &collection, &query)?;
            Ok(Reply::new(Value::list(found.into_iter().map(record).collect()), units))
        })
    }

    pub(super) fn delete_doc(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let (collection, id) = (text(request, "collection")?, text(request, "doc_id")?);
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.documents()?.call(call, ask("delete"), move |documents, call| {
            documents.delete(call, &collection, &id)?;
            Ok(Reply::ok(0))
        })
    }

    pub(super) fn delete_collection(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let collection = text(request, "collection")?.to_owned();
        self.documents()?.call(call, ask("drop_collection"), move |documents, call| {
            Ok(Reply::ok(documents.drop_collection(call, &collection)?))
        })
    }

    fn documents(&self) -> Result<&Bound<dyn Documents>, Refusal> {
        let bound = self.documents.as_ref();
        bound.ok_or_else(|| unbound("no provider bound for document collections"))
    }

    /// The embedding of the request's text by the model that it names, and what it used up.
    pub(super) fn embedding(
        &self,
        call: &Call,
        request: &EffectRequest,
    ) -> Result<(Vec<f32>, Spend), Refusal> {
        let text = request.arg("text").cloned().unwrap_or_default();
        let Value::Text(text) = text else { return Err(wrong(request, "text", "a text")) };
        let model = self.model(request)?;
        let tokens = model.provider.most_tokens(&Value::Text(text.clone()));
        let spent = Spend { tokens, ..Spend::NONE };
        call.reserves(&spent)?;
        // An embedding is settled by its dimension, so no cap on bytes of its own is needed here.
        let open = Call { max_bytes: u64::MAX, ..*call };
        let reply = model.call(&open, ask("embed"), move |model, call| {
            Ok(Reply::new(Value::vector(model.embed(call, &text)?), 0))
        })?;
        match reply.outputs.into_iter().next() {
            Some(Value::Vector(vector)) => Ok((vector.to_vec(), spent)),
            _ => Err(Refusal::invalid("the model gave no vector")),
        }
    }
}

const fn ask(function: &str) -> Ask<'_> {
    Ask { function, args: None }
}

fn document(request: &EffectRequest, vector: Vec<f32>) -> Result<Document, Refusal> {
    let id = text(request, "doc_id")?.to_owned();
    Ok(Document { id, title: String::new(), text: text(request, "text")?.to_owned(), vector })
}

/// How many documents, and how diverse.
fn wanted(request: &EffectRequest) -> Result<(usize, Option<f32>), Refusal> {
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
    Ok((top_k, mmr.then_some(lambda)))
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
