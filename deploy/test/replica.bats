#!/usr/bin/env bats
# A replicated machine under a real corosync and pacemaker with fencing, on three nodes of the lab with disks of their own. The
# resource is what docs/replication.md shows, word for word. One guest, one console and one caller outside for all tests: they follow
# each other. It goes on on another node five times.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load lab
load replica

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfreplica}
  replica_setup_file --output-commit
}
teardown_file() { "$lab" down; }
setup() { replica_setup; }
teardown() { replica_teardown; }

@test "the lines for crm and for pcs make the same resource" {
  local packages
  packages=$(. "${lab%/*}/../lib/packages.sh" && pcs_modules)
  on n1 cibadmin --query --scope resources >"$BATS_TEST_TMPDIR/crm.xml"
  on n1 sh -c 'cibadmin --empty >/root/empty.xml; ln -s "$1" /usr/share/pcs' sh "${packages%%/pcs/*}/pcs/usr/share/pcs"
  lines pcs | while read -r _ words; do
    # shellcheck disable=SC2086  # words
    on n1 env PYTHONPATH="$packages" /usr/bin/python3 -c 'import sys; from pcs import app; app.main(sys.argv[1:])' -f /root/empty.xml $words
  done
  on n1 cat /root/empty.xml >"$BATS_TEST_TMPDIR/pcs.xml"
  # pcs adds the operations that are not named, as the metadata has them.
  comm -23 <(essence "$BATS_TEST_TMPDIR/crm.xml") <(essence "$BATS_TEST_TMPDIR/pcs.xml") | tee "$BATS_TEST_TMPDIR/missing"
  [ ! -s "$BATS_TEST_TMPDIR/missing" ]
  [ "$(essence "$BATS_TEST_TMPDIR/crm.xml" | wc -l)" -ge 10 ]
}
# essence FILE - each element of the clone without its id, its attributes in order.
essence() {
  sed -n '/<clone /,/<\/clone>/p' "$1" | grep -o '<\(clone\|primitive\|op\|nvpair\) [^>]*' | sed 's/ *\/$//' | while read -r element words; do
    echo "$element $(grep -o '[a-z-]*="[^"]*"' <<<"${words/interval=\"0\"/interval=\"0s\"}" | grep -v '^id="[^"]*-' | sort | tr '\n' ' ')"
  done | sort
}

@test "it is promoted where its disks are, a standby is made on another node, epochs advance, and crm_mon shows it" {
  wait_until 180 "it is not promoted" promoted_on n1
  goes_on
  client_begins 300 # TCP asks again after a silence of twice as long as the one before
  on n1 holdfast vm replication web
  local standby
  standby=$(shown n1 .peer)
  wait_until 120 "the standby has no score" counts "$standby"
  wait_until 120 "crm_mon does not show the primary" shows n1 holdfast-replica-web "^primary, standby $standby, last epoch under"
  wait_until 120 "crm_mon does not show the standby" shows "$standby" holdfast-replica-web '^standby of n1, last epoch under'
  on n1 crm_mon -1 -A | tail -n +9
  once
  nothing_taken_back
  no_failures
  nobody_fenced
}

@test "the agent of the primary is killed: nothing happens" {
  local old pid
  old=$(agent_pid n1)
  pid=$(on n1 cat /run/holdfast/vms/web/pid)
  on n1 kill -9 "$old"
  wait_until 120 "no new agent on n1" agent_answers n1
  goes_on
  [ "$(on n1 cat /run/holdfast/vms/web/pid)" = "$pid" ]
  promoted_on n1
  once
  nothing_taken_back
  no_failures
  nobody_fenced
}

@test "switched over: it goes on at the standby and loses nothing, and no constraint is left" {
  local to
  to=$(shown n1 .peer)
  on n1 holdfast vm switchover web --dry-run
  echo move >>"$BATS_FILE_TMPDIR/moves.web"
  on n1 holdfast vm switchover web
  wait_until 120 "pacemaker does not see it on $to" promoted_on "$to"
  goes_on
  # The standby that was the primary is watched without any program, but for the moment in which a change of its score is told.
  wait_until 180 "a program is needed to watch the standby" watched_without_programs n1
  once
  nothing_taken_back
  run -1 grep -e cli-prefer -e cli-ban <(on n1 cibadmin --query --scope constraints)
  no_failures
  nobody_fenced
}
watched_without_programs() {
  on "$1" env PATH=/none OCF_FUNCTIONS_DIR=/none OCF_RESKEY_vm=web OCF_RESKEY_CRM_meta_interval=11000 \
    /bin/sh /usr/lib/ocf/resource.d/holdfast/vm monitor
}

@test "the primary's node dies: it goes on at the standby from an epoch, the third node becomes the standby" {
  local old new
  old=$(promoted)
  new=$(shown "$old" .peer)
  wait_until 120 "the standby has no score" counts "$new"
  "$lab" hold "$old"
  comes_back
  "$lab" crash "$old"
  wait_until 180 "it is not promoted on $new" promoted_on "$new"
  wait_until 120 "no other standby is made" seeds "$new"
  echo "$old" >"$BATS_FILE_TMPDIR/old"
  "$lab" unhold "$old"
  "$lab" on "$old"
  goes_on
  once
  nothing_taken_back
}
seeds() { shown "$1" .state | grep -q -e seeding -e protected; }

@test "a node with an older copy is refused, and says why; the machine goes on where it may" {
  local old
  old=$(cat "$BATS_FILE_TMPDIR/old")
  wait_until 180 "$old does not come back" takes_part "$old"
  wait_until 120 "the standby has no score" standby_counts
  comes_back
  on "$old" crm_attribute --promotion=web --node "$old" --update INFINITY
  wait_until 120 "it was not refused" refused "$old"
  wait_until 120 "it is not promoted any more" promoted_elsewhere "$old"
  goes_on
  once
  nothing_taken_back
  on "$(first)" crm_mon -1 | sed -n '/Failed/,$p'
  on "$old" crm_resource --cleanup --resource web --node "$old" >/dev/null 2>&1
}
takes_part() { [ "$(shown "$1" .started)" = true ] && [ "$(shown "$1" .state)" = out ]; }
refused() { on "$(first)" crm_mon -1 | grep -q "web promote on $1 returned 'error'.*\(OUT_OF_SYNC\|COPY_REPLACED\)"; }

@test "the primary's node dies once more, then its QEMU: it goes on, is protected again, and a client has noticed nothing but silence" {
  local old new
  old=$(promoted)
  new=$(shown "$old" .peer)
  comes_back
  "$lab" crash "$old"
  wait_until 180 "it is not promoted on $new" promoted_on "$new"
  goes_on
  wait_until 120 "the standby has no score" standby_counts
  comes_back
  on "$new" sh -c 'kill -9 $(cat /run/holdfast/vms/web/pid)'
  wait_until 180 "it is still promoted on $new" promoted_elsewhere "$new"
  goes_on
  once
  nothing_taken_back
  stays web
  [ "$(fences)" -eq 2 ]
}
