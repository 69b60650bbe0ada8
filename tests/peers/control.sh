#!/usr/bin/env bash
# The same as control.py with grpcurl: lists services, submits, asks for the state, follows the events.
#
#   control.sh GRPCURL ADDRESS TOKEN SWEEP_FILE
set -euo pipefail
grpcurl=$1 address=$2 token=$3 sweep_file=$4

Fail() { echo "control.sh: $*" >&2; exit 1; }
# Call SERVICE.METHOD JSON
Call() { "$grpcurl" -plaintext -max-time 120 -H "authorization: Bearer $token" -d "$2" "$address" "fusor.v1.$1"; }
# Field NAME: the first value of a field in the JSON on standard input.
Field() { sed -nE "s/^ *\"$1\": *\"?([^\",]*)\"?,?$/\1/p" | awk 'NR == 1'; }

if "$grpcurl" -plaintext "$address" list >/dev/null 2>&1; then Fail "reflection answered without a token"; fi

services=$("$grpcurl" -plaintext -H "authorization: Bearer $token" "$address" list)
for service in SweepService TrialService ClusterService ArtifactService; do
  grep -qxF "fusor.v1.$service" <<<"$services" || Fail "$service is not listed"
done
"$grpcurl" -plaintext -H "authorization: Bearer $token" "$address" describe fusor.v1.SweepService.Submit

source=$(python3 -c 'import json, sys; print(json.dumps(open(sys.argv[1]).read()))' "$sweep_file")
request="{\"request_id\": \"grpcurl-$$-$RANDOM\", \"source\": $source}"
sweep=$(Call SweepService/Submit "$request" | Field sweep)
[[ $sweep =~ ^[1-9][0-9]*$ ]] || Fail "the sweep was refused"
[[ $(Call SweepService/Submit "$request" | Field sweep) == "$sweep" ]] || Fail "the same request id made a second sweep"
echo "submitted sweep $sweep"

# The stream stays open, since a finished sweep can be extended; grep's end ends it.
watched=$(mktemp)
trap 'rm -f "$watched"' EXIT
grep -q -m 1 SWEEP_STATE_FINISHED < <(Call SweepService/Watch "{\"sweep\": $sweep}" 2>/dev/null | tee "$watched") ||
  Fail "the event stream ended before the sweep did"
grep -q '"kind"' "$watched" || Fail "the stream brought no events"
echo "watched $(grep -c '"kind"' "$watched") events until the end"

state=$(Call SweepService/Get "{\"sweep\": $sweep}" | Field state)
[[ $state == SWEEP_STATE_FINISHED ]] || Fail "the sweep's state is $state"
echo "state: $state"
