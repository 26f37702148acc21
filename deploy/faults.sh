#!/bin/bash
# deploy/faults.sh [OPTION]... - breaks things on the lab, one after the other, and looks each time whether Holdfast keeps its promises.
#
#   --seed N        which faults in which order (default 1)
#   --minutes M     how long, lab included; the fault that is under way is finished, and one has come, if one of ten does (default 15)
#   --faults N      at most so many
#   --only PATTERN  only faults whose line "POINT KIND OPERATION" matches this regular expression; with another order
#   --plain         no replicated machine, but a third one on shared storage: quicker, without the faults that need one
#   --alone         no second fault
#   --results FILE  where the results are added (default: faults/results.jsonl in the cache, see HOLDFAST_CACHE)
#   --report        prints the table of all results there are, and does nothing else
#   --list          prints the faults of the seed in their order, and those that cannot be done here
#   -h, --help      this text
#
# Three nodes under pacemaker with fencing and a ZooKeeper ensemble; a group of two machines on shared storage and a replicated one. A
# fault is a kind (deploy/lib/faults/kinds.bash) at a point of the protocol (deploy/lib/faults/points) or at a random moment, during a
# create (also one that is aborted, that a member refuses, or that is given up because a member is late), revert, delete, migration,
# switchover, failover, the loss of the standby, of both or of the primary's node, a standby that is stopped, epochs that are late, a
# replicated machine that is stopped, a restart of the agent or nothing. Then what is broken is healed, and when it is quiet, consoles,
# QEMU's own events, files and the cluster have to agree that nothing was lost (deploy/lib/faults/checks.bash), and a checkpoint has to
# succeed.
# Each fault is one line of the results, and runs add up: the next one begins with what has not been done yet.
# The last line is JSON. Exit status 0: no violation; 1: some. Needs root and what "mvn package" has built.
# shellcheck disable=SC2034,SC2154  # variables of the files that are read here, and of those that read this
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/common.sh"
. "$here/test/lab.bash"
. "$here/test/replica.bash"
. "$here/lib/faults/kinds.bash"
. "$here/lib/faults/checks.bash"
. "$here/lib/faults/strike.bash"

seed=1 minutes=15 most=100000 only=. action=run alone='' results='' replicated=web
vms=(w1 w2 web)
export HOLDFAST_LAB=${HOLDFAST_LAB:-hffaults}
export HOLDFAST_LAB_FAULTS=yes
state=/dev/shm/$HOLDFAST_LAB
deadline_ms=5000 # of checkpoints, as configured

while [ $# -gt 0 ]; do
  case $1 in
    --seed | --minutes | --faults)
      [[ ${2:-} =~ ^[0-9]{1,6}$ ]] || die "$1 takes a number, not '${2:-}'"
      case $1 in --seed) seed=$2 ;; --minutes) minutes=$2 ;; --faults) most=$2 ;; esac
      shift
      ;;
    --only) only=${2:?a regular expression belongs to --only} && shift ;;
    --results) results=${2:?a file belongs to --results} && shift ;;
    --plain) replicated='' vms=(w1 w2 w3) ;;
    --alone) alone=yes ;;
    --report) action=report ;;
    --list) action=list ;;
    -h | --help)
      sed -n '2,23s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      warn "unknown option '$1' (see --help)"
      exit 2
      ;;
  esac
  shift
done
results=${results:-$(cache_dir)/faults/results.jsonl}
mkdir -p "$(dirname "$results")"
touch "$results"

points() { grep -v '^#' "$here/lib/faults/points"; }

