# shellcheck shell=bash disable=SC2154,SC2034  # lab and state are set by faults.sh
# The kinds of fault: for each, inject_KIND NODE does it, heal_KIND NODE ends it when it has lasted. Sourced by faults.sh, never run.
# Needs lab.bash. A word that a kind uses for itself is kept in the array was, under the name of the fault and its own.

# kind, how long it lasts in seconds, whether a node is fenced (no, yes, may), whether the replicated machine may go back an epoch
kinds() {
  cat <<'LIST'
agent-halt        0  no  no
agent-kill        0  no  no
agent-stop        3  no  no
agent-zombie      9  no  no
guard-kill        0  no  no
guard-stop        6  no  no
agent-guard-kill  0  no  no
qemu-kill         0  no  yes
qemu-stop         4  no  no
store-kill        0  no  no
store-leader-kill 0  no  no
store-stop        8  no  no
ensemble-kill     0  no  no
ensemble-stop     8  no  no
node-crash        0  yes yes
node-hang         0  yes yes
node-cut          0  yes yes
link-one-way      7  no  no
channel-cut       7  no  no
store-cut         7  no  no
link-slow         7  may yes
disk-full         4  no  no
disk-error        4  no  no
clock-ahead       4  no  no
clock-behind      4  no  no
journal-error     0  no  no
memory-flip       2  no  no
memory-cut        2  no  no
sidecar-flip      2  no  no
sidecar-cut       2  no  no
journal-flip      6  no  no
journal-cut       6  no  no
znode-flip        3  no  no
znode-cut         3  no  no
agent-older       6  no  no
LIST
}

# not_here KIND - why it cannot be done on this machine; empty if it can. The issue wants these; the report lists them.
not_here_kinds() {
  cat <<'LIST'
link-lossy    no netem in this kernel: link-slow is a token bucket
agent-older   only with HOLDFAST_OLDER=DIR, what an older version has built (its deploy/target/root)
LIST
}

kind_field() { kinds | awk -v kind="$1" -v nth="$2" '$1 == kind { print $nth }'; }
lasts() { kind_field "$1" 2; }
fences_of() { kind_field "$1" 3; }
takes_back() { [ "$(kind_field "$1" 4)" = yes ]; }

declare -A was

# signal NODE SIGNAL FILE... - to the processes that the files name; false if the last one is not there: nothing was done then.
signal() {
  local node=$1 name=$2
  shift 2
  # shellcheck disable=SC2016  # for the shell there
  on "$node" sh -c 'signal=$1; shift; for file; do kill -s "$signal" "$(cat "$file")"; done' sh "$name" "$@" 2>/dev/null
}
agent_file=/run/holdfast/agent.pid
guard_file=/run/lab/guard.pid
store_file=/run/lab/zookeeper.pid
# machine_on NODE - which machine's QEMU a fault on the node is for: its plain one, else the replicated one.
machine_on() { case $1 in n1) echo w1 ;; n2) echo w2 ;; *) echo "${replicated:-w3}" ;; esac; }

inject_agent-halt() { :; } # it has ended itself at the point, or see at_random
inject_agent-kill() { signal "$1" KILL $agent_file; }
inject_agent-stop() {
  was[$fault.pid]=$(agent_pid "$1")
  signal "$1" STOP $agent_file
}
heal_agent-stop() { on "$1" kill -CONT "${was[$fault.pid]}" 2>/dev/null || true; }
inject_agent-zombie() { inject_agent-stop "$1"; }
heal_agent-zombie() { heal_agent-stop "$1"; }
inject_guard-kill() { signal "$1" KILL $guard_file; }
inject_guard-stop() {
  was[$fault.pid]=$(on "$1" cat $guard_file)
  on "$1" kill -STOP "${was[$fault.pid]}"
}
heal_guard-stop() { heal_agent-stop "$1"; }
inject_agent-guard-kill() { signal "$1" KILL $agent_file $guard_file; }
inject_qemu-kill() { signal "$1" KILL "/run/holdfast/vms/$(machine_on "$1")/pid"; }
inject_qemu-stop() {
  was[$fault.pid]=$(on "$1" cat "/run/holdfast/vms/$(machine_on "$1")/pid")
  on "$1" kill -STOP "${was[$fault.pid]}"
}
heal_qemu-stop() { heal_agent-stop "$1"; }

