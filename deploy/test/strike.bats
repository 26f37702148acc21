#!/usr/bin/env bats
# How the faults of a round come and are healed (deploy/lib/faults/strike.bash), with nodes that are directories. The campaign itself is in
# campaign.bats.
# shellcheck disable=SC2034,SC2154,SC2317  # variables of the file that is tested, and what it calls
bats_require_minimum_version 1.5.0

setup() {
  . "$BATS_TEST_DIRNAME/../lib/faults/strike.bash"
  # Time stands still while the operation is under way, but for the moment that a fault takes: how long a busy machine needs from one point to
  # the next is not what is tested.
  look_at_clock() { under_way || clock=$((clock + 20)) && now=$clock; }
  clock=1000000
  work=$BATS_TEST_TMPDIR
  for node in n1 n2; do mkdir -p "$work/$node/run/faults/armed" "$work/$node/run/faults/reached"; done
  mkfifo "$work/nobody"
  exec {nobody}<>"$work/nobody"
  kind=one point=a.b victim=n1 second=two second_point=c.d second_victim=n2
  arm n1 a.b one
  arm n2 c.d two
}
teardown() { exec {nobody}<&-; }

# What faults.sh and its other files do for it.
inside() { echo "$work/$1$2"; }
on() {
  local node=$1
  shift
  if [ "$1" = sh ]; then
    echo "$5" >"$work/$node/run/faults/armed/$6"
  else
    rm -f "$work/$node$3" "$work/$node$4"
  fi
}
at_point() { echo hold; }
now_ms() { echo "$clock"; }
mark() { :; }
lasts() { echo 1; }
inject() { echo "inject $1 $2" >>"$work/done" && clock=$((clock + 20)); }
heal() { echo "heal $1 $2" >>"$work/done"; }

# comes_to NODE POINT - as an agent does; false if nobody wants anything there.
comes_to() { mv "$work/$1/run/faults/armed/$2" "$work/$1/run/faults/reached/$2"; }
# let_go NODE POINT - the agent is not held any more, and nothing is armed.
let_go() { [ ! -e "$work/$1/run/faults/reached/$2" ] && [ ! -e "$work/$1/run/faults/armed/$2" ]; }
happened() { [ "$(paste -s -d , "$work/done")" = "$1" ]; }

@test "two faults come when their points are reached, and each is healed when it has lasted" {
  operate() {
    comes_to n1 a.b
    until let_go n1 a.b; do sleep 0.01; done
    comes_to n2 c.d
    return 3
  }
  strike
  happened "inject one n1,inject two n2,heal one n1,heal two n2"
  [ "$was_reached $kind $second $operation_status" = "true one two 3" ]
  let_go n2 c.d
}

@test "the second fault may come first" {
  operate() {
    comes_to n2 c.d
    until let_go n2 c.d; do sleep 0.01; done
    comes_to n1 a.b
  }
  strike
  happened "inject two n2,inject one n1,heal two n2,heal one n1"
}

@test "what cannot be healed while the other fault lasts is healed after it" {
  heal() {
    echo "heal $1 $2" >>"$work/done"
    [ "$1" != one ] || grep -q 'heal two' "$work/done" || return "$not_yet"
  }
  operate() {
    comes_to n1 a.b
    until let_go n1 a.b; do sleep 0.01; done
    comes_to n2 c.d
  }
  strike
  [ "$(tail -n 1 "$work/done")" = "heal one n1" ]
  [ "$(grep -c 'heal two' "$work/done")" = 1 ]
}

@test "if the first does not come, the second is the only one" {
  operate() { comes_to n2 c.d; }
  strike
  happened "inject two n2,heal two n2"
  [ "$was_reached|$kind|$point|$victim|$second" = "true|two|c.d|n2|" ]
  let_go n1 a.b
}

@test "if the second does not come, it is forgotten" {
  operate() { comes_to n1 a.b; }
  strike
  happened "inject one n1,heal one n1"
  [ "$was_reached|$kind|$second" = "true|one|" ]
  let_go n2 c.d
}

@test "if none comes, nothing is done, and nothing is left armed" {
  operate() { :; }
  strike
  [ ! -e "$work/done" ]
  [ "$was_reached" = false ]
  let_go n1 a.b
  let_go n2 c.d
}

@test "a fault that cannot be done yet is tried again" {
  inject() {
    [ -e "$work/tried.$1" ] || { touch "$work/tried.$1" && return 1; }
    echo "inject $1 $2" >>"$work/done"
  }
  second=''
  operate() { comes_to n1 a.b; }
  strike
  happened "inject one n1,heal one n1"
}

@test "a second fault without a point comes after the first, whose end it does not wait for" {
  second_point=random
  lasts() { echo 2; }
  operate() { comes_to n1 a.b; }
  strike
  happened "inject one n1,inject two n2,heal one n1,heal two n2"
}
