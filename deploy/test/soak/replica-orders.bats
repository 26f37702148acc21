#!/usr/bin/env bats
# Every order in which two nodes of three fail and come back, on the lab: the primary P, the standby S and the third node T, two tests a
# pair, each row a line of output. The same orders with what the rules say are in ReplicaOrdersTest and its file replica.orders. Then a
# primary that is cut off, with both values of on_isolation. Only "deploy/test.sh --soak" runs it.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab
load ../replica

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfsoak}
  replica_setup_file
}
teardown_file() { "$lab" down; }

setup() {
  replica_setup
  # Whatever a test before has left, so that one failure is one failure.
  for node in n1 n2 n3; do
    "$lab" unhold "$node"
    "$lab" heal "$node" 2>/dev/null || true
    for other in n1 n2 n3; do "$lab" heal "$node" "$other" 2>/dev/null || true; done
    "$lab" on "$node"
  done
  wait_until 90 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  on n1 crm configure property no-quorum-policy=stop
  for node in n1 n2 n3; do on n1 crm node online "$node"; done
  on n1 crm_resource --cleanup >/dev/null 2>&1
  goes_on
  roles
}
teardown() { replica_teardown; }

declare -gA at # bats reads this file in a function
# roles - who is P, S and T now.
roles() {
  local node
  at[P]=$(promoted)
  at[S]=$(shown "${at[P]}" .peer)
  for node in n1 n2 n3; do [ "$node" = "${at[P]}" ] || [ "$node" = "${at[S]}" ] || at[T]=$node; done
}
# letter NODE
letter() { local who; for who in P S T; do [ "${at[$who]}" != "$1" ] || echo $who; done; }
runs() { local node; node=$(promoted); [ -z "$node" ] || letter "$node"; }

state_is() { [ "$(shown "$1" .state)" = "$2" ]; }
alone() { state_is "$(promoted)" alone; }
# without NODE - it is protected, and that node has no part in it.
without() {
  local node
  node=$(promoted) && [ -n "$node" ] && [ "$node" != "$1" ] && protected "$node" && [ "$(shown "$node" .peer)" != "$1" ]
}
no_quorum() { on "$1" timeout 10 crm_mon -1 2>/dev/null | grep -q 'partition WITHOUT quorum'; }
is_held() { [ "$(shown "$1" .held)" = true ]; }
has_no_process() { ! on "$1" test -e /run/holdfast/vms/web/pid; }
one_of() { local who; who=$(runs); [ -n "$who" ] && [[ $1 == *$who* ]]; }
boots() { stays web | grep -c ' boot$'; }

crash() {
  comes_back
  "$lab" hold "$1"
  "$lab" crash "$1"
}
returns() {
  comes_back
  "$lab" unhold "$1"
  "$lab" on "$1"
}

# asks NODE - has it promoted there, past pacemaker; prints why it is not.
asks() {
  wait_until 60 "the agent of $1 does not answer" agent_answers "$1"
  run -1 on "$1" env OCF_RESOURCE_INSTANCE=asked OCF_RESKEY_vm=web OCF_RESKEY_CRM_meta_promoted_max=1 \
    OCF_RESKEY_CRM_meta_notify=true OCF_RESKEY_CRM_meta_timeout=30000 \
    /bin/sh /usr/lib/ocf/resource.d/holdfast/vm promote
  grep -o 'ocf-exit-reason:.*' <<<"$output" | sed 's/^ocf-exit-reason:web: not promoted: web: \([A-Z_]*\).*/\1/' | tail -n 1
}
# refused LETTER REGEX - and says why, once it knows; the line of the order gets it.
refused() {
  wait_until 60 "$1 is not refused because of $2" says_why "$1" "$2"
  line+=" $1 refused ($why)"
}
says_why() {
  why=$(asks "${at[$1]}")
  [[ $why =~ ^($2)$ ]]
}

# first_dies LETTER WHEN - and all is well again, or, where WHEN is alone, somebody runs it.
first_dies() {
  # Whoever is in standby has a vote, and no instance.
  [ "$2" != alone ] || on "${at[T]}" crm node standby "${at[T]}"
  crash "${at[$1]}"
  if [ "$2" = alone ]; then
    wait_until 60 "it does not go on" promoted_on "${at[$([ "$1" = P ] && echo S || echo P)]}"
    wait_until 60 "it is not alone" alone
  else
    wait_until 90 "it is not protected without $1" without "${at[$1]}"
  fi
  line+=", goes on on $(runs)"
  talks web
}