# faults - each point with each operation that comes there and each kind, and each kind at a random moment: POINT KIND OPERATION WHOSE.
faults() {
  local point operations whose kind operation
  { points; echo "random create,abort,revert,delete,migrate,switchover,failover,idle any"; } | while read -r point operations whose; do
    [ "$operations" != none ] || continue
    if [ -z "$replicated" ]; then
      case $point in replica.*) continue ;; esac
      operations=${operations/,switchover,failover,/,}
    fi
    while read -r kind _; do
      fits "$kind" "$point" || continue
      for operation in ${operations//,/ }; do
        # Two of three nodes would have no quorum.
        [ "$operation" = node-loss ] && [ "$(fences_of "$kind")" != no ] || echo "$point $kind $operation $whose"
      done
    done < <(kinds)
  done
}
# pairs - what the campaign is to have done once: POINT KIND, also where it does not know how to come there.
pairs() {
  local point kind
  { points; echo random; } | while read -r point _; do
    while read -r kind _; do ! fits "$kind" "$point" || echo "$point $kind"; done < <(kinds)
  done
}
# faults_beside - what can only come as a second fault, because nothing but another one leads there.
faults_beside() {
  local point operations whose kind operation
  points | awk '$2 == "none"' | while read -r point _ whose; do
    [ -n "$replicated" ] || [[ $point != replica.* ]] || continue
    for kind in "${seconds[@]}"; do for operation in create abort revert; do echo "$point $kind $operation $whose"; done; done
  done
}
# shuffled - the lines of stdin in the order of the seed. The generator is written out, so that it is the same with every awk.
shuffled() {
  awk -v x="$seed" '
    { line[NR] = $0 }
    END {
      for (i = 0; i < 10; i++) x = (x * 16807 + 11) % 2147483647
      for (i = NR; i > 1; i--) { x = (x * 16807 + 11) % 2147483647; j = x % i + 1; t = line[i]; line[i] = line[j]; line[j] = t }
      for (i = 1; i <= NR; i++) print line[i]
    }'
}
plan() { faults | grep -E "$only" | shuffled; }

report() { jq -rs --arg pairs "$(pairs)" -f "$here/lib/faults/report.jq" "$results"; }

case $action in
  report)
    report
    exit
    ;;
  list)
    plan
    echo "cannot be done here:"
    not_here_kinds
    exit
    ;;
esac

need_root "the lab"
exec {lock}>"/run/lock/$HOLDFAST_LAB"
flock -n "$lock" || die "another campaign is under way on the lab $HOLDFAST_LAB: HOLDFAST_LAB=NAME names another lab. If it was killed, 'HOLDFAST_LAB=$HOLDFAST_LAB deploy/lab/lab down' ends what it left"
work=$(mktemp -d "/tmp/$HOLDFAST_LAB.XXXXXX")
BATS_FILE_TMPDIR=$work BATS_TEST_TMPDIR=$work
commit=$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)
machine="$(uname -m), $(nproc) cores, $(uname -r)"
declare -A told said
cp "$HOLDFAST_ROOT/deploy/target/root/usr/lib/holdfast/holdfast-ask" "$work/" || die "Holdfast is not built: run 'mvn package' first"
trap '"$lab" down; rm -rf "$work"' EXIT
trap 'say "ended by a signal"; exit 1' INT TERM HUP
mkfifo "$work/nobody" && exec {nobody}<>"$work/nobody"

# lab_begins - three nodes, the group, and pacemaker that looks after it, and looks more often than it would elsewhere: nobody waits for it.
lab_begins() {
  "$lab" down
  rm -f "$work"/{moves,reverts}.*
  newest=''
  "$lab" up 3 && prime && "$lab" wait 300 || return 1
  if [ -n "$replicated" ]; then
    "$lab" vm --group shop --watched w1 w2 && "$lab" vm --replicated --group shop --watched web || return 1
    { sed /w3/d "${lab%/*}/base.crm"; lines crm | sed 's/interval=10s/interval=2s/'; } >"$work/crm"
  else
    "$lab" vm --group shop --watched --talking w1 w2 w3 || return 1
    cp "${lab%/*}/base.crm" "$work/crm"
  fi
  sed -i 's/migration-threshold=3/migration-threshold=1000/' "$work/crm"
  "$lab" wait 300 || return 1
  "$lab" crm n1 configure load update - <"$work/crm" 2>"$work/crm.log" || { cat "$work/crm.log"; return 1; }
  on n1 crm_resource --resource w2 --meta --set-parameter allow-migrate --parameter-value true >/dev/null
  wait_until 300 "the lab is not ready" settled && all_talk
}

# prime - as a package does after its installation: agents and stores will start often.
prime() {
  local node made archive=$work/archive
  if [ ! -e "$archive" ]; then
    made=$(on n1 holdfast-prime | sed -n 's/^holdfast-prime: made //p') && [ -n "$made" ] && cp -p "$(inside n1 "$made")" "$archive" && echo "$made" >"$work/made" || return 1
  fi
  made=$(cat "$work/made")
  for node in n1 n2 n3; do cp -p "$archive" "$(inside $node "$made")"; done
}

