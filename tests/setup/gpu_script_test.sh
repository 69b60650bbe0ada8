#!/usr/bin/env bash
# Shows what tests/gpu/run.sh makes of the Python and the torch that it finds, with a CMake that only writes
# down how it was called.
#
#   gpu_script_test.sh SOURCE_DIR
set -uo pipefail
source_dir=$(cd "${1:?usage: gpu_script_test.sh SOURCE_DIR}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
unset FUSOR_TORCH PYTHON CUDA_HOME JOBS
export BUILD=$work/build CALLS=$work/calls

mkdir -p "$work/bin" "$work/site/torch/lib"
touch "$work/site/torch/lib/libtorch_cpu.so"
cat >"$work/bin/cmake" <<'END'
#!/usr/bin/env bash
echo "$*" >>"$CALLS"
if [[ $1 == -S ]]; then echo "-- $SAYS"; fi
if [[ $1 == --build && -n ${BREAKS:-} ]]; then echo "error: $BREAKS"; exit 1; fi
END
printf '#!/usr/bin/env bash\necho "%s"\n' "$work/site/torch" >"$work/bin/with_torch"
printf '#!/usr/bin/env bash\necho\n' >"$work/bin/without_torch"
chmod +x "$work/bin"/*

# Runs NAME=VALUE...: the script with these in its environment
Runs() {
  : >"$CALLS"
  env PATH="$work/bin:$PATH" "$@" "$source_dir/tests/gpu/run.sh" --build-only >"$work/output" 2>&1
}
Fail() { echo "FAILED: $*"; cat "$work/output" "$CALLS"; failures=$((failures + 1)); }
Says() { grep -qF -- "$1" "$work/output" || Fail "expected to read '$1'"; }
Called() { grep -qF -- "$1" "$CALLS" || Fail "expected a call with '$1'"; }

if Runs PYTHON=no_such_python; then Fail "no Python"; fi
Says "there is no no_such_python: set PYTHON or FUSOR_TORCH"

if Runs PYTHON=without_torch; then Fail "no torch"; fi
Says "without_torch has no torch"

if Runs FUSOR_TORCH="$work"; then Fail "a folder that is no torch"; fi
Says "$work is no torch"

Runs PYTHON=with_torch SAYS="CUDA plug-in: is built" || Fail "a torch with CUDA"
Called "-DFUSOR_TORCH=$work/site/torch -DFUSOR_SERVER=OFF -DFUSOR_TESTS=OFF"
Called "--target fusor-train fusor_cuda"

Runs FUSOR_TORCH="$work/site" SAYS="CUDA plug-in: is not built, there is no nccl.h" || Fail "a torch without headers"
Says "CUDA plug-in: is not built, there is no nccl.h"
Called "-DFUSOR_TORCH=$work/site/torch "
Called "--target fusor-train -j"

if Runs PYTHON=with_torch SAYS=nothing BREAKS="a semicolon is missing"; then Fail "a build that fails"; fi
Says "a semicolon is missing"
Says "could not be built"

if (( failures > 0 )); then exit 1; fi
echo "all as expected"
