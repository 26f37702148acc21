# The figures of a soak for people.
def pad(n): . + (" " * ([n - length, 0] | max));
def row: [(.[0] | tostring | pad(26))] + (.[1:] | map(tostring | pad(12))) | join("");
"\(.minutes) minutes, \(.checkpoints) checkpoints, \(.answers) answers over the network",
(["", "10 to 30 %", "80 to 100 %"] | row),
(to_entries[] | select(.value | type == "object" and has("early") and (.early | type == "number" or . == null)) | [.key, .value.early, .value.late] | row),
(["pause p50 ms", .pause_ms.early.p50, .pause_ms.late.p50] | row),
(["pause p95 ms", .pause_ms.early.p95, .pause_ms.late.p95] | row),
(["pause p99 ms", .pause_ms.early.p99, .pause_ms.late.p99] | row),
(["longest pause ms", .pause_ms.early.max, .pause_ms.late.max] | row),
"p50 in each tenth of the time: \(.spread | map(.p50) | join(" "))",
"p99 in each tenth of the time: \(.spread | map(.p99) | join(" "))",
(if .grows == [] then "Nothing grows." else "Grows: \(.grows | join(", "))" end)
