#!/usr/bin/env bats
# The long run: failovers of one replicated machine, of each kind in turn, with other faults in between and a caller outside who keeps one
# TCP connection. Only "deploy/test.sh --soak" runs it. HOLDFAST_FAILOVERS (default 50) is how many times the machine goes on elsewhere,
# HOLDFAST_FIRST the kind to begin with, HOLDFAST_RESULTS a file to which the rounds are added, so that the table covers several runs.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab
load ../replica

failovers=${HOLDFAST_FAILOVERS:-50}
kinds=(crash kill standby switchover crash hang agents kill crash cut-out switchover crash kill cut-in crash hang cut switchover)

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfsoak}
  replica_setup_file --output-commit
}
teardown_file() { "$lab" down; }
setup() { replica_setup; }
teardown() { replica_teardown; }

# Each of these does it, and returns when the cluster has answered; old is the primary, new its standby, elsewhere says whether it moves.
do_crash() { "$lab" crash "$old"; }
do_kill() { on "$old" sh -c 'kill -9 $(cat /run/holdfast/vms/web/pid)'; }
do_hang() { on "$old" sh -c 'kill -STOP $(cat /run/holdfast/vms/web/pid)'; }
do_switchover() { on "$old" holdfast vm switchover web >/dev/null; }
do_standby() { "$lab" crash "$new"; }
do_agents() {
  local here there
  here=$(agent_pid "$old") there=$(agent_pid "$new")
  on "$old" kill -9 "$here" && on "$new" kill -9 "$there"
}
do_cut-out() { "$lab" cut "$old" "$new"; }
do_cut-in() { "$lab" cut "$new" "$old"; }
do_cut() { do_cut-out && do_cut-in; }
heal() {
  local one other
  for one in n1 n2 n3; do for other in n1 n2 n3; do "$lab" heal "$one" "$other" 2>/dev/null || true; done; done
}
do_refused() {
  # Pacemaker takes it from the primary for a node that may not have it.
  on "$third" crm_attribute --promotion=web --node "$third" --update INFINITY
  wait_until 30 "$third was not refused" refused
  wait_until 60 "it is not promoted any more" promoted_elsewhere "$third"
  on "$third" crm_resource --cleanup --resource web --node "$third" >/dev/null 2>&1
}
refused() { on "$third" crm_mon -1 | grep -q "web promote on $third returned 'error'"; }
seconds_since() { awk -v ms=$(($(now_ms) - $1)) 'BEGIN { printf "%.1f\n", ms / 1000 }'; }

# ready - all is well: old is the primary, new its standby.
ready() {
  wait_until 90 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  wait_until 60 "the machine has no standby" is_protected
  old=$(promoted)
  new=$(shown "$old" .peer)
  third=$(tr -d "$old$new" <<<n123 | sed 's/^/n/')
  wait_until 30 "the standby has no score" counts "$new"
}

# strike KIND - does it, and waits until the machine is where it belongs and gets on.
strike() {
  began=$(now_ms)
  case $1 in switchover) echo move >>"$BATS_FILE_TMPDIR/moves.web" ;; crash | kill | hang | refused) comes_back ;; esac
  "do_$1"
  case $1 in
    crash | kill | hang | switchover)
      wait_until 90 "it is not promoted on $new" promoted_on "$new"
      moved=$((moved + 1))
      ;;
    refused) moved=$((moved + 1)) ;;
    *) wait_until 20 "it is not promoted on $old any more" promoted_on "$old" ;;
  esac
  talks web
}

# client_goes_on - it hears something new. In the first two seconds that may be what was on its way.
client_goes_on() { wait_until 90 "the client hears nothing any more" heard_after $((began * 1000 + 2000000)); }

# one KIND - a whole round, with its figures.
one() {
  local old new third began protected_s
  ready
  nothing_taken_back
  strike "$1"
  client_goes_on
  wait_until 60 "it is not protected again" is_protected
  protected_s=$(seconds_since "$began")
  heal
  goes_on
  once
  nothing_taken_back
  echo "$1 $(gap "$((began * 1000))" "$BATS_FILE_TMPDIR/datagrams" 1) $(gap "$((began * 1000))") $protected_s" >>"$rounds"
  echo "# $(date +%T) $moved $1 of $old, standby $new: $(tail -n 1 "$rounds" | awk '{ print "silence " $2 " s (TCP " $3 " s), protected after " $4 " s" }')" >&3
}

# table - of all rounds: kind, how many, and p50/max of the three figures.
table() {
  sort -k 1,1 "$1" | awk '
    function figure(column, n, i, j, t, v) {
      n = 0
      for (i = 1; i <= count; i++) v[++n] = row[i, column]
      for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      return sprintf("%5.1f / %5.1f", v[int((n + 1) / 2)], v[n])
    }
    function ends() { if (count) printf "# %-11s %3d  %s  %s  %s\n", kind, count, figure(2), figure(3), figure(4); count = 0 }
    $1 != kind { ends(); kind = $1 }
    { count++; for (c = 2; c <= 4; c++) row[count, c] = $c }
    BEGIN { print "# kind        times silence p50/max  TCP p50/max  protected again p50/max, seconds" }
    END { ends() }'
}

@test "failovers in a row: nothing that a client has seen is taken back, one node at a time, memory and disks agree" {
  local moved=0 nth=0 rounds=${HOLDFAST_RESULTS:-$BATS_FILE_TMPDIR/rounds}
  gcc -O2 -o "$BATS_FILE_TMPDIR/caller" "${lab%/*}/../lib/bench/caller.c"
  wait_until 60 "it is not promoted" promoted_on n1
  goes_on
  client_begins 90
  # Somebody else, whose questions do not wait for earlier ones: how long the guest is silent.
  "$lab" outside "$BATS_FILE_TMPDIR/caller" 192.168.88.1 7001 50000 >"$BATS_FILE_TMPDIR/datagrams" 2>&1 3>&- &
  while [ "$moved" -lt "$failovers" ]; do
    one "${kinds[$(((nth + ${HOLDFAST_FIRST:-0}) % ${#kinds[@]}))]}"
    nth=$((nth + 1))
  done
  echo "# $moved failovers, $nth rounds, $(grep -c '^A' "$BATS_FILE_TMPDIR/heard") answers on one connection, in $(answer_time)" >&3
  table "$rounds" >&3
  run -0 grep -c HLT= <(evidence "$(promoted)")
}

@test "without output commit a client has seen what is taken back; the machine goes on, and takes another connection" {
  local old new third began moved=0
  replica_setup_file
  wait_until 60 "it is not promoted" promoted_on n1
  goes_on
  client_begins 10
  while [ "$moved" -lt 3 ]; do
    ready
    strike crash
    client_goes_on
    goes_on
    once
    echo "# crash of $old: silence for the client $(gap $((began * 1000))) s; $(grep -v '^A' "$BATS_FILE_TMPDIR/heard" | tail -n +2 | cut -d ' ' -f 1,3- | tr '\n' ';')" >&3
  done
  echo "# answers in $(answer_time)" >&3
  # Had nothing been taken back, output commit would be for nothing.
  grep '^BACK' "$BATS_FILE_TMPDIR/heard"
}

@test "nobody calls: the guest goes on of its own, with no packet that would wake it" {
  local old new third began moved=0 kinds=(crash refused kill switchover)
  replica_setup_file
  wait_until 60 "it is not promoted" promoted_on n1
  goes_on
  while [ "$moved" -lt $(((failovers + 2) / 3)) ]; do
    ready
    strike "${kinds[$((moved % ${#kinds[@]}))]}"
    goes_on
    once
  done
  echo "# $moved failovers" >&3
}
