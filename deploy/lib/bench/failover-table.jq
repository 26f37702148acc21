# The figures of failovers for people.
def cell: if . == null then "-" else tostring end;
def pad(n): . + (" " * ([n - length, 0] | max));
def row: [(.[0] | cell | pad(28))] + (.[1:] | map(cell | pad(11))) | join("");
(["seconds, p50", "failovers", "detection", "fencing", "take-over", "its max", "total"] | row),
(["holdfast replica", .failovers.replica, .detection_s.replica, .fencing_s.replica, .takeover_s.replica, .takeover_max_s.replica, .total_s.replica] | row),
(["VirtualDomain, cold", .failovers.cold, .detection_s.cold, .fencing_s.cold, .takeover_s.cold, .takeover_max_s.cold, .total_s.cold] | row),
"Take-over: replica / cold \(.takeover_ratio | cell), aim \(.aim.takeover_ratio), and \(.aim.takeover_s) s. Detection: crash to corosync's new membership. Take-over: end of",
"fencing to the guest's first answer to somebody outside. Corosync's token is 1 s here, Debian's default 3 s.",
"Where the replica's take-over goes: until the agent is asked \(.replica_steps_s.asked | cell), until the fencing is proven \(.replica_steps_s.proven | cell), until the",
"store has it \(.replica_steps_s.claimed | cell), until it runs \(.replica_steps_s.runs | cell), until the first answer \(.replica_steps_s.answered | cell). Cold: until the start is ordered \(.cold_steps_s.ordered | cell), until the first answer \(.cold_steps_s.booted | cell).",
"What the guest did, and has not done any more: \(.back_s.replica | cell) s of the replica."
