//! Document collections of a run: where they are kept, and folders indexed into them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_ir::{NameKind, program::Manifest};
use avm_plugins::{
    docs::{
        collection::{Document, Limits},
        passages::{MAX_FILE_BYTES, Passage, passages},
        persist::Library,
    },
    model::hash_embed,
    store::{MemoryStore, SledStore},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    exit::{Failure, Outcome},
    files,
    output::note,
};

/// Collection of `--docs` where the program does not name exactly one.
const DEFAULT_COLLECTION: &str = "Docs";
/// Files that are indexed.
const EXTENSIONS: [&str; 3] = ["md", "markdown", "txt"];
/// Most files of one folder, and most bytes of them together.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: u64 = 256 << 20;
/// Deepest folder below the one named.
const MAX_DEPTH: usize = 32;

/// The collections in a folder, or in memory.
pub(crate) fn open(store: Option<&Path>) -> Outcome<Library> {
    let Some(folder) = store else {
        return Ok(Library::new(Arc::new(MemoryStore::default()), Limits::default()));
    };
    let store = SledStore::open(folder).map_err(|error| {
        let (folder, error) = (folder.display(), error.to_string());
        // The database says it at length.
        let locked = error.contains("could not acquire lock");
        let why = if locked { "in use by another process" } else { &error };
        Failure::files(format!("store {folder}: {why}"))
    })?;
    Ok(Library::new(Arc::new(store), Limits::default()))
}

/// What an indexed folder became.
pub(crate) struct Indexed {
    pub(crate) folder: String,
    pub(crate) collection: String,
    pub(crate) files: usize,
    pub(crate) passages: usize,
}

/// Indexes what `[docs]` of the configuration and `--docs` name, for a program. What the command
/// line puts into a collection stands for what the configuration does.
pub(crate) fn index(
    library: &mut Library,
    stated: &BTreeMap<String, PathBuf>,
    ordered: &[String],
    manifest: &Manifest,
) -> Outcome<Vec<Indexed>> {
    let ordered: Vec<(String, &Path)> =
        ordered.iter().map(|docs| collection_and_folder(docs, manifest)).collect();
    // A configuration may serve many programs: what this one cannot search is not read.
    let searches = |name: &str| {
        manifest.computed.contains(&NameKind::Collection)
            || manifest.names_of(NameKind::Collection).any(|named| named == name)
    };
    let stated = stated.iter().filter(|(name, _)| {
        searches(name) && !ordered.iter().any(|(collection, _)| collection == *name)
    });
    let stated = stated.map(|(name, folder)| (name.as_str(), folder.as_path()));
    let ordered = ordered.iter().map(|(name, folder)| (name.as_str(), *folder));
    stated.chain(ordered).map(|(name, folder)| index_folder(library, name, folder)).collect()
}

/// What `--docs` says: `NAME=FOLDER`, or a folder for the program's collection.
fn collection_and_folder<'a>(docs: &'a str, manifest: &Manifest) -> (String, &'a Path) {
    match docs.split_once('=') {
        Some((name, folder)) if !Path::new(docs).exists() => (name.to_owned(), Path::new(folder)),
        _ => (chosen(manifest), Path::new(docs)),
    }
}

fn index_folder(library: &mut Library, collection: &str, folder: &Path) -> Outcome<Indexed> {
    let files = read_all(folder)?;
    let paths: BTreeSet<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let found = passages(files);
    for warning in &found.warnings {
        note(&format!("note: {}: {warning}", folder.display()));
    }
    store(library, collection, &paths, found.passages.as_slice())
        .map_err(|error| Failure::files(format!("{}: {error}", folder.display())))?;
    Ok(Indexed {
        folder: folder.display().to_string(),
        collection: collection.to_owned(),
        files: paths.len(),
        passages: found.passages.len(),
    })
}

