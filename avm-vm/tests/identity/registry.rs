//! Who can change what in a registry, and what is found in one that was tampered with.

use avm_ir::program::{Domain, Signature};
use avm_vm::identity::{
    Change, Registry, SeenHead, id_of,
    registry::{Entry, HeadError, Missing, Refused, RegistryError},
};
use proptest::prelude::*;

use super::{claim, key, name, secret, some_names};

/// Where each entry begins, and where the last one ends.
fn places(bytes: &[u8]) -> Vec<usize> {
    let mut places = vec![70];
    while let Some(at) = places.last().copied().filter(|at| *at < bytes.len()) {
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        places.push(at + 4 + len as usize + 32);
    }
    places
}

/// A registry with its links made to fit again, as somebody would who forges one.
fn relinked(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut head: [u8; 32] = bytes[38..70].try_into().expect("a head");
    for at in places(&bytes).windows(2) {
        let link = at[1] - 32;
        head = *blake3::keyed_hash(&head, &bytes[at[0]..link]).as_bytes();
        bytes[link..at[1]].copy_from_slice(&head);
    }
    bytes
}

#[test]
fn names_are_whose_the_entries_say() {
    let registry = some_names();
    let alice = registry.resolve(&name("alice.avm.net")).expect("she has it");
    assert_eq!((alice.id, alice.key), (id_of(&key(b'a')), key(b'A')), "a new key, the same id");
    assert_eq!(registry.resolve(&name("shop.alice.avm.net")), Ok(alice));
    assert_eq!(registry.resolve(&name("bob.avm.net")), Err(Missing::Revoked));
    assert_eq!(registry.resolve(&name("gift.avm.net")), Err(Missing::Retired));
    assert_eq!(registry.resolve(&name("dave.avm.net")), Err(Missing::Unknown));
    assert_eq!(registry.signer(&key(b'a')), Ok(key(b'A')));
    assert_eq!(registry.signer(&key(b'A')), Err(Refused::KeyUsed), "no root of its own");
    assert_eq!(registry.signer(&key(b'c')), Err(Refused::Retired));
    assert_eq!(registry.signer(&key(b'd')), Ok(key(b'd')), "a stranger signs for itself");
    let before = registry.as_of(4).expect("there were four");
    assert_eq!(before.head().head, registry.at(4).expect("there were four"));
    assert_eq!(before.signer(&key(b'a')), Ok(key(b'a')));
}

#[test]
fn what_may_not_be_is_refused() {
    let mut registry = some_names();
    let bytes = registry.to_bytes();
    let rotate = |old, new| Change::Rotate { old: key(old), new: key(new) };
    let transfer = |text, who| Change::Transfer { name: name(text), key: key(who) };
    let cases = [
        (claim("alice.avm.net", b'd'), Refused::Taken),
        (claim("bob.avm.net", b'b'), Refused::Revoked),
        (claim("gift.avm.net", b'd'), Refused::Revoked),
        (claim("new.avm.net", b'a'), Refused::Rotated),
        (claim("new.avm.net", b'c'), Refused::Retired),
        (claim("x.nobody.avm.net", b'd'), Refused::Parent(Missing::Unknown)),
        (claim("x.bob.avm.net", b'b'), Refused::Parent(Missing::Revoked)),
        (rotate(b'a', b'd'), Refused::Rotated),
        (rotate(b'A', b'a'), Refused::KeyUsed),
        (rotate(b'A', b'b'), Refused::KeyUsed),
        (rotate(b'd', b'd'), Refused::KeyUsed),
        (transfer("alice.avm.net", b'A'), Refused::Taken),
        (transfer("bob.avm.net", b'd'), Refused::Name(Missing::Revoked)),
        (transfer("alice.avm.net", b'c'), Refused::Retired),
        (Change::Revoke { name: name("dave.avm.net") }, Refused::Name(Missing::Unknown)),
        (Change::Retire { key: key(b'c') }, Refused::Retired),
    ];
    let everybody: Vec<_> = b"aAbcd".iter().map(|who| secret(*who)).collect();
    for (change, why) in cases {
        assert_eq!(registry.sign(change.clone(), &everybody), Err(why), "{change:?}");
    }
    assert_eq!(registry.to_bytes(), bytes, "what is refused changes nothing");
}

#[test]
fn only_whom_it_concerns_can_sign() {
    let mut registry = some_names();
    let wanted = |who| Err(Refused::Signer { wanted: key(who) });
    let cases = [
        (claim("dave.avm.net", b'd'), b"b".as_slice(), wanted(b'd')),
        (claim("x.alice.avm.net", b'd'), b"d", wanted(b'A')),
        (claim("x.alice.avm.net", b'd'), b"da", wanted(b'A')),
        (Change::Rotate { old: key(b'A'), new: key(b'd') }, b"A", wanted(b'd')),
        (Change::Rotate { old: key(b'A'), new: key(b'd') }, b"d", wanted(b'A')),
        (Change::Transfer { name: name("alice.avm.net"), key: key(b'd') }, b"d", wanted(b'A')),
        (Change::Transfer { name: name("alice.avm.net"), key: key(b'd') }, b"A", wanted(b'd')),
        (Change::Revoke { name: name("alice.avm.net") }, b"a", wanted(b'A')),
        (claim("x.alice.avm.net", b'd'), b"dA", Ok(())),
    ];
    for (change, who, outcome) in cases {
        let secrets: Vec<_> = who.iter().map(|who| secret(*who)).collect();
        assert_eq!(registry.sign(change.clone(), &secrets), outcome, "{change:?}");
    }
}

