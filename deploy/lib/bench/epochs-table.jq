# The figures of epochs for people.
def cell: if . == null then "-" else tostring end;
def pad(n): . + (" " * ([n - length, 0] | max));
def row: map(cell | pad(9)) | join("");
(["guest", "interval", "by", "epochs", "given up", "pause", "", "length", "", "waits", "sent", "followed", "KiB", "slower", "ours/", "", ""] | row),
(["", "s", "", "", "", "p50", "p99", "p50", "p99", "p50", "p50", "p50", "p50", "%", "pause", "p99", "length"] | row),
(.epochs.cells[] | . as $c
  | ([.work, .interval_s, "holdfast", (.ours | .epochs, .given_up, .pause_ms_p50, .pause_ms_p99, .length_ms_p50, .length_ms_p99, .waits_ms_p50, .sent_ms_p50, .followed_ms_p50, .kib_p50, .slower_percent),
      "", "", ""] | row),
    (if .floor.epochs == 0 then empty else . end
    | (["", "", "floor", (.floor | .epochs, .given_up, .pause_ms_p50, .pause_ms_p99, .length_ms_p50, .length_ms_p99, .waits_ms_p50, .sent_ms_p50, .followed_ms_p50, .kib_p50, .slower_percent),
      .pause_ratio_p50, .pause_ratio_p99, .length_ratio_p50] | row),
    (["", "", "sealed", (.sealed | .epochs, .given_up, .pause_ms_p50, .pause_ms_p99, .length_ms_p50, .length_ms_p99, .waits_ms_p50, .sent_ms_p50, .followed_ms_p50, .kib_p50, .slower_percent),
      .sealed_pause_ratio_p50, "", .sealed_length_ratio_p50] | row))),
"Milliseconds. Pause: from STOP to RESUME by QEMU's time stamps. Length: until the epoch is committed and the guest runs (holdfast: whole ms).",
"Of the pause: until QEMU waits for the order to go on; until the rest of the memory is sent; until the standby's disks have followed.",
"Floor: two bare QEMU processes and a C program of the same QMP sequence, on one host, with neither network nor encryption. Sealed: the",
"same, but the memory goes through TCP with AES-256-GCM by OpenSSL; not the disks.",
"Slower: what the guest gets done in a second, against the same guest without a standby. io: synchronous writes to two disks, without a",
"pause; cpu: computes. Here one machine plays both nodes and both ends. Load of it: \(.epochs.load | cell)."
