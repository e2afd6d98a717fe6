#!/usr/bin/env bash
# Installs what is missing on a Debian 12; quick and quiet when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="$PWD/target/tools"
mkdir -p "$tools"

say() { printf 'setup: %s\n' "$*"; }

# at_least HAVE WANT: is version HAVE at least WANT?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "these packages need root: apt-get install ${missing[*]}"; exit 1; }
    sudo="sudo"
  fi
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$tools/apt.log" 2>&1 ||
    { tail -n 20 "$tools/apt.log"; say "apt-get failed: the whole log is $tools/apt.log"; exit 1; }
}

apt_install build-essential pkg-config ca-certificates git python3 libssl-dev libudev-dev libopencv-dev clang libclang-dev \
  mosquitto mosquitto-clients chromium socat fonts-opendin fonts-noto-cjk fonts-dejavu-core fonts-bebas-neue fonts-dosis \
  fonts-roboto-fontface python3-venv systemd \
  python3-numpy python3-opencv python3-pil python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly

have_cargo=$(cargo --version 2>/dev/null | awk '{print $2}' || true)
if [ -z "$have_cargo" ] || ! at_least "$have_cargo" 1.95.0; then
  say "cargo ${have_cargo:-(none)} is older than 1.95"
  apt_install rustc-web cargo-web rust-web-clippy rustfmt-web
fi

# npm's `node` package carries the program itself; it lives in target/tools and the Makefile puts it first on the PATH.
export PATH="$tools/node_modules/.bin:$PATH"
have_node=$(node --version 2>/dev/null | tr -d v || true)
if [ -z "$have_node" ] || ! at_least "$have_node" 20.19.0; then
  say "node ${have_node:-(none)} is older than 20.19"
  apt_install npm
  (cd "$tools" && npm install --silent --no-audit --no-fund --no-save node@22 npm@11 >npm.log 2>&1) || { tail -n 20 "$tools/npm.log"; exit 1; }
fi
