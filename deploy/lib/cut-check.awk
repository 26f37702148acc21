# awk -f cut-check.awk CONSOLE... - judges a group revert from what the guests themselves printed.
#
# Each file is the console log of one guest, from its restore on (lines before the restore may stand in front).
# The last line "J ..." of a guest is its state at the cut, printed before it received anything more.
#   (a) nobody had received what had not been sent: received(j from i) <= sent(i to j) for every pair
#   (b) memory and both disks are of one moment: no LOST, MISMATCH, FUTURE or BAD line, "bad" is zero; with -v earlier=1, for
#       guests that had complained before, it stays what it was; and what a guest says of a clock that was set is no restore, and a
#       guest that was booted before and had not been called again had sent nothing on its new connection
#   (c) the TCP connections go on: "reconnects" stays what it was, and every channel has received more since
# Prints a table and one line "VERDICT consistent=true|false ...". Exit status 0: consistent, 1: not, 2: cannot tell.

function field(line, key,    at, rest) {
  at = index(line, " " key "=")
  if (at == 0) return ""
  rest = substr(line, at + length(key) + 2)
  sub(/ .*/, "", rest)
  return rest
}

function counts(text, into, guest,    parts, pair, n, k) {
  n = split(text, parts, ",")
  for (k = 1; k <= n; k++) {
    split(parts[k], pair, ":")
    into[guest, pair[1]] = pair[2]
  }
}

# went_back SEQ - whether one of the last lines was later. What was on its way to the console at the cut comes before the line J.
function went_back(seq,    k) {
  for (k = 0; k < 10; k++) if ((id, k) in recent && recent[id, k] > seq) return 1
  return 0
}

# A torn line lacks its end or holds two beginnings: only whole lines count.
{ sub(/\r$/, "") }
$NF != "#" { next }
{
  # QEMU may have cut a line short at the freeze: what counts is the last beginning in it.
  while (match($0, /.(BOOT|[SJ]) id=[0-9]/)) $0 = substr($0, RSTART + 1)
}

$1 == "J" {
  id = field($0, "id")
  if (earlier && !went_back(field($0, "seq") + 0)) next
  # A clock that is set soon after is no second restore.
  for (k = 0; k < 10; k++) delete recent[id, k]
  cut[id] = 1
  fresh[id] = 0
  counts(field($0, "sent"), cut_sent, id)
  counts(field($0, "recv"), cut_received, id)
  # A few lines may come before J that were on their way to the console at the cut; more are from before the revert.
  before[id] = lines[id] >= 10 ? newest[id] : ""
  cut_bad[id] = earlier ? field($0, "bad") : 0
  cut_reconnects[id] = field($0, "reconnects"); cut_seq[id] = field($0, "seq")
  ids[id] = 1
  next
}
$1 == "S" {
  id = field($0, "id")
  ids[id] = 1
  lines[id]++
  recent[id, lines[id] % 10] = field($0, "seq") + 0
  if (field($0, "seq") + 0 > newest[id] + 0) newest[id] = field($0, "seq")
  if (cut[id]) {
    fresh[id]++
    counts(field($0, "recv"), now_received, id)
    now_bad[id] = field($0, "bad"); now_reconnects[id] = field($0, "reconnects"); now_seq[id] = field($0, "seq")
  }
  next
}
$1 == "LOST" || $1 == "MISMATCH" || $1 == "FUTURE" || $1 == "BAD" {
  if (shown++ < 10) print "  guest says: " $0
}

END {
  for (id in ids) {
    guests++
    if (!cut[id]) { print "  guest " id ": no line about a restore (J)"; unknown++ }
    else if (before[id] != "" && cut_seq[id] + 0 >= before[id] + 0) { print "  guest " id ": it was not brought back: at write " cut_seq[id] " after, " before[id] " before"; unknown++ }
    else if (fresh[id] < 2) { print "  guest " id ": it printed nothing after the restore"; unknown++ }
  }
  if (guests < 1) { print "  no line of a guest in these files"; unknown++ }
  if (guests != ARGC - 1) { print "  " guests " guests in " (ARGC - 1) " files"; unknown++ }
  if (unknown) { print "VERDICT consistent=unknown"; exit 2 }

  cut_ok = disks_ok = tcp_ok = 1
  printf "  %-10s %12s %16s %14s %s\n", "channel", "sent at cut", "received at cut", "received now", ""
  for (i = 1; i <= 16; i++) for (j = 1; j <= 16; j++) {
    if (i == j || !(i in ids) || !(j in ids)) continue
    if (earlier && cut_sent[i, j] + 0 == 0) continue
    pairs++
    note = "ok"
    if (cut_received[j, i] + 0 > cut_sent[i, j] + 0) { note = "RECEIVED WHAT WAS NOT SENT"; cut_ok = 0 }
    if (now_received[j, i] + 0 <= cut_received[j, i] + 0) { note = note ", STANDS STILL"; tcp_ok = 0 }
    printf "  %-10s %12d %16d %14d %s\n", i " -> " j, cut_sent[i, j], cut_received[j, i], now_received[j, i], note
  }
  for (i = 1; i <= 16; i++) {
    if (!(i in ids)) continue
    if (now_bad[i] + 0 != cut_bad[i] + 0) disks_ok = 0
    if (now_reconnects[i] != cut_reconnects[i]) tcp_ok = 0
    back = before[i] == "" ? "" : "from write " before[i] " "
    printf "  guest %-2d   %sback to write %d, now at %d; bad=%d, reconnects %d then, %d now\n", i, back, cut_seq[i], now_seq[i], now_bad[i], cut_reconnects[i], now_reconnects[i]
  }
  if (!pairs && guests > 1) { print "VERDICT consistent=unknown"; exit 2 }
  all = cut_ok && disks_ok && tcp_ok
  printf "VERDICT consistent=%s cut=%s memory_and_disks=%s connections=%s channels=%d\n", word(all), word(cut_ok), word(disks_ok), word(tcp_ok), pairs
  exit all ? 0 : 1
}

function word(flag) { return flag ? "true" : "false" }
