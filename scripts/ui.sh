#!/usr/bin/env bash
# Builds the screens into ui/dist, only when something changed.
set -euo pipefail
cd "$(dirname "$0")/../ui"
stamp=dist/.built
sources=$(find . \( -name node_modules -o -name dist -o -name test-results \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sources" ]; then exit 0; fi
echo "ui: installing packages"
npm ci --silent --no-audit --no-fund
echo "ui: building"
npm run --silent build
printf '%s\n' "$sources" >"$stamp"
