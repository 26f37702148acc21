#!/bin/bash
# Holdfast itself on a lab cluster: builds it, configures nodes and guests, starts them, reads the guests' consoles.
# Sourced, never run; needs common.sh, packages.sh, cluster.sh.
#
#   holdfast_prepare      packages, build, guest image, secrets
#   holdfast_up           cluster_up and configuration of each node
#   holdfast_start        store, guards, agents; returns when the agents have found each other
#   store_leader          the node whose ZooKeeper server leads; fails when none does
#   guests_start          disks and guests; returns when all guests talk to each other
#   hf nX WORD...         the holdfast command on a node
#   console I             console log of guest I
#   guests_remember       notes what the consoles hold before a revert
#   guests_came_back      whether all guests have said since that they were brought back
#   guests_judge          the verdict of their consoles on a revert (cut-check.awk), as soon as they have said enough
#   show_logs             the last lines of every log

nodes=3        # nodes, each with one guest
guests=        # guests, if not as many as nodes: they are dealt out to the nodes in turn
memory=128     # MiB of each guest
accel=tcg      # or kvm
group=shop     # the checkpoint group they are in
period=40      # ms of an iteration of the guests' program
agents=no      # yes: guests have a guest agent, and a third disk d2 with an ext4 that they write to
qemu10=no      # yes: node 1 runs its guest on QEMU 10, the other nodes on the installed QEMU

# ---- the program ----

root=${HOLDFAST_TREE:-$HOLDFAST_ROOT/deploy/target/root}   # HOLDFAST_TREE: a tree that is there, instead of this source's
holdfast=$root/usr/bin/holdfast

holdfast_prepare() {
  install_packages holdfast_package_list
  build_holdfast
  guest=$("$HOLDFAST_ROOT/deploy/guest/build.sh")
  if [ "$agents" = yes ] && [ ! -f "$guest/initrd-agent" ]; then
    die "the guests have no guest agent: it could not be fetched when they were built (no network?). Give the machine its package source, remove $guest, and run this again"
  fi
  if [ "$qemu10" = yes ]; then
    qemu10_table=$("$HOLDFAST_ROOT/deploy/lib/qemu10.sh" --toml) || die "QEMU 10 is missing; see above"
  fi
  store_secret=$(secret) channel_secret=$(secret)
}

holdfast_up() {
  local i
  cluster_up "$nodes"
  for ((i = 1; i <= nodes; i++)); do configure_node "$i"; done
  for ((i = 1; i <= ${guests:-nodes}; i++)); do
    configure_guest "web$i" "$(host_of "$i")" "tap$i" "52:54:00:77:00:0$i" "$(guest_command_line "$i")" "$group"
    node_tap "$(host_of "$i")" "tap$i"
  done
}

# host_of I - the node on which guest I runs.
host_of() { echo "n$((($1 - 1) % nodes + 1))"; }

holdfast_start() {
  local node
  start_store
  for node in $(cluster_nodes); do start_node "$node"; done
  wait_until 180 "the agents do not find each other" nodes_joined
}

guests_start() {
  local i pid started=()
  for ((i = 1; i <= ${guests:-nodes}; i++)); do
    start_vm "$i" &
    started+=($!)
  done
  for pid in "${started[@]}"; do wait "$pid" || die "a guest did not start"; done
  wait_until 240 "the guests do not talk to each other" guests_talk
}

build_holdfast() {
  [ -z "${HOLDFAST_TREE:-}" ] || return 0
  if [ -x "$holdfast" ] && [ -z "$(cd "$HOLDFAST_ROOT" && find pom.xml ./*/pom.xml ./*/src deploy/install ocf-wrapper -type f -newer "$holdfast" -print -quit 2>/dev/null)" ]; then
    return 0
  fi
  say "building Holdfast (mvn package)"
  (cd "$HOLDFAST_ROOT" && mvn -q -B -ntp -Dstyle.color=never -DskipTests -Dskip.packages package) >&2 || die "the build failed; see above"
  [ -x "$holdfast" ] || die "the build made no $holdfast"
  touch "$holdfast"
}

# hf NODE WORD... - the holdfast command on a node.
hf() {
  local node=$1
  shift
  node_exec "$node" "$holdfast" --config "$(node_dir "$node")/etc/holdfast.toml" "$@"
}

# ---- configuration of a node ----

# One ZooKeeper server per node, on the first three nodes; two nodes have one, because two are no better than one.
stores() { if [ "$nodes" -ge 3 ]; then echo 3; else echo 1; fi; }

