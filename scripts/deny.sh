#!/usr/bin/env bash
# Licences, sources and bans. cargo-deny is built once into target/tools where it is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo deny --version >/dev/null 2>&1; then
  if [ ! -x target/tools/bin/cargo-deny ]; then
    echo "deny: building cargo-deny (some minutes, once)"
    cargo install --quiet --locked --root target/tools cargo-deny@0.20.2
  fi
  export PATH="$PWD/target/tools/bin:$PATH"
fi
cargo deny --offline check bans licenses sources
