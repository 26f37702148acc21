# shellcheck shell=bash disable=SC2154,SC2034  # variables of faults.sh
# What has to hold after each fault, seen from outside: consoles of the guests, what QEMU tells, files, the cluster. Sourced by
# faults.sh, never run. Needs lab.bash and replica.bash.

# ask NODE SECONDS COMMAND [ARGUMENTS] - of the agent there, over its socket: the command line would start a JVM each time. Prints what
# it answers; false if that is an error, or nothing.
ask() {
  local answer
  answer=$("$work/holdfast-ask" "$2" "$(inside "$1" /run/holdfast/agent.sock)" \
    "{\"id\": 1, \"command\": \"$3\", \"arguments\": ${4:-{\}}}" 2>&1 | grep -v '"progress"' | tail -n 1)
  # An old jq calls nothing a success.
  { [ -n "$answer" ] && jq -ce '.result // empty' <<<"$answer" 2>/dev/null; } || { echo "$3 on $1: ${answer:-no answer}" >&2 && false; }
}
at_shop() { printf '{"group": "shop", "name": "%s"}' "$1"; }
# checkpoint_on NODE NAME
checkpoint_on() { ask "$1" 60 checkpoint.create "{\"group\": \"shop\", \"name\": \"$2\", \"wait\": true}"; }
leader() { ask n1 5 cluster.status 2>/dev/null | jq -r .leader; }
replica_field() { ask "$1" 5 replica.show '{"vm": "web"}' 2>/dev/null | jq -r "$2"; }