join() {
  local IFS=,
  echo "$*"
}

store_addresses() {
  local i list=()
  for ((i = 1; i <= $(stores); i++)); do list+=("$(node_address "n$i")$1"); done
  join "${list[@]}"
}

guest_addresses() {
  local i list=()
  for ((i = 1; i <= ${guests:-nodes}; i++)); do list+=("$HF_GUESTS.$i"); done
  join "${list[@]}"
}

secret() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }

configure_node() {
  local i=$1 node=n$1 dir
  dir=$(node_dir "$node")
  cat >"$dir/etc/holdfast.toml" <<TOML
node = "$node"
cluster = "demo"
run_dir = "$dir/run"
state_dir = "$dir/state"
vms_dir = "$dir/etc/vms"
admin_group = "root"

[zookeeper]
connect = "$(store_addresses :2181)"

[channel]
bind_address = "$(node_address "$node")"
TOML
  if [ "$qemu10" = yes ] && [ "$i" -eq 1 ]; then printf '\n%s\n' "$qemu10_table" >>"$dir/etc/holdfast.toml"; fi
  (
    umask 077
    printf 'holdfast:%s\n' "$store_secret" >"$dir/etc/zookeeper.secret"
    printf '%s\n' "$channel_secret" >"$dir/etc/channel.key"
  )
}

# configure_guest NAME NODE TAP MAC COMMAND-LINE [GROUP] - the definition of a guest with two disks in one chain.
configure_guest() {
  local vm=$1 dir
  dir=$(node_dir "$2")
  cat >"$dir/etc/vms/$vm.toml" <<TOML
name = "$vm"
$([ -z "${6:-}" ] || echo "group = \"$6\"")
machine = "pc-q35-7.2"
accel = "$accel"
cpu = "$([ "$accel" = kvm ] && echo host || echo max)"
memory = "${memory}M"
kernel = "$guest/vmlinuz"
initrd = "$guest/$([ "$agents" = yes ] && echo initrd-agent || echo initrd)"
append = "$5"
guest_agent = $([ "$agents" = yes ] && echo true || echo false)

$(for disk in $(guest_disks); do printf '[[disk]]\nid = "%s"\npath = "%s/vms/%s.holdfast/head/%s.qcow2"\n\n' "$disk" "$dir" "$vm" "$disk"; done)

[[nic]]
id = "n0"
tap = "$3"
mac = "$4"
TOML
}

guest_disks() { if [ "$agents" = yes ]; then echo d0 d1 d2; else echo d0 d1; fi; }

# guest_command_line ID [ADDRESSES] - ADDRESSES of all guests that talk to each other, in order of their ids.
guest_command_line() {
  # Under emulation on a busy machine the kernel measures the TSC wrongly and the guest's clock runs several times too fast.
  local clock="tsc=unstable clocksource=hpet"
  [ "$accel" = tcg ] || clock=tsc=reliable
  echo "console=ttyS0 quiet panic=-1 $clock no_timer_check random.trust_cpu=on mitigations=off nokaslr holdfast.id=$1 holdfast.peers=${2:-$(guest_addresses)} holdfast.period=$period holdfast.status=$((period * 2))"
}

# ---- starting ----

start_store() {
  local i servers=()
  for ((i = 1; i <= $(stores); i++)); do servers+=("$(node_address "n$i"):2888:3888"); done
  for ((i = 1; i <= $(stores); i++)); do
    set -- zookeeper --data "$(node_dir "n$i")/state/zookeeper" --address "$(node_address "n$i")" --port 2181 --id "$i"
    [ "$(stores)" -eq 1 ] || set -- "$@" --servers "$(join "${servers[@]}")"
    node_spawn "n$i" zookeeper "$holdfast" --config "$(node_dir "n$i")/etc/holdfast.toml" "$@"
  done
}

store_leader() {
  local i
  for ((i = 1; i <= $(stores); i++)); do
    # shellcheck disable=SC2016  # expanded by the inner shell
    if node_exec "n$i" timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/2181" && printf srvr >&3 && cat <&3' - "$(node_address "n$i")" 2>/dev/null |
      grep -q '^Mode: leader'; then
      echo "n$i"
      return 0
    fi
  done
  return 1
}

store_is_led() { store_leader >/dev/null; }

start_node() {
  local dir
  dir=$(node_dir "$1")
  node_spawn "$1" guard "$root/usr/lib/holdfast/holdfast-guard" --socket "$dir/run/guard.sock"
  node_spawn "$1" agent "$holdfast" --config "$dir/etc/holdfast.toml" agent
}

