//! What a gate lets in, and what a seal vouches for.

use avm_ir::{
    Value,
    value::{HandleKind, List, Record},
    wire::{Reader, Writer},
};
use avm_vm::identity::{
    Envelope, Gate, Lineage, Outbox, Refusal, Seal, To,
    envelope::EnvelopeError,
    gate::Limits,
    outbox::Trail,
    registry::{Missing, Refused},
};
use proptest::prelude::*;

use super::{key, name, secret, some_names};

const NOW: u64 = 1_000_000_000_000_000;

/// One of the third child of somebody's fork.
fn envelope(who: u8, sequence: u64) -> Envelope {
    let lineage = Lineage::root(key(who)).child(3).expect("not too deep");
    Envelope {
        world: [1; 32],
        domain: None,
        from: lineage.id(),
        lineage,
        sequence,
        to: To::Channel("market".into()),
        name: "offer".into(),
        data: Value::Record(Record::from_iter([("price", Value::Int(7))])),
        time: NOW,
    }
}

fn sign(envelope: &Envelope, who: u8) -> Vec<u8> {
    envelope.sign(&secret(who)).expect("it has no handles")
}

fn gate() -> Gate {
    Gate::new(Limits { bytes: 1000, ahead: 10, age: 100, senders: 2 })
}

#[test]
fn a_message_comes_in_once() {
    let registry = some_names();
    let mut gate = gate();
    let said = envelope(b'd', 5);
    assert_eq!(gate.admit(&sign(&said, b'd'), &registry, NOW), Ok(said.clone()));
    for sequence in [5, 4] {
        let again = gate.admit(&sign(&envelope(b'd', sequence), b'd'), &registry, NOW);
        assert_eq!(again, Err(Refusal::Replayed { sequence, last: 5 }));
    }
    assert!(gate.admit(&sign(&envelope(b'd', 9), b'd'), &registry, NOW).is_ok(), "gaps are fine");
    // Another child of the same root counts for itself.
    let lineage = Lineage::root(key(b'd')).child(4).expect("not too deep");
    let sibling = Envelope { from: lineage.id(), lineage, ..said };
    assert!(gate.admit(&sign(&sibling, b'd'), &registry, NOW).is_ok());
}

#[test]
fn a_gate_remembers_over_a_restart() {
    let registry = some_names();
    let mut gate = gate();
    let bytes = sign(&envelope(b'd', 5), b'd');
    gate.admit(&bytes, &registry, NOW).expect("it is fine");
    let mut out = Writer::new();
    gate.write(&mut out);
    let written = out.finish();
    let limits = Limits { bytes: 1000, ahead: 10, age: 100, senders: 2 };
    let mut again = Gate::read(limits, &mut Reader::new(&written)).expect("it was written");
    let replayed = Refusal::Replayed { sequence: 5, last: 5 };
    assert_eq!(again.admit(&bytes, &registry, NOW), Err(replayed));
}

#[test]
fn who_it_is_not_is_found() {
    let registry = some_names();
    let admit = |bytes: &[u8]| gate().admit(bytes, &registry, NOW).map(|_| ());
    let signer = |who| Err(Refusal::Signer { key: key(who) });
    // A stranger's key, a key that was rotated, one that was retired, and the right one.
    assert_eq!(admit(&sign(&envelope(b'd', 1), b'b')), signer(b'b'));
    assert_eq!(admit(&sign(&envelope(b'a', 1), b'a')), signer(b'a'));
    assert_eq!(admit(&sign(&envelope(b'c', 1), b'c')), Err(Refusal::Key(Refused::Retired)));
    assert_eq!(admit(&sign(&envelope(b'A', 1), b'A')), Err(Refusal::Key(Refused::KeyUsed)));
    assert_eq!(admit(&sign(&envelope(b'a', 1), b'A')), Ok(()));
    // Another's signature under the right key.
    let mut forged = sign(&envelope(b'd', 1), b'd');
    let other = sign(&Envelope { sequence: 2, ..envelope(b'd', 1) }, b'd');
    let at = forged.len() - 64;
    forged[at..].copy_from_slice(&other[at..]);
    assert_eq!(admit(&forged), Err(Refusal::Forged));
    // Somebody else's child.
    let stolen = Envelope { from: envelope(b'b', 1).from, ..envelope(b'd', 1) };
    assert_eq!(admit(&sign(&stolen, b'd')), Err(Refusal::Lineage));
    let named = |who, text| Envelope { domain: Some(name(text)), ..envelope(who, 1) };
    assert_eq!(admit(&sign(&named(b'a', "alice.avm.net"), b'A')), Ok(()));
    assert_eq!(admit(&sign(&named(b'd', "alice.avm.net"), b'd')), Err(Refusal::NotIts));
    assert_eq!(
        admit(&sign(&named(b'b', "bob.avm.net"), b'b')),
        Err(Refusal::Name(Missing::Revoked))
    );
}

