#!/usr/bin/env bats
# What the fault campaign asks after each round (deploy/lib/faults/checks.bash), with answers that are made up: each judge has to find what it
# is there for. The campaign itself is in campaign.bats.
# shellcheck disable=SC2034,SC2154,SC2317  # variables of the file that is tested, and what it calls
bats_require_minimum_version 1.5.0

setup() {
  set -o pipefail
  . "$BATS_TEST_DIRNAME/../lib/faults/kinds.bash"
  . "$BATS_TEST_DIRNAME/../lib/faults/checks.bash"
  work=$BATS_TEST_TMPDIR state=$BATS_TEST_TMPDIR
  mkdir -p "$state/power"
  printf '12:00:00.000 %s\n' 'on n1' 'off n2' 'on n2' >"$state/power/log"
  fences_before=1 victim=n2 second='' second_victim=n3 kind=agent-kill operation=create operation_status=0
  replicated='' vms=(w1 w2 w3) counted=(w1 w2 w3)
  catalogue='{"checkpoints": []}' files='' verified='{"files": [{"state": "INTACT"}]}'
}

# What faults.sh and its other files do for it.
inside() { echo "$work/$1$2"; }
on() { shift && [ "$1" = find ] && printf '%s' "$files"; }
promoted() { echo "$primary"; }

answers_with() {
  printf '#!/bin/sh\nprintf "%%s\\n" "$*" >>"%s/asked"\nprintf "%%s" '\''%s'\''\n' "$work" "$1" >"$work/holdfast-ask"
  chmod +x "$work/holdfast-ask"
}
# the_agent_says - instead of asking one.
the_agent_says() {
  ask() {
    case $3 in
      checkpoint.list) echo "$catalogue" ;;
      checkpoint.verify) echo "$verified" ;;
      replica.show) echo "${shown[$1]}" ;;
      *) echo "$*" >>"$work/asked" ;;
    esac
  }
}

@test "an answer is one, an error is none, and neither is silence" {
  answers_with '{"progress": 1}
{"result": {"a": 1}}'
  run -0 --separate-stderr ask n1 5 vm.list
  [ "$output" = '{"a":1}' ]
  answers_with '{"error": {"code": "refused"}}'
  run -1 --separate-stderr ask n1 5 vm.list
  [[ $stderr == *refused* ]]
  answers_with ''
  run -1 --separate-stderr ask n1 5 vm.list
  [[ $stderr == *"no answer"* ]]
}

@test "a checkpoint is whole or gone" {
  the_agent_says
  operation_status=1
  whole_or_gone a
  files=/lab/shared/vms/w1.holdfast/snapshots/a.memory
  run -1 whole_or_gone a
  catalogue='{"checkpoints": [{"name": "a"}]}'
  whole_or_gone a 2>/dev/null
  verified='{"files": [{"state": "INTACT"}, {"state": "DAMAGED"}]}'
  run -1 whole_or_gone a
}

@test "what was called created is there, and what was called deleted is not" {
  the_agent_says
  run -1 whole_or_gone a
  catalogue='{"checkpoints": [{"name": "a"}]}'
  whole_or_gone a 2>/dev/null
  operation=delete
  run -1 whole_or_gone a
  catalogue='{"checkpoints": []}'
  whole_or_gone a
}

@test "a checkpoint is not gone where that cannot be seen" {
  the_agent_says
  operation_status=1
  on() { return 1; }
  run -1 whole_or_gone a
  on() { :; }
  whole_or_gone a
  ask() { return 1; }
  run -1 whole_or_gone a
}

@test "all have gone back, or none; and all if that was called done" {
  operation=revert
  count_back() { echo "$back"; }
  back=3 went_back_together
  back=2 run -1 went_back_together
  back=0 run -1 went_back_together
  operation_status=1
  back=0 went_back_together
  back=1 run -1 went_back_together
}

@test "the right node was fenced, and no other one" {
  kind='node-crash'
  right_fences
  victim=n3
  run -1 right_fences
  kind=agent-kill
  run -1 right_fences
  fences_before=2
  right_fences
  kind='node-crash'
  run -1 right_fences
  kind=link-slow
  right_fences
}

@test "a freeze is excused for the machine that was hit, and for no other one" {
  kind='node-hang'
  hits w2
  run -1 hits w1
  kind=agent-kill
  run -1 hits w2
  second=qemu-stop
  hits w3
  run -1 hits w2
  kind='node-crash' operation=migrate victim=n3
  hits w2
}

@test "a person decides where the node that had the only copy was fenced and has lost it, and nowhere else" {
  local -A shown=(
    [n1]='{"set": ["n2/late"], "copy": "n1/disks"}'
    [n2]='{"set": ["n2/late"], "copy": null}'
    [n3]='{"set": ["n2/late"], "copy": null}'
  )
  the_agent_says
  replicated=web operation=failover primary=''
  none_is_left
  [ "$lost $left" = "n2 n1" ]
  primary=n1
  run -1 none_is_left
  primary='' operation=create
  run -1 none_is_left
  operation=failover fences_before=2 # nobody was fenced: then its copy must still be there
  run -1 none_is_left
  fences_before=1 shown[n2]='{"set": ["n2/late"], "copy": "n2/late"}'
  run -1 none_is_left
  shown[n2]='{"set": ["n1/disks", "n2/late"], "copy": null}' shown[n1]=${shown[n2]}
  run -1 none_is_left
}

@test "a guest that has not been called again by one that has booted does not hear all others yet" {
  console() { echo "$work/console.$1"; }
  says() { printf 'S id=1 seq=9 mono_us=1 sent=2:1,3:1 recv=%s bad=0 reconnects=0 node=n1 #\r\n' "$1" >>"$work/console.w1"; }

  says 2:22405,3:7
  run ! hears_more w1 2:22405,3:7
  says 2:22405,3:9
  run ! hears_more w1 2:22405,3:7
  says 2:0,3:9
  run ! hears_more w1 2:22405,3:7
  says 2:4,3:9
  hears_more w1 2:22405,3:7
  rm "$work/console.w1" && : >"$work/console.w1"
  run ! hears_more w1 2:22405,3:7
}