# without_quorum LETTER POLICY - what becomes of the last node.
without_quorum() {
  local node=${at[$1]}
  wait_until 30 "$node does not see that it is alone" no_quorum "$node"
  if [ "$last" = "$1" ]; then
    if [ "$2" = freeze ]; then
      wait_until 30 "it is not held" is_held "$node"
      line+="; $1 held"
    else
      wait_until 120 "pacemaker does not stop it" has_no_process "$node"
      line+="; $1 stopped by pacemaker"
    fi
    return
  fi
  if [ "$2" = stop ] && [ "$peer" = "$1" ]; then
    wait_until 60 "the copy of $1 is not kept" state_is "$node" resting
    line+="; $1 stopped, copy kept"
  fi
  refused "$1" STORE_SILENT
}

# order PAIR WHEN POLICY BACK FIRST SECOND - the nodes of PAIR fail, the second one WHEN the first is dealt with (after), before it can
# be (alone), or together with it (both). They come back in the order of BACK. FIRST names who may run it after one is back, "-"
# nobody, and SECOND when all are there.
order() {
  local one=${1:0:1} two=${1:1:1} when=$2 left last peer line before
  line="$1 $2, no-quorum-policy=$3, back $4: $one dies"
  began=$(now_ms)
  before=$(boots)
  left=$(tr -d "$1" <<<PST)
  on "${at[$left]}" crm configure property no-quorum-policy="$3"
  if [ "$2" = both ]; then
    crash "${at[$one]}"
    last=P peer=S
  else
    first_dies "$one" "$2"
    last=$(runs)
    peer=$(letter "$(shown "${at[$last]}" .peer)")
  fi
  crash "${at[$two]}"
  line+="; $two dies"
  without_quorum "$left" "$3"
  comes "${4:0:1}" "$left" "$5"
  [ "$2" != alone ] || on "${at[T]}" crm node online "${at[T]}"
  comes "${4:1:1}" "" "$6"
  goes_on
  wait_until 90 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  one_at_a_time web
  echo "# $line; protected by $(letter "$(shown "$(promoted)" .peer)"), boots $(($(boots) - before)), $((($(now_ms) - began) / 1000)) s" >&3
}

# comes LETTER OTHER ALLOWED - it is back; whoever is allowed to runs it, or nobody.
comes() {
  line+="; $1 is back:"
  returns "${at[$1]}"
  if [ "$3" = - ]; then
    refused "$1" 'OUT_OF_SYNC|COPY_REPLACED|NO_COPY|UNFINISHED'
    refused "$2" 'OUT_OF_SYNC|COPY_REPLACED|NO_COPY|UNFINISHED'
    [ -z "$(runs)" ]
    line+=" nobody runs it"
    return
  fi
  # Asked before it has a new copy, unless it is allowed, or led until now.
  [[ $3 == *$1* ]] || [ -z "$2" ] || refused "$1" 'OUT_OF_SYNC|COPY_REPLACED|NO_COPY|UNFINISHED|NOT_PROVEN_GONE|BUSY'
  wait_until 120 "none of $3 runs it" one_of "$3"
  if [ "$when" = alone ] && [ -n "$2" ]; then
    # The other node that is there is in standby.
    wait_until 120 "it does not run" alone
    talks web
  else
    wait_until 120 "it has no standby" is_protected
    goes_on
  fi
  # Not before: until it has a quorum again, pacemaker shows who ran it before.
  one_of "$3"
  line+=" runs on $(runs)"
}

@test "the primary, then its standby" {
  order PS after stop PS T T
}
@test "the primary, then its standby, which is back first" {
  order PS after freeze SP TS TS
}
@test "the standby, then the primary" {
  order SP after freeze SP T T
}
@test "the standby, then the primary, which is back first" {
  order SP after stop PS TP TP
}
@test "the primary, then the third" {
  order PT after freeze PT S S
}
@test "the primary, then the third, which is back first" {
  order PT after stop TP S S
}
@test "the third, then the primary" {
  order TP after stop TP S S
}
@test "the third, then the primary, which is back first" {
  order TP after freeze PT SP SP
}
@test "the standby, then the third" {
  order ST after stop ST P P
}
@test "the standby, then the third, which is back first" {
  order ST after freeze TS P P
}
@test "the third, then the standby" {
  order TS after freeze TS P P
}
@test "the third, then the standby, which is back first" {
  order TS after stop ST P P
}
@test "primary and standby at once" {
  order PS both stop PS P P
}
@test "primary and standby at once, the standby is back first" {
  order PS both freeze SP - P
}
@test "primary and third at once" {
  order PT both stop PT SP SP
}
@test "primary and third at once, the third is back first" {
  order PT both freeze TP S S
}
@test "standby and third at once" {
  order ST both freeze ST P P
}
@test "standby and third at once, the third is back first" {
  order ST both stop TS P P
}
@test "the primary, then its standby before there is another" {
  order PS alone stop PS - S
}
@test "the primary, then its standby before there is another, which is back first" {
  order PS alone freeze SP S S
}
@test "the standby, then the primary before there is another" {
  order SP alone freeze SP - P
}
@test "the standby, then the primary before there is another, which is back first" {
  order SP alone stop PS P P
}

