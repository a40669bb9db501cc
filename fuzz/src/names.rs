//! Registries of names that several people change, rightly and wrongly, and messages under them.

use std::collections::BTreeMap;

use avm_ir::{
    Value,
    program::{Domain, Signature, public_key},
    wire::Reader,
};
use avm_vm::identity::{
    Change, Envelope, Gate, Lineage, Name, Outbox, Registry, Seal, SeenHead, To,
    gate::Limits,
    id_of,
    outbox::{Trail, read_seals, write_seals},
    registry::Entry,
};

use crate::Entropy;

/// Secret keys of those who ask.
const SECRETS: [[u8; 32]; 4] = [[1; 32], [2; 32], [3; 32], [4; 32]];
const NAMES: [&str; 4] = ["a.avm.net", "b.avm.net", "x.a.avm.net", "x.x.a.avm.net"];

/// What the registry has to say, kept in the simplest way: who signs for whom, and whose names are.
#[derive(Default)]
struct Model {
    /// By the number of a secret: the number of the one that began its identity.
    roots: BTreeMap<usize, usize>,
    /// By the number of a root: who signs for it.
    signs: BTreeMap<usize, Option<usize>>,
    names: BTreeMap<usize, Option<usize>>,
}

impl Model {
    /// The root that somebody signs for, if the key still counts.
    fn root(&self, who: usize) -> Option<usize> {
        let Some(root) = self.roots.get(&who) else { return Some(who) };
        (self.signs[root] == Some(who)).then_some(*root)
    }

    fn enter(&mut self, who: usize) -> usize {
        let root = *self.roots.entry(who).or_insert(who);
        self.signs.entry(root).or_insert(Some(who));
        root
    }

    /// Who holds a name.
    fn holder(&self, name: usize) -> Option<usize> {
        self.signs.get(&(*self.names.get(&name)?)?).copied().flatten()
    }
}

/// Changes a registry, then its bytes, then says things under it.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let mut registry = Registry::new(public_key(&[9; 32]));
    let mut model = Model::default();
    for _ in 0..entropy.below(6) {
        step(&mut entropy, &mut registry, &mut model);
    }
    forge(&mut entropy, &registry);
    say(&mut entropy, &registry, &model);
    seal(&mut entropy, &registry, &model);
}

/// One change, signed by somebody; what has to become of it is known.
fn step(entropy: &mut Entropy<'_>, registry: &mut Registry, model: &mut Model) {
    let (one, other, at) = (entropy.below(4), entropy.below(4), entropy.below(4));
    let key = |who: usize| public_key(&SECRETS[who]);
    let name = Name::parse(NAMES[at]).expect("it is one");
    let (known, root) = (model.names.contains_key(&at), model.root(one));
    let (change, wanted) = match entropy.below(6) {
        0 => {
            let fits = root.is_some() && one != other && !model.roots.contains_key(&other);
            (Change::Rotate { old: key(one), new: key(other) }, fits.then(|| vec![one, other]))
        }
        1 => {
            let holder = model.holder(at).filter(|_| root.is_some());
            let holder = holder.filter(|holder| model.root(*holder) != root);
            (Change::Transfer { name, key: key(one) }, holder.map(|holder| vec![holder, one]))
        }
        2 => (Change::Revoke { name }, model.holder(at).map(|holder| vec![holder])),
        3 if at == 0 => (Change::Retire { key: key(one) }, root.map(|_| vec![one])),
        _ => {
            let above = [None, None, Some(0), Some(2)][at].map(|above| model.holder(above));
            let fits = !known && root.is_some() && above != Some(None);
            let signers = [Some(one), above.flatten().filter(|above| *above != one)];
            let signers = signers.into_iter().flatten().collect();
            (Change::Claim { name, key: key(one) }, fits.then_some(signers))
        }
    };
    let hash = registry.to_sign(&change);
    let mut signers = wanted.clone().unwrap_or_else(|| vec![one, other]);
    let wrong = entropy.below(8);
    match wrong {
        0 => drop(signers.pop()),
        1 => signers.push(one),
        _ => {}
    }
    let sign = |who: &usize| Signature::of(Domain::Name, &SECRETS[*who], &hash);
    let mut signatures: Vec<Signature> = signers.iter().map(sign).collect();
    if wrong == 2 {
        signatures[0].bytes[entropy.below(64)] ^= 1 << entropy.below(8);
    }
    let before = registry.head();
    let done = registry.append(Entry { change: change.clone(), signatures }).is_ok();
    assert_eq!(done, wanted.is_some() && wrong > 2, "{change:?}");
    assert_eq!(registry.head().count, before.count + u64::from(done));
    assert_eq!(registry.extends(&before), Ok(()));
    if done {
        match change {
            Change::Claim { .. } | Change::Transfer { .. } => {
                let root = model.enter(one);
                model.names.insert(at, Some(root));
            }
            Change::Rotate { .. } => {
                let root = model.enter(one);
                model.roots.insert(other, root);
                model.signs.insert(root, Some(other));
            }
            Change::Revoke { .. } => drop(model.names.insert(at, None)),
            Change::Retire { .. } => {
                let root = model.enter(one);
                model.signs.insert(root, None);
            }
        }
    }
    for (at, text) in NAMES.iter().enumerate() {
        let holder = registry.resolve(&Name::parse(text).expect("it is one")).ok();
        assert_eq!(holder.map(|holder| holder.key), model.holder(at).map(key), "{text}");
    }
}

