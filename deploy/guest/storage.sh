#!/bin/bash
# deploy/guest/storage.sh - makes the disk of the guests in which tests use the tools of LVM, DRBD, OCFS2 and NFS for real, and prints its path. They run under
# User-Mode Linux, whose kernel has device mapper wherever it runs; the host's kernel needs none, and nothing of this is installed there.
# The disk lies in the cache (HOLDFAST_CACHE, default /var/cache/holdfast) under a hash of everything it is made of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/common.sh"
. "$here/../lib/packages.sh"

# What the guests run, besides busybox; what these need is found by apt.
tools=(lvm2 thin-provisioning-tools drbd-utils ocfs2-tools nfs-kernel-server)
# What the kernel needs for them; what these need is found in modules.dep.
modules=(dm-mod dm-snapshot dm-thin-pool dm-mirror dm-raid raid1 drbd ocfs2 ocfs2_stack_o2cb nfsd nfsv4)

# packages - the tools and all that they need, without what belongs to a system that boots.
packages() {
  local kinds=(--no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances)
  apt-cache depends --recurse "${kinds[@]}" "${tools[@]}" | grep -E '^[a-z0-9]' | grep -vE '^(libelogind0|lsb-base|sysvinit-utils|init-system-helpers|dpkg|c?debconf|perl-base|libdebian-installer4|libtextwrap1|libnewt0.52|libslang2|adduser|passwd|ucf|sensible-utils|mailcap|media-types|mime-support|libpam.*|lib(semanage|sepol|audit|cap-ng|p11-kit|gnutls|nettle|hogweed|unistring|idn|ldap|sasl|python).*|python3.*)$' | sort -u
}

# add_module FILE - copies a module, named as in modules.dep, and those it needs.
add_module() {
  local other
  # shellcheck disable=SC2013  # names of modules, which have no blanks
  for other in "$1" $(sed -n "s#^$1: *##p" "$kernel/modules.dep"); do
    mkdir -p "$tree/lib/modules/$release/${other%/*}"
    cp "$kernel/$other" "$tree/lib/modules/$release/$other"
  done
}

# fill_tree - everything that is on the disk.
fill_tree() {
  local package applet module found
  mkdir -p "$tree"/{bin,sbin,dev,proc,sys,run,tmp,exchange,shared,etc/ocfs2,var}
  while read -r package; do
    [ -d "$unpacked/$package" ] || unpack_package "$package" "$unpacked/$package" \
      || { apt_refresh && unpack_package "$package" "$unpacked/$package"; } \
      || die "the package $package could not be fetched (no network?). Give the machine its package source and run this again"
    cp -a "$unpacked/$package/." "$tree"
  done <<<"$wanted"
  rm -rf "$tree"/usr/share/{doc,man,locale,bug,lintian} "$tree/var/"{lock,run}
  ln -s /run "$tree/var/lock"
  ln -s /run "$tree/var/run"
  ln -sf /proc/self/mounts "$tree/etc/mtab"
  cp /bin/busybox "$tree/bin/busybox"
  for applet in $(busybox --list); do ln -s busybox "$tree/bin/$applet" 2>/dev/null || true; done
  ln -s ../bin/busybox "$tree/sbin/modprobe"
  cp "$here/storage-init" "$tree/init"
  touch "$tree/etc/exports"
  # An archive of each change is of no use on a disk that nobody may write to, and no daemon waits there for events.
  sed -i -e 's/^\t# *backup = .*/\tbackup = 0/' -e 's/^\t# *archive = .*/\tarchive = 0/' -e 's/^\t# *monitoring = .*/\tmonitoring = 0/' \
    "$tree/etc/lvm/lvm.conf"
  for module in "${modules[@]}"; do
    found=$(sed -n "s#^\(kernel/[^:]*/$module\.ko\):.*#\1#p" "$kernel/modules.dep")
    [ -n "$found" ] || die "the kernel in $kernel has no module $module"
    add_module "$found"
  done
  cp "$kernel"/modules.{dep,alias,softdep,symbols,builtin} "$tree/lib/modules/$release"
}

kernel=$(find /usr/lib/uml/modules -mindepth 1 -maxdepth 1 2>/dev/null | sort -V | tail -n 1)
if [ -z "$kernel" ] || [ ! -x /bin/busybox ]; then
  die "no User-Mode Linux or no busybox. Install them: apt-get install user-mode-linux busybox-static"
fi
release=${kernel##*/}
wanted=$(packages) || { apt_refresh && wanted=$(packages); } \
  || die "Debian's package lists have no ${tools[*]} (no network?). Give the machine its package source and run this again"
cache=$(cache_dir)/storage-guest
unpacked=$cache/packages
made_of=$({ cat "$0" "$here/storage-init" /bin/busybox; echo "$release $wanted"; } | sha256sum | cut -c 1-16)
disk=$cache/$made_of.img
if [ ! -e "$disk" ]; then
  say "making the disk of the guests for tests of storages"
  mkdir -p "$unpacked"
  work=$(mktemp -d "$cache/making.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  tree=$work/tree
  fill_tree >&2
  # Blocks of 4 KiB: see the trap of the driver in docs/hypervisors.md.
  /sbin/mke2fs -q -F -t ext4 -b 4096 -d "$tree" "$work/disk" 160M
  mv "$work/disk" "$disk"
fi
echo "$disk"