# settled - nothing is left to be done: who belongs where is there, and nothing stands still. What costs least is looked at first.
settled() {
  local seen primary
  nobody_stands_still && no_rounds || return 1
  seen=$(on n1 timeout 5 crm_mon -1 2>/dev/null) || return 1
  primary=''
  [ -z "$replicated" ] || primary=$(sed -n 's/^.*\* Promoted: \[ \(n[0-9]\) \]/\1/p' <<<"$seen")
  [[ $seen == *"partition with quorum"* && $seen == *"Online: [ n1 n2 n3 ]"* && $seen != *"(Blocked)"* && $seen != *FAILED* ]] &&
    at_home_in "$seen" w1 n1 && at_home_in "$seen" w2 n2 &&
    if [ -n "$replicated" ]; then [ -n "$primary" ] && [ "$(replica_field "$primary" .state)" = protected ]; else at_home_in "$seen" w3 n3; fi &&
    answers n1 && answers n2 && answers n3
}
# settled_at_leisure - for who asks again and again: the processes that it takes keep the cluster from what it waits for.
settled_at_leisure() {
  settled || {
    [ "$decided" = true ] || [ $(($(now_ms) - ended)) -lt 30000 ] || ! none_is_left || decide
    sleep 0.3 && false
  }
}
# none_is_left - the primary's process was ended, and the other node was lost when it had become the next primary and had the only copy
# that counts: its node is back, and that copy is not. Sets lost (the node) and left (the one that has disks).
none_is_left() {
  local node set
  [ -n "$replicated" ] && [[ $operation =~ ^(failover|cold|node-loss)$ ]] && [ -z "$(promoted)" ] || return 1
  set=$(replica_field n1 '.set | join(" ")') && [[ $set == n?/* && $set != *" "* ]] || return 1
  lost=${set%%/*} left=''
  [[ " $(newly_fenced) " == *" $lost "* ]] || return 1
  [[ $(replica_field "$lost" '.copy // "none"') =~ ^(none|n./.*)$ && ${BASH_REMATCH[1]} != "$set" ]] || return 1
  for node in n1 n2 n3; do
    [ $node = "$lost" ] || [[ $(replica_field $node '.copy // "none"') != n?/* ]] || left=$node
  done
  [ -n "$left" ]
}
# decide - as a person does then (docs/replication.md, "When no member of the set is left"): no agent guesses. The node whose copy shall
# not count is switched off first, which proves that nothing runs there.
decide() {
  on "$left" timeout 60 stonith_admin --fence "$lost" || return 1
  ask "$left" 60 replica.resync "{\"vm\": \"web\", \"discard_node\": \"$lost\"}" >>"$work/claims" 2>&1 && decided=true
  "$lab" on "$lost"
  moves w2 w2
}
# at_home_in SEEN VM NODE - crm_mon says so, and its only process is there.
at_home_in() { grep -q "\* $2"$'\t'".*Started $3" <<<"$1" && [ "$(processes "$2")" = "$3" ]; }
no_rounds() { ask n1 5 cluster.status 2>/dev/null | jq -e '.rounds == [] and .store == "connected" and ([.nodes[] | select(.online)] | length) == 3' >/dev/null; }
answers() { ask "$1" 5 vm.list >/dev/null 2>&1; }
# nobody_stands_still - of those that no epoch stops.
nobody_stands_still() {
  local node vm
  for node in n1 n2 n3; do for vm in w1 w2 w3; do [ ! -e "$(inside $node /run/holdfast/vms/$vm/frozen)" ] || return 1; done; done
}

# events VM - what its QEMU has told so far.
events() { echo "$(console "$1").events"; }
remember_events() {
  local vm
  for vm in "${vms[@]}"; do
    told["$vm"]=$(stat -c %s "$(events "$vm")" 2>/dev/null || echo 0)
    said["$vm"]=$(size "$vm")
  done
}
# stood_still VM - the longest time in ms between a STOP and the RESUME after it, or its end, since remember_events. Not for a disk
# that is full: then QEMU itself stops its guest.
stood_still() {
  tail -c "+$((${told[$1]} + 1))" "$(events "$1")" 2>/dev/null |
    jq -rR 'fromjson? | "\(.timestamp.seconds * 1000 + (.timestamp.microseconds / 1000 | floor)) \(.event) \(.data.action? // "")"' |
    awk '
      $2 == "BLOCK_IO_ERROR" && $3 == "stop" { its_own = 1 }
      $2 == "STOP" { if (!since && !its_own) since = $1; its_own = 0 }
      $2 == "RESUME" || $2 == "SHUTDOWN" {
        stood = $1 - since
        if (stood > 3000000) stood -= 3600000 # the clock was set
        if (stood < -3000000) stood += 3600000
        if (since && stood > most) most = stood
        since = its_own = 0
      }
      END { print most + 0 }'
}

# listed NAME, unlisted NAME - in the catalogue; neither if that cannot be asked. intact NAME - all its files. gone NAME - no file of it is
# left on any node either.
listed() { ask n1 10 checkpoint.list '{"group": "shop"}' | jq -e --arg name "$1" 'any(.. | objects; .name? == $name)' >/dev/null; }
unlisted() { ask n1 10 checkpoint.list '{"group": "shop"}' | jq -e --arg name "$1" 'all(.. | objects; .name? != $name)' >/dev/null; }
intact() { ask n1 120 checkpoint.verify "$(at_shop "$1")" | tee -a /dev/stderr | jq -e 'all(.files[]; (.state | ascii_downcase) == "intact")' >/dev/null; }
gone() {
  local node found
  unlisted "$1" || return 1
  for node in n1 n2 n3; do
    found=$(on "$node" find /lab/shared/vms /srv/vms -path '*/lost/*' -prune -o -name "*$1*" -print) || return 1
    [ -z "$found" ] || { echo "$node: $found" && return 1; }
  done
}
# whole_or_gone NAME - and as whoever asked for it was told.
whole_or_gone() {
  case $operation-$operation_status in
    create-0) listed "$1" && intact "$1" ;;
    delete-0) gone "$1" ;;
    *) if listed "$1"; then intact "$1"; else gone "$1"; fi ;;
  esac
}
# in_order NODE - fsck has nothing to say but what it says of a machine that is another node's, or in use.
in_order() {
  ask "$1" 60 node.fsck | tee -a /dev/stderr |
    jq -e 'all(.rows[]; .kind == "lost" or .kind == "passed" or (.text | test("runs on another node|holdfast is missing; is its file")))' >/dev/null
}
all_in_order() {
  local node lookers=()
  for node in n1 n2 n3; do
    in_order $node &
    lookers+=($!)
  done
  wait "${lookers[0]}" && wait "${lookers[1]}" && wait "${lookers[2]}"
}

# all_talk - each guest writes on.
all_talk() {
  local vm
  local -A before
  for vm in "${vms[@]}"; do before[$vm]=$(size "$vm"); done
  for vm in "${vms[@]}"; do wait_until 60 "guest $vm says nothing" grown "$vm" $((before[$vm] + 400)) || return 1; done
}

# all_hear - each guest that talks receives more from each other one: who has booted is called again only after a while, and until then the
# others hold a connection to the life before, which nothing can bring back.
all_hear() {
  local vm
  local -A before
  for vm in "${vms[@]}"; do before[$vm]=$(heard "$vm"); done
  for vm in "${vms[@]}"; do wait_until 60 "guest $vm does not hear all others" hears_more "$vm" "${before[$vm]}" || return 1; done
}
heard() { tail -c 4000 "$(console "$1")" | sed -n 's/^S .* recv=\([0-9:,]*\) .*#.*$/\1/p' | tail -n 1; }
# hears_more VM COUNTS - than these: "1:23,3:45". A connection that is new counts from zero.
hears_more() {
  heard "$1" | awk -F , -v before="$2" '{ split(before, was); for (i = 1; i <= NF; i++) if ($i != was[i] && $i !~ /:0$/) more++ } END { exit NF == 0 || more < NF }'
}

# went_back_together - since going_back, all of the group have gone back, or none, and all if whoever asked for it was told so. The replicated machine counts unless it may go back an
# epoch by itself.
going_back() { back_before=$(went_back "${counted[@]}"); }
went_back_together() {
  local changed
  changed=$(count_back)
  [ "$changed" -eq "${#counted[@]}" ] || { [ "$changed" -eq 0 ] && [ "$operation_status" -ne 0 ]; }
}
count_back() { diff <(echo "$back_before") <(went_back "${counted[@]}") | grep -c '^>' || true; }
all_went_back() { [ "$(count_back)" -eq "${#counted[@]}" ]; }

# all_were_up - none was still booting at the cut: it has nothing to say then.
all_were_up() {
  local vm
  for vm in "${vms[@]}"; do tail -c "+$((${said[$vm]} + 1))" "$(console "$vm")" | grep -aq '^J .*#' || return 1; done
}
# one_cut - where all went back to is one instant, of memories and disks and of what was on its way between the guests: what they have
# said of it themselves since remember_events. Only plain machines talk. A connection goes on when TCP sends again what was lost.
one_cut() { wait_until 60 "the guests were not brought back to one instant" whole_cut; }
whole_cut() {
  local vm
  for vm in "${vms[@]}"; do tail -c "+$((${said[$vm]} + 1))" "$(console "$vm")" >"$work/since.$vm"; done
  awk -v earlier=1 -f "$here/lib/cut-check.awk" "${vms[@]/#/$work/since.}" >&2
}

# claim WHAT COMMAND... - what does not hold is kept in violations, and the log of the campaign says why.
claim() {
  local what=$1
  shift
  "$@" >>"$work/claims" 2>&1 || violations+=("$what")
}
# fences_here - whether a node is fenced in this round: no, yes, may.
fences_here() { if [ "$operation" = node-loss ]; then echo yes; else fences_of "$kind"; fi; }
# newly_fenced - the nodes that have been switched off and on again since the round began.
newly_fenced() { sed -n 's/^.* on \(n[0-9]\)$/\1/p' "$state/power/log" | tail -n "+$((fences_before + 1))" | paste -s -d ' '; }
right_fences() {
  local happened
  happened=$(newly_fenced)
  case $(fences_here) in
    no) [ -z "$happened" ] ;;
    yes) if [ "$operation" = node-loss ]; then [[ $happened == n? ]]; else [ "$happened" = "$victim" ]; fi ;;
    may) [ -z "$happened" ] || [ "$happened" = "$victim" ] ;;
  esac
}
# hits VM - the fault itself stops or ends this one. A machine that moves may be on either node.
hits() {
  case $kind in node-* | qemu-*) [ "$(machine_on "$victim")" != "$1" ] || return 0 ;; esac
  case $second in qemu-*) [ "$(machine_on "$second_victim")" != "$1" ] || return 0 ;; esac
  [ "$1 $operation" = "w2 migrate" ] && [[ $kind == node-* ]]
}
# hits_a_guest - the fault itself stops or ends one.
hits_a_guest() { [[ $operation == node-loss || $kind == node-* || $kind == qemu-* || $second == qemu-* ]]; }
not_too_long() { [ "$over" -le 1000 ]; }

# check - everything, when it is quiet.
check() {
  local vm
  frozen=0 over=0 judged=0
  for vm in "${vms[@]}"; do
    [ "$vm" != web ] || continue
    stood=$(stood_still "$vm")
    [ "$stood" -le "$frozen" ] || frozen=$stood
    # A hold of a revert ends with the decision; a QEMU that is gone or hangs, or whose node does, cannot be let run.
    [ "$operation" != revert ] && ! hits "$vm" || continue
    judged=$((judged + 1))
    [ $((stood - deadline_ms)) -le "$over" ] || over=$((stood - deadline_ms))
  done
  [ -z "$replicated" ] || replica_frozen=$(stood_still web)
  claim "I1: a machine stood still for $((deadline_ms + over)) ms" not_too_long
  # First, because who comes home boots, and has nothing to say before.
  claim "I9: a guest does not write on" all_talk
  claim "I7: two at once, or older data" one_at_a_time "${vms[@]}"
  forget_what_did_not_happen "${vms[@]}"
  claim "I3: neither whole nor gone: $checkpoint" whole_or_gone "$checkpoint"
  [ "$operation" != revert ] || claim "I2: not all went back" went_back_together
  if [ -z "$replicated" ] && [ "$operation" = revert ] && ! hits_a_guest && all_went_back && all_were_up; then
    cuts=1
    claim "I2: an inconsistent cut" one_cut
  fi
  claim "leftovers: fsck" all_in_order
  claim "fenced: $(($(fences) - fences_before)) times, and $(fences_here) was right" right_fences
}
