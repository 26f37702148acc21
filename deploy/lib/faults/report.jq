# The results of a campaign, one object for each fault, to a table of text and one line of JSON.
# A round that never got quiet has no time of recovery.
def recovery: map(select(.violations | any(startswith("liveness")) | not) | .recovery_ms);
def quantile($p): map(select(. != null)) | sort | if length == 0 then 0 else .[((length * $p) | ceil) - 1] end;
def seconds: (. // 0) / 100 | round / 10;
def line: "| \(.[0].point) | \(.[0].kind) | \(length) | \(map(select(.violations != [])) | length) | \(map(.frozen_ms) | max) | \(recovery | quantile(0.5) | seconds) | \(recovery | quantile(0.99) | seconds) |";
map(select(.reached)) as $done
| ($pairs | split("\n") | map(select(length > 0))) as $wanted
| ($done | map("\(.point) \(.kind)", (select(.second_point // "" | length > 0) | "\(.second_point) \(.second)")) | unique) as $had
| "| point | kind | faults | violations | longest frozen ms | recovery p50 s | p99 s |",
  "|---|---|---|---|---|---|---|",
  ($done | group_by([.point, .kind])[] | line),
  "",
  "by kind:",
  ($done | group_by(.kind)[] | map(.point = "all") | line),
  "",
  "by point:",
  ($done | group_by(.point)[] | map(.kind = "all") | line),
  "",
  "by operation:",
  ($done | group_by(.operation)[] | "\(.[0].operation): \(length)"),
  "",
  "missing pairs:",
  ($wanted - $had)[],
  "",
  "violations:",
  (.[] | select(.violations != []) | "seed \(.seed) number \(.nth) (\(.commit)): \(.kind) at \(.point) during \(.operation): \(.violations | join("; "))"),
  "",
  ({faults: (($done | length) + ($done | map(select((.second // "") != "")) | length)), rounds: ($done | length), not_reached: (map(select(.reached | not)) | length),
    decided_by_a_person: ($done | map(select(.decided)) | length), cuts: ($done | map(.cuts // 0) | add // 0), inconsistent_cuts: ($done | map(.violations[] | select(startswith("I2: an inconsistent"))) | length),
    violations: (map(.violations | length) | add // 0), never_quiet: (map(select(.violations | any(startswith("liveness")))) | length),
    max_frozen_over_ms: ($done | map(.over_ms) | max // 0), max_frozen_ms: ($done | map(.frozen_ms) | max // 0),
    fenced_needlessly: ($done | map(.violations[] | select(startswith("fenced"))) | length),
    recovery_p50_ms: ($done | recovery | quantile(0.5)), recovery_p99_ms: ($done | recovery | quantile(0.99)),
    freezes_judged: ($done | map(.freezes_judged // 0) | add // 0),
    pairs: ($had | length), pairs_missing: ($wanted - $had | length), operations: ($done | group_by(.operation) | map({(.[0].operation): length}) | add // {}),
    seeds: ($done | map(.seed) | unique), commits: ($done | map(.commit) | unique), machines: ($done | map(.machine) | unique)} | tojson)
