#!/usr/bin/env bash
# Builds fusor-train and the CUDA plug-in against the torch that this machine has and shows them on its GPU: a
# step in a forked child of the template; that losses are the CPU's; then images/s and model FLOP utilisation
# of the four networks, eager and as a CUDA graph, beside Python eager and torch.compile. Needs a compiler, CMake
# and a Python torch wheel; nothing is fetched. Without a GPU it builds, trains a little on the CPU and says so.
#
#   tests/gpu/run.sh [--build-only] [--parts child,check,eager,graph,peer,compile] [--networks NAME,...]
#                    [--batches 128,512] [--steps N] [--precision bf16]
#
# PYTHON       the Python whose torch it is (default python3)
# FUSOR_TORCH  another torch: a site-packages/torch or an unpacked LibTorch archive
# BUILD        the build's folder (default build/gpu);  JOBS: compilers at a time
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
build=${BUILD:-$source_dir/build/gpu}

Fail() { printf 'gpu: %s\n' "$@" >&2; exit 1; }

# Sets `torch` to the directory with lib/ and include/.
FindTorch() {
  torch=${FUSOR_TORCH:-}
  if [[ -z $torch ]]; then
    command -v "$python" >/dev/null || Fail "there is no $python: set PYTHON or FUSOR_TORCH"
    torch=$("$python" -c 'if True:
      import importlib.util
      spec = importlib.util.find_spec("torch")
      print(spec.submodule_search_locations[0] if spec else "")')
    [[ -n $torch ]] || Fail "$python has no torch: install the wheel, or set PYTHON or FUSOR_TORCH"
  fi
  if [[ -d $torch/torch/lib ]]; then torch=$torch/torch; fi
  [[ -f $torch/lib/libtorch_cpu.so ]] || Fail "$torch is no torch: it has no lib/libtorch_cpu.so"
}

# A toolkit's headers serve where the wheels bring none.
FindToolkit() {
  local nvcc
  nvcc=$(command -v nvcc || true)
  if [[ -z ${CUDA_HOME:-} && -n $nvcc ]]; then
    CUDA_HOME=$(cd "$(dirname "$(readlink -f "$nvcc")")/.." && pwd)
    export CUDA_HOME
  fi
}

# One for each core, no more than memory allows: a file that includes LibTorch takes 1.3 GiB.
Jobs() {
  local cores room
  cores=$(nproc)
  room=$(awk '/MemTotal/ { print int($2 / 1600000) }' /proc/meminfo)
  echo $((room < 1 ? 1 : room < cores ? room : cores))
}

Build() {
  local generator=() targets=(fusor-train)
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  mkdir -p "$build"
  cmake -S "$source_dir" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DFUSOR_TORCH="$torch" \
    -DFUSOR_SERVER=OFF -DFUSOR_TESTS=OFF -DFUSOR_WERROR=OFF >"$build/configure.log" 2>&1 ||
    { cat "$build/configure.log" >&2; Fail "could not be configured"; }
  grep -F 'CUDA plug-in' "$build/configure.log" || true
  if grep -qF 'CUDA plug-in: is built' "$build/configure.log"; then targets+=(fusor_cuda); fi
  cmake --build "$build" --target "${targets[@]}" -j "${JOBS:-$(Jobs)}" >"$build/build.log" 2>&1 ||
    { tail -n 40 "$build/build.log" >&2; Fail "could not be built; all of it: $build/build.log"; }
  echo "gpu: built ${targets[*]} against $torch"
}

build_only=0
if [[ ${1:-} == --build-only ]]; then build_only=1; shift; fi
FindTorch
FindToolkit
Build
if (( build_only )); then exit 0; fi
exec "$python" "$source_dir/tests/gpu/bench.py" "$build/bin/fusor-train" "$@"
