#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh virsh. Sourced, never run; needs common.sh, packages.sh, cluster.sh, holdfast-lab.sh, checkpoint.sh.
#
# First Holdfast takes checkpoints of three guests on three nodes; then the same guests run under one libvirtd of Debian, in a
# network and mount namespace of its own, and what an administrator would type is timed. Pause: from STOP to RESUME by
# QEMU's own time stamps, which Holdfast's figures agree with to a fraction of a millisecond. Window: from the first to the
# last instant at which a guest's state was taken. The memory images go to the same file system as Holdfast's.

listeners=()    # pids of those who listen to QEMU's events
libvirt=        # pid of our libvirtd; its namespaces are where everything below happens
virsh_guests=3

bench_virsh() {
  rounds=${rounds:-10}
  install_packages libvirt_package_list
  bench_up "$virsh_guests"
  guests_up_to "$virsh_guests"
  measure_group "$virsh_guests"
  collect_steps
  collect_store_writes
  V=$(mktemp -d /var/tmp/hfvirsh.XXXXXX)
  checkpoint_figures >"$V/ours"
  cluster_down
  virsh_up
  virsh_measure
  virsh_table >&2
  virsh_figures
}

# ---- libvirt in namespaces of its own ----

in_libvirt() { nsenter --target "$libvirt" --mount --net -- "$@"; }
virsh_() { in_libvirt virsh -q -c qemu:///system "$@" </dev/null; }

virsh_up() {
  local i
  deploy/lab/libvirtd "$V" >"$V/libvirtd.log" 2>&1 &
  libvirt=$!
  disown
  wait_until 30 "libvirtd does not answer; see $V/libvirtd.log" virsh_ version >/dev/null 2>&1 || { cat "$V/libvirtd.log" >&2; exit 1; }
  for ((i = 1; i <= virsh_guests; i++)); do virsh_guest "$i"; done
  for ((i = 1; i <= virsh_guests; i++)); do
    wait_until 120 "guest vm$i does not work" guest_works "$V/console.$i"
  done
}

virsh_guest() {
  local i=$1 disk type=qemu cpu=maximum
  [ "$accel" = tcg ] || type=kvm cpu=host-passthrough
  for disk in vda vdb; do qemu-img create -q -f qcow2 "$V/vm$i-$disk.qcow2" 16M; done
  guests=$virsh_guests
  cat >"$V/vm$i.xml" <<XML
<domain type='$type' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>vm$i</name>
  <memory unit='MiB'>$memory</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <kernel>$guest/vmlinuz</kernel>
    <initrd>$guest/initrd</initrd>
    <cmdline>$(guest_command_line "$i")</cmdline>
  </os>
  <cpu mode='$cpu'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
$(for disk in vda vdb; do
    echo "    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$V/vm$i-$disk.qcow2'/><target dev='$disk' bus='virtio'/></disk>"
  done)
    <interface type='bridge'><source bridge='guests'/><mac address='52:54:00:78:00:0$i'/><model type='virtio'/></interface>
    <serial type='file'><source path='$V/console.$i'/></serial>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/>
    <qemu:arg value='unix:$V/events.$i,server=on,wait=off'/>
  </qemu:commandline>
</domain>
XML
  virsh_ define "$V/vm$i.xml" >/dev/null
  virsh_ start "vm$i" >/dev/null 2>"$V/start.err" || { cat "$V/start.err" >&2; die "vm$i does not start under libvirt"; }
  # A monitor of our own that only listens: libvirt tells times in milliseconds, QEMU in microseconds.
  mkfifo "$V/ask.$i"
  socat - "UNIX-CONNECT:$V/events.$i" <"$V/ask.$i" >"$V/all.$i" 2>/dev/null &
  listeners+=($!)
  disown
  exec {ask}>"$V/ask.$i"
  echo '{"execute":"qmp_capabilities"}' >&"$ask"
}

# ---- recipes ----

snapshot() {
  local vm=$1
  shift
  virsh_ snapshot-create-as "$vm" s --atomic --diskspec "vda,snapshot=external,file=$V/$vm-vda.s" \
    --diskspec "vdb,snapshot=external,file=$V/$vm-vdb.s" "$@" >/dev/null 2>"$V/snapshot.err" || { cat "$V/snapshot.err" >&2; die "virsh snapshot-create-as failed"; }
  ends+=("$(wall_us)")
}

wall_us() { echo "${EPOCHREALTIME/[.,]/}"; }

each_guest() {
  local i
  for ((i = 1; i <= virsh_guests; i++)); do "$@" "vm$i"; done
}

with_memory() { snapshot "$1" --memspec "file=$V/$1.memory,snapshot=external"; }
with_memory_live() { snapshot "$1" --memspec "file=$V/$1.memory,snapshot=external" --live; }
disks_only() { snapshot "$1" --disk-only; }

recipe_live() { each_guest with_memory_live; }
recipe_disk_only() { each_guest disks_only; }
recipe_suspend_all() {
  each_guest virsh_ suspend
  each_guest with_memory
  each_guest virsh_ resume
}

# merge VM - takes a snapshot away again; not timed.
merge() {
  local disk
  for disk in vda vdb; do virsh_ blockcommit "$1" "$disk" --active --pivot --wait >/dev/null; done
  virsh_ snapshot-delete "$1" s --metadata >/dev/null
  rm -f "$V/$1-vda.s" "$V/$1-vdb.s" "$V/$1.memory"
}

virsh_measure() {
  local i recipe
  : >"$V/measured"
  for ((i = 1 - warmup; i <= rounds; i++)); do
    for recipe in live suspend_all disk_only; do
      virsh_once "$recipe" >"$V/one"
      [ "$i" -le 0 ] || cat "$V/one" >>"$V/measured"
      each_guest merge
    done
  done
}

# virsh_once RECIPE - one line of JSON: microseconds.
virsh_once() {
  local i begun seen=()
  ends=()
  for ((i = 1; i <= virsh_guests; i++)); do seen[i]=$(wc -l <"$V/all.$i"); done
  begun=$(wall_us)
  "recipe_$1"
  for ((i = 1; i <= virsh_guests; i++)); do
    jq -c 'select(.event == "STOP" or .event == "RESUME") | {event, at: (.timestamp.seconds * 1000000 + .timestamp.microseconds)}' <(tail -n "+$((seen[i] + 1))" "$V/all.$i") \
      | jq -c -s --argjson vm "$i" '{vm: $vm, stop: (map(select(.event == "STOP").at) | min), run: (map(select(.event == "RESUME").at) | max)}'
  done | jq -c -s --arg recipe "$1" --argjson begun "$begun" --argjson ends "[$(join "${ends[@]}")]" '{
      recipe: $recipe,
      pauses: [.[] | select(.stop) | .run - .stop],
      window: (if all(.[]; .stop) then (map(.stop) | max - min) else ($ends | max - min) end),
      total: (($ends | max) - $begun)
    }'
}

