//! Random numbers of the system, for what must not be guessed or must never come twice.

use crate::exit::{Failure, Outcome};

/// 32 bytes of them.
pub(crate) fn random() -> Outcome<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::files(format!("no random numbers from the system: {error}")))?;
    Ok(bytes)
}
