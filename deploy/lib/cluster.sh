#!/bin/bash
# A cluster of nodes on one machine: one network namespace per node, and one more (the "hub") that plays the switches.
# Sourced, never run; needs common.sh and root. Nothing of it ever appears on the machine's own network.
#
#   cluster_up N                 hub + nodes n1..nN, each with its directories; a leftover of a killed run is removed first
#   cluster_down                 kills what runs inside the namespaces (only that), removes them and the scratch directory
#   cluster_nodes                names of the nodes, one per line
#   node_exec nX CMD...          runs CMD in the network of node X
#   node_spawn nX NAME CMD...    the same in the background; output to the node's log/NAME.log, pid to log/NAME.pid
#   node_signal nX NAME SIGNAL   sends a signal to what node_spawn started
#   node_alive nX NAME           whether it still runs
#   node_address nX              address of the node on the management network
#   node_dir nX                  directory of the node: etc run state vms log
#   node_tap nX TAP              makes a tap of that name, bridged to the guests' network
#   own_namespaces CMD...        goes on as CMD in namespaces of the user's own, where an ordinary user may do all this; ends with it
#   cluster_cut nX / cluster_heal nX            takes node X off both switches / puts it back
#   cluster_linkdown nX / cluster_linkup nX     carrier loss on both links of node X
#
# HOLDFAST_PREFIX (default hf) names the namespaces: two clusters with different prefixes live side by side.

HF_PREFIX=${HOLDFAST_PREFIX:-hf}
HF_MANAGEMENT=10.77.0
# shellcheck disable=SC2034  # used by the scripts that source this file
HF_GUESTS=192.168.77
HF_RECORD=/run/holdfast-lab/$HF_PREFIX   # one line: the scratch directory of the cluster that is up
HF_SCRATCH=
HF_LOCK=   # descriptor of the lock that says: a script works with this cluster

# cluster_lock - fails when another living script works with the cluster of this prefix. Ends with this script.
cluster_lock() {
  [ -z "$HF_LOCK" ] || return 0
  mkdir -p "${HF_RECORD%/*}"
  exec {HF_LOCK}>"$HF_RECORD.lock"
  flock -n "$HF_LOCK" || die "another script works with the cluster '$HF_PREFIX' right now. Wait for it, or set HOLDFAST_PREFIX to another word"
}

own_namespaces() {
  [ -w /dev/net/tun ] || die "the guests need tap devices, and /dev/net/tun is not open to $(id -un). Open it (chmod 666 /dev/net/tun, as Debian does), or run this as root: sudo $0"
  unshare --user --map-root-user --net --mount true 2>/dev/null ||
    die "this kernel lets nobody but root make network namespaces (see user.max_user_namespaces, kernel.unprivileged_userns_clone). Run it as root: sudo $0"
  # All of it ends with this script: the namespace of processes takes them along.
  HOLDFAST_CACHE=$(cache_dir) exec unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc \
    sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' sh "$@"
}

hf_ns() { echo "$HF_PREFIX-$1"; }
hf_ns_exists() { [ -e "/run/netns/$HF_PREFIX-$1" ]; }
hub_ip() { ip -n "$(hf_ns hub)" "$@"; }
node_ip() {
  local node=$1
  shift
  ip -n "$(hf_ns "$node")" "$@"
}
node_dir() { echo "$HF_SCRATCH/$1"; }
node_address() { echo "$HF_MANAGEMENT.$((10 + ${1#n}))"; }

node_exec() {
  local node=$1
  shift
  (
    [ -z "$HF_LOCK" ] || exec {HF_LOCK}>&-
    exec nsenter --net="/run/netns/$(hf_ns "$node")" -- "$@"
  )
}

node_spawn() {
  local node=$1 name=$2 dir
  shift 2
  dir=$(node_dir "$node")
  (
    [ -z "$HF_LOCK" ] || exec {HF_LOCK}>&-
    exec setsid nsenter --net="/run/netns/$(hf_ns "$node")" -- "$@" </dev/null >>"$dir/log/$name.log" 2>&1
  ) &
  echo $! >"$dir/log/$name.pid"
  disown
}

node_signal() { kill -s "$3" "$(cat "$(node_dir "$1")/log/$2.pid")"; }

# A killed process may be a zombie for a moment; it has let go of its files and ports when the last of its threads has ended. (Its command line
# tells nothing: it is empty during an exec, too.)
node_alive() {
  local pid stat fields
  pid=$(cat "$(node_dir "$1")/log/$2.pid" 2>/dev/null) && read -r stat <"/proc/$pid/stat" || return 1
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || [ "${fields[17]}" -gt 1 ]
} 2>/dev/null

cluster_nodes() {
  local dir
  for dir in "$HF_SCRATCH"/n[0-9]*; do
    [ ! -d "$dir" ] || echo "${dir##*/}"
  done | sort -V
}