inject_store-kill() { signal "$1" KILL $store_file; }
inject_store-leader-kill() {
  local node
  node=$(store_leader) && signal "$node" KILL $store_file
}
inject_store-stop() {
  was[$fault.pid]=$(on "$1" cat $store_file)
  on "$1" kill -STOP "${was[$fault.pid]}"
}
heal_store-stop() { heal_agent-stop "$1"; }
inject_ensemble-kill() { local node; for node in n1 n2 n3; do signal $node KILL $store_file || true; done; }
inject_ensemble-stop() { local node; for node in n1 n2 n3; do signal $node STOP $store_file || true; done; }
heal_ensemble-stop() { local node; for node in n1 n2 n3; do signal $node CONT $store_file; done; }

inject_node-crash() { "$lab" crash "$1"; }
inject_node-hang() { "$lab" freeze "$1"; }
inject_node-cut() { "$lab" cut "$1"; }
heal_node-cut() {
  wait_until 40 "$1 is not fenced" fenced || true
  "$lab" heal "$1"
}
# The next node hears nothing of this one over TCP, and is heard.
other_than() { case $1 in n1) echo n2 ;; n2) echo n3 ;; *) echo n1 ;; esac; }
inject_link-one-way() { "$lab" cut "$1" "$(other_than "$1")"; }
heal_link-one-way() { "$lab" heal "$1" "$(other_than "$1")"; }
inject_channel-cut() { "$lab" cut "$1" channel; }
heal_channel-cut() { "$lab" heal "$1" channel; }
inject_store-cut() { "$lab" cut "$1" store; }
heal_store-cut() { "$lab" heal "$1" store; }
# What a replicated machine sends fills such a link, and corosync may lose the node on it: then it is fenced, and rightly.
inject_link-slow() { "$lab" slow "$1"; }
heal_link-slow() { "$lab" fast "$1"; }

# Who writes on may take what is left between the two; the second one takes the rest.
inject_disk-full() {
  # shellcheck disable=SC2016
  on "$1" sh -c 'fallocate -l "$(df --output=avail --block-size=1 /lab/shared | tail -n 1)" /lab/shared/fill; dd if=/dev/zero bs=64K >>/lab/shared/fill' 2>/dev/null || true
}
heal_disk-full() { rm -f "/proc/$(cat "$state/switch.pid")/root$state/shared/fill"; }
# wanted NODE OFFSET BYTES - what all processes of the node are made to believe (unreliable.c).
# shellcheck disable=SC2016
wanted() { on "$1" sh -c 'printf "$2" | dd of=/run/faults/wanted bs=1 seek="$1" conv=notrunc status=none' sh "$2" "$3"; }
# What belongs to checkpoints; the guests' own disks do not fail, or they would say so themselves.
inject_disk-error() { wanted "$1" 8 '.holdfast/snapshots/'; }
heal_disk-error() { wanted "$1" 8 '\0'; }
# By an hour.
inject_clock-ahead() { wanted "$1" 0 '\020\016\0\0\0\0\0\0'; }
inject_clock-behind() { wanted "$1" 0 '\360\361\377\377\377\377\377\377'; }
heal_clock-ahead() { wanted "$1" 0 '\0\0\0\0\0\0\0\0'; }
heal_clock-behind() { heal_clock-ahead "$1"; }
inject_journal-error() { :; } # the point itself fails

# damage flip|cut FILE - one bit is another one, or its second half is gone. mended puts back what was. FILE is as seen from this machine.
damage() {
  local how=$1 file=$2 size byte
  [ -n "$file" ] && size=$(stat -c %s "$file") && [ "$size" -gt 1 ] && cp "$file" "$work/undamaged.$fault" || return 1
  if [ "$how" = cut ]; then
    truncate -s $((size / 2)) "$file"
  else
    byte=$(od -An -tu1 -j $((size / 2)) -N 1 "$file")
    # shellcheck disable=SC2059  # the byte is the format
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
  fi
}
# damage_on NODE flip|cut PATTERN - the newest such file there.
damage_on() {
  local file
  # shellcheck disable=SC2012,SC2046  # a pattern
  file=$(ls -t $(inside "$1" "$3") 2>/dev/null | head -n 1)
  was[$fault.file]=${3%/*}/${file##*/}
  damage "$2" "$file"
}
# mended NODE - if it is still there.
mended() {
  local file
  file=$(inside "$1" "${was[$fault.file]}")
  [ ! -e "$file" ] || cat "$work/undamaged.$fault" >"$file"
}
# Of the newest checkpoint that is complete; what QEMU is still writing would be damaged by mending it.
w1_files=/lab/shared/vms/w1.holdfast/snapshots
inject_memory-flip() { [ -n "$base" ] && damage_on n1 flip "$w1_files/$base.memory"; }
heal_memory-flip() { mended n1; }
inject_memory-cut() { [ -n "$base" ] && damage_on n1 cut "$w1_files/$base.memory"; }
heal_memory-cut() { mended n1; }
inject_sidecar-flip() { [ -n "$base" ] && damage_on n1 flip "$w1_files/$base.json"; }
heal_sidecar-flip() { mended n1; }
inject_sidecar-cut() { [ -n "$base" ] && damage_on n1 cut "$w1_files/$base.json"; }
heal_sidecar-cut() { mended n1; }

