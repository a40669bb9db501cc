//! What a response that is no answer means.

use avm_vm::FailureCode;
use ureq::{
    Body,
    http::{Response, StatusCode, header::LOCATION},
};

use super::super::wire::first_line;
use crate::provider::Refusal;

/// What is read of a failure's body, in bytes.
pub(super) const MAX_WORDS: u64 = 4096;

/// The refusal of a redirect, which names where it leads.
pub(super) fn redirect(name: &str, response: &Response<Body>) -> Option<Refusal> {
    let status = response.status();
    if !status.is_redirection() {
        return None;
    }
    let target = response.headers().get(LOCATION).map(|target| first_line(target.as_bytes()));
    let target = target.unwrap_or_else(|| "nowhere".to_owned());
    let number = status.as_u16();
    let message = format!("{name} redirects to {target} ({number}), and no redirect is followed");
    Some(Refusal::new(FailureCode::Denied, message))
}

/// The failure that a status stands for, with the first line of what the service says.
pub(super) fn failure(name: &str, status: StatusCode, body: &[u8]) -> Refusal {
    let code = match status.as_u16() {
        400 | 405 | 406 | 409 | 411 | 415 | 422 => FailureCode::InvalidArgument,
        401 | 402 | 403 | 407 | 451 => FailureCode::Denied,
        404 | 410 => FailureCode::NotFound,
        408 | 504 => FailureCode::Timeout,
        413 | 414 | 431 => FailureCode::TooLarge,
        425 | 429 | 502 | 503 => FailureCode::Unavailable,
        _ => FailureCode::Internal,
    };
    let (status, said) = (status.as_u16(), first_line(body));
    let colon = if said.is_empty() { "" } else { ": " };
    Refusal::new(code, format!("{name} answers with status {status}{colon}{said}"))
}