node_for() {
  case $1 in
    leader) leader ;;
    primary) promoted ;;
    standby) replica_field "$(promoted)" .peer ;;
    spare)
      local primary
      primary=$(promoted)
      replica_field "$primary" .peer | grep -vFx -f - <(printf 'n%d\n' 1 2 3) | grep -vFx "$primary"
      ;;
    *)
      local candidates
      candidates=(n1 n2 "${replicated:+$(promoted)}")
      [ -n "${candidates[2]}" ] || candidates[2]=n3
      echo "${candidates[RANDOM % 3]}"
      ;;
  esac
}

# operate - what is under way when the fault comes.
operate() {
  local asker
  asker=$(other_than "$victim")
  case $operation in
    create) checkpoint_on "$asker" "$checkpoint" ;;
    abort)
      checkpoint_on "$asker" "$checkpoint" &
      wait_until 10 "no round begins" a_round && ask "$asker" 30 checkpoint.abort '{"group": "shop"}'
      wait $!
      ;;
    refuse)
      arm "$victim" journal.write.INTENT journal-error
      checkpoint_on "$asker" "$checkpoint"
      ;;
    late)
      arm "$asker" channel.send.Frozen hold
      checkpoint_on "$asker" "$checkpoint"
      release "$asker" channel.send.Frozen
      ;;
    revert) ask "$asker" 120 checkpoint.revert "$(at_shop "$base")" ;;
    delete) ask "$asker" 120 checkpoint.delete "$(at_shop "$base")" ;;
    migrate) on "$asker" timeout 60 crm_resource --move --resource w2 --node n3 && moved ;;
    switchover) ask "$(promoted)" 120 replica.switchover '{"vm":"web"}' ;;
    restart) signal "$(promoted)" KILL $agent_file && linger 20 ;;
    standby-loss) web_ends "$(replica_field "$(promoted)" .peer)" ;;
    failover) web_ends "$(promoted)" ;;
    cold)
      web_gets KILL "$(replica_field "$(promoted)" .peer)"
      web_ends "$(promoted)"
      ;;
    lag)
      local primary
      primary=$(promoted)
      arm "$primary" replica.sendEpoch hold
      linger 5 # longer than max_lag
      release "$primary" replica.sendEpoch
      linger 5
      ;;
    stop) ask "$(promoted)" 60 vm.stop '{"vm": "web", "force": true}' && linger 10 ;;
    rest)
      local standby
      standby=$(replica_field "$(promoted)" .peer)
      on "$asker" crm_resource --ban --resource web-clone --node "$standby"
      linger 20
      on "$asker" crm_resource --clear --resource web-clone --node "$standby"
      ;;
    node-loss) "$lab" crash "$(promoted)" && linger 20 ;;
    idle) linger 4 ;;
  esac
}
web_gets() { on "$2" pkill "-$1" -f '^[^ ]*qemu-system.* guest=web,'; }
web_ends() { web_gets KILL "$1" && linger 15; }
# linger SECONDS - the operation is over when the fault has come, or will not.
linger() { wait_until "$1" "no fault" test -e "$work/came" 2>/dev/null || true; }
a_round() { ask n1 5 cluster.status 2>/dev/null | jq -e '.rounds != []' >/dev/null; }
moved() { wait_until 15 "w2 does not move" runs_on w2 n3 2>/dev/null; }

# allowed - how far the guests' own accounts may show that they have moved or gone back.
allowed() {
  case $operation in
    revert) reverts "${vms[@]}" ;;
    migrate) moves w2 w2 w2 w2 ;;
    switchover) moves web web ;;
  esac
  # It comes home by live migration when its node is there again.
  [ "$(fences_here)" = no ] || moves w2 w2
  counted=("${vms[@]}")
  if [ -n "$replicated" ] && { takes_back "$kind" || [[ $operation =~ ^(failover|cold|node-loss|stop)$ ]]; }; then
    counted=(w1 w2)
    comes_back && comes_back
  fi
}

quiet() {
  local name=next-$seed-$nth
  wait_until 240 "it does not get quiet" settled_at_leisure || return 1
  recovery=$(($(now_ms) - ended))
  all_talk || return 1 # a guest that boots in the checkpoint would have nothing to say when it is gone back to
  [ -n "$replicated" ] || all_hear || return 1
  wait_until 120 "no checkpoint any more" checkpoint_on n1 "$name" >>"$work/claims" 2>&1 || return 1
  newest=$name
  # What was taken during a fault is gone back to next time, if it is there.
  if [ "$operation" = create ] && [ "$operation_status" -eq 0 ] && ! tidies; then newest=$checkpoint; fi
}