# isolate and rejoin - the primary loses its standby and ZooKeeper; corosync sees it.
isolate() { for who in S T; do "$lab" cut "${at[P]}" "${at[$who]}"; "$lab" cut "${at[$who]}" "${at[P]}"; done; }
rejoin() { for who in S T; do "$lab" heal "${at[P]}" "${at[$who]}"; "$lab" heal "${at[$who]}" "${at[P]}"; done; }

# configure LINE... - the table [replication] of the machine gets these keys on each node.
configure() {
  local node old
  for node in n1 n2 n3; do
    old=$(agent_pid "$node")
    on "$node" sed -i -e '/^on_isolation/d; /^max_stale/d' -e "/^standby_dir/a $1" /etc/holdfast/vms/web.toml
    on "$node" kill "$old"
    wait_until 60 "no new agent on $node" new_agent "$node" "$old"
  done
  goes_on
  roles
}
new_agent() { [ "$(agent_pid "$1")" != "$2" ] && agent_answers "$1"; }
loses_nothing() {
  wait_until 60 "it is not protected again" protected "${at[P]}"
  goes_on
  promoted_on "${at[P]}"
  one_at_a_time web
  [ "$(boots)" -eq "$boots_before" ]
  nobody_fenced
  # That it was degraded meanwhile is told among the failures, and is none.
  ! on n1 crm_mon -1 --output-as=xml | grep '<failure ' | grep -qv 'promoted (degraded)'
}

@test "a primary that has lost standby and store is held, and goes on when they are back" {
  local began boots_before
  boots_before=$(boots)
  began=$(now_ms)
  isolate
  wait_until 30 "it is not held" is_held "${at[P]}"
  size=$(size web)
  echo "# on_isolation=pause: held $(($(now_ms) - began)) ms after it was cut off" >&3
  refused S 'NOT_PROVEN_GONE|STORE_SILENT'
  [ "$(size web)" -le $((size + 200)) ]
  rejoin
  loses_nothing
  echo "# on_isolation=pause: protected again, nothing lost, nobody fenced, $((($(now_ms) - began) / 1000)) s" >&3
}

@test "with on_isolation=continue it goes on alone, and is protected again when the others are back" {
  local boots_before
  configure 'on_isolation = "continue"\nmax_stale = "60s"'
  on "${at[P]}" env OCF_CHECK_LEVEL=10 OCF_RESOURCE_INSTANCE=web OCF_RESKEY_vm=web OCF_RESKEY_CRM_meta_notify=true \
    /bin/sh /usr/lib/ocf/resource.d/holdfast/vm validate-all 2>&1 | grep 'what the guest did since is lost'
  boots_before=$(boots)
  isolate
  wait_until 30 "it does not go on alone" state_is "${at[P]}" isolated
  talks web
  refused S 'NOT_PROVEN_GONE|STORE_SILENT'
  talks web
  rejoin
  loses_nothing
  echo "# on_isolation=continue: went on alone, protected again, nothing lost" >&3
}

@test "with on_isolation=continue what a fenced primary did alone is lost, and that is shown" {
  "$lab" crm n1 resource param fence set pcmk_delay_base 12s
  on n1 crm configure property no-quorum-policy=freeze
  "$lab" hold "${at[P]}"
  comes_back
  "$lab" cut "${at[P]}"
  wait_until 30 "it does not go on alone" state_is "${at[P]}" isolated
  talks web
  wait_until 90 "it does not go on at the standby" promoted_on "${at[S]}"
  "$lab" heal "${at[P]}"
  "$lab" crm "${at[S]}" resource param fence delete pcmk_delay_base
  "$lab" unhold "${at[P]}"
  "$lab" on "${at[P]}"
  refused P STRAYED
  wait_until 90 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  on "${at[P]}" holdfast vm replication web
  on "${at[P]}" holdfast vm resync web --yes --discard-node "${at[P]}"
  refused P 'NO_COPY|UNFINISHED|NOT_PROVEN_GONE'
  goes_on
  one_at_a_time web
  echo "# on_isolation=continue: fenced, goes on at the standby; the old copy is refused (STRAYED) until a person discards it" >&3
}
