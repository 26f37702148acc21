#!/usr/bin/env bats
# One cluster with two versions of QEMU: node n1 runs its machines on QEMU 10, n2 and n3 on the installed one. Only "deploy/test.sh --soak"
# runs it.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab
load ../replica

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfsoak} HOLDFAST_LAB_QEMU10=n1
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  "$lab" down
  "$lab" up 3 3>&-
  "$lab" wait 300
  "$lab" vm --group shop w1 w2 3>&-
  "$lab" vm --replicated --group shop web 3>&-
  "$lab" wait 300
  { sed /w3/d "${lab%/*}/base.crm"; lines crm; } >"$BATS_FILE_TMPDIR/crm"
  "$lab" crm n1 configure load update - <"$BATS_FILE_TMPDIR/crm"
  on n1 crm_resource --resource w2 --meta --set-parameter allow-migrate --parameter-value true >/dev/null
  state=/dev/shm/$HOLDFAST_LAB
  wait_until 240 "the machine does not run where its disks are" promoted_on n1
}
teardown_file() { "$lab" down; }
setup() {
  replica_setup
  wait_until 180 "not every machine runs where it should" settled
}
teardown() { replica_teardown; }

settled() { runs_on w1 n1 && runs_on w2 n2 && is_protected && no_marker; }
installed=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9]*\)[.].*/\1/p')
# version NODE VM - of the QEMU that runs it there, by its own account.
version() {
  on "$1" /usr/lib/holdfast/holdfast-ask 3 "/run/holdfast/vms/$2/rescue.sock" '{"execute":"qmp_capabilities"}' '{"execute":"query-version"}' |
    jq -r '.return.qemu.major // empty'
}
all_talk() { talks w1 w2 web; }

@test "each node runs what it has: QEMU 10 on n1, the installed one on the others" {
  [ "$(version n1 w1)" = 10 ]
  [ "$(version n2 w2)" = "$installed" ]
  promoted_on n1
  [ "$(version n1 web)" = 10 ]
}

@test "a checkpoint of both versions at one instant, and all go back to it" {
  all_talk
  checkpoint first
  on n1 holdfast checkpoint verify shop@first
  all_talk
  reverts w1 w2 web
  revert first
  all_talk
  one_at_a_time w1 w2 web
}

@test "a machine moves to the newer QEMU while it runs, is part of a checkpoint there, and moves back to the older one" {
  all_talk
  moves w2
  on n1 crm_resource --move --resource w2 --node n1
  wait_until 120 "w2 does not move" runs_on w2 n1
  [ "$(version n1 w2)" = 10 ]
  all_talk
  checkpoint on-the-newer
  moves w2
  on n1 crm_resource --clear --resource w2
  wait_until 120 "w2 does not move back" runs_on w2 n2
  [ "$(version n2 w2)" = "$installed" ]
  all_talk
  one_at_a_time w1 w2
}

@test "what the newer QEMU has saved is loaded by the older one" {
  all_talk
  reverts w1 w2 web
  revert on-the-newer
  runs_on w2 n2
  all_talk
  one_at_a_time w1 w2 web
}

@test "the primary's node dies: the replicated machine goes on from the newer QEMU on the older one, and back" {
  local old new
  old=$(promoted)
  new=$(shown "$old" .peer)
  wait_until 120 "the standby has no score" counts "$new"
  comes_back
  "$lab" crash "$old"
  wait_until 180 "it is not promoted on $new" promoted_on "$new"
  wait_until 180 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  goes_on
  [ "$(version "$new" web)" = "$installed" ]
  moves web
  if [ "$(shown "$new" .peer)" != n1 ] && [ "$new" != n1 ]; then
    on "$new" crm_resource --ban --resource web-clone --node "$(shown "$new" .peer)"
    wait_until 120 "n1 is not the standby" peer_is "$new" n1
  fi
  wait_until 120 "the standby has no score" standby_counts
  on "$new" holdfast vm switchover web
  wait_until 120 "it is not promoted on n1" promoted_on n1
  goes_on
  [ "$(version n1 web)" = 10 ]
  once
}
peer_is() { [ "$(shown "$1" .peer)" = "$2" ] && protected "$1"; }
