#!/usr/bin/env bash
# QEMU 10.0 beside the installed 7.2, for tests: out of Debian's backports, from where this machine gets its other packages.
# Nothing of it is installed. Afterwards `.qemu/10.0/run` starts it as `qemu-system-x86_64` starts the other one.
set -euo pipefail
cd "$(dirname "$0")"
suite=bookworm-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(qemu-system-x86 qemu-system-common qemu-system-data)
final=.qemu/10.0

fail() {
  echo "get-qemu-10.sh: $1" >&2
  exit 1
}
works() { [[ $("$1/run" --version 2>/dev/null) == *"version 10.0."* ]]; }

! works "$final" || exit 0
system=$(. /etc/os-release && echo "${ID:-}-${VERSION_CODENAME:-}-$(dpkg --print-architecture 2>/dev/null)") || system=
[ "$system" = debian-bookworm-amd64 ] || fail "QEMU 10.0 is taken from Debian bookworm's backports, and this is no Debian bookworm on amd64"

# Without lists apt does not know which of its sources is Debian's own.
debian() { apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(CODENAME)' | awk '$2$3$4 == "DebianDebianbookworm" && !found++ { print $1 }'; }
uri=$(debian)
if [ -z "$uri" ]; then
  apt-get update -qq || fail "apt-get update failed, and without it nobody knows where Debian's packages are"
  uri=$(debian)
fi
[ -n "$uri" ] || fail "no source of Debian bookworm is configured"

# Made beside its place and moved there when it works, so that what was fetched by half is fetched again.
mkdir -p .qemu
made=$(mktemp -d "$PWD/.qemu/making-XXXXXX")
trap 'rm -rf "$made"' EXIT
mkdir -p "$made/apt/lists/partial" "$made/apt/cache/archives/partial" "$made/debs" "$made/10.0/root"
echo "deb [signed-by=$keyring] $uri $suite main" >"$made/apt/sources.list"
# Lists and packages are checked as ever; only the user that fetches them is not another one, who might not reach this folder.
of_backports() {
  apt-get -qq -o Dir::Etc::sourcelist="$made/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$made/apt/lists" -o Dir::Cache="$made/apt/cache" -o Acquire::Languages=none \
    -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root "$@"
}
of_backports update || fail "$suite could not be read"
(cd "$made/debs" && of_backports download "${packages[@]/%//$suite}") || fail "$suite did not give ${packages[*]}"
for deb in "$made"/debs/*.deb; do dpkg -x "$deb" "$made/10.0/root"; done
cat >"$made/10.0/run" <<'RUN'
#!/bin/sh
root=$(dirname "$0")/root
exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L /usr/share/seabios "$@"
RUN
chmod +x "$made/10.0/run"

# The libraries of the installed one are the same; without it they are what the package says that it depends on.
if [[ $(ldd "$made/10.0/root/usr/bin/qemu-system-x86_64") == *"not found"* ]]; then
  wanted=$(dpkg-deb -f "$made"/debs/qemu-system-x86_*.deb Depends | tr ',' '\n' | awk '/^ *lib/ { print $1 }')
  missing=()
  for library in $wanted; do
    dpkg-query -W -f '${Status}' "$library" 2>/dev/null | grep -q ' installed$' || missing+=("$library")
  done
  [ "$(id -u)" = 0 ] || fail "it needs ${missing[*]}: install these first"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
works "$made/10.0" || fail "what $suite gave does not start as QEMU 10.0: $("$made/10.0/run" --version 2>&1 | head -n 1)"
rm -rf "$final"
mv "$made/10.0" "$final"
