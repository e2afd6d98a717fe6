#!/usr/bin/env bash
# The screens in Debian's Chromium.
set -euo pipefail
cd "$(dirname "$0")/../tests/browser"
npm ci --silent --no-audit --no-fund
exec npx playwright test
