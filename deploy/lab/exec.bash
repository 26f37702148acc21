# shellcheck shell=bash
# How a command comes to run on a node of the lab. Sourced, never run; needs common.sh. It takes no process but the command's own, because
# tests ask many times a second.

# become NODE COMMAND... - this process becomes the command there.
become() {
  local node=$1 state=/dev/shm/${HOLDFAST_LAB:-holdfast-lab} init event
  shift
  { read -r init <"$state/$node/init.pid"; } 2>/dev/null || die "there is no node '$node' in the lab ${state##*/}; is it up? See deploy/lab/lab help"
  { read -r event <"$state/cgroup/$node/cgroup.events"; } 2>/dev/null || die "the lab ${state##*/} was brought up by another version of these scripts; take it down: deploy/lab/lab down"
  [ "$event" = "populated 1" ] || die "$node is off"
  echo $BASHPID >"$state/cgroup/$node/cgroup.procs" # so that freezing the node, or switching it off, covers this, too
  exec nsenter --target "$init" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" \
    LANG=C.UTF-8 OCF_ROOT=/usr/lib/ocf "$@"
}
on_node() (become "$@")
