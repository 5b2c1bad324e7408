#!/bin/sh
# Installs what draws the dashboards in the tests: Grafana's own components, as tests/draw/package.json names them.
set -eu
cd "$(dirname "$0")/../.."
cache=.cache/draw
wanted=tests/draw/package.json
cmp -s "$wanted" "$cache/made-for.json" && exit 0
if ! command -v npm >/dev/null; then
  echo "npm is not installed: the dashboards are not drawn" >&2
  exit 0
fi
echo "fetching what draws Grafana's dashboards from npm (about a minute, 650 MB on disk)"
rm -rf "$cache"
mkdir -p "$cache"
cp "$wanted" "$cache/package.json"
# Nothing that a package wants to run at its installation is needed.
if ! npm install --loglevel=error --no-audit --no-fund --no-package-lock --ignore-scripts --prefix "$cache" >"$cache/log" 2>&1; then
  echo "npm could not install Grafana's components: $(head -n 1 "$cache/log")" >&2
  exit 1
fi
cp "$wanted" "$cache/made-for.json"
