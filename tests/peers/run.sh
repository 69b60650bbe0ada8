#!/usr/bin/env bash
# Live comparisons with other people's programs (`make peers`): generic gRPC clients drive a real
# coordinator and worker; Python's torch and torchvision are held against the trainer's models, files and
# augmentation. Needs a network the first time: pip fetches requirements*.txt (with torch, some gigabytes)
# into virtual environments in the cache, go builds grpcurl there.
#
#   tests/peers/run.sh BUILD_DIR
#
# GRPCURL   a grpcurl that is there (else PATH, else `go install`, else its part is skipped by name)
set -uo pipefail
build=$(cd "${1:?usage: tests/peers/run.sh BUILD_DIR}" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${FUSOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fusor}
grpcurl_version=v1.9.3
passed=0 failed=0 skipped=0

work=$(mktemp -d)
started=()
CleanUp() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap CleanUp EXIT

Fail() { echo "peers: $*" >&2; exit 1; }

# Run NAME COMMAND...: one comparison
Run() {
  local name=$1
  shift
  echo "--- $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "peers: $name failed"; fi
}

# MakeEnvironment FILE [PIP_OPTION...]: sets `environment` to the virtual environment of a requirements
# file; whole or absent, like the LibTorch cache.
MakeEnvironment() {
  local file=$here/$1
  shift
  environment=$cache/peers-$(sha256sum "$file" | cut -c1-16)
  mkdir -p "$cache"
  exec 9>"$cache/.lock-peers"
  flock 9
  if [[ ! -e $environment/.complete ]]; then
    rm -rf "$environment"
    if ! python3 -m venv "$environment" ||
        ! "$environment/bin/pip" install --quiet --disable-pip-version-check "$@" -r "$file"; then
      Fail "could not make $environment: see above; a network is needed once"
    fi
    touch "$environment/.complete"
  fi
  flock -u 9
}

# Sets `grpcurl`, or leaves it empty and says why.
FindGrpcurl() {
  local built=$cache/grpcurl-$grpcurl_version/grpcurl
  grpcurl=${GRPCURL:-$(command -v grpcurl)}
  [[ -z $grpcurl && -x $built ]] && grpcurl=$built
  [[ -n $grpcurl ]] && return
  if ! command -v go >/dev/null; then
    missing="neither GRPCURL, nor grpcurl on PATH, nor go to build it"
    return
  fi
  mkdir -p "$work/go"
  if GOBIN=$work/go go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$grpcurl_version"; then
    mkdir -p "$(dirname "$built")" && mv "$work/go/grpcurl" "$built" && grpcurl=$built
  else
    missing="go could not build grpcurl $grpcurl_version"
  fi
}

# WaitFor FILE PID: until the file is there; fails when the process ends first or a minute passes
WaitFor() {
  local deadline=$((SECONDS + 60))
  until [[ -e $1 ]]; do
    kill -0 "$2" 2>/dev/null || { cat "$work"/*.log; Fail "the program that should write $1 ended"; }
    (( SECONDS < deadline )) || { cat "$work"/*.log; Fail "no $1 after a minute"; }
    read -r -t 0.05 _ <>"$work/never"
  done
}

StartCluster() {
  mkfifo "$work/never"
  "$build/bin/fusord" --data "$work/data" --listen 127.0.0.1:0 >"$work/fusord.log" 2>&1 &
  started+=($!)
  WaitFor "$work/data/endpoint" $!
  address=$(sed -n 's/^grpc=//p' "$work/data/endpoint")
  token=$(cat "$work/data/token")
  "$build/bin/fusor-worker" --coordinator "$address" --token-file "$work/data/token" \
    --data "$work/worker" --device cpu --slots 2 >"$work/worker.log" 2>&1 &
  started+=($!)
}

MakeEnvironment requirements.txt
FindGrpcurl
StartCluster
Run "Python grpcio" "$environment/bin/python" "$here/control.py" "$address" "$token" "$here/sweep.yaml"
if [[ -n $grpcurl ]]; then
  Run "grpcurl" "$here/control.sh" "$grpcurl" "$address" "$token" "$here/sweep.yaml"
else
  echo "--- grpcurl: skipped: $missing"
  skipped=$((skipped + 1))
fi
MakeEnvironment requirements_torch.txt --no-deps
Run "Python's torch, safetensors and NumPy, files" \
  "$environment/bin/python" "$here/files.py" compare "$build/bin/trainer_peer_files"
Optimizers() {
  "$environment/bin/python" "$here/optimizers.py" "$work/optimizers.txt" &&
    cmp "$work/optimizers.txt" "$here/../trainer/recorded/optimizers.txt" &&
    "$build/bin/trainer_optimizer_test" --gtest_brief=1 --gtest_filter='*EqualsPythonsTorch*'
}
Run "PyTorch: optimisers" Optimizers
Run "PyTorch: networks and fusions" "$environment/bin/python" "$here/networks_live.py" "$build/bin/trainer_subject"
Run "torchvision on Pillow images: augmentation" "$environment/bin/python" "$here/augment.py" "$build/bin/peer_augment"
(( failed == 0 )) || tail -n 20 "$work"/*.log
line="$passed passed, $failed failed"
if (( skipped > 0 )); then line+=", $skipped skipped"; fi
echo "$line"
(( failed == 0 ))
