# Input: $all, what was measured; times in microseconds. Output: what is reported, in seconds; "last" is the newest of each kind.
def percentile(q): sort | if length == 0 then null else .[([(length * q | ceil) - 1, 0] | max)] end;
def s: if . == null then null else . / 10000 | round / 100 end;
def minus($a; $b): if $a == null or $b == null then null else $a - $b end;
def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else ($a / $b * 100 | round / 100) end;

def times: {
  detection: minus(.lost; .crashed), fencing: minus(.fenced; .lost), takeover: minus(.replied; .fenced), total: minus(.replied; .crashed),
  ordered: minus(.begun; .fenced), asked: minus(.asked; .fenced), proven: minus(.proven; .asked), claimed: minus(.claimed; .proven), runs: minus(.runs; .claimed), answered: minus(.replied; .runs),
  booted: minus(.replied; .begun), back: (.back_ms * 1000)
};
def median($rows; key): [$rows[] | key // empty] | percentile(0.5) | s;

($all | map(. + {t: times})) as $rows
| ($rows | map(select(.kind == "replica"))) as $r
| ($rows | map(select(.kind == "cold"))) as $c
| {failovers: {replica: ($r | length), cold: ($c | length)},
   detection_s: {replica: median($r; .t.detection), cold: median($c; .t.detection)},
   fencing_s: {replica: median($r; .t.fencing), cold: median($c; .t.fencing)},
   takeover_s: {replica: median($r; .t.takeover), cold: median($c; .t.takeover)},
   takeover_max_s: {replica: ([$r[].t.takeover] | max | s), cold: ([$c[].t.takeover] | max | s)},
   total_s: {replica: median($r; .t.total), cold: median($c; .t.total)},
   takeover_ratio: ratio(median($r; .t.takeover); median($c; .t.takeover)),
   aim: {takeover_s: 0.6, takeover_ratio: 0.2},
   replica_steps_s: {asked: median($r; .t.asked), proven: median($r; .t.proven), claimed: median($r; .t.claimed), runs: median($r; .t.runs), answered: median($r; .t.answered)},
   cold_steps_s: {ordered: median($c; .t.ordered), booted: median($c; .t.booted)},
   back_s: {replica: median($r; .t.back), cold: median($c; .t.back)},
   load: ([$rows[].load] | percentile(0.5)),
   last: {replica: ($r | last | .t // null), cold: ($c | last | .t // null)}}
