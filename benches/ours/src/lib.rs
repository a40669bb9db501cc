//! Our machine without its peers: what is run, how many processor instructions it takes, and what
//! its features cost; see `docs/benchmarks.md`.
//!
//! | module | what it does |
//! |---|---|
//! | [`workload`] | what is run, at which sizes |
//! | [`machine`] | drives our machine as `avm run` does |
//! | [`kernel`] | one run under callgrind |
//! | [`instructions`] | the counts, against a committed baseline |
//! | [`features`] | the counts with a feature on and off |
//! | [`table`] | prints, and keeps the page of figures |

pub mod features;
pub mod instructions;
pub mod kernel;
pub mod machine;
pub mod table;
pub mod workload;

/// As in `avm`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a program of this workspace was called, for the page.
pub fn invocation(package: &str, args: &str) -> String {
    let call = format!("cargo run --release --manifest-path benches/Cargo.toml {package}-- {args}");
    call.trim_end().to_owned()
}
