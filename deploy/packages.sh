#!/usr/bin/env bash
# Installs what deploy/packages.txt lists and this machine lacks: on Debian as root or with sudo,
# elsewhere it names what is missing.
#
#   deploy/packages.sh GROUP...
#
# FUSOR_PACKAGES     another list
# FUSOR_OS_RELEASE   another os-release file
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=${FUSOR_PACKAGES:-$here/packages.txt}
os_release=${FUSOR_OS_RELEASE:-/etc/os-release}
(( $# > 0 )) || { echo "packages.sh: name a group: build, fetch, lint, peers" >&2; exit 2; }

IncludeDirectories() {
  local prefix
  for prefix in $(tr ":;" "  " <<<"${CMAKE_PREFIX_PATH:-}"); do echo "$prefix/include"; done
  tr ':' '\n' <<<"${CPATH:-}"
  printf '%s\n' /usr/include /usr/local/include "/usr/include/$(uname -m)-linux-gnu"
}

# AtLeast TOOL VERSION
AtLeast() {
  local have
  have=$("$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
  [[ $(printf '%s\n' "$2" "$have" | sort -V | head -n 1) == "$2" ]]
}

# IsThere PROBE VERSION
IsThere() {
  local name=${1#*:} directory
  case $1 in
    cmd:g++) name=${CXX:-g++} ;&
    cmd:*) command -v "$name" >/dev/null && { [[ -z $2 ]] || AtLeast "$name" "$2"; } ;;
    file:*) [[ -e $name ]] ;;
    python:*) python3 -c "import $name" 2>/dev/null ;;
    include:*)
      while read -r directory; do
        [[ -n $directory && -e $directory/$name ]] && return 0
      done < <(IncludeDirectories)
      return 1 ;;
    *) echo "packages.sh: $list: unknown probe '$1'" >&2; exit 2 ;;
  esac
}

# Packages of the given groups whose probe fails.
Missing() {
  local group package probe version wanted
  while read -r group package probe version; do
    for wanted in "$@"; do
      if [[ $group == "$wanted" ]] && ! IsThere "$probe" "$version"; then
        echo "$package${version:+ (at least $version)}"
      fi
    done
  done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list")
}

Say() { printf 'setup: %s\n' "$@" >&2; }

mapfile -t missing < <(Missing "$@")
(( ${#missing[@]} > 0 )) || exit 0
names=("${missing[@]%% *}")

# shellcheck disable=SC1090  # the path is a variable so that a test can give its own
system=$(. "$os_release" 2>/dev/null && echo "${ID:-unknown}")
if [[ $system != debian ]] || ! command -v apt-get >/dev/null; then
  Say "this system is not Debian, so nothing was installed. Missing, under Debian's names:"
  printf 'setup:   %s\n' "${missing[@]}" >&2
  Say "Install what provides them, then run 'make setup' again."
  exit 1
fi

root=()
if [[ $(id -u) != 0 ]]; then
  if ! command -v sudo >/dev/null; then
    Say "these packages are missing and there is neither root nor sudo to install them:" \
        "  ${names[*]}" "As root: apt-get install ${names[*]}"
    exit 1
  fi
  root=(sudo)
  [[ -t 0 ]] || root+=(-n)
fi
Apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -q "$@"; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing ${names[*]}"
Apt update >"$log" 2>&1 || Say "the package lists could not be refreshed; trying with those at hand"
if ! Apt install -y --no-install-recommends "${names[@]}" >>"$log" 2>&1; then
  grep -E '^(E|W|sudo):' "$log" | tail -n 5 | sed 's/^/setup: /' >&2
  refused=()
  for package in "${names[@]}"; do
    Apt install -y --no-install-recommends "$package" >>"$log" 2>&1 || refused+=("$package")
  done
  if (( ${#refused[@]} > 0 )); then
    Say "refused: ${refused[*]}" \
        "Without a network, install them from a mirror or medium: apt-get install ${refused[*]}" \
        "then run 'make setup' again."
    exit 1
  fi
fi
mapfile -t missing < <(Missing "$@")
if (( ${#missing[@]} > 0 )); then
  Say "still missing after installing: ${missing[*]}" \
      "Fusor needs Debian 12 or newer; on an older one install these by hand."
  exit 1
fi
