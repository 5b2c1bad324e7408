#!/bin/sh
# Usage: servers.sh [PACKAGE...], by default all.
# Fetches the servers of the stack, for the tests and for "make stack", into .cache/servers: Debian sid's, because older
# releases lag years behind. Uses apt's client with folders of its own: no root, nothing on the machine changes, and the
# signatures are checked against the machine's own Debian keyring. Without them the tests that need them are skipped,
# so nothing here is an error.
set -eu

cd "$(dirname "$0")/../.."
folder=$PWD/.cache/servers
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# package:program:oldest version that our configuration works with, one a line. tests/tools/stack/chain.py has the same
# numbers. Debian 12 has Prometheus 2.42, Alertmanager 0.25 and a docker-compose 1.29 that is another program.
packages="
promtool:promtool:3.0
prometheus:prometheus:3.0
prometheus-alertmanager:prometheus-alertmanager:0.32
docker-compose:docker-compose:2.23
victoria-metrics:victoria-metrics:0.0
"

# Usage: version PROGRAM; its first two numbers, 0.0 where it says none.
version() {
  said=$("$1" --version 2>&1 | sed -nE 's/.*version v?([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  echo "${said:-0.0}"
}

# Usage: at_least VERSION OLDEST
at_least() {
  [ "${1%%.*}" -gt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${1#*.}" -ge "${2#*.}" ]; }
}

missing=""
names=""
for entry in $packages; do
  package=${entry%%:*}
  case " $* " in "  " | *" $package "*) ;; *) continue ;; esac
  oldest=${entry##*:}
  program=${entry#*:}
  program=${program%:*}
  path=$folder/usr/bin/$program
  [ -x "$path" ] || path=$(command -v "$program") || path=""
  found=""
  if [ -n "$path" ]; then
    found=$(version "$path")
    if at_least "$found" "$oldest"; then continue; fi
  fi
  missing="$missing $package"
  names="$names${names:+, }$program${found:+ ($path is $found, $oldest or later is needed)}"
done
[ -n "$missing" ] || exit 0

skip() {
  echo "not available here, so that tests are skipped: $names ($1)"
  exit 0
}

for tool in apt-get apt-config dpkg; do
  command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done

# The machine's own mirror, from its apt sources in either format: the first address that ends in /debian, or in
# /debian.list as on Debian's cloud images.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  awk '/^[ \t]*#/ { next }
       /^deb[ \t]/ || /^URIs:/ { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:.*\/debian(\.list)?\/?$/) { print $i; exit } }')
[ -n "$mirror" ] || skip "no Debian mirror in apt's sources"
[ -r "$keyring" ] || skip "no $keyring"

mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/sources"
cat >"$folder/apt/sources/sid.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: sid
Components: main
Signed-By: $keyring
SOURCES

# Usage: apt_get ARGUMENTS; runs in apt's folder, where "download" puts the packages.
apt_get() (
  cd "$folder/apt"
  apt-get -qq \
    -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/apt/sources" \
    -o Dir::State="$folder/apt" -o Dir::State::Lists="$folder/apt/lists" -o Dir::State::Status=/dev/null \
    -o Dir::Cache="$folder/apt/cache" -o APT::Sandbox::User= \
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o Acquire::Retries=1 \
    -o APT::Update::Error-Mode=any "$@" >log 2>&1
)
# Usage: slowly COMMAND...; says every 5 s that it is still running. The clock ends with us, whatever ends us.
slowly() {
  tick &
  clock=$!
  status=0
  "$@" || status=$?
  kill "$clock" 2>/dev/null || :
  wait "$clock" 2>/dev/null || :
  return "$status"
}
tick() {
  waited=0
  while sleep 5 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    waited=$((waited + 5))
    echo "    $waited s"
  done
}
reason() { grep -m 1 '^[EW]:' "$folder/apt/log" || echo "apt-get failed"; }

# Usage: patch_paths PROGRAM
# Debian's Alertmanager looks for its default templates and pages in /usr/share. The same path without its first slash, as
# long as before so that nothing in the program moves, is found from .cache/servers, where it is started. It holds the
# path three times: default templates, pages, and the test whether there are pages.
patch_paths() {
  count=$(LC_ALL=C grep -a -o /usr/share/prometheus/alertmanager "$1" | wc -l)
  [ "$count" -eq 3 ] || {
    echo "servers.sh: ${1##*/} of Debian sid holds /usr/share/prometheus/alertmanager $((count)) times, not 3:" \
      "the package has changed, see what is patched here" >&2
    exit 1
  }
  LC_ALL=C sed -i 's#/usr/share/prometheus/alertmanager#usr/share/prometheus/alertmanager/#g' "$1"
}

# Usage: size PACKAGE; " (38 MB)", or nothing if apt does not say. The list has lines: 'address' file bytes checksum
size() {
  awk -v file="$1_" 'index($2, file) == 1 { printf " (%.0f MB)", $3 / 1e6 + 0.5 }' "$folder/apt/sizes"
}

echo "fetching $names into .cache/servers"
echo "  Debian's list of packages (about 10 MB)"
slowly apt_get update || skip "$(reason)"
slowly apt_get download --print-uris $missing || :
cp "$folder/apt/log" "$folder/apt/sizes"
for package in $missing; do
  rm -f "$folder/apt/$package"_*.deb
  echo "  $package$(size "$package")"
  slowly apt_get download "$package" || skip "$(reason)"
  # Unpacked aside and moved: an interrupted run leaves no half program behind.
  slowly dpkg -x "$folder/apt/$package"_*.deb "$folder/apt/$package" || skip "dpkg could not unpack $package"
  [ "$package" != prometheus-alertmanager ] || patch_paths "$folder/apt/$package/usr/bin/$package"
  cp -alf "$folder/apt/$package/usr" "$folder/"
done
rm -rf "$folder/apt"
