#!/usr/bin/env bash
# Licences, sources and bans. --if-installed: skipped, and said, where cargo-deny is not there; else is built once into target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo deny --version >/dev/null 2>&1; then
  if [ "${1:-}" = --if-installed ] && [ ! -x target/tools/bin/cargo-deny ]; then
    echo "deny: skipped: cargo-deny is not installed, and building it takes minutes; \`make deny\` does"
    exit 0
  fi
  if [ ! -x target/tools/bin/cargo-deny ]; then
    echo "deny: building cargo-deny (some minutes, once)"
    cargo install --quiet --locked --root target/tools cargo-deny@0.20.2
  fi
  export PATH="$PWD/target/tools/bin:$PATH"
fi
cargo deny --offline check bans licenses sources
