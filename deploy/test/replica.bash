# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # lab and state are set where the words are loaded, or by the tests
# Words for the tests of a replicated machine, web, on the cluster lab, and for its caller outside. Loaded after lab.bash, never run.

# replica_setup_file WORD... - three nodes, and the machine as docs/replication.md has it; the words are for "lab vm".
replica_setup_file() {
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  "$lab" down
  "$lab" up 3 3>&-
  "$lab" wait 300
  "$lab" vm --replicated "$@" web 3>&-
  "$lab" wait 300
  rm -f "$BATS_FILE_TMPDIR"/{heard,moves.web,reverts.web}
  gcc -O2 -Wall -o "$BATS_FILE_TMPDIR/client" "${lab%/*}/../test/client.c"
  { grep -e '^property' -e '^primitive fence' "${lab%/*}/base.crm"; lines crm; } >"$BATS_FILE_TMPDIR/crm"
  "$lab" crm n1 configure load update - <"$BATS_FILE_TMPDIR/crm"
}

replica_setup() {
  state=/dev/shm/$HOLDFAST_LAB
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  fences_before=$(fences)
}

replica_teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || {
    for node in n1 n2 n3; do
      "$lab" exec "$node" sh -c 'crm_mon -1 -A | tail -n +9; holdfast vm replication web; tail -n 30 /var/log/holdfast/agent.log; grep -h -e web /var/log/pacemaker/pacemaker.log | grep -v -e cib_perform -e Diff | tail -n 12'
      evidence "$node"
    done
    stays web | tail -n 20
    # Answers without a seq that counts up: its disks stand still, or its console. No answers: the machine, or its network.
    grep -v '^A' "$BATS_FILE_TMPDIR/heard"
    tail -n 3 "$BATS_FILE_TMPDIR/heard" "$BATS_FILE_TMPDIR/datagrams"
  } 2>&1 || true
}

# qemu NODE COMMAND [HMP] - asks the machine's QEMU there over the socket that nobody else uses.
qemu() {
  local arguments=
  [ -z "${3:-}" ] || arguments=$(jq -nc --arg line "$3" '{arguments: {"command-line": $line}}' | sed 's/^{/,/; s/}$//')
  on "$1" /usr/lib/holdfast/holdfast-ask 3 /run/holdfast/vms/web/rescue.sock '{"execute":"qmp_capabilities"}' "{\"execute\":\"$2\"$arguments}" | tail -n +2 | cut -c 1-6000
}

# evidence NODE - what a QEMU is at whose guest does not get on: does it compute, what does it wait for, what do its disks hold back.
evidence() {
  local i command
  on "$1" test -S /run/holdfast/vms/web/rescue.sock || return 0
  echo "== QEMU on $1"
  for command in query-status query-blockstats query-block-jobs query-named-block-nodes; do qemu "$1" "$command"; done
  for i in 1 2 3; do qemu "$1" human-monitor-command 'info registers' | grep -o 'RIP=[0-9a-f]*\|HLT=.\|RFL=[0-9a-f]*' | tr '\n' ' '; done
  for i in 'info irq' 'info pic' 'info lapic' 'xp /64wx 0xfed00000' 'xp /16wx 0xfed00100' 'info network'; do qemu "$1" human-monitor-command "$i"; done
  on "$1" sh -c 'top -b -n 1 | head -n 12; tail -n 5 /run/holdfast/vms/web/qemu.log; ls -la /run/holdfast/vms/web; grep -a -v "^[SJ] " /run/holdfast/vms/web/console | tail -n 40; tail -c 400 /run/holdfast/vms/web/console'
}

# lines crm|pcs - what docs/replication.md says, as one line for each command.
lines() {
  awk -v word="$1" '
    $1 == "primitive" && word == "crm" || $1 == "pcs" && $2 == "resource" && word == "pcs" { inside = 1 }
    !NF || /^[^ ]/ { inside = 0 }
    inside { sub(/^ +/, ""); if (sub(/\\$/, "")) printf "%s", $0; else print }' "${lab%/*}/../../docs/replication.md"
}