#[test]
fn forged_and_lifted_signatures_are_refused() {
    let mut registry = some_names();
    let change = Change::Revoke { name: name("alice.avm.net") };
    let entry = |signatures| Entry { change: change.clone(), signatures };
    let hash = registry.to_sign(&change);
    let good = Signature::of(Domain::Name, &secret(b'A'), &hash);
    // Somebody else's signature under her key, one of something else, and one of an earlier head.
    let stranger =
        Signature { key: key(b'A'), ..Signature::of(Domain::Name, &secret(b'd'), &hash) };
    let vote = Signature::of(Domain::Vote, &secret(b'A'), &hash);
    let past = registry.as_of(6).expect("there were six").to_sign(&change);
    let past = Signature::of(Domain::Name, &secret(b'A'), &past);
    for forged in [stranger, vote, past] {
        let refused = Err(Refused::Forged { key: key(b'A') });
        assert_eq!(registry.append(entry(vec![forged])), refused);
    }
    assert_eq!(registry.append(entry(vec![good, good])), Err(Refused::Signatures));
    assert_eq!(registry.append(entry(vec![good])), Ok(()));
    assert_eq!(registry.append(entry(vec![good])), Err(Refused::Name(Missing::Revoked)));
}

#[test]
fn a_registry_comes_back_from_its_bytes() {
    let registry = some_names();
    let bytes = registry.to_bytes();
    let read = Registry::read(&bytes).expect("it is whole");
    assert_eq!(read.entries(), registry.entries());
    assert_eq!(read.head(), registry.head());
    assert_eq!(read.to_bytes(), bytes);
    // Changes with the format alone, and then the version has to.
    assert_eq!(
        avm_ir::wire::hex(&read.head().head),
        "1c88eaa266df996f5c9e1ad2d9f2cce56c3d7a3b1c76a2246e61029ef632f1a3"
    );
}

#[test]
fn missing_moved_and_changed_entries_are_named() {
    let bytes = some_names().to_bytes();
    let at = places(&bytes);
    let entry = |n: usize| &bytes[at[n]..at[n + 1]];
    let header = &bytes[..70];
    let read = |parts: &[&[u8]]| Registry::read(&parts.concat()).map(|_| ());
    let moved =
        |entry, number| Err(RegistryError::Moved { entry, byte: at[entry as usize], number });
    assert_eq!(read(&[header, entry(0), entry(2)]), moved(1, 2), "one is missing");
    assert_eq!(read(&[header, entry(1), entry(0)]), moved(0, 1), "two changed places");
    let mut changed = bytes.clone();
    changed[at[3] + 20] ^= 1;
    assert_eq!(
        read(&[&changed]),
        Err(RegistryError::Damaged { entry: 3, byte: at[3] }),
        "a byte of the name"
    );
    // Whoever makes the links fit again is stopped by the signature.
    let why = Refused::Forged { key: key(b'a') };
    let forged = Registry::read(&relinked(&changed)).map(|_| ());
    assert_eq!(forged, Err(RegistryError::Refused { entry: 3, byte: at[3], why }));
    // So is whoever leaves out what somebody said before, and numbers again.
    let mut rest = [header, entry(0), entry(1), entry(3)].concat();
    rest[at[2] + 4] = 2;
    let left_out = Registry::read(&relinked(&rest)).map(|_| ());
    assert_eq!(left_out, Err(RegistryError::Refused { entry: 2, byte: at[2], why }));
}

#[test]
fn other_formats_and_registries_are_told_apart() {
    let bytes = some_names().to_bytes();
    assert_eq!(Registry::read(b"").map(|_| ()), Err(RegistryError::Magic));
    assert_eq!(Registry::read(b"AVMJ").map(|_| ()), Err(RegistryError::Magic));
    let mut later = bytes.clone();
    later[4] = 2;
    assert_eq!(Registry::read(&later).map(|_| ()), Err(RegistryError::Version(2)));
    let mut other = Registry::new(key(b'L')).to_bytes();
    other.extend_from_slice(&bytes[70..]);
    assert_eq!(
        Registry::read(&other).map(|_| ()),
        Err(RegistryError::Damaged { entry: 0, byte: 70 }),
        "entries of another registry"
    );
    assert_eq!(
        Registry::read(&relinked(&other)).map(|_| ()),
        Err(RegistryError::Refused { entry: 0, byte: 70, why: Refused::Forged { key: key(b'a') } }),
    );
}

