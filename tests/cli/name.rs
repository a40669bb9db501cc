//! Names in a registry, and a registry that was tampered with.

use super::harness::{Bench, Ran};

/// A folder with the keys of four people.
fn bench() -> Bench {
    let bench = Bench::new();
    for (digit, who) in [("1", "alice"), ("2", "bob"), ("3", "alice2"), ("4", "mallory")] {
        bench.file(who, format!("aither-secret-key-ed25519:{}\n", digit.repeat(64)));
    }
    bench
}

/// A command of `avm name`, as it would be typed.
fn name(bench: &Bench, line: &str) -> Ran {
    let words: Vec<&str> = ["name"].into_iter().chain(line.split(' ')).collect();
    bench.run(&words)
}

/// What several commands did, one after the other.
fn told(bench: &Bench, lines: &[&str]) -> String {
    lines.iter().map(|line| format!("$ avm name {line}\n{}\n", name(bench, line).show())).collect()
}

/// Alice with two names, of which Bob was given one, and a new key; the last one revoked.
const STORY: [&str; 6] = [
    "claim alice.avm.net --key alice",
    "claim shop.alice.avm.net --key bob --above alice",
    "claim gift.avm.net --key alice",
    "transfer gift.avm.net --key alice --to bob",
    "rotate --key alice --new alice2",
    "revoke shop.alice.avm.net --key bob",
];

fn after_the_story() -> Bench {
    let bench = bench();
    for line in STORY {
        let ran = name(&bench, line);
        assert_eq!(ran.exit, 0, "{line}: {}", ran.stderr);
    }
    bench
}

#[test]
fn names_are_claimed_changed_and_shown() {
    let bench = bench();
    let mut lines = STORY.to_vec();
    lines.extend([
        "show",
        "show gift.avm.net",
        "show alice.avm.net",
        "show shop.alice.avm.net",
        "show nobody.avm.net",
        "retire --key bob",
        "show gift.avm.net --json",
        "verify",
    ]);
    insta::assert_snapshot!(told(&bench, &lines));
}

#[test]
fn what_is_not_ones_own_is_refused() {
    let bench = after_the_story();
    let before = bench.read(".avm/names.avmn");
    let told = told(
        &bench,
        &[
            "claim alice.avm.net --key mallory",
            "claim shop.alice.avm.net --key alice2",
            "claim x.alice.avm.net --key mallory",
            "claim x.alice.avm.net --key mallory --above alice",
            "claim other.avm.net --key alice",
            "claim Other.avm.net --key mallory",
            "claim other.example --key mallory",
            "claim other.avm.net --key nothing",
            "transfer alice.avm.net --key mallory --to mallory",
            "rotate --key mallory --new alice",
            "rotate --key alice --new mallory",
            "revoke alice.avm.net --key alice",
            "sign --key bob",
            "show --registry none",
            "revoke alice.avm.net --key alice2 --registry none",
        ],
    );
    insta::assert_snapshot!(told);
    assert_eq!(bench.read(".avm/names.avmn"), before);
}

#[test]
fn ids_outlive_keys() {
    let bench = after_the_story();
    let before = bench.run(&["name", "show", "alice.avm.net", "--json"]).stdout;
    let id = avm_ir::wire::hex(&avm_vm::identity::id_of(&avm_ir::program::public_key(&[0x11; 32])));
    let key = avm_ir::wire::hex(&avm_ir::program::public_key(&[0x33; 32]));
    assert!(before.contains(&id) && before.contains(&key), "{before}");
}

#[test]
fn a_registry_that_was_put_back_is_found() {
    let bench = after_the_story();
    let old = bench.read(".avm/names.avmn");
    name(&bench, "claim more.avm.net --key bob");
    let head = name(&bench, "sign --key alice").stdout;
    bench.file("head", &head);
    bench.file(".avm/names.avmn", &old);
    let back = told(&bench, &["show", "claim evil.avm.net --key mallory", "verify"]);
    // Who puts back what is remembered, too, is found by what somebody else kept.
    std::fs::remove_file(bench.path().join(".avm/names.seen")).expect("it is there");
    let both = told(&bench, &["verify", "verify --head head"]);
    // As many entries, but others.
    let fork = told(&bench, &["claim evil.avm.net --key mallory", "verify --head head"]);
    std::fs::remove_file(bench.path().join(".avm/names.avmn")).expect("it is there");
    let gone = told(&bench, &["claim alice.avm.net --key mallory"]);
    insta::assert_snapshot!([back, both, fork, gone].concat());
}

#[test]
fn what_is_remembered_can_be_kept_elsewhere() {
    let bench = after_the_story();
    let old = bench.read(".avm/names.avmn");
    bench.file("mine/.keep", "");
    let told = told(
        &bench,
        &[
            "verify --seen mine/seen",
            "claim more.avm.net --key bob --seen mine/seen",
            "verify --seen mine/seen",
        ],
    );
    bench.file(".avm/names.avmn", old);
    let back = name(&bench, "verify --seen mine/seen").show();
    bench.file("mine/seen", "7 heads");
    let broken = name(&bench, "verify --seen mine/seen").show();
    let unsigned = {
        bench.file("unsigned", bench.read(".avm/names.seen"));
        name(&bench, "verify --head unsigned").show()
    };
    insta::assert_snapshot!([told, back, broken, unsigned].concat());
}

#[test]
fn what_was_tampered_with_is_named() {
    let bench = after_the_story();
    let bytes = bench.read(".avm/names.avmn");
    let after = |bytes: &[u8]| {
        bench.file(".avm/names.avmn", bytes);
        name(&bench, "verify").show()
    };
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        after(&bytes)
    };
    let told = [
        changed(0),
        changed(4),
        changed(10),
        changed(74),
        changed(90),
        after(&bytes[..bytes.len() - 1]),
        after(b""),
    ];
    insta::assert_snapshot!(told.concat());
}
