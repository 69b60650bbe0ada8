#!/usr/bin/env bash
# Shows that deploy/torch.sh leaves a whole cache or none, whatever goes wrong, and that
# deploy/packages.sh names what it cannot install. pip, apt-get and their like are fakes on PATH; the
# wheels are a few bytes long.
#
#   setup_test.sh SOURCE_DIR
set -uo pipefail
shopt -s nullglob
for tool in python3 unzip; do  # what a machine with a torch of its own may lack
  command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
source_dir=$(cd "${1:?usage: setup_test.sh SOURCE_DIR}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

Fail() { echo "FAILED: $current: $*"; failures=$((failures + 1)); }
Expect() { "$@" || Fail "expected: $*"; }
ExpectSays() { grep -qF -- "$1" "$work/output" || { Fail "expected to read '$1', but read:"; cat "$work/output"; }; }
Deny() { ! "$@" || Fail "expected not: $*"; }

# A wheel with the given members, each holding its own name: MakeWheel FILE MEMBER...
MakeWheel() {
  local wheel=$1 tree member
  shift
  tree=$(mktemp -d -p "$work")
  for member in "$@"; do
    mkdir -p "$tree/$(dirname "$member")"
    echo "$member" >"$tree/$member"
  done
  (cd "$tree" && python3 -m zipfile -c "$wheel" ./*) || Fail "could not make $wheel"
  rm -rf "$tree"
}

Sum() { sha256sum "$1" | cut -d' ' -f1; }

# A fake program: Fake NAME <<'...'
Fake() { { echo '#!/usr/bin/env bash'; cat; } >"$work/bin/$1"; chmod +x "$work/bin/$1"; }

# Serves the wheels of $work/server by project name, counts calls, and waits at $work/gate if there.
FakePip() {
  Fake pip3 <<END
[[ \$1 == --version ]] && { echo "pip 23"; exit; }
echo call >>"$work/pip_calls"
while (( \$# > 1 )); do
  [[ \$1 == --dest ]] && dest=\$2
  shift
done
name=\${1%%==*}
if [[ -p $work/gate ]]; then echo arrived >"$work/gate"; read -r _ <"$work/gate_open"; fi
cp "$work/server/\${name//-/_}"-* "\$dest/" || { echo "ERROR: No matching distribution found" >&2; exit 1; }
END
}

NewCase() {
  current=$1
  (cd "$work" && rm -rf bin server cache wheels gate gate_open pip_calls)
  mkdir -p "$work/bin" "$work/server"
  MakeWheel "$work/server/torch-9.1-cp311.whl" torch/lib/libtorch_cpu.so torch/lib/libtorch_python.so \
    torch/include/ATen/ATen.h torch/nn/module.py torch-9.1.dist-info/licenses/LICENSE
  MakeWheel "$work/server/nvidia_one-1.0-py3.whl" nvidia/cu13/lib/libone.so nvidia/cu13/include/one.h
  MakeWheel "$work/server/nvidia_two-2.0-py3.whl" nvidia/cu13/lib/libtwo.so nvidia/two/lib/libtwo_b.so
  WriteLock
  FakePip
  export FUSOR_LOCK=$work/lock FUSOR_CACHE=$work/cache
  unset FUSOR_TORCH FUSOR_WHEELS
}

WriteLock() {
  cat >"$work/lock" <<END
space cpu 1
space cuda 1
cpu  torch      9.1 manylinux_2_28_x86_64 $(Sum "$work/server/torch-9.1-cp311.whl")
cpu  nvidia-one 1.0 manylinux_2_28_x86_64 $(Sum "$work/server/nvidia_one-1.0-py3.whl")
cuda nvidia-two 2.0 manylinux_2_28_x86_64 $(Sum "$work/server/nvidia_two-2.0-py3.whl")
END
}

# shellcheck disable=SC2120  # Deny and Expect pass its arguments
Torch() { PATH=$work/bin:$PATH "$source_dir/deploy/torch.sh" "$@" >"$work/output" 2>&1; }
# In the background, as a process of its own: StartTorch OUTPUT sets `started`.
StartTorch() {
  PATH=$work/bin:$PATH "$source_dir/deploy/torch.sh" >"$1" 2>&1 &
  started=$!
}
IsWhole() {
  [[ -f $work/cache/torch-9.1/torch/lib/libtorch_cpu.so && -f $work/cache/torch-9.1/torch/include/ATen/ATen.h &&
     -f $work/cache/torch-9.1/nvidia/cu13/lib/libone.so ]]
}
HasCuda() { [[ -f $work/cache/torch-9.1/nvidia/cu13/lib/libtwo.so && -f $work/cache/torch-9.1/nvidia/two/lib/libtwo_b.so ]]; }
# Neither a target nor anything temporary.
IsEmptyCache() { local left=("$work/cache"/torch-* "$work/cache"/.tmp-*); (( ${#left[@]} == 0 )); }
HasNoTemporary() { local left=("$work/cache"/.tmp-*); (( ${#left[@]} == 0 )); }
PipCalls() { wc -l <"$work/pip_calls" 2>/dev/null || echo 0; }

NewCase "a plain setup"
Deny Torch --check
Expect Torch
Expect IsWhole
Expect HasNoTemporary
Expect Torch --check
Expect test -f "$work/cache/torch-9.1/licenses/torch/LICENSE"
Deny test -e "$work/cache/torch-9.1/torch/lib/libtorch_python.so"
Deny test -e "$work/cache/torch-9.1/torch/nn"
Expect test "$(PipCalls)" = 2
Expect Torch
Expect test "$(PipCalls)" = 2
Deny HasCuda

NewCase "CUDA is added to what is there"
Expect Torch
Deny Torch --cuda --check
Expect Torch --cuda
Expect IsWhole
Expect HasCuda
Expect Torch --cuda --check
Expect Torch --check
Expect test "$(PipCalls)" = 3

NewCase "CUDA that fails leaves the CPU part as it was"
Expect Torch
rm "$work/server/nvidia_two-2.0-py3.whl"
Deny Torch --cuda
Expect IsWhole
Deny HasCuda
Deny test -e "$work/cache/torch-9.1/nvidia-cuda"
Expect HasNoTemporary
Expect Torch --check

NewCase "a wrong checksum"
MakeWheel "$work/server/nvidia_one-1.0-py3.whl" nvidia/cu13/lib/libevil.so
Deny Torch
ExpectSays "nvidia_one-1.0-py3.whl has the wrong checksum"
Expect IsEmptyCache

NewCase "a truncated download"
head -c 200 "$work/server/torch-9.1-cp311.whl" >"$work/short" && mv "$work/short" "$work/server/torch-9.1-cp311.whl"
Deny Torch
ExpectSays "wrong checksum"
Expect IsEmptyCache

NewCase "a damaged wheel that the lock itself names"
head -c 200 "$work/server/torch-9.1-cp311.whl" >"$work/short" && mv "$work/short" "$work/server/torch-9.1-cp311.whl"
WriteLock
Deny Torch
ExpectSays "could not unpack torch-9.1-cp311.whl"
Expect IsEmptyCache

NewCase "no network"
rm "$work/server/"*
Deny Torch
ExpectSays "could not fetch torch 9.1"
ExpectSays "torch==9.1  --platform manylinux_2_28_x86_64"
ExpectSays "FUSOR_WHEELS=DIR"
Expect IsEmptyCache

NewCase "wheels brought by hand, no network"
mkdir "$work/wheels" && mv "$work/server/"* "$work/wheels/"
FUSOR_WHEELS=$work/wheels Expect Torch --cuda
Expect IsWhole
Expect HasCuda
Expect test "$(find "$work/wheels" -name '*.whl' | wc -l)" = 3

NewCase "a disk that is too full to begin"
sed -i 's/^space cpu .*/space cpu 999999999/' "$work/lock"
Deny Torch
ExpectSays "MiB free, the cpu set of LibTorch 9.1 needs 999999999"
Expect IsEmptyCache

NewCase "a disk that fills up while unpacking"
Fake unzip <<'END'
while (( $# > 1 )); do shift; done
mkdir -p "$1/torch/lib" && echo half >"$1/torch/lib/libtorch_cpu.so"
echo "write error (disk full?)" >&2
exit 50
END
Deny Torch
ExpectSays "write error (disk full?)"
ExpectSays "Make room or set FUSOR_CACHE"
Expect IsEmptyCache

NewCase "a setup that is killed, and the next"
mkfifo "$work/gate" "$work/gate_open"
StartTorch "$work/output"
read -r _ <"$work/gate"
kill -9 "$started"
wait "$started" 2>/dev/null
# Its fake pip still waits at the gate; let go, it writes into what is left.
rm "$work/gate"
timeout 5 bash -c "echo go >'$work/gate_open'"
Deny test -e "$work/cache/torch-9.1"
Expect Torch
Expect IsWhole
Expect HasNoTemporary

NewCase "a setup that is interrupted"
mkfifo "$work/gate" "$work/gate_open"
StartTorch "$work/output"
read -r _ <"$work/gate"
rm "$work/gate"
kill -TERM "$started"
timeout 5 bash -c "echo go >'$work/gate_open'"
Deny wait "$started"
Expect IsEmptyCache

NewCase "two setups at once fetch once"
mkfifo "$work/gate" "$work/gate_open"
StartTorch "$work/first"
first=$started
read -r _ <"$work/gate"
rm "$work/gate"
StartTorch "$work/second"
second=$started
deadline=$((SECONDS + 20))
until grep -q "another setup is filling" "$work/second"; do
  (( SECONDS < deadline )) || { Fail "the second setup did not wait"; break; }
done
echo go >"$work/gate_open"
Expect wait "$first"
Expect wait "$second"
Expect IsWhole
Expect test "$(PipCalls)" = 2

NewCase "a lock file that changed"
Expect Torch
MakeWheel "$work/server/nvidia_one-1.0-py3.whl" nvidia/cu13/lib/libone.so nvidia/cu13/lib/libnew.so
WriteLock
Deny Torch --check
Expect Torch
Expect test -f "$work/cache/torch-9.1/nvidia/cu13/lib/libnew.so"
Expect HasNoTemporary

NewCase "a torch that is there"
mkdir -p "$work/given/torch/lib" "$work/given/torch/include/ATen"
touch "$work/given/torch/lib/libtorch_cpu.so"
FUSOR_TORCH=$work/given Expect Torch
FUSOR_TORCH=$work/given/torch Expect Torch --check
FUSOR_TORCH=$work/server Deny Torch
ExpectSays "has no lib/libtorch_cpu.so"
Deny test -e "$work/pip_calls"

# --- packages.sh -------------------------------------------------------------------------------------

Packages() { PATH=$work/bin:$PATH "$source_dir/deploy/packages.sh" "$@" >"$work/output" 2>&1; }

NewPackagesCase() {
  NewCase "$1"
  export FUSOR_PACKAGES=$work/packages FUSOR_OS_RELEASE=$work/os-release
  echo 'ID=debian' >"$work/os-release"
  cat >"$work/packages" <<END
build  shell      cmd:bash
build  first-dev  file:$work/installed/first-dev   # a comment
build  second-dev file:$work/installed/second-dev
lint   linter     file:$work/installed/linter
END
  rm -rf "$work/installed" && mkdir "$work/installed"
  Fake id <<<'echo 0'
  # Installs by touching a file; refuses what is named in $work/refused.
  : >"$work/refused"
  Fake apt-get <<END
echo "\$*" >>"$work/apt_calls"
[[ \$* == *install* ]] || exit 0
for package in "\$@"; do
  grep -qxF "\$package" "$work/refused" && { echo "E: Unable to locate package \$package" >&2; exit 100; }
done
for package in "\$@"; do [[ \$package == *-dev || \$package == linter ]] && touch "$work/installed/\$package"; done
exit 0
END
  rm -f "$work/apt_calls"
}

NewPackagesCase "packages of one group are installed"
Expect Packages build
Expect test -f "$work/installed/first-dev" -a -f "$work/installed/second-dev"
Deny test -e "$work/installed/linter"
rm "$work/apt_calls"
Expect Packages build
Deny test -e "$work/apt_calls"

NewPackagesCase "a refused package is named, the others are installed"
echo second-dev >"$work/refused"
Deny Packages build
ExpectSays "refused: second-dev"
ExpectSays "apt-get install second-dev"
Expect test -f "$work/installed/first-dev"

NewPackagesCase "another system"
echo 'ID=plan9' >"$work/os-release"
Deny Packages build lint
ExpectSays "not Debian"
ExpectSays "second-dev"
ExpectSays "linter"
Deny test -e "$work/apt_calls"

NewPackagesCase "neither root nor sudo"
Fake id <<<'echo 1000'
mkdir "$work/few"
for tool in bash sed grep env head sort uname tr dirname cat; do ln -s "$(command -v "$tool")" "$work/few/$tool"; done
PATH=$work/bin:$work/few Deny "$source_dir/deploy/packages.sh" build >"$work/output" 2>&1
ExpectSays "neither root nor sudo"
ExpectSays "As root: apt-get install first-dev second-dev"
rm -rf "$work/few"

NewPackagesCase "a tool that is too old"
Fake oldtool <<<'echo "oldtool version 3.24.9"'
echo "build oldtool-dev cmd:oldtool 3.25" >"$work/packages"
Deny Packages build
ExpectSays "still missing after installing: oldtool-dev (at least 3.25)"
Fake oldtool <<<'echo "oldtool version 3.25.1"'
Expect Packages build

if (( failures > 0 )); then echo "$failures failed"; exit 1; fi
echo "all passed"
