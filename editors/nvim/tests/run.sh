#!/usr/bin/env bash
# The plugin's checks: syntax, lint, tests. Usage: run.sh [NVIM_BIN]
# With PILLION_BIN set, the end-to-end spec runs against that server too.
set -euo pipefail
nvim=${1:-nvim}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

if command -v luacheck >/dev/null; then
  luacheck --quiet plugin lua tests
else
  echo "luacheck is not installed (Debian: lua-check): only the syntax is checked" >&2
fi
if command -v stylua >/dev/null; then
  stylua --check plugin lua tests
else
  echo "stylua is not installed: the formatting is not checked" >&2
fi
"$nvim" --clean --headless -l tests/syntax.lua

XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/data XDG_STATE_HOME=$home/state XDG_CACHE_HOME=$home/cache \
  timeout 600 "$nvim" --headless -u tests/init.lua -l tests/run.lua
