# The figures for people.
def cell: if . == null then "-" else tostring end;
def pad(n): . + (" " * ([n - length, 0] | max));
def row: map(cell | pad(9)) | join("");
(["vms", "rounds", "pause", "", "", "skew", "", "", "floor", "", "", "ratio", "together", "", "", "load"] | row),
(["", "", "p50", "p90", "p99", "p50", "p90", "p99", "p50", "p90", "p99", "p50", "pause", "skew", "ratio", "p50"] | row),
(.rounds[] | [.vms, .rounds, .pause_ms_p50, .pause_ms_p90, .pause_ms_p99, .skew_ms_p50, .skew_ms_p90, .skew_ms_p99,
  .floor_ms_p50, .floor_ms_p90, .floor_ms_p99, .ratio_p50, .together_ms_p50, .together_skew_ms_p50, .ratio_together_p50, .load] | row),
"Milliseconds. Pause: the longest of the members, from STOP to RESUME. Skew: between the first and the last STOP.",
"Floor: one machine, by a bare program, in between. Together (p50): all members by bare programs at one preset time; where",
"one machine plays all nodes, that is what its processors allow, and what remains above it is the price of the coordination.",
"",
"Where the time goes (p50 of all members, ms):",
(["vms", "arm", "stop", "tell", "cut", "wait", "run"] | row),
(.rounds[] | select(.steps_ms_p50) | [.vms, (.steps_ms_p50 | .arm, .stop, .tell, .cut, .wait, .run)] | row),
"arm: FREEZE heard, guard acknowledged. stop: ordered at the instant agreed on, STOP heard. tell: FROZEN sent, capture begins.",
"cut: images flushed, disks cut. wait: until the last FROZEN is heard. run: memory protected, guest runs.",
"",
"Writes that ZooKeeper logged: \(.store_writes); inside a pause: \([.rounds[].store_writes_in_pauses] | add). Rounds that failed: \(.failed_rounds).",
(.first_round | select(.) | "The very first round after the start of the agents (\(.vms) machines): pause \(.pause_ms), skew \(.skew_ms).")