alive() { for node in n1 n2 n3; do if on "$node" true 2>/dev/null; then echo "$node"; fi; done; }
first() { alive | head -n 1; }

# The console is on shared storage, whichever node lives.
console() { echo "/proc/$(cat "$state/switch.pid")/root$state/shared/console/$1"; }

# promoted - the node of which the cluster says that it is promoted there.
promoted() {
  local node
  # One that has just been switched on knows nothing yet.
  for node in $(alive); do
    on "$node" timeout 30 crm_mon -1 2>/dev/null | sed -n 's/^.*\* Promoted: \[ \(n[0-9]\) \]/\1/p' | grep . && return
  done
}
promoted_on() { [ "$(promoted)" = "$1" ]; }
promoted_elsewhere() { local node; node=$(promoted) && [ -n "$node" ] && [ "$node" != "$1" ]; }

# shown NODE FILTER - of "holdfast vm replication" there.
shown() { on "$1" timeout 30 holdfast vm replication web -o json 2>/dev/null | jq -r "$2"; }
protected() { [ "$(shown "$1" .state)" = protected ]; }
is_protected() { protected "$(promoted)"; }
epoch_after() { [ "$(shown "$1" .epoch)" -gt "$2" ]; }
# goes_on - epochs are committed on the primary's standby, and the guest writes on.
goes_on() {
  local node
  wait_until 180 "the machine has no standby" is_protected
  node=$(promoted)
  wait_until 120 "no epoch is committed" epoch_after "$node" "$(shown "$node" .epoch)"
  talks web
}
score() { attribute "$1" master-web; }
counts() { [ "$(score "$1")" -ge 100 ]; } 2>/dev/null
# standby_counts - pacemaker may promote the standby, whoever is it now: its agent has told it so, or the next monitor, which comes every 12 s.
standby_counts() { counts "$(shown "$(promoted)" .peer)"; }

# once - the guest's own account: it was booted once, and ran on one node at a time.
once() {
  one_at_a_time web
  [ "$(stays web | grep -c ' boot$')" -eq 1 ]
}
comes_back() { echo move >>"$BATS_FILE_TMPDIR/moves.web"; echo revert >>"$BATS_FILE_TMPDIR/reverts.web"; }

# client_begins - somebody outside with one TCP connection; "heard" has a line for each answer (client.c).
client_begins() {
  "$lab" outside "$BATS_FILE_TMPDIR/client" 192.168.88.1 7001 50000 "$1" >"$BATS_FILE_TMPDIR/heard" 2>&1 3>&- &
  wait_until 120 "the guest does not answer" heard_after 0
}
heard_after() { [ "$(tail -n 3 "$BATS_FILE_TMPDIR/heard" | sed -n 's/^A \([0-9]*\) .*/\1/p' | tail -n 1)" -gt "$1" ]; } 2>/dev/null

# gap US [FILE COLUMN] - seconds of the longest silence that ended after then.
gap() {
  awk -v from="$1" -v at="${3:-2}" '/^[A0-9]/ { if (before && $at > from && $at - before > most) most = $at - before; before = $at }
    END { printf "%.1f\n", most / 1000000 }' "${2:-$BATS_FILE_TMPDIR/heard}"
}

# answer_time - seconds, the median and the most but one in a hundred.
answer_time() {
  awk '$1 == "A" { print ($2 - $3) / 1000000 }' "$BATS_FILE_TMPDIR/heard" | sort -n |
    awk '{ v[NR] = $1 } END { printf "%.2f s, one in a hundred more than %.2f s\n", v[int((NR + 1) / 2)], v[int(NR * 0.99)] }'
}

# nothing_taken_back - it is still heard; one connection all the time, each question counted once, and the guest's counters never went back.
nothing_taken_back() {
  wait_until 240 "the client hears nothing" heard_after "$(($(now_ms) * 1000))"
  run -0 grep -v '^A' "$BATS_FILE_TMPDIR/heard"
  [[ $output =~ ^CONNECTED\ [0-9]+$ ]]
}