#[test]
fn rollbacks_and_forks_are_found() {
    let registry = some_names();
    let seen = registry.head();
    let mut old = registry.as_of(6).expect("there were six");
    assert_eq!(old.extends(&seen), Err(HeadError::Rollback { count: 6, seen: 8 }));
    // Bob's name is not revoked in another story.
    old.sign(claim("dave.avm.net", b'd'), &[secret(b'd')]).expect("nobody has it");
    old.sign(claim("d.avm.net", b'd'), &[secret(b'd')]).expect("nobody has it");
    assert_eq!(old.extends(&seen), Err(HeadError::Fork { count: 8 }));
    assert_eq!(registry.extends(&old.head()), Err(HeadError::Fork { count: 8 }));
    let vouched = registry.sign_head(&secret(b'K')).expect("it is the keeper's");
    let other = old.sign_head(&secret(b'K')).expect("it is the keeper's");
    assert!(vouched.check().is_ok() && other.check().is_ok());
    assert!(vouched.contradicts(&other), "the keeper told two stories");
    assert!(!vouched.contradicts(&vouched));
    assert_eq!(old.extends_signed(&vouched), Err(HeadError::Fork { count: 8 }));
    assert_eq!(registry.extends_signed(&vouched), Ok(()));
    let mut forged = vouched;
    forged.seen.count = 7;
    assert_eq!(registry.extends_signed(&forged), Err(HeadError::Forged));
    let keeper = Err(HeadError::Keeper { key: key(b'a') });
    assert_eq!(registry.sign_head(&secret(b'a')).map(|_| ()), keeper);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A changed bit is found, with links that fit again, too.
    #[test]
    fn any_changed_bit_is_found(at: prop::sample::Index, bit in 0..8_u8) {
        let bytes = some_names().to_bytes();
        let mut changed = bytes.clone();
        *at.get_mut(&mut changed) ^= 1 << bit;
        prop_assert!(Registry::read(&changed).is_err());
        if places_hold(&bytes, &changed) {
            let forged = relinked(&changed);
            prop_assert!(Registry::read(&forged).is_err() || forged == bytes);
        }
    }

    /// A registry that ends too early is torn, or is an older one.
    #[test]
    fn what_is_cut_off_is_found(at: prop::sample::Index) {
        let registry = some_names();
        let bytes = registry.to_bytes();
        let cut = at.index(bytes.len());
        match Registry::read(&bytes[..cut]) {
            Err(RegistryError::Torn { byte, entry }) => {
                let whole = Registry::read(&bytes[..byte]).expect("what is before is whole");
                prop_assert_eq!(whole.head().count, entry);
            }
            Err(RegistryError::Magic | RegistryError::Header) => prop_assert!(cut < 70),
            Err(other) => prop_assert!(false, "{}", other),
            Ok(older) => {
                let SeenHead { count, .. } = older.head();
                let seen = registry.head();
                let rollback = HeadError::Rollback { count, seen: seen.count };
                prop_assert_eq!(older.extends(&seen), Err(rollback));
            }
        }
    }

    /// Whatever is asked, a registry only grows, and whoever saw it before finds it extended.
    #[test]
    fn it_only_grows(asked in prop::collection::vec((0..5_u8, 0..4_usize, 0..4_u8, 0..4_u8), 1..20)) {
        let mut registry = Registry::new(key(b'K'));
        let everybody: Vec<_> = (0..4).map(secret).collect();
        let mut seen = vec![registry.head()];
        let names = ["a.avm.net", "b.avm.net", "b.a.avm.net", "c.b.a.avm.net"].map(name);
        for (kind, text, one, other) in asked {
            let (name, one, other) = (names[text].clone(), key(one), key(other));
            let change = match kind {
                0 => Change::Rotate { old: one, new: other },
                1 => Change::Transfer { name, key: one },
                2 => Change::Revoke { name },
                3 if text == 0 => Change::Retire { key: one },
                _ => Change::Claim { name, key: one },
            };
            let revoked: Vec<_> = registry.names().map(|(name, holder)| (name.clone(), holder)).collect();
            let more = u64::from(registry.sign(change, &everybody).is_ok());
            prop_assert_eq!(registry.head().count, seen[seen.len() - 1].count + more);
            for (name, _) in revoked.iter().filter(|(_, holder)| holder.is_err()) {
                prop_assert!(registry.resolve(name).is_err(), "{} came back", name);
            }
            seen.push(registry.head());
        }
        let read = Registry::read(&registry.to_bytes());
        prop_assert!(read.is_ok(), "{:?}", read.map(|_| ()));
        prop_assert!(seen.iter().all(|seen| registry.extends(seen).is_ok()));
    }
}

/// Whether entries are as long as before.
fn places_hold(bytes: &[u8], changed: &[u8]) -> bool {
    places(bytes).windows(2).all(|at| bytes[at[0]..at[0] + 4] == changed[at[0]..at[0] + 4])
}