/// The one collection that the program names, or the default.
fn chosen(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.names_of(NameKind::Collection).collect();
    match names.as_slice() {
        [name] => (*name).to_owned(),
        [] => DEFAULT_COLLECTION.to_owned(),
        names => {
            if !names.contains(&DEFAULT_COLLECTION) {
                note(&format!(
                    "note: the program names the collections {}; documents go to {DEFAULT_COLLECTION}, \
                     choose with --docs NAME=FOLDER",
                    names.join(", ")
                ));
            }
            DEFAULT_COLLECTION.to_owned()
        }
    }
}

/// Stores the passages and removes those that the same files had before and have no more.
fn store(
    library: &mut Library,
    collection: &str,
    paths: &BTreeSet<String>,
    passages: &[Passage],
) -> Result<(), avm_plugins::docs::DocsError> {
    let ids: BTreeSet<&str> = passages.iter().map(|passage| passage.id.as_str()).collect();
    let known = library.collection(collection)?.ids();
    let stale: Vec<String> = known
        .filter(|id| {
            let file = id.rsplit_once('#').map(|(file, _)| file);
            file.is_some_and(|file| paths.contains(file)) && !ids.contains(id)
        })
        .map(str::to_owned)
        .collect();
    for id in stale {
        library.delete(collection, &id)?;
    }
    let bar = progress(passages.len() as u64);
    for passage in passages {
        let known = library.collection(collection)?.get(&passage.id);
        let same = known.is_some_and(|known| {
            known.text == passage.text
                && known.title == passage.title
                && known.vector.len() == hash_embed::DIMENSIONS
        });
        if !same {
            let document = Document {
                id: passage.id.clone(),
                title: passage.title.clone(),
                text: passage.text.clone(),
                vector: hash_embed::embed(&passage.search_text()),
            };
            library.put(collection, document)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// A bar for people who wait at a terminal, for anybody else nothing.
fn progress(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length).with_message("indexing");
    // The template is ours; a mistake in it would cost the bar its looks and nothing else.
    match ProgressStyle::with_template("{msg} {bar:40} {pos} of {len} passages") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The texts below a folder (or one file) by their path in it, sorted. Hidden files, `target` and
/// links are left out, so nothing outside of the folder is read.
fn read_all(folder: &Path) -> Outcome<Vec<(String, Vec<u8>)>> {
    let about = |error| files::about(folder, error);
    let mut found = Vec::new();
    if fs::metadata(folder).map_err(about)?.is_dir() {
        walk(folder, 0, &mut found)?;
    } else {
        found.push(folder.to_owned());
    }
    found.sort();
    let (mut out, mut total) = (Vec::new(), 0u64);
    for path in found {
        let name = path.strip_prefix(folder).ok().filter(|inside| !inside.as_os_str().is_empty());
        let name = name.or(path.file_name().map(Path::new)).unwrap_or(&path);
        let name = name.to_string_lossy().replace('\\', "/");
        let length = fs::metadata(&path).map_err(|error| files::about(&path, error))?.len();
        if length > MAX_FILE_BYTES as u64 {
            note(&format!("note: {}: skipped, larger than {MAX_FILE_BYTES} bytes", path.display()));
            continue;
        }
        let bytes = files::read(&path, MAX_FILE_BYTES as u64)?;
        total += bytes.len() as u64;
        if total > MAX_BYTES {
            let (folder, limit) = (folder.display(), MAX_BYTES >> 20);
            return Err(Failure::files(format!("{folder}: more than {limit} MiB of text")));
        }
        out.push((name, bytes));
    }
    Ok(out)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Outcome<()> {
    if depth > MAX_DEPTH {
        let folder = folder.display();
        return Err(Failure::files(format!("{folder}: folders nested more than {MAX_DEPTH} deep")));
    }
    let entries = fs::read_dir(folder).map_err(|error| files::about(folder, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| files::about(folder, error))?;
        let path = entry.path();
        // The kind of the entry itself: a link is neither folder nor file.
        let kind = entry.file_type().map_err(|error| files::about(&path, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || (kind.is_dir() && name == "target") {
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if kind.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if kind.is_file() && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str())) {
            found.push(path);
        }
        if found.len() > MAX_FILES {
            let folder = folder.display();
            return Err(Failure::files(format!("{folder}: more than {MAX_FILES} files")));
        }
    }
    Ok(())
}
