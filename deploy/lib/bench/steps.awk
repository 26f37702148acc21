# Takes apart what the agents note of a round: "... round ID: steps us: freeze=0 armed:web1=300 still:web1=900 capture=950
# captured:web1=2500 prove=3000 runs:web1=9000". Prints a JSON line per machine: how long each step took, in microseconds.
BEGIN { while ((getline line < rounds) > 0) wanted[line] = 1 }

{
  round = ""
  for (i = 1; i < NF; i++) if ($i == "round") { round = $(i + 1); sub(/:$/, "", round); break }
  if (!(round in wanted)) next
  split("", at)
  split("", vms)
  last_still = last_cut = 0
  for (i = 1; i <= NF; i++) {
    if (split($i, pair, "=") != 2 || pair[2] !~ /^-?[0-9]+$/) continue
    at[pair[1]] = pair[2]
    if (split(pair[1], name, ":") == 2) vms[name[2]] = 1
    if (name[1] == "still" && pair[2] > last_still) last_still = pair[2]
    if (name[1] == "captured" && pair[2] > last_cut) last_cut = pair[2]
  }
  if (!("prove" in at)) next
  for (vm in vms)
    printf "{\"round\":\"%s\",\"vm\":\"%s\",\"arm\":%d,\"stop\":%d,\"tell\":%d,\"cut\":%d,\"wait\":%d,\"run\":%d}\n", round, vm,
      at["armed:" vm] - at["freeze"], at["still:" vm] - at[(("due:" vm) in at ? "due:" : "armed:") vm], at["capture"] - last_still,
      at["captured:" vm] - at["capture"], at["prove"] - last_cut, at["runs:" vm] - at["prove"]
}
