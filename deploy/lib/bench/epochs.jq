# Input: $all, what was measured; times in microseconds. Output: what is reported.
def percentile(q): sort | if length == 0 then null else .[([(length * q | ceil) - 1, 0] | max)] end;
def ms: if . == null then null else . / 10 | round / 100 end;
def average: if length == 0 then null else add / length end;
def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else ($a / $b * 100 | round / 100) end;

def side($rows; $alone): {
  epochs: ([$rows[] | select(.committed)] | length),
  given_up: ([$rows[] | select(.committed == false)] | length),
  pause_ms_p50: ([$rows[].pause // empty] | percentile(0.5) | ms),
  pause_ms_p99: ([$rows[].pause // empty] | percentile(0.99) | ms),
  length_ms_p50: ([$rows[] | select(.committed).length] | percentile(0.5) | ms),
  length_ms_p99: ([$rows[] | select(.committed).length] | percentile(0.99) | ms),
  waits_ms_p50: ([$rows[].waits // empty] | percentile(0.5) | ms),
  sent_ms_p50: ([$rows[].sent // empty] | percentile(0.5) | ms),
  followed_ms_p50: ([$rows[].followed // empty] | percentile(0.5) | ms),
  kib_p50: ([$rows[] | select(.committed).bytes] | percentile(0.5) | if . == null then null else . / 1024 | round end),
  slower_percent: (([$rows[].rate // empty] | average) as $rate
    | if $rate == null or ($alone // 0) == 0 then null else ((1 - $rate / $alone) * 1000 | round / 10) end)
};

{epochs: {
  aim: 1.3,
  cells: [$all | group_by(.work)[] | . as $of_work
    | ([$of_work[] | select(.who == "alone").rate // empty] | average) as $alone
    | $of_work | map(select(.interval)) | group_by(.interval)[] | . as $rows
    | side($rows | map(select(.who == "ours")); $alone) as $ours
    | side($rows | map(select(.who == "floor")); $alone) as $floor
    | side($rows | map(select(.who == "sealed")); $alone) as $sealed
    | {work: $rows[0].work, interval_s: $rows[0].interval, ours: $ours, floor: $floor, sealed: $sealed,
       pause_ratio_p50: ratio($ours.pause_ms_p50; $floor.pause_ms_p50), pause_ratio_p99: ratio($ours.pause_ms_p99; $floor.pause_ms_p99),
       length_ratio_p50: ratio($ours.length_ms_p50; $floor.length_ms_p50), sealed_pause_ratio_p50: ratio($ours.pause_ms_p50; $sealed.pause_ms_p50),
       sealed_length_ratio_p50: ratio($ours.length_ms_p50; $sealed.length_ms_p50)}],
  load: ([$all[].load // empty] | percentile(0.5))
}}
