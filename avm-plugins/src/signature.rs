//! Whether a signature is a key's signature of a message: the logic of `CHECK_SIG` (whitepaper §11.9, X-34).
//!
//! Signatures are ed25519 over the message's bytes as they are, checked strictly: a signature or key
//! that lets two messages share one signature does not count. What cannot be read as a key or a
//! signature is a failure, so that a program can tell a mistake from a forgery.

use std::borrow::Cow;

use avm_ir::{Value, value::encode};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::provider::Refusal;

/// Whether `signature` is the signature of `message` by `pubkey`.
///
/// A key is 32 bytes, as bytes or as the 64 hexadecimal digits that `avm key new` prints; a
/// signature is 64 bytes, or 128 digits. What is signed is the UTF-8 bytes of a text, bytes as they
/// are, and the canonical encoding of any other value. Without a message `signature` is a signed
/// envelope: a record with the fields `message` and `signature`. Other fields of an envelope are not
/// covered by the signature.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`] for what is no key, no signature or no envelope.
pub fn verify(pubkey: &Value, signature: &Value, message: Option<&Value>) -> Result<bool, Refusal> {
    let key = VerifyingKey::from_bytes(&bytes("public key", pubkey)?)
        .map_err(|_| Refusal::invalid("the public key is not a point of ed25519"))?;
    let (signature, message) = match (signature, message) {
        (Value::Record(envelope), None | Some(Value::Null)) => (
            envelope.get("signature").ok_or_else(|| no_field("signature"))?,
            envelope.get("message").ok_or_else(|| no_field("message"))?,
        ),
        (_, None | Some(Value::Null)) => {
            return Err(Refusal::invalid(
                "without a message the signature must be an envelope, a record with message and \
                 signature",
            ));
        }
        (signature, Some(message)) => (signature, message),
    };
    let signature = Signature::from_bytes(&bytes("signature", signature)?);
    let message = match message {
        Value::Text(text) => Cow::Borrowed(text.as_bytes()),
        Value::Bytes(bytes) => Cow::Borrowed(bytes.as_slice()),
        other => Cow::Owned(encode(other)),
    };
    Ok(key.verify_strict(&message, &signature).is_ok())
}

fn no_field(name: &str) -> Refusal {
    Refusal::invalid(format!("the signed envelope has no field {name}"))
}

/// `N` bytes, from bytes or hexadecimal digits.
fn bytes<const N: usize>(what: &str, value: &Value) -> Result<[u8; N], Refusal> {
    let found = match value {
        Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
        Value::Text(text) => unhex(text.trim()),
        _ => None,
    };
    found.ok_or_else(|| {
        let (digits, found) = (2 * N, value.type_name());
        let size = match value {
            Value::Bytes(bytes) => format!(" of {} bytes", bytes.len()),
            Value::Text(text) => format!(" of {} characters", text.chars_len()),
            _ => String::new(),
        };
        Refusal::invalid(format!(
            "a {what} is {N} bytes or {digits} hexadecimal digits, found {found}{size}"
        ))
    })
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use avm_ir::value::Record;
    use avm_vm::FailureCode;
    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn hex(bytes: &[u8]) -> Value {
        Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn raw(bytes: &[u8]) -> Value {
        Value::Bytes(Arc::new(bytes.to_vec()))
    }

    fn public() -> Value {
        hex(key().verifying_key().as_bytes())
    }

    fn sign(message: &[u8]) -> Value {
        hex(&key().sign(message).to_bytes())
    }

    #[test]
    fn texts_bytes_and_values_are_signed_by_their_bytes() {
        let trade = Value::Record(Record::from_iter([("size", Value::Int(10))]));
        for (message, signed) in [
            (Value::text("grüße"), "grüße".as_bytes().to_vec()),
            (raw(&[0, 255]), vec![0, 255]),
            (trade.clone(), encode(&trade)),
            (Value::Int(3), encode(&Value::Int(3))),
        ] {
            assert_eq!(verify(&public(), &sign(&signed), Some(&message)), Ok(true));
            assert_eq!(verify(&public(), &sign(b"else"), Some(&message)), Ok(false));
        }
    }

    #[test]
    fn every_form_of_key_and_signature() {
        let signature = key().sign(b"m").to_bytes();
        let message = Value::text("m");
        let upper = |value: &Value| match value {
            Value::Text(text) => Value::from(text.to_uppercase() + "\n"),
            other => other.clone(),
        };
        for key in [public(), upper(&public()), raw(key().verifying_key().as_bytes())] {
            for signature in [hex(&signature), upper(&hex(&signature)), raw(&signature)] {
                assert_eq!(verify(&key, &signature, Some(&message)), Ok(true));
            }
        }
    }

    #[test]
    fn an_envelope_carries_its_message() {
        let envelope = |message: &str, signature: Value| {
            Value::Record(Record::from_iter([
                ("message", Value::text(message)),
                ("signature", signature),
                ("from", Value::text("bob")),
            ]))
        };
        let good = envelope("pay 5", sign(b"pay 5"));
        assert_eq!(verify(&public(), &good, None), Ok(true));
        assert_eq!(verify(&public(), &good, Some(&Value::Null)), Ok(true));
        assert_eq!(verify(&public(), &envelope("pay 6", sign(b"pay 5")), None), Ok(false));
        let empty = Value::Record(Record::new());
        assert!(verify(&public(), &empty, None).is_err());
        assert!(verify(&public(), &sign(b"pay 5"), None).is_err());
        assert!(verify(&public(), &good, Some(&Value::text("pay 5"))).is_err());
    }

    #[test]
    fn what_is_malformed_fails() {
        let message = Value::text("m");
        let (key, signature) = (public(), sign(b"m"));
        // Not every 32 bytes are a point of the curve.
        let off = (0..=255).map(|byte| raw(&[byte; 32]));
        let off = off.filter(|key| verify(key, &signature, Some(&message)).is_err()).count();
        assert!(off > 50, "{off}");
        for bad in [Value::Null, Value::Int(1), Value::text("zz"), raw(&[1; 31]), hex(&[1; 33])] {
            for result in
                [verify(&bad, &signature, Some(&message)), verify(&key, &bad, Some(&message))]
            {
                assert_eq!(result.unwrap_err().failure.code, FailureCode::InvalidArgument);
            }
        }
        let failure = verify(&raw(&[1; 31]), &signature, Some(&message)).unwrap_err().failure;
        assert_eq!(
            failure.message,
            "a public key is 32 bytes or 64 hexadecimal digits, found bytes of 31 bytes"
        );
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        // The neutral element "signs" every message unless the check is strict.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert_eq!(verify(&raw(&neutral), &raw(&signature), Some(&Value::text("m"))), Ok(false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_changed_byte_is_noticed(message in prop::collection::vec(any::<u8>(), 1..40), at in 0usize..64, flip in 1u8..) {
            let mut signature = key().sign(&message).to_bytes();
            let key = public();
            prop_assert_eq!(verify(&key, &raw(&signature), Some(&raw(&message))), Ok(true));
            signature[at] ^= flip;
            prop_assert_eq!(verify(&key, &raw(&signature), Some(&raw(&message))), Ok(false));
        }
    }
}
