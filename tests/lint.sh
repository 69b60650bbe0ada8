#!/usr/bin/env bash
# What `make lint` and `make fmt` run.
#
#   tests/lint.sh BUILD_DIR   format, clang-tidy, cppcheck and shellcheck; exit 1 when one complains
#   tests/lint.sh --fix       formats every source in place
#
# clang-tidy reads trainer/ only where files changed since LINT_BASE (default: the upstream branch,
# else the commit before this one): one LibTorch file takes it a minute.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

Sources() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [[ -f $f ]] && echo "$f"; done; }
mapfile -t sources < <(Sources '*.h' '*.cc')

if [[ ${1:-} == --fix ]]; then
  clang-format -i "${sources[@]}"
  exit
fi
build=${1:?usage: tests/lint.sh BUILD_DIR | --fix}
failed=()

clang-format --dry-run -Werror "${sources[@]}" || failed+=(clang-format)

mapfile -t scripts < <(Sources '*.sh' .ci/run)
shellcheck "${scripts[@]}" || failed+=(shellcheck)

base=${LINT_BASE:-$(git merge-base HEAD '@{upstream}' 2>/dev/null || git rev-parse --verify -q HEAD~1)}
changed=$(git diff --name-only "${base:-HEAD}" -- trainer tests/trainer; git ls-files -o --exclude-standard -- trainer)
tidied=()
for file in "${sources[@]}"; do
  [[ $file == *.cc ]] || continue
  grep -qF "/$file\"" "$build/compile_commands.json" || continue
  if [[ $file == trainer/* || $file == tests/trainer/* || $file == tests/unit/trainer/* ]]; then
    grep -qxF "$file" <<<"$changed" || continue
  fi
  tidied+=("$file")
done
# A file is read again when it was compiled again since it last came out clean, which is when it or a
# header of it changed, or when the rules did: an interrupted run goes on where it was.
clean=$build/lint
mkdir -p "$clean"
declare -A object_of
while read -r object file; do object_of[${file#"$PWD"/}]=$object; done < <(
  sed -nE 's/^ *"command": ".* -o ([^ ]+) -c ([^ "]+)",?$/\1 \2/p' "$build/compile_commands.json")
unread=()
for file in "${tidied[@]}"; do
  stamp=$clean/${file//\//+}
  if [[ $stamp -nt $build/${object_of[$file]:-.} && $stamp -nt .clang-tidy && $stamp -nt $file ]]; then continue; fi
  unread+=("$file")
done
# g++ is the compiler: what an older clang cannot read (captured structured bindings) is no complaint.
Tidy() {
  local begun stamp=$2/${3//\//+}
  begun=$(date +%s)
  ! clang-tidy --quiet -p "$1" "$3" 2>/dev/null | grep -E '(warning|error):' | grep -v 'clang-diagnostic-error' || return 1
  touch -d "@$begun" "$stamp"
}
export -f Tidy
echo "clang-tidy: ${#tidied[@]} files, ${#unread[@]} of them to be read"
printf '%s\0' "${unread[@]}" | xargs -0 -r -n 1 -P "$(nproc)" bash -c 'Tidy "$@"' _ "$build" "$clean" ||
  failed+=(clang-tidy)

cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
  --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -I . -j "$(nproc)" \
  common coordinator worker client trainer tests || failed+=(cppcheck)

if (( ${#failed[@]} > 0 )); then echo "lint: failed: ${failed[*]}"; exit 1; fi
echo "lint: clean"
