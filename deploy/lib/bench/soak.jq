# What deploy/bench.sh soak has counted, to figures: the second tenth of the time beside the last one.
def quantile($p): sort | if length == 0 then null else .[((length * $p) | ceil) - 1] end;
def tenths: (. * 10 | round) / 10;
$samples[-1].second as $until
| ($samples | map(select(.second >= $until * 0.1 and .second < $until * 0.3))) as $early
| ($samples | map(select(.second >= $until * 0.8))) as $late
| [$pauses | split("\n")[] | select(length > 0) | split(" ") | {vm: .[0], at: (.[1] | tonumber), ms: (.[2] | tonumber)}] as $all
| ($all | map(.at) | min) as $first | ($all | map(.at) | max) as $last
| def pauses($from; $to): [$all[] | select(.at >= $first + ($last - $first) * $from and .at <= $first + ($last - $first) * $to) | .ms];
  def most($key): {early: ([$early[].nodes[][$key] | values] | max), late: ([$late[].nodes[][$key] | values] | max)};
  # The heap is smallest where nothing was under way.
  def least($key): {early: ([$early[].nodes[][$key] | values] | min), late: ([$late[].nodes[][$key] | values] | min)};
  def of($key): {early: ([$early[][$key]] | max), late: ([$late[][$key]] | max)};
  def percentiles($from; $to): pauses($from; $to) | {p50: (quantile(0.5) | tenths), p95: (quantile(0.95) | tenths), p99: (quantile(0.99) | tenths), max: (max | tenths)};
  {minutes: ($until / 60 | tenths), checkpoints: ($all | map(select(.vm == "w1")) | length), answers: $answers, schedule: $schedule[0],
    pause_ms: {early: percentiles(0.1; 0.3), late: percentiles(0.8; 1)},
    heap_kb: least("heap_kb"), store_heap_kb: least("store_heap_kb"), agent_kb: most("agent_kb"), threads: most("threads"), descriptors: most("descriptors"),
    guard_kb: most("guard_kb"), guard_descriptors: most("guard_descriptors"), store_kb: most("store_kb"), store_threads: most("store_threads"),
    znodes: most("znodes"), state_kb: most("state_kb"), log_kb: most("log_kb"), layers: of("layers"), memories: of("memories"), chain: of("chain"),
    samples: $samples, spread: [range(0; 10) as $n | percentiles($n / 10; ($n + 1) / 10)]}
| . as $figures
# By how much what is counted may differ without having grown: a part of it, and so much more. What a Java process has of memory is its heap's
# garbage as well, up to the heap's bound.
| {heap_kb: [0.1, 2048], store_heap_kb: [0.1, 2048], agent_kb: [0.15, 32768], threads: [0, 4], descriptors: [0, 8], guard_kb: [0, 256], guard_descriptors: [0, 2], store_kb: [0.15, 98304],
    store_threads: [0, 4], znodes: [0, 12], layers: [0, 6], memories: [0, 6], chain: [0, 1]} as $slack
| .grows = [$slack | to_entries[] | .key as $key | .value as [$part, $more] | $figures[$key] | select(.early != null and .late != null and .late > .early * (1 + $part) + $more) | "\($key): \(.early) to \(.late)"]
# Of the late pauses few lie above the 99th percentile: it jumps by itself.
| .grows += [{p50: [1.25, 3], p95: [1.25, 3], p99: [2, 100]} | to_entries[] | .key as $p | .value as [$times, $more] | $figures.pause_ms
    | select(.early[$p] != null and .late[$p] != null and .late[$p] > .early[$p] * $times + $more) | "pause \($p): \(.early[$p]) to \(.late[$p]) ms"]
