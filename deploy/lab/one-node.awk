# awk -f one-node.awk [-v moves=N] [-v reverts=N] CONSOLE - proves from a guest's console on shared storage that it ran on one
# node at a time.
#
# Every life of the guest appends to the same file. It begins with "NODE name #" and a line BOOT, and its lines S count up in
# seq (what is on the disks) and mono_us (since its boot), and end in the node on which they were written. Two lives at once
# would mix their bytes, or go back in one of the two; and each would find on the disks what it did not write, which the guest
# complains about itself.
# A life goes on on another node when it moves, which happens moves times at most; and it goes back, at a line J or a BOOT, or on
# another node on which it stays, when it is reverted, which happens reverts times at most. Otherwise both are wrong.
# Prints one line "RAN node first-seq last-seq boot|move|revert" for each stay. Exit status 0: one at a time, 1: not. With -v used=FILE
# that file says how often it has moved and gone back in all.

function text(key,    rest) {
  if (!index($0, " " key "=")) return ""
  rest = substr($0, index($0, " " key "=") + length(key) + 2)
  sub(/ .*/, "", rest)
  return rest
}

function field(key) { return text(key) + 0 }

function wrong(why) {
  print "WRONG line " NR " (" why "): " whole
  failed = 1
}

# What is wrong unless a revert follows: the process before it was ended in the middle of a line, and what was on its way to
# the console at the cut comes first.
function suspicious(why) { suspect[NR] = why "): " whole }

function stay_ends() {
  if (begun) print "RAN " node " " first " " seq " " how
}

function stay_begins(where, why) {
  node = where
  how = why
  begun = 1
  first = field("seq")
}

function here() { return text("node") == "" || text("node") == node }

function moved_on() {
  stay_ends()
  if (++moved > moves) wrong("it goes on on another node, and was not moved")
  stay_begins(text("node"), "move")
}

function reverted(    line) {
  stay_ends()
  if (++went_back > reverts) wrong("it goes back, and was not reverted")
  for (line in suspect) if (NR - line <= 8) delete suspect[line]
  stay_begins(here() ? node : text("node"), "revert")
}

# A line from another node that goes back was on its way at the cut, or is the first after it: the next one tells.
function went_elsewhere() {
  suspicious("it goes back")
  elsewhere = NR
  there = text("node")
  there_seq = field("seq")
  there_mono = field("mono_us")
}

function stays_elsewhere() {
  delete suspect[elsewhere]
  stay_ends()
  if (++went_back > reverts) wrong("it goes back, and was not reverted")
  node = there
  how = "revert"
  first = seq = there_seq
  mono = there_mono
}

{
  sub(/\r$/, "")
  whole = $0
  # A life that was killed may have left half a line in front of the next one's first.
  if (match($0, /.NODE n[0-9]+ #$/)) $0 = substr($0, RSTART + 1)
  else if (reverts && match($0, /.J id=[0-9]+ gap_s=.* #$/)) $0 = substr($0, RSTART + 1)
}

$1 == "NODE" && $NF == "#" {
  stay_ends()
  node = $2
  booted = begun = 0 # one that ends before it has booted was nowhere
  next
}

$1 == "BOOT" && $NF == "#" {
  if (booted) wrong("a second boot without a NODE")
  if (field("seq") < seq && ++went_back > reverts) wrong("it boots from older data than the life before wrote")
  booted = 1
  mono = field("mono_us")
  seq = field("seq")
  stay_begins(node, "boot")
  if (!here()) moved_on() # while it booted
  next
}

($1 == "S" || $1 == "J") && $NF == "#" && booted {
  if (elsewhere && $1 == "S" && text("node") == there && field("mono_us") > there_mono) stays_elsewhere()
  elsewhere = 0
  if (field("mono_us") <= mono || field("seq") < seq) {
    if ($1 != "J") {
      if (here()) suspicious("it goes back")
      else went_elsewhere()
      next
    }
    reverted()
  } else if (!here()) {
    moved_on()
  }
  mono = field("mono_us")
  seq = field("seq")
  next
}

# Of a peer that was booted anew: where that one ran is for its own console.
/^BAD id=[0-9]+ connection to [0-9]+ broke: .* #$/ { next }

NF { suspicious("unknown") }

END {
  if (elsewhere) stays_elsewhere()
  stay_ends()
  if (node == "" || !booted) {
    print "WRONG: nothing ran, or it never came up"
    failed = 1
  }
  for (line in suspect)
    if (line < NR || suspect[line] !~ /^unknown/) { # half a line at the end is one that is being written
      print "WRONG line " line " (" suspect[line]
      failed = 1
    }
  if (used) print moved + 0, went_back + 0 >used
  exit failed
}