# choose_second - what comes as well, on another node: what has not been done yet at a point of this operation, or at a random moment.
choose_second() {
  local line its_point its_kind whose its_node
  second='' second_point=random second_victim=$(other_than "$victim")
  [ -z "$alone" ] && [ $((RANDOM % 8)) -ne 0 ] || return 0
  while read -r its_point its_kind _ whose; do
    [ -z "${did[$its_point $its_kind]:-}" ] || continue
    ! collide "$kind" "$its_kind" || continue
    its_node=$(node_for "$whose")
    [[ $its_node == n? && $its_node != "$victim" ]] || continue
    second=$its_kind second_point=$its_point second_victim=$its_node
    return
  done < <(seconds_of "$operation")
  until second=${seconds[RANDOM % ${#seconds[@]}]} && fits "$second" random && ! collide "$kind" "$second"; do :; done
}
# seconds_of OPERATION - the faults that may come as second ones during it.
seconds_of() {
  printf '%s\n' "${beside[@]}" | awk -v operation="$1" -v from=$RANDOM '
    $3 == operation { line[++n] = $0 }
    END { for (i = 0; i < n; i++) print line[(from + i) % n + 1] }'
}

# tidy - checkpoints of 600 MB would fill the storage, and so would what was set aside.
tidies() { [ $((nth % 3)) -eq 2 ]; }
tidy() {
  local node
  ask n1 60 checkpoint.prune '{"group": "shop", "keep_last": 1}' >/dev/null
  for node in n1 n2 n3; do ask $node 60 node.fsck '{"empty_lost": true}' >/dev/null; done
}

# mark WHAT - how long it took, for whoever wonders where the time goes.
mark() {
  local now
  now=$(now_ms)
  marks="$marks $1=$((now - mark_at))"
  mark_at=$now
}

# one LINE - a whole fault with its result.
one() {
  local point kind operation whose victim base checkpoint violations=() fences_before recovery=0
  local marks mark_at decided=false lost left second second_point second_victim frozen=0 replica_frozen=0 over=0 judged=0 cuts=0 stood back_before counted asked was_reached ended operation_status
  read -r point kind operation whose <<<"$1"
  RANDOM=$(((seed * 31 + nth) % 32768))
  checkpoint=fault-$seed-$nth
  marks=''
  mark_at=$(now_ms)
  # What the fault before has left, as its proof that checkpoints succeed.
  case $operation in revert | delete)
    [ -n "$newest" ] || { newest=first-$seed-$nth && checkpoint_on n1 "$newest"; } >>"$work/claims" 2>&1
    ;;
  esac
  base=$newest
  [ "$operation" != delete ] || { checkpoint=$base newest=''; }
  mark base
  all_talk # so that going back can be seen
  victim=$(node_for "$whose")
  fences_before=$(fences)
  allowed
  going_back
  remember_events
  choose_second
  arm "$victim" "$point" "$kind"
  [ -z "$second" ] || arm "$second_victim" "$second_point" "$second"
  mark ready
  ended=$(now_ms)
  strike
  # Also where whoever asked for it could not take it back.
  case $operation in
    migrate) on n1 crm_resource --clear --resource w2 2>/dev/null ;;
    rest) on n1 crm_resource --clear --resource web-clone 2>/dev/null ;;
  esac
  mark struck
  if quiet; then
    mark next
    if [ "$was_reached" = true ]; then check; else forget_what_did_not_happen "${vms[@]}"; fi
    mark checked
    ! tidies || tidy
    mark pruned
  else
    recovery=null
    violations+=("liveness: not quiet, or no checkpoint any more")
  fi
  result
}

result() {
  jq -nc --arg at "$(date -u +%FT%TZ)" --arg commit "$commit" --arg machine "$machine" --arg point "$point" --arg kind "$kind" --arg second "$second" \
    --arg second_point "${second:+$second_point}" --arg operation "$operation" --arg victim "$victim" --argjson seed "$seed" --argjson nth "$nth" --argjson reached "$was_reached" \
    --argjson status "$operation_status" --argjson frozen "$frozen" --argjson replica "$replica_frozen" --argjson over "$over" \
    --argjson recovery "$recovery" --argjson cuts "$cuts" --argjson decided "$decided" --argjson judged "$judged" --argjson fences $(($(fences) - fences_before)) '{at: $at, seed: $seed, nth: $nth, commit: $commit,
      machine: $machine, point: $point, kind: $kind, second: $second, second_point: $second_point, operation: $operation, victim: $victim, reached: $reached, status: $status,
      frozen_ms: $frozen, replica_frozen_ms: $replica, over_ms: $over, freezes_judged: $judged, recovery_ms: $recovery, cuts: $cuts, decided: $decided, fences: $fences,
      violations: $ARGS.positional}' --args "${violations[@]}" >>"$results" || die "cannot write to $results"
  say "$nth: $kind at $point of $victim${second:+ and $second at $second_point of $second_victim} during $operation: $(tail -n 1 "$results" | jq -r 'if .reached then "recovered after \(.recovery_ms // "?") ms, longest freeze \(.frozen_ms) ms, \(.violations | if . == [] then "no violation" else join("; ") end)" else "not reached" end')$marks"
  [ "${#violations[@]}" -eq 0 ] || evidence_of_all
}