# The agent finds its journal damaged when it starts again, and has to leave alone what it cannot read until somebody has mended it.
inject_journal-flip() { damage_on "$1" flip "/var/lib/holdfast/journal/*.json" && inject_agent-kill "$1"; }
heal_journal-flip() { mended "$1" && { inject_agent-kill "$1" || true; }; }
inject_journal-cut() { damage_on "$1" cut "/var/lib/holdfast/journal/*.json" && inject_agent-kill "$1"; }
heal_journal-cut() { heal_journal-flip "$1"; }

# What was written last, by whoever: a vote, the round's record, the catalogue, a replica's record.
znode() {
  on "$1" java -cp '/usr/lib/holdfast/lib/*' /usr/lib/holdfast-lab/Znode.java "$1:2181" /etc/holdfast/zookeeper.secret /run/faults/znode "$2" 2>/dev/null >>"$work/operation"
}
inject_znode-flip() { znode "$1" flip; }
# An ensemble that is broken, too, comes first. What was decided meanwhile may have left a claim behind that nobody could read.
heal_znode-flip() {
  znode "$1" mend || return $not_yet
  on "$1" timeout 60 holdfast fsck --repair >>"$work/operation" 2>&1
  true
}
inject_znode-cut() { znode "$1" cut; }
heal_znode-cut() { heal_znode-flip "$1"; }
# What starts there next is the older one.
inject_agent-older() { on "$1" mount --bind "$HOLDFAST_OLDER/usr/lib/holdfast" /usr/lib/holdfast && inject_agent-kill "$1"; }
heal_agent-older() { on "$1" umount -l /usr/lib/holdfast && signal "$1" KILL /run/lab/agent.pid; } # it may not have said its own yet

# at_point KIND - what the agent does by itself when it comes to the point.
at_point() { case $1 in agent-halt) echo halt ;; journal-error) echo fail ;; *) echo hold ;; esac; }
# What may come as well, on another node: what fences nobody, and takes no replicated machine back.
mapfile -t seconds < <(kinds | awk '$3 == "no" && $4 == "no" { print $1 }')

# fits KIND POINT - whether the pair makes sense. Without a point nothing ends or fails by itself.
fits() {
  case $1 in
    agent-halt) [ "$2" != random ] ;;
    journal-error) [[ $2 == journal.* ]] ;;
    agent-older) [ -n "${HOLDFAST_OLDER:-}" ] ;;
    # Where the round has left nothing in the journal any more, there is nothing to damage.
    journal-*) [[ $2 =~ ^(journal|machines|store)\. && ! $2 =~ ^(journal\.remove\.done|store\.(acknowledge|close)(\.done)?)$ ]] ;;
  esac
}

# collide KIND KIND - whether both would touch the same thing, so that mending one would bring back what the other one did.
collide() {
  local one=${1%-*} other=${2%-*}
  [ "$1" = "$2" ] || [[ $one == "$other" && $one =~ ^(memory|sidecar|journal|znode|clock|disk)$ ]]
}

# inject KIND NODE, heal KIND NODE - the two of them are the fault.
inject() { local fault=$1.$2 && "inject_$1" "$2"; }
heal() { local fault=$1.$2 && if declare -F "heal_$1" >/dev/null; then "heal_$1" "$2"; fi; }

# heal_all - whatever is still broken, so that the next fault is alone. Says nothing if nothing is.
heal_all() {
  local node other
  for node in n1 n2 n3; do
    "$lab" unhold $node
    for other in '' channel store n1 n2 n3; do "$lab" heal $node ${other:+"$other"} 2>/dev/null || true; done
    "$lab" fast $node
    on $node sh -c 'rm -f /run/faults/armed/* /run/faults/reached/*' 2>/dev/null || true
  done
  heal_disk-full
}
