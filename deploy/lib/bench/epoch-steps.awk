# Takes apart what an agent notes of an epoch: "begun=900 ... STOP=9000 pre-switchover=10000 ... completed=12000 ... committed=16000 ...",
# microseconds. Prints a JSON line: since STOP, when QEMU waits, has sent the rest of the memory, and the standby has committed. An
# epoch of disks alone has only the last of them.
{
  split("", at)
  for (i = 1; i <= NF; i++) if (split($i, pair, "=") == 2) at[pair[1]] = pair[2]
  if ("STOP" in at && "committed" in at)
    printf "{\"who\":\"ours\",\"work\":\"%s\",\"interval\":%s,%s\"followed\":%d}\n", work, interval, memory(), at["committed"] - at["STOP"]
}

function memory() {
  return "completed" in at ? sprintf("\"waits\":%d,\"sent\":%d,", at["pre-switchover"] - at["STOP"], at["completed"] - at["STOP"]) : ""
}
