# `just check` is exactly what CI runs.

# What a change has to pass.
check:
    .ci/check

# Everything that can be formatted.
fmt:
    cargo fmt --all

# All tests, or those whose name contains a word.
test word="":
    cargo test --workspace {{word}}

# Accept new snapshots after reading them.
bless:
    INSTA_UPDATE=always cargo test --workspace
    BLESS=1 cargo test --test programs
    cargo run -- test --bless programs --bless-gas programs/gas.txt

# Rewrite the generated pages of spec/.
generate:
    cargo test --test generated || cargo test --test generated

# Run a program: just run programs/basics/fizzbuzz.avm --gas 10
run *args:
    cargo run --release -- run {{args}}

# Speed beside other machines (docs/benchmarks.md): just bench loop --quick
bench *args:
    cargo run --release --manifest-path benches/Cargo.toml -- {{args}}

# Our machine alone, without building its peers: just count instructions --bless, just count features
count *args:
    cargo run --release --manifest-path benches/Cargo.toml --package avm-bench-ours -- {{args}}