virsh_figures() {
  jq -c -s --slurpfile ours "$V/ours" '
    def percentile(q): sort | if length == 0 then null else .[([(length * q | ceil) - 1, 0] | max)] end;
    def ms: if . == null then null else . / 10 | round / 100 end;
    ($ours[0].rounds[0]) as $o
    | {virsh: [group_by(.recipe)[] | {recipe: .[0].recipe, rounds: length,
        pause_ms_p50: ([.[].pauses[]] | percentile(0.5) | ms), pause_ms_p90: ([.[].pauses[]] | percentile(0.9) | ms),
        window_ms_p50: (map(.window) | percentile(0.5) | ms), window_ms_p90: (map(.window) | percentile(0.9) | ms),
        total_ms_p50: (map(.total) | percentile(0.5) | ms)}],
      holdfast: {rounds: $o.rounds, pause_ms_p50: $o.member_pause_ms_p50, pause_ms_p90: $o.pause_ms_p90,
        window_ms_p50: $o.skew_ms_p50, window_ms_p90: $o.skew_ms_p90, floor_ms_p50: $o.floor_ms_p50}}' "$V/measured"
}

virsh_table() {
  virsh_figures | jq -r '
    def cell: if . == null then "none" else tostring end;
    def pad(n): . + (" " * ([n - length, 0] | max));
    def row: [(.[0] | cell | pad(30))] + (.[1:] | map(cell | pad(11))) | join("");
    (["three guests", "pause p50", "p90", "window p50", "p90", "total p50"] | row),
    ({live: "memspec --live, one by one", suspend_all: "suspend all, memspec, resume all", disk_only: "disk-only, one by one"}) as $names
    | (.virsh[] | [$names[.recipe], .pause_ms_p50, .pause_ms_p90, .window_ms_p50, .window_ms_p90, .total_ms_p50] | row),
    (.holdfast | ["holdfast checkpoint create", .pause_ms_p50, .pause_ms_p90, .window_ms_p50, .window_ms_p90, ""] | row),
    "Milliseconds. Pause of each guest; window between the first and the last guest whose state was taken."'
}

# virsh_down - nothing of it stays; called at the end, whatever happened.
virsh_down() {
  local pid
  if [ -n "$libvirt" ] && [ -d "/proc/$libvirt" ]; then
    each_guest quietly virsh_ destroy
    each_guest quietly virsh_ undefine --snapshots-metadata
    for pid in "${listeners[@]}"; do kill "$pid" 2>/dev/null || true; done
    kill "$libvirt" 2>/dev/null || true
    wait_until 10 "libvirtd does not end" libvirtd_ended || kill -9 "$libvirt"
  fi
  case ${V:-} in /var/tmp/hfvirsh.??????) rm -rf "$V" ;; esac
  libvirt=
}

libvirtd_ended() { [ ! -d "/proc/$libvirt" ] || grep -q '^State:[[:space:]]*Z' "/proc/$libvirt/status"; }
quietly() { "$@" >/dev/null 2>&1 || true; }
