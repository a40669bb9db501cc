//! Identities, names and signed messages: who can do what, and what is found.

#[path = "identity/messages.rs"]
mod messages;
#[path = "identity/registry.rs"]
mod registry;

use avm_ir::program::public_key;
use avm_vm::identity::{Change, Lineage, MAX_DEPTH, Name, Registry, child_id, id_of};

/// Secret keys by the letters of those who have them.
fn secret(who: u8) -> [u8; 32] {
    [who; 32]
}

fn key(who: u8) -> [u8; 32] {
    public_key(&secret(who))
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn claim(text: &str, who: u8) -> Change {
    Change::Claim { name: name(text), key: key(who) }
}

/// Alice has two names, one of them below the other, and changed her key; Bob's name was revoked; Carol
/// got one of Alice and was retired.
fn some_names() -> Registry {
    let mut registry = Registry::new(key(b'K'));
    let changes = [
        (claim("alice.avm.net", b'a'), vec![b'a']),
        (claim("bob.avm.net", b'b'), vec![b'b']),
        (claim("shop.alice.avm.net", b'a'), vec![b'a']),
        (claim("gift.avm.net", b'a'), vec![b'a']),
        (Change::Rotate { old: key(b'a'), new: key(b'A') }, vec![b'a', b'A']),
        (Change::Transfer { name: name("gift.avm.net"), key: key(b'c') }, vec![b'c', b'A']),
        (Change::Revoke { name: name("bob.avm.net") }, vec![b'b']),
        (Change::Retire { key: key(b'c') }, vec![b'c']),
    ];
    for (change, who) in changes {
        let secrets: Vec<_> = who.into_iter().map(secret).collect();
        registry.sign(change.clone(), &secrets).unwrap_or_else(|why| panic!("{change:?}: {why}"));
    }
    registry
}

#[test]
fn ids_follow_from_the_root() {
    let root = Lineage::root(key(b'a'));
    assert_eq!(root.id(), id_of(&key(b'a')));
    let grandchild = root.child(3).and_then(|child| child.child(0)).expect("it has an id");
    assert_eq!(grandchild.id(), child_id(&child_id(&root.id(), 3), 0));
    let mut deep = root.clone();
    for depth in 1..=MAX_DEPTH {
        deep = deep.child(7).expect("there may be so many generations");
        assert_eq!(deep.path().len(), depth);
    }
    assert_eq!(deep.child(7), None);
}

#[test]
fn ids_are_those_of_the_standard() {
    // Both follow from the text of spec/names.md: an independent program has to come to the same.
    let hex = |id: [u8; 32]| avm_ir::wire::hex(&id);
    let id = blake3::derive_key("aither avm agent id v1", &key(b'a'));
    let child = [id.as_slice(), &5_u64.to_le_bytes()].concat();
    assert_eq!(hex(id_of(&key(b'a'))), hex(id));
    assert_eq!(hex(child_id(&id, 5)), hex(blake3::derive_key("aither avm child id v1", &child)),);
}

#[test]
fn names_have_one_spelling() {
    for good in ["a.avm.net", "a-1.avm.net", "a.b.avm.net", "avm.avm.net", "net.avm.net"] {
        assert_eq!(name(good).as_str(), good);
    }
    let long = format!("{}.avm.net", "a".repeat(64));
    let longer = format!("{}avm.net", "a.".repeat(124));
    for bad in [
        "",
        "avm.net",
        ".avm.net",
        "alice",
        "alice.example",
        "alicavm.net",
        "Alice.avm.net",
        "-a.avm.net",
        "a-.avm.net",
        "a..avm.net",
        "a_b.avm.net",
        "älice.avm.net",
        "xn--lice-koa.avm.net",
        "alice.avm.net.",
        &long,
        &longer,
    ] {
        assert!(Name::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(name("a.b.avm.net").parent(), Some(name("b.avm.net")));
    assert_eq!(name("b.avm.net").parent(), None);
}
