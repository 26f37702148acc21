# The figures of epochs for people.
def cell: if . == null then "-" else tostring end;
def pad(n): . + (" " * ([n - length, 0] | max));
def row: map(cell | pad(9)) | join("");
(["guest", "interval", "by", "epochs", "given up", "pause", "", "length", "", "KiB", "slower", "pause/", "floor", "length/"] | row),
(["", "s", "", "", "", "p50", "p99", "p50", "p99", "p50", "%", "p50", "p99", "floor"] | row),
(.epochs.cells[] | . as $c
  | ([.work, .interval_s, "holdfast", (.ours | .epochs, .given_up, .pause_ms_p50, .pause_ms_p99, .length_ms_p50, .length_ms_p99, .kib_p50, .slower_percent),
      .pause_ratio_p50, .pause_ratio_p99, .length_ratio_p50] | row),
    (["", "", "floor", (.floor | .epochs, .given_up, .pause_ms_p50, .pause_ms_p99, .length_ms_p50, .length_ms_p99, .kib_p50, .slower_percent)] | row)),
"Milliseconds. Pause: from STOP to RESUME by QEMU's time stamps. Length: until the epoch is committed and the guest runs (holdfast: whole ms).",
"Floor: two bare QEMU processes and a C program of the same QMP sequence, on one host, with neither network nor encryption.",
"Slower: what the guest gets done in a second, against the same guest without a standby. io: synchronous writes to two disks, without a",
"pause; cpu: computes. Here one machine plays both nodes and both ends. Load of it: \(.epochs.load | cell)."
