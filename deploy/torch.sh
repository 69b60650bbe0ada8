#!/usr/bin/env bash
# Puts LibTorch, as deploy/torch.lock names it, into a cache outside the tree:
#   $FUSOR_CACHE/torch-VERSION/torch/{lib,include}  and  .../nvidia -> nvidia-cpu | nvidia-cuda
# which is the layout of the wheels themselves, so that the libraries' own RPATHs find each other.
#
# Whoever reads the cache sees a whole set or none: everything is fetched and unpacked in a
# temporary directory beside it and enters by one rename, under a lock.
#
#   deploy/torch.sh [--cuda] [--check]     --check: exit 0 when everything is there, change nothing
#
# FUSOR_CACHE   the cache (default ~/.cache/fusor)
# FUSOR_TORCH   a LibTorch that is already there; nothing is fetched
# FUSOR_WHEELS  a directory with wheels fetched elsewhere, for machines without a network
# FUSOR_LOCK    another lock file
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock=${FUSOR_LOCK:-$here/torch.lock}
cache=${FUSOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fusor}
sets=(cpu)
check_only=0
for argument in "$@"; do
  case $argument in
    --cuda) sets+=(cuda) ;;
    --check) check_only=1 ;;
    *) echo "torch.sh: unknown argument '$argument' (known: --cuda, --check)" >&2; exit 2 ;;
  esac
done

Fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# Rows of one set: name version platform sha256.
Rows() { awk -v set="$1" '$1 == set { print $2, $3, $4, $5 }' "$lock"; }
Digest() { Rows "$1" | sha256sum | cut -d' ' -f1; }

version=$(Rows cpu | awk '$1 == "torch" { print $2 }')
[[ -n $version ]] || Fail "$lock names no torch"
target=$cache/torch-$version

IsComplete() { [[ $(cat "$target/.complete-$1" 2>/dev/null) == "$(Digest "$1")" ]]; }

AllComplete() {
  local set
  for set in "${sets[@]}"; do IsComplete "$set" || return 1; done
}

CheckGivenTorch() {
  local dir=$FUSOR_TORCH
  [[ -d $dir/torch/lib ]] && dir=$dir/torch
  [[ -f $dir/lib/libtorch_cpu.so && -d $dir/include/ATen ]] ||
    Fail "FUSOR_TORCH=$FUSOR_TORCH has no lib/libtorch_cpu.so or no include/ATen." \
         "Give a site-packages/torch or an unpacked LibTorch archive (2.11 to 2.15), or unset it."
}

FindPip() {
  local candidate
  for candidate in pip3 pip "python3 -m pip"; do
    if $candidate --version >/dev/null 2>&1; then pip=$candidate; return; fi
  done
  Fail "pip is missing; it fetches the torch wheel." \
       "Install it (Debian: apt-get install python3-pip) and run 'make setup' again."
}

FreeMib() { df -Pm "$1" | awk 'NR == 2 { print $4 }'; }

CheckSpace() {
  local set=$1 needed free
  needed=$(awk -v set="$set" '$1 == "space" && $2 == set { print $3 }' "$lock")
  free=$(FreeMib "$cache")
  (( free >= ${needed:-0} )) ||
    Fail "$cache has $free MiB free, the $set set of LibTorch $version needs $needed." \
         "Make room, or set FUSOR_CACHE to a directory on a larger disk, and run 'make setup' again."
}

OfflineHelp() {
  local set name wheel_version platform sum
  echo "setup: no wheel was kept. If this machine has no network, fetch these elsewhere with"
  echo "setup:   pip download --no-deps --only-binary=:all: --python-version 3.11 --platform PLATFORM NAME==VERSION"
  for set in "${sets[@]}"; do
    while read -r name wheel_version platform sum; do
      echo "setup:   $name==$wheel_version  --platform $platform"
    done < <(Rows "$set")
  done
  echo "setup: then run 'make setup FUSOR_WHEELS=DIR', or give a torch that is there: FUSOR_TORCH=DIR."
}

HasSum() { [[ $(sha256sum "$1" | cut -d' ' -f1) == "$2" ]]; }