# What was started must live; when it does not, waiting would be in vain.
daemons_live() {
  local file node name
  for file in "$HF_SCRATCH"/n*/log/*.pid; do
    node=${file#"$HF_SCRATCH"/} name=${file##*/}
    node=${node%%/*} name=${name%.pid}
    node_alive "$node" "$name" || die "$name of node $node has ended"
  done
}

nodes_joined() {
  daemons_live
  [ "$(hf n1 cluster status -o json 2>/dev/null | jq '[.nodes[] | select(.online)] | length' 2>/dev/null)" = "$nodes" ]
}

start_vm() { start_guest "web$1" "$(host_of "$1")"; }

# start_guest NAME NODE - with empty disks.
start_guest() {
  local vm=$1 node=$2 disk image
  image=$(node_dir "$node")/vms/$vm-empty.qcow2
  qemu-img create -q -f qcow2 "$image" 16M
  for disk in $(guest_disks); do
    [ "$disk" != d2 ] || file_system "$image"
    hf "$node" vm import-disk "$vm" "$disk" "$image" >/dev/null
  done
  hf "$node" vm start "$vm" >/dev/null
}

# file_system IMAGE - makes the image again, with an empty ext4 in it.
file_system() {
  truncate -s 32M "$1.raw"
  mkfs.ext4 -q -F "$1.raw"
  qemu-img convert -q -f raw -O qcow2 "$1.raw" "$1"
  rm -f "$1.raw"
}

console() { echo "$(node_dir "$(host_of "$1")")/run/vms/web$1/console"; }

# All channels of a guest carry messages: its newest whole line shows no channel at zero.
guest_talks() {
  local line
  line=$(tail -n 5 "$(console "$1")" 2>/dev/null | grep -a '^S .*#' | tail -n 1) || return 1
  [ "${guests:-$nodes}" -eq 1 ] && [ -n "$line" ] && return 0
  [[ $line == *recv=* ]] && ! [[ $line =~ (sent|recv)=([0-9:,]*,)?[0-9]+:0[,\ ] ]]
}

guests_talk() {
  local i
  for ((i = 1; i <= ${guests:-nodes}; i++)); do guest_talks "$i" || return 1; done
}

guests_remember() {
  local i
  jumps=() inodes=()
  for ((i = 1; i <= ${guests:-nodes}; i++)); do
    cp "$(console "$i")" "$HF_SCRATCH/before.$i"
    jumps[i]=$(grep -a -c '^J .*#' "$HF_SCRATCH/before.$i" || true)
    inodes[i]=$(stat -c %i "$(console "$i")")
  done
}

# A restored guest has a new console file, or says one more time that time jumped.
guest_came_back() {
  local now
  [ -f "$(console "$1")" ] || return 1
  now=$(grep -a -c '^J .*#' "$(console "$1")" || true)
  [ "$now" -gt "${jumps[$1]}" ] || { [ "$(stat -c %i "$(console "$1")")" != "${inodes[$1]}" ] && [ "$now" -gt 0 ]; }
}

guests_came_back() {
  local i
  for ((i = 1; i <= ${guests:-nodes}; i++)); do guest_came_back "$i" || return 1; done
}

# What was lost on its way at the cut TCP sends again when its patience is over, which doubles each time; and a starved guest says little. What
# is inconsistent stays so.
guests_judge() {
  wait_until 60 "the guests do not show a consistent cut" guests_are_judged >/dev/null || true
  guests_are_judged
}

guests_are_judged() {
  local i merged=()
  for ((i = 1; i <= ${guests:-nodes}; i++)); do
    cat "$HF_SCRATCH/before.$i" "$(console "$i")" >"$HF_SCRATCH/console.$i"
    merged+=("$HF_SCRATCH/console.$i")
  done
  awk -f "$HOLDFAST_ROOT/deploy/lib/cut-check.awk" "${merged[@]}"
}

show_guests() {
  local i
  for ((i = 1; i <= ${guests:-nodes}; i++)); do
    printf '           web%d: %s\n' "$i" "$(tail -n 5 "$(console "$i")" | grep -a '^S .*#' | tail -n 1)" >&2
  done
}

show_logs() {
  local log
  warn "it failed; the last lines of each log:"
  for log in "$HF_SCRATCH"/n*/log/*.log "$HF_SCRATCH"/n*/run/vms/*/qemu.log; do
    [ -s "$log" ] || continue
    echo "--- ${log#"$HF_SCRATCH"/}" >&2
    tail -n 15 "$log" >&2
  done
}
