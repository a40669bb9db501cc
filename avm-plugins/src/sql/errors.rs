//! The database's errors as failures that programs see.

use avm_vm::FailureCode;
use rusqlite::{Error, ErrorCode, ffi};

use super::watch::{Stop, Watch};
use crate::provider::{Call, Refusal};

/// Longest message in characters; the database quotes parts of statements.
const MAX_MESSAGE: usize = 300;

/// What the program sees of an error.
pub(super) fn refusal(error: &Error, watch: &Watch) -> Refusal {
    let (code, message) = parts(error);
    match (code, watch.stopped()) {
        (Some(ErrorCode::OperationInterrupted), Some(Stop::Time)) => {
            return Refusal::new(FailureCode::Timeout, "the statement took too long");
        }
        (Some(ErrorCode::OperationInterrupted), _) => {
            return Refusal::new(FailureCode::GasLimit, "the statement takes too much work");
        }
        _ => {}
    }
    if let Some(why) = watch.refused() {
        return Refusal::new(FailureCode::Denied, why);
    }
    let message: String = message.chars().take(MAX_MESSAGE).collect();
    Refusal::new(failure(code), message)
}

/// A statement that takes more work than the call affords. It reports more units than the limit, so
/// that the run ends before it where the limit is what is left.
pub(super) fn too_much_work(call: &Call) -> Refusal {
    let most = call.max_units;
    let message = format!("the statement takes more than the {most} units of work left for it");
    Refusal::new(FailureCode::GasLimit, message).after(most.saturating_add(1))
}

/// Bytes that are no database.
pub(super) fn corrupt() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None)
}

fn parts(error: &Error) -> (Option<ErrorCode>, String) {
    match error {
        Error::SqliteFailure(error, Some(message)) => (Some(error.code), message.clone()),
        Error::SqliteFailure(error, None) => (Some(error.code), error.to_string()),
        Error::SqlInputError { error, msg, offset, .. } => {
            let place = match offset {
                0.. => format!(" (byte {offset} of the query)"),
                _ => String::new(),
            };
            (Some(error.code), format!("{msg}{place}"))
        }
        other => (None, other.to_string()),
    }
}

fn failure(code: Option<ErrorCode>) -> FailureCode {
    let Some(code) = code else { return FailureCode::InvalidArgument };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => FailureCode::Unavailable,
        ErrorCode::FileLockingProtocolFailed => FailureCode::Unavailable,
        ErrorCode::OutOfMemory | ErrorCode::TooBig => FailureCode::TooLarge,
        ErrorCode::DiskFull => FailureCode::TooLarge,
        ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied => FailureCode::Denied,
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::InternalMalfunction => FailureCode::Internal,
        _ => FailureCode::InvalidArgument,
    }
}
