# Input: $all (rounds), $writes (milliseconds of ZooKeeper's writes), $steps (steps of rounds). Output: what is reported.
def percentile(q): sort | if length == 0 then null else .[([(length * q | ceil) - 1, 0] | max)] end;
def ms: if . == null then null else . / 10000 | round / 100 end;
def spread(name): {
  (name + "_p50"): (percentile(0.5) | ms), (name + "_p90"): (percentile(0.9) | ms), (name + "_p99"): (percentile(0.99) | ms)
};

# A write and a pause are compared in whole milliseconds, as ZooKeeper notes them; what touches counts as inside.
def writes_inside: [.[].members[] | (.frozen / 1e6 | floor) as $from | (.thawed / 1e6 | floor) as $to
  | $writes[] | select(. >= $from and . <= $to)] | length;

def steps_of($rounds): ($rounds | map({key: .round, value: true}) | from_entries) as $wanted
  | [$steps[] | select($wanted[.round])] as $mine
  | if ($mine | length) == 0 then null else
      ["arm", "stop", "tell", "cut", "wait", "run"]
      | map(. as $step | {key: $step, value: ([$mine[][$step] * 1000] | percentile(0.5) | ms)}) | from_entries
    end;

{rounds: [$all | group_by(.vms)[] | . as $rounds | {vms: .[0].vms, rounds: length}
    + ([$rounds[].members | map(.pause) | max] | spread("pause_ms"))
    + ([$rounds[].members[].pause] | {member_pause_ms_p50: (percentile(0.5) | ms)})
    + ([$rounds[].skew] | spread("skew_ms"))
    + ([$rounds[].floor] | spread("floor_ms"))
    + ([$rounds[].together // empty | .[0]] | {together_ms_p50: (percentile(0.5) | ms)})
    + ([$rounds[].together // empty | .[1]] | {together_skew_ms_p50: (percentile(0.5) | ms)})
    + {
      ratio_p50: ((([$rounds[].members | map(.pause) | max] | percentile(0.5)) / ([$rounds[].floor] | percentile(0.5))) * 100 | round / 100),
      ratio_together_p50: (([$rounds[].together // empty | .[0]] | percentile(0.5)) as $t
        | if $t == null then null else (([$rounds[].members | map(.pause) | max] | percentile(0.5)) / $t * 100 | round / 100) end),
      store_writes_in_pauses: ($rounds | writes_inside),
      steps_ms_p50: steps_of($rounds),
      load: ([$rounds[].load] | percentile(0.5))
    }],
  store_writes: ($writes | length),
  failed_rounds: ($failed | length),
  first_round: ($first[0] // null | if . == null then null else {vms, pause_ms: ([.members[].pause] | max | ms), skew_ms: (.skew | ms)} end)}
