//! Laws and rules of the ledger.