#[test]
fn limits_hold() {
    let registry = some_names();
    let mut gate = gate();
    let at = |time| sign(&Envelope { time, ..envelope(b'd', 1) }, b'd');
    let mut admit = |bytes: &[u8], now| gate.admit(bytes, &registry, now).map(|_| ());
    let large = Envelope { data: Value::from("x".repeat(1000)), ..envelope(b'd', 1) };
    assert_eq!(admit(&sign(&large, b'd'), NOW), Err(Refusal::TooLarge { most: 1000 }));
    assert_eq!(admit(&at(NOW + 11), NOW), Err(Refusal::Future { time: NOW + 11 }));
    assert_eq!(admit(&at(NOW - 101), NOW), Err(Refusal::TooOld { time: NOW - 101 }));
    assert_eq!(admit(&at(NOW + 10), NOW), Ok(()));
    assert_eq!(admit(&sign(&envelope(b'b', 1), b'b'), NOW), Ok(()));
    // Two senders are remembered, until what they sent is too old to come again.
    let third = Envelope { time: NOW + 111, ..envelope(b'e', 1) };
    assert_eq!(admit(&sign(&envelope(b'e', 1), b'e'), NOW), Err(Refusal::Crowded));
    assert_eq!(admit(&sign(&third, b'e'), NOW + 111), Ok(()));
    // Nor does a clock that is put back bring the old ones back.
    assert_eq!(admit(&at(NOW + 10), NOW), Err(Refusal::TooOld { time: NOW + 10 }));
}

#[test]
fn handles_stay_in_their_world() {
    let handle = Value::Handle(HandleKind::Agent, 0);
    let inside = Value::List(List::from(vec![handle]));
    let data = Value::Record(Record::from_iter([("deep", inside)]));
    let carries = Envelope { data, ..envelope(b'd', 1) };
    assert_eq!(carries.sign(&secret(b'd')), Err(EnvelopeError::Handle));
    // The same from somebody who does not ask: the bytes of an int made those of a handle.
    let honest = Envelope { data: Value::Int(0), name: "".into(), ..envelope(b'd', 1) };
    let mut bytes = sign(&honest, b'd');
    let at = bytes.len() - 96 - 8 - 9;
    assert_eq!(bytes[at], 3);
    bytes[at] = 10;
    bytes.insert(at + 1, HandleKind::Agent as u8);
    let refused = gate().admit(&bytes, &some_names(), NOW);
    assert_eq!(refused, Err(Refusal::Format(EnvelopeError::Handle)));
}

#[test]
fn a_seal_vouches_for_every_message() {
    let registry = some_names();
    let sender = Lineage::root(key(b'a')).child(0).expect("not too deep");
    let chain = |messages: &[&str]| {
        let mut outbox = Outbox::new(&sender.id());
        messages.iter().for_each(|message| outbox.add(message.as_bytes()));
        outbox
    };
    let sent = chain(&["one", "two", "three"]);
    let seal =
        |outbox, who| Seal::new([1; 32], sender.clone(), outbox, Trail::default(), &secret(who));
    let early = seal(sent, b'a');
    let seal = seal(sent, b'A');
    assert_eq!(seal.check(&registry), Ok(()));
    for other in [
        ["one", "two"].as_slice(),
        &["one", "three", "two"],
        &["one", "two", "four"],
        &["one", "two", "three", ""],
    ] {
        assert_ne!(chain(other), seal.outbox);
        let forged = Seal { outbox: chain(other), ..seal.clone() };
        assert_eq!(forged.check(&registry), Err(Refusal::Forged));
    }
    let stolen = Seal { sender: Lineage::root(key(b'a')), ..seal };
    assert_eq!(stolen.check(&registry), Err(Refusal::Forged), "another sender's");
    // A seal of the key before the rotation stands by the registry as it was.
    assert_eq!(early.check(&registry), Err(Refusal::Signer { key: key(b'a') }));
    assert_eq!(early.check(&registry.as_of(4).expect("there were four")), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_bit_is_found(at: prop::sample::Index, bit in 0..8_u8) {
        let said = Envelope { domain: Some(name("alice.avm.net")), ..envelope(b'a', 1) };
        let mut bytes = sign(&said, b'A');
        *at.get_mut(&mut bytes) ^= 1 << bit;
        prop_assert!(gate().admit(&bytes, &some_names(), NOW).is_err());
    }

    #[test]
    fn nothing_comes_in_twice(sent in prop::collection::vec((0..3_u8, 0..8_u64), 1..20)) {
        let registry = some_names();
        let mut gate = Gate::new(Limits::default());
        let mut last = [None; 3];
        for (who, sequence) in sent {
            let bytes = sign(&envelope(who, sequence), who);
            let fresh = last[usize::from(who)].is_none_or(|last| sequence > last);
            prop_assert_eq!(gate.admit(&bytes, &registry, NOW).is_ok(), fresh);
            if fresh {
                last[usize::from(who)] = Some(sequence);
            }
        }
    }
}
