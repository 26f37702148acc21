# awk -f one-node.awk CONSOLE - proves from a guest's console on shared storage that it ran on one node at a time.
#
# Every life of the guest appends to the same file. It begins with "NODE name #" and a line BOOT, and its lines S count up in
# seq (what is on the disks) and mono_us (since its boot). Two lives at once would mix their bytes, or go back in one of the
# two; and each would find on the disks what it did not write, which the guest complains about itself.
# Prints one line "RAN node first-seq last-seq" for each life. Exit status 0: one at a time, 1: not.

function field(key,    rest) {
  rest = substr($0, index($0, " " key "=") + length(key) + 2)
  sub(/ .*/, "", rest)
  return rest + 0
}

function wrong(why) {
  print "WRONG line " NR " (" why "): " whole
  failed = 1
}

function life_ends() {
  if (node != "") print "RAN " node " " first " " seq
}

{
  sub(/\r$/, "")
  whole = $0
  # A life that was killed may have left half a line in front of the next one's first.
  if (match($0, /.NODE n[0-9]+ #$/)) $0 = substr($0, RSTART + 1)
}

$1 == "NODE" && $NF == "#" {
  life_ends()
  node = $2
  booted = 0
  next
}

$1 == "BOOT" && $NF == "#" {
  if (booted) wrong("a second boot without a NODE")
  if (field("seq") < seq) wrong("it boots from older data than the life before wrote")
  booted = 1
  mono = field("mono_us")
  first = seq = field("seq")
  next
}

($1 == "S" || $1 == "J") && $NF == "#" && booted {
  if (field("mono_us") < mono || field("seq") < seq) wrong("it goes back")
  mono = field("mono_us")
  seq = field("seq")
  next
}

NF { torn[NR] = whole }

END {
  life_ends()
  for (line in torn)
    if (line < NR) { # half a line at the end is one that is being written
      print "WRONG line " line " (unknown): " torn[line]
      failed = 1
    }
  exit failed
}
