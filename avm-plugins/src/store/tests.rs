//! One suite for every implementation, then what only the one on disk can show.

use super::*;
use std::fs;
use std::path::Path;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn scan(store: &dyn Store, tree: &str, prefix: &[u8]) -> Pairs {
    let mut out = Vec::new();
    store
        .scan(tree, prefix, &mut |k, v| {
            out.push((k.to_vec(), v.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    out
}

fn conformance(store: &dyn Store) {
    let large = vec![7u8; 100_000];
    assert_eq!(store.get("a", b"k").unwrap(), None);
    assert!(!store.delete("a", b"k").unwrap());
    assert!(!store.drop_tree("a").unwrap());
    assert_eq!(scan(store, "a", b""), []);

    for (key, value) in
        [(&b"k2"[..], &b"two"[..]), (b"k1", b""), (b"k10", &large), (b"l", b"x"), (b"", b"empty")]
    {
        store.put("a", key, value).unwrap();
        assert_eq!(store.get("a", key).unwrap().unwrap(), value);
    }
    store.put("b", b"k1", b"other tree").unwrap();
    let keys = |prefix: &[u8]| -> Vec<Vec<u8>> {
        scan(store, "a", prefix).into_iter().map(|(k, _)| k).collect()
    };
    assert_eq!(keys(b"k"), [&b"k1"[..], b"k10", b"k2"]);
    assert_eq!(keys(b""), [&b""[..], b"k1", b"k10", b"k2", b"l"]);
    assert_eq!(keys(b"\xff"), Vec::<Vec<u8>>::new());
    assert_eq!(scan(store, "a", b"k10")[0].1, large);

    let mut seen = 0;
    store
        .scan("a", b"", &mut |_, _| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 2);

    for len in [4095, 4096, 4097] {
        store.put("a", b"k2", &vec![1; len]).unwrap();
        assert_eq!(store.get("a", b"k2").unwrap().unwrap().len(), len);
    }
    store.put("a", b"k10", b"small now").unwrap();
    assert_eq!(store.get("a", b"k10").unwrap().unwrap(), b"small now");
    assert!(store.delete("a", b"k10").unwrap());
    assert!(!store.delete("a", b"k10").unwrap());

    assert!(store.drop_tree("a").unwrap());
    assert_eq!(scan(store, "a", b""), []);
    assert_eq!(store.get("b", b"k1").unwrap().unwrap(), b"other tree");
    assert!(store.delete("b", b"k1").unwrap());
    assert!(!store.drop_tree("b").unwrap(), "a tree exists while it has an entry");

    assert!(matches!(store.put("", b"", b""), Err(StoreError::BadTree { .. })));
    assert!(matches!(store.get(&"x".repeat(257), b""), Err(StoreError::BadTree { .. })));
    assert!(matches!(store.put("a", &[0; 1025], b""), Err(StoreError::KeyTooLarge { .. })));
    let huge = vec![0; MAX_VALUE_BYTES + 1];
    assert!(matches!(store.put("a", b"k", &huge), Err(StoreError::ValueTooLarge { .. })));
    store.flush().unwrap();
}

#[test]
fn memory_conforms() {
    conformance(&MemoryStore::new());
}

#[test]
fn sled_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conformance(&SledStore::open(folder.path()).unwrap());
}

/// The only blob file of a store.
fn blob(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> =
        fs::read_dir(folder.join("blobs")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[test]
fn sled_keeps_what_was_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![9u8; 5000];
    {
        let store = SledStore::open(folder.path()).unwrap();
        store.put("a", b"small", b"1").unwrap();
        store.put("a", b"large", &large).unwrap();
        store.flush().unwrap();
    }
    let store = SledStore::open(folder.path()).unwrap();
    assert_eq!(
        scan(&store, "a", b""),
        [(b"large".to_vec(), large), (b"small".to_vec(), b"1".to_vec())]
    );
}

#[test]
fn a_torn_blob_is_reported_and_can_be_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    let large = vec![9u8; 5000];
    store.put("a", b"k", &large).unwrap();
    let file = blob(folder.path());
    let mut altered = large.clone();
    altered[17] ^= 1;
    for content in [Some(&large[..100]), Some(&[][..]), Some(&altered[..]), None] {
        match content {
            Some(content) => fs::write(&file, content).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert!(matches!(store.get("a", b"k"), Err(StoreError::Corrupt { .. })));
        let scanned = store.scan("a", b"", &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(scanned, Err(StoreError::Corrupt { .. })));
    }
    store.put("a", b"k", &large).unwrap();
    assert_eq!(store.get("a", b"k").unwrap().unwrap(), large);
}

#[test]
fn sweep_removes_only_what_nothing_refers_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    store.put("a", b"1", &[1; 5000]).unwrap();
    store.put("b", b"1", &[1; 5000]).unwrap();
    store.put("a", b"2", &[2; 5000]).unwrap();
    fs::write(blob_folder_file(folder.path(), "notes.txt"), b"not ours").unwrap();
    let torn = format!("{}.tmp", "0".repeat(64));
    fs::write(blob_folder_file(folder.path(), &torn), b"torn").unwrap();
    assert_eq!(store.sweep().unwrap(), 1);
    store.delete("a", b"1").unwrap();
    store.drop_tree("a").unwrap();
    assert_eq!(store.sweep().unwrap(), 1);
    assert_eq!(store.get("b", b"1").unwrap().unwrap(), [1; 5000]);
    assert!(blob_folder_file(folder.path(), "notes.txt").exists());
}

fn blob_folder_file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join("blobs").join(name)
}
