# The few commands; `just` lists them.

default:
    @just --list

# What CI runs.
ci:
    .ci/run

# All tests.
test:
    cargo test --workspace

# Looks through changed snapshots.
review:
    cargo insta review

# Formats the code.
fmt:
    cargo fmt --all

# Measures mmf beside its peers; see benches/README.md.
bench:
    benches/run

# The README's first command.
quickstart:
    cargo run --release -- run pipelines/quickstart.mmf