# evidence_of_all - what a violation leaves beside the results. The lab begins anew where the violation would be seen again.
evidence_of_all() {
  local kept
  kept=$(dirname "$results")/evidence-$seed-$nth
  mkdir -p "$kept"
  cp "$work/operation" "$work/claims" "$state/power/log" "$kept" 2>/dev/null
  for vm in "${vms[@]}"; do cp "$(console "$vm")" "$(events "$vm")" "$kept" 2>/dev/null; done
  for node in n1 n2 n3; do
    cp "$(inside $node /var/log/holdfast/agent.log)" "$kept/$node.agent.log" 2>/dev/null
    cp "$(inside $node /var/log/pacemaker/pacemaker.log)" "$kept/$node.pacemaker.log" 2>/dev/null
    on $node timeout 20 sh -c 'crm_mon -1 -A --failcounts; holdfast cluster status' >"$kept/$node.status" 2>&1
  done
  say "evidence is in $kept"
  if [[ "${violations[*]}" =~ (liveness|I[279]:) ]] || ! settled; then
    say "the lab begins anew"
    lab_begins || die "the lab does not come up"
  fi
}

# deed POINT KIND OPERATION - under which name it is remembered: a random moment is another one in each operation.
deed() { if [ "$1" = random ]; then echo "$1 $2 $3"; else echo "$1 $2"; fi; }
# remember - of the results on stdin, which deeds have been done.
remember() {
  local point kind operation
  while read -r point kind operation; do
    did["$(deed "$point" "$kind" "$operation")"]=yes
  done < <(jq -r 'select(.reached) | "\(.point) \(.kind) \(.operation)", (select(.second_point // "" | length > 0) | "\(.second_point) \(.second) \(.operation)")')
}
# choose - the next fault, in line: one that has not been done, first of those kinds that do not come as second faults as well.
choose() {
  local point kind operation whose
  for line in "${lines[@]}"; do
    read -r point kind operation whose <<<"$line"
    [ -z "${did[$(deed "$point" "$kind" "$operation")]:-}${tried[$line]:-}" ] || continue
    tried["$line"]=yes
    return
  done
  line=${lines[count % ${#lines[@]}]}
}
comes_second() { [[ " ${seconds[*]} " == *" $1 "* ]]; }

declare -A did tried
nth=$(jq -s --argjson seed "$seed" 'map(select(.seed == $seed)) | length' "$results")
remember <"$results"
in_line() { local point kind rest; while read -r point kind rest; do if comes_second "$kind"; then echo "2 $point $kind $rest"; else echo "1 $point $kind $rest"; fi; done; }
mapfile -t lines < <(plan | in_line | sort -s -k 1,1 | cut -d ' ' -f 2-)
mapfile -t beside < <({ plan | in_line | sed -n 's/^2 //p'; faults_beside; } | grep -v '^random' | shuffled)
[ "${#lines[@]}" -gt 0 ] || die "no fault matches '$only'; see $0 --list"
count=0 has_come=no
lab_begins || die "the lab does not come up; see $state/n*/console"
say "seed $seed goes on at number $nth; ${#lines[@]} faults are planned"
while [ $count -lt "$most" ] && { { [ $has_come = no ] && [ $count -lt 10 ]; } || [ $SECONDS -lt $((minutes * 60)) ]; }; do
  : >"$work/claims"
  choose
  one "$line"
  tail -n 1 "$results" >"$work/newest" && remember <"$work/newest"
  [ "$(jq .reached "$work/newest")" != true ] || has_come=yes
  heal_all
  nth=$((nth + 1)) count=$((count + 1))
done
report
[ "$(jq -s 'map(.violations | length) | add // 0' "$results")" -eq 0 ]
