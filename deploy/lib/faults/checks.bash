# shellcheck shell=bash disable=SC2154,SC2034  # variables of faults.sh
# What has to hold after each fault, seen from outside: consoles of the guests, what QEMU tells, files, the cluster. Sourced by
# faults.sh, never run. Needs lab.bash and replica.bash.

vms=(w1 w2 web)

# settled - nothing is left to be done: who belongs where is there, and nothing stands still.
settled() {
  "$lab" wait 1 2>/dev/null && runs_on w1 n1 && runs_on w2 n2 && is_protected && no_marker && no_rounds
}
no_rounds() { [ "$(on n1 timeout 10 holdfast cluster status -o json 2>/dev/null | jq '.rounds | length')" = 0 ]; }

# events VM - what its QEMU has told so far.
events() { echo "$(console "$1").events"; }
remember_events() { local vm; for vm in "${vms[@]}"; do told["$vm"]=$(stat -c %s "$(events "$vm")" 2>/dev/null || echo 0); done; }
# stood_still VM - the longest time in ms between a STOP and the RESUME after it, since remember_events.
stood_still() {
  tail -c "+$((${told[$1]} + 1))" "$(events "$1")" 2>/dev/null |
    jq -rR 'fromjson? | select(.event == "STOP" or .event == "RESUME") | "\(.timestamp.seconds * 1000 + (.timestamp.microseconds / 1000 | floor)) \(.event)"' |
    awk '$2 == "STOP" { if (!since) since = $1 } $2 == "RESUME" { if (since && $1 - since > most) most = $1 - since; since = 0 } END { print most + 0 }'
}

# whole_or_gone NAME - the checkpoint is in the catalogue and verifies, or no file of it is left on any node.
whole_or_gone() {
  local node
  if on n1 holdfast checkpoint list shop -o json | jq -e --arg name "$1" 'any(.. | objects; .name? == $name)' >/dev/null; then
    on n1 timeout 120 holdfast checkpoint verify "shop@$1" >/dev/null
  else
    for node in n1 n2 n3; do
      ! on "$node" find /lab/shared/vms /srv/vms -path '*/lost/*' -prune -o -name "*$1*" -print | grep . || return 1
    done
  fi
}
# in_order NODE - fsck has nothing to say.
in_order() { on "$1" timeout 60 holdfast fsck >/dev/null 2>&1; }
all_in_order() { in_order n1 && in_order n2 && in_order n3; }

# went_back_together - since going_back, all of the group have gone back, or none. The replicated machine counts unless it may go back an
# epoch by itself.
going_back() { back_before=$(went_back "${counted[@]}"); }
went_back_together() {
  local changed
  changed=$(diff <(echo "$back_before") <(went_back "${counted[@]}") | grep -c '^>' || true)
  [ "$changed" -eq 0 ] || [ "$changed" -eq "${#counted[@]}" ]
}

# claim WHAT COMMAND... - what does not hold is kept in violations, and the log of the campaign says why.
claim() {
  local what=$1
  shift
  "$@" >>"$work/claims" 2>&1 || violations+=("$what")
}
right_fences() {
  local happened=$(($(fences) - fences_before))
  case $(fences_of "$kind") in
    no) [ "$happened" -eq 0 ] ;;
    yes) [ "$happened" -eq 1 ] ;;
  esac
}
not_too_long() { [ "$over" -le 1000 ]; }

# check - everything, when it is quiet.
check() {
  local vm
  frozen=0
  for vm in w1 w2; do
    stood=$(stood_still $vm)
    [ "$stood" -le "$frozen" ] || frozen=$stood
  done
  replica_frozen=$(stood_still web)
  over=$((frozen > deadline_ms ? frozen - deadline_ms : 0))
  # A hold of a revert ends with the decision; a QEMU or a node that is gone or hangs cannot be let run.
  if [ "$operation" = revert ] || [[ $kind == node-* || $kind == qemu-* ]]; then over=0; fi
  claim "I1: a machine stood still for $frozen ms" not_too_long
  claim "I7: two at once, or older data" one_at_a_time "${vms[@]}"
  claim "I9: a guest does not write on" talks "${vms[@]}"
  claim "I3: neither whole nor gone: $checkpoint" whole_or_gone "$checkpoint"
  [ "$operation" != revert ] || claim "I2: not all went back" went_back_together
  claim "leftovers: fsck" all_in_order
  claim "fenced: $(($(fences) - fences_before)) times, and $(fences_of "$kind") was right" right_fences
}
