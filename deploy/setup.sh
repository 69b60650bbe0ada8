#!/usr/bin/env bash
# What `make setup` does, and what every other target asks for first: Debian's packages, then
# LibTorch. When all is there, a stamp makes it a matter of milliseconds.
#
#   deploy/setup.sh [--cuda] [--group GROUP]... [--stamp FILE]
#
# Environment: see packages.sh and torch.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
groups=(build)
torch_arguments=()
stamp=
while (( $# > 0 )); do
  case $1 in
    --cuda) torch_arguments=(--cuda) ;;
    --group) groups+=("${2:?--group needs a name}"); shift ;;
    --stamp) stamp=${2:?--stamp needs a file}; shift ;;
    *) echo "setup.sh: unknown argument '$1' (known: --cuda, --group, --stamp)" >&2; exit 2 ;;
  esac
  shift
done

Key() {
  echo "${groups[*]} ${torch_arguments[*]}"
  cat "$here/packages.txt" "$here/torch.lock"
}
key=$(Key | sha256sum | cut -d' ' -f1)

torch_is_there=0
if "$here/torch.sh" "${torch_arguments[@]}" --check; then torch_is_there=1; fi
if (( torch_is_there )) && [[ -n $stamp && $(cat "$stamp" 2>/dev/null) == "$key" ]]; then exit 0; fi

if (( ! torch_is_there )); then groups+=(fetch); fi
"$here/packages.sh" "${groups[@]}"
"$here/torch.sh" "${torch_arguments[@]}"
if [[ -n $stamp ]]; then
  mkdir -p "$(dirname "$stamp")"
  echo "$key" >"$stamp"
fi