/// The registry comes back, and nothing that was done to its bytes goes unseen.
fn forge(entropy: &mut Entropy<'_>, registry: &Registry) {
    let mut bytes = registry.to_bytes();
    let seen = registry.head();
    if entropy.once_in(4) {
        let read = Registry::read(&bytes).expect("it was written");
        assert_eq!(read.head(), seen);
        return;
    }
    let at = entropy.below(bytes.len());
    match entropy.below(4) {
        0 => bytes[at] ^= 1 << entropy.below(8),
        1 => bytes[at] = bytes[at].wrapping_add(1 + entropy.below(255) as u8),
        2 => bytes.truncate(at),
        _ => bytes.insert(at, entropy.u8()),
    }
    if let Ok(read) = Registry::read(&bytes) {
        assert_eq!(read.to_bytes(), bytes, "what reads has one encoding");
        assert!(read.head().count < seen.count && read.extends(&seen).is_err());
        let SeenHead { count, head } = read.head();
        assert_eq!(registry.at(count), Some(head), "a part of it from the beginning");
    }
}

/// What somebody sent is sealed: seals come back from their bytes, and nothing that is done to those goes
/// unseen.
fn seal(entropy: &mut Entropy<'_>, registry: &Registry, model: &Model) {
    let (root, by) = (entropy.below(4), entropy.below(4));
    let lineage = Lineage::root(public_key(&SECRETS[root])).child(1).expect("not too deep");
    let (mut outbox, mut trail) = (Outbox::new(&lineage.id()), Trail::default());
    for _ in 0..entropy.below(5) {
        outbox.add(&[entropy.u8()]);
        trail.add(&outbox);
    }
    let seal = Seal::new([1; 32], lineage, outbox, trail, &SECRETS[by]);
    let signs = match model.roots.get(&root) {
        None => Some(root),
        Some(of) if *of == root => model.signs[of],
        Some(_) => None,
    };
    assert_eq!(seal.check(registry).is_ok(), signs == Some(by));
    let mut bytes = write_seals(&[1; 32], std::slice::from_ref(&seal));
    assert_eq!(read_seals(&bytes), Ok(([1; 32], vec![seal.clone()])));
    let at = entropy.below(bytes.len());
    bytes[at] ^= 1 << entropy.below(8);
    if let Ok((_, seals)) = read_seals(&bytes) {
        let stands = |other: &Seal| other.outbox == seal.outbox && other.check(registry).is_ok();
        assert!(!seals.iter().any(stands), "a changed byte");
    }
}

/// Messages: fresh ones come in, once; changed ones never.
fn say(entropy: &mut Entropy<'_>, registry: &Registry, model: &Model) {
    let mut gate = Gate::new(Limits::default());
    let mut last: BTreeMap<usize, u64> = BTreeMap::new();
    for _ in 0..entropy.below(4) {
        let (root, by, sequence) = (entropy.below(4), entropy.below(4), entropy.below(4) as u64);
        let lineage = Lineage::root(public_key(&SECRETS[root])).child(1).expect("not too deep");
        let said = Envelope {
            world: [0; 32],
            domain: None,
            from: lineage.id(),
            lineage,
            sequence,
            to: To::Agent(id_of(&[7; 32])),
            name: "hello".into(),
            data: Value::Int(entropy.u8().into()),
            time: 0,
        };
        let mut bytes = said.sign(&SECRETS[by]).expect("it has no handles");
        let changed = entropy.once_in(3);
        if changed {
            let at = entropy.below(bytes.len());
            bytes[at] ^= 1 << entropy.below(8);
        }
        let signs = match model.roots.get(&root) {
            None => Some(root),
            Some(of) if *of == root => model.signs[of],
            Some(_) => None,
        };
        let fresh = last.get(&root).is_none_or(|last| sequence > *last);
        let admitted = gate.admit(&bytes, registry, 0);
        assert_eq!(admitted.is_ok(), !changed && fresh && signs == Some(by), "{admitted:?}");
        if let Ok(heard) = admitted {
            assert_eq!(heard, said);
            last.insert(root, sequence);
            let mut out = avm_ir::wire::Writer::new();
            gate.write(&mut out);
            let bytes = out.finish();
            gate = Gate::read(Limits::default(), &mut Reader::new(&bytes)).expect("it was written");
        }
    }
    // Any bytes at all.
    let anything: Vec<u8> = (0..entropy.below(64)).map(|_| entropy.u8()).collect();
    let bytes = [b"AVME\x01\x00".as_slice(), &anything].concat();
    assert!(gate.admit(&bytes, registry, 0).is_err());
}