# cluster_attach - takes up the cluster of this prefix that an earlier script left up (--keep); fails when there is none.
cluster_attach() {
  [ -f "$HF_RECORD" ] || return 1
  HF_SCRATCH=$(cat "$HF_RECORD")
  [ -d "$HF_SCRATCH" ]
}

cluster_up() {
  local count=$1 i
  need_root "a cluster of network namespaces"
  # The prefix goes into names of namespaces and directories, the scratch directory into paths of UNIX sockets.
  [[ $HF_PREFIX =~ ^[a-z][a-z0-9]{0,7}$ ]] || die "HOLDFAST_PREFIX '$HF_PREFIX' is not a short word (a-z, 0-9, up to 8)"
  [[ $count =~ ^([1-9]|1[0-6])$ ]] || die "a cluster has 1 to 16 nodes, not '$count'"
  cluster_lock
  if [ -f "$HF_RECORD.kept" ]; then
    die "a cluster '$HF_PREFIX' is still up ($(cat "$HF_RECORD")). Take it down with deploy/demo.sh --down, or set HOLDFAST_PREFIX to another word"
  fi
  cluster_down
  mkdir -p "${HF_RECORD%/*}"
  HF_SCRATCH=$(mktemp -d "${HOLDFAST_SCRATCH:-/var/tmp}/$HF_PREFIX.XXXXXX")
  chmod 755 "$HF_SCRATCH"
  [ ${#HF_SCRATCH} -le 50 ] || die "the scratch directory $HF_SCRATCH is too long for UNIX sockets below it: set HOLDFAST_SCRATCH to a shorter one"
  echo "$HF_SCRATCH" >"$HF_RECORD"
  ip netns add "$(hf_ns hub)"
  hub_ip link set lo up
  for i in management guests; do
    hub_ip link add "$i" type bridge forward_delay 0 stp_state 0 mcast_snooping 0
    hub_ip link set "$i" up
  done
  for ((i = 1; i <= count; i++)); do node_up "n$i"; done
}

node_up() {
  local node=$1 ns
  ns=$(hf_ns "$node")
  mkdir -p "$HF_SCRATCH/$node"/{etc/vms,run/vms,state,vms,log}
  ip netns add "$ns"
  node_ip "$node" link set lo up
  # Both ends of each cable are made inside namespaces: the machine's own network never sees them.
  hub_ip link add "m$node" type veth peer name eth0 netns "$ns"
  hub_ip link add "g$node" type veth peer name guest0 netns "$ns"
  hub_ip link set "m$node" master management up
  hub_ip link set "g$node" master guests up
  node_ip "$node" addr add "$(node_address "$node")/24" dev eth0
  node_ip "$node" link set eth0 up
  node_ip "$node" link add guests type bridge forward_delay 0 stp_state 0 mcast_snooping 0
  node_ip "$node" link set guest0 master guests up
  node_ip "$node" link set guests up
}

node_tap() {
  node_ip "$1" tuntap add "$2" mode tap
  node_ip "$1" link set "$2" master guests up
}

cluster_cut() { hub_ip link set "m$1" nomaster && hub_ip link set "g$1" nomaster; }
cluster_heal() { hub_ip link set "m$1" master management && hub_ip link set "g$1" master guests; }
cluster_linkdown() { hub_ip link set "m$1" down && hub_ip link set "g$1" down; }
cluster_linkup() { hub_ip link set "m$1" up && hub_ip link set "g$1" up; }

# hf_namespaces - the namespaces of this prefix: hub and nodes.
hf_namespaces() { find /run/netns -maxdepth 1 -regextype posix-extended -regex "/run/netns/$HF_PREFIX-(hub|n[0-9]+)" -printf '%f\n' 2>/dev/null; }

# hf_processes - pids of all that runs inside them. What runs there was started there: nobody else knows these namespaces.
hf_processes() {
  local ns
  for ns in $(hf_namespaces); do ip netns pids "$ns"; done
}

hf_no_processes() { [ -z "$(hf_processes)" ]; }

cluster_down() {
  local pids ns scratch
  pids=$(hf_processes)
  if [ -n "$pids" ]; then
    # shellcheck disable=SC2086  # a list of pids
    kill -9 $pids 2>/dev/null || true
    wait_until 60 "processes inside the namespaces of '$HF_PREFIX' do not end" hf_no_processes || true
  fi
  for ns in $(hf_namespaces); do ip netns del "$ns" || true; done
  if [ -f "$HF_RECORD" ]; then
    scratch=$(cat "$HF_RECORD")
    case $scratch in */"$HF_PREFIX".??????) rm -rf "$scratch" ;; esac
  fi
  rm -f "$HF_RECORD" "$HF_RECORD.kept"
  HF_SCRATCH=
}

# cluster_keep - the cluster outlives this script, until the next cluster_down.
cluster_keep() { touch "$HF_RECORD.kept"; }
