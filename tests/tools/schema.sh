#!/bin/sh
# Makes JSON schemas from the types that Grafana publishes for the version in docker-compose.yml, in .cache/grafana.
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's|.*image: grafana/grafana:||p' docker-compose.yml)
cache=.cache/grafana
[ -f "$cache/made-for-$version" ] && exit 0
if ! command -v npm >/dev/null; then
  echo "npm is not installed: the dashboards are not held against Grafana's schema" >&2
  exit 0
fi
echo "fetching the types of Grafana $version from npm"
rm -rf "$cache"
mkdir -p "$cache"
if ! npm install --loglevel=error --no-audit --no-fund --no-save --prefix "$cache" \
  "@grafana/schema@$version" ts-json-schema-generator@2.4.0 >"$cache/log" 2>&1; then
  if grep -q "No matching version found for @grafana/schema@" "$cache/log"; then
    echo "npm has no @grafana/schema $version: docker-compose.yml needs a version of Grafana whose types are published" >&2
  else
    echo "npm could not install @grafana/schema $version: $(head -n 1 "$cache/log")" >&2
  fi
  exit 1
fi
echo "making schemas of them (about 10 s)"
types=$cache/node_modules/@grafana/schema/dist/types/raw
generate() { # generate FILE TYPE NAME
  "$cache/node_modules/.bin/ts-json-schema-generator" --no-type-check --path "$types/$1" --type "$2" >"$cache/$3.json"
}
generate dashboard/x/types.gen.d.ts Dashboard dashboard
for panel in stat timeseries table statetimeline; do
  generate "composable/$panel/panelcfg/x/types.gen.d.ts" Options "$panel-options"
  case $panel in
    timeseries | table | statetimeline) generate "composable/$panel/panelcfg/x/types.gen.d.ts" FieldConfig "$panel-custom" ;;
  esac
done
touch "$cache/made-for-$version"