# Sets `wheel` to a checked file for one row of the lock.
Fetch() {
  local name=$1 wheel_version=$2 platform=$3 sum=$4 found
  local stem=${name//-/_}-$wheel_version-
  for found in "${FUSOR_WHEELS:-$cache/dl}/$stem"*.whl "$cache/dl/$stem"*.whl; do
    if [[ -f $found ]] && HasSum "$found" "$sum"; then wheel=$found; return; fi
  done
  [[ $(uname -m) == x86_64 ]] ||
    Fail "$lock has wheels for x86_64 only, this machine is $(uname -m): set FUSOR_TORCH=DIR."
  FindPip
  rm -rf "$temporary/dl"
  mkdir "$temporary/dl"
  echo "setup: fetching $name $wheel_version"
  if ! $pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.11 --platform "$platform" --dest "$temporary/dl" \
      "$name==$wheel_version" >"$temporary/pip.log" 2>&1; then
    tail -n 5 "$temporary/pip.log" | sed 's/^/setup: pip: /' >&2
    echo "setup: could not fetch $name $wheel_version ($(FreeMib "$cache") MiB free in $cache)." >&2
    OfflineHelp >&2
    exit 1
  fi
  found=("$temporary/dl"/*.whl)
  wheel=${found[0]}
  [[ -f $wheel ]] || Fail "pip fetched no wheel of $name $wheel_version."
  HasSum "$wheel" "$sum" ||
    Fail "$(basename "$wheel") has the wrong checksum: a broken or altered download. Nothing was kept." \
         "expected $sum" "received $(sha256sum "$wheel" | cut -d' ' -f1)" \
         "Run 'make setup' again; if it repeats, something between here and the server changes files."
}

# Unpacks the C++ part of one set's wheels below a directory.
Unpack() {
  local set=$1 into=$2 name rest
  while read -r name rest; do
    # shellcheck disable=SC2086  # rest is three words: version, platform, checksum
    Fetch "$name" $rest
    if ! unzip -qq -o "$wheel" -x '*.py' '*.pyi' '*/libtorch_python.so' -d "$into/all" \
        2>"$temporary/unzip.log"; then
      # unzip also warns of patterns that match nothing, which is usual.
      grep -v '^caution:' "$temporary/unzip.log" | tail -n 3 | sed 's/^/setup: unzip: /' >&2
      Fail "could not unpack $(basename "$wheel") ($(FreeMib "$cache") MiB free in $cache). Nothing was kept." \
           "Make room or set FUSOR_CACHE to a directory on a larger disk, and run 'make setup' again."
    fi
    KeepLibraries "$into" "$name"
    if [[ $wheel == "$temporary"/* ]]; then rm -f "$wheel"; fi
  done < <(Rows "$set")
}

# Moves lib, include and licences of one unpacked wheel to their place, and drops the rest.
KeepLibraries() {
  local into=$1 name=$2 all=$1/all
  mkdir -p "$into/licenses/$name"
  find "$all" -path '*.dist-info/licenses/*' -type f -exec cp -t "$into/licenses/$name" {} +
  if [[ -d $all/torch ]]; then
    mkdir -p "$into/torch"
    mv "$all/torch/lib" "$all/torch/include" "$into/torch/"
  fi
  if [[ -d $all/nvidia ]]; then
    mkdir -p "$into/nvidia"
    cp -al "$all/nvidia/." "$into/nvidia/"
  fi
  rm -rf "$all"
}

# The cpu set makes the whole directory.
InstallCpu() {
  local tree=$temporary/tree
  mkdir "$tree"
  Unpack cpu "$tree"
  mkdir -p "$tree/nvidia"
  mv "$tree/nvidia" "$tree/nvidia-cpu"
  ln -s nvidia-cpu "$tree/nvidia"
  Digest cpu >"$tree/.complete-cpu"
  sync -f "$tree"
  if [[ -e $target ]]; then mv "$target" "$temporary/old"; fi
  mv "$tree" "$target"
}

# The cuda set makes a second nvidia directory, entered by replacing the link.
InstallCuda() {
  local tree=$temporary/tree
  rm -rf "$tree"
  mkdir -p "$tree/nvidia"
  cp -al "$target/nvidia-cpu/." "$tree/nvidia/"
  Unpack cuda "$tree"
  sync -f "$tree"
  if [[ -e $target/nvidia-cuda ]]; then mv "$target/nvidia-cuda" "$temporary/old-cuda"; fi
  cp -r "$tree/licenses/." "$target/licenses/"
  mv "$tree/nvidia" "$target/nvidia-cuda"
  ln -s nvidia-cuda "$temporary/link"
  mv -T "$temporary/link" "$target/nvidia"
  Digest cuda >"$temporary/complete"
  mv "$temporary/complete" "$target/.complete-cuda"
}

if [[ -n ${FUSOR_TORCH:-} ]]; then CheckGivenTorch; exit 0; fi
if AllComplete; then exit 0; fi
(( check_only == 0 )) || exit 1

mkdir -p "$cache" || Fail "cannot make the cache $cache: set FUSOR_CACHE to a writable directory."
exec 9>"$cache/.lock"
if ! flock -n 9; then
  echo "setup: another setup is filling $cache; waiting for it"
  flock 9
fi
if AllComplete; then exit 0; fi

# With the lock held, any temporary directory belongs to a setup that was killed.
rm -rf "$cache"/.tmp-*
temporary=$(mktemp -d "$cache/.tmp-XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

command -v unzip >/dev/null || Fail "unzip is missing: install it (Debian: apt-get install unzip)."
for set in "${sets[@]}"; do
  IsComplete "$set" && continue
  CheckSpace "$set"
  if [[ $set == cpu ]]; then InstallCpu; else InstallCuda; fi
done
echo "setup: LibTorch $version (${sets[*]}) is in $target"
