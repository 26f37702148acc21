#!/bin/bash
# deploy/guest/build.sh - makes the kernel and the initramfs of the demo guests and prints their directory:
#   DIR/vmlinuz  DIR/initrd  DIR/initrd-agent (also with the QEMU guest agent, when it could be fetched)  DIR/read-slots  DIR/qmp-fd
# The directory lies in the cache (HOLDFAST_CACHE, default /var/cache/holdfast) under a hash of everything it is made of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/common.sh"
. "$here/../lib/packages.sh"

# The drivers of the guest; what they depend on is found in their files.
modules=(virtio_pci virtio_blk virtio_net virtio_console)
# And those that are loaded for holdfast.poweroff=1.
button_modules=(button evdev)

# pack ROOT FILE - the tree as an initramfs; not compressed, because unpacking costs the guest more than loading.
pack() { (cd "$1" && find . | LC_ALL=C sort | busybox cpio -o -H newc 2>/dev/null) >"$2"; }

# add_libraries PROGRAM DIR - copies what PROGRAM needs, and what that needs, from the unpacked packages or this system.
add_libraries() {
  local name file
  for name in $(objdump -p "$1" | awk '$1 == "NEEDED" {print $2}') ld-linux-x86-64.so.2; do
    [ ! -e "$2/$name" ] || continue
    file=$(find "$agent" /lib/x86_64-linux-gnu /lib64 -maxdepth 5 -name "$name" 2>/dev/null | head -n 1)
    [ -n "$file" ] || die "the guest agent needs $name, which is nowhere"
    cp -L "$file" "$2/$name"
    add_libraries "$2/$name" "$2"
  done
}

# add_module NAME ORDER - copies a kernel module after those it depends on, and notes the order of loading.
add_module() {
  local file depends other
  [ ! -e "$root/modules/$1.ko" ] || return 0
  file=$(find "$kernel/lib/modules" -name "$1.ko" -o -name "${1//_/-}.ko" | head -n 1)
  [ -n "$file" ] || die "the kernel in $kernel has no module $1"
  depends=$(tr "\\0" "\\n" <"$file" | sed -n "s/^depends=//p" | head -n 1)
  for other in ${depends//,/ }; do add_module "$other" "$2"; done
  cp "$file" "$root/modules/$1.ko"
  echo "$1" >>"$root/modules/$2"
}

compile() {
  gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -o "$2" "$1"
  strip "$2"
}

kernel=$(guest_kernel_dir)
agent=
if [ "${HOLDFAST_GUEST_AGENT:-yes}" = yes ]; then agent=$(guest_agent_dir) || agent=; fi
busybox=$(command -v busybox) || die "no busybox: install busybox-static"
hash=$( (cat "$here"/*.c "$here"/*.h "$here"/init "$here"/build.sh "$here"/agent-start "$busybox"; echo "$kernel $agent") | sha256sum | cut -c1-16)
out=$(cache_dir)/guest/$hash
if [ -f "$out/complete" ]; then
  echo "$out"
  exit 0
fi

say "building the demo guest in $out"
work=$(mktemp -d "$(cache_dir)/guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,sbin,dev,proc,sys,run,tmp,etc,modules,data} "$work/out"
cp "$busybox" "$root/bin/busybox"
for applet in sh mount umount insmod cat cut ip hostname sleep echo stty mkdir ln mke2fs dd sync ls tee poweroff; do ln -s busybox "$root/bin/$applet"; done
ln -s /proc/mounts "$root/etc/mtab"
for module in "${modules[@]}"; do add_module "$module" order; done
for module in "${button_modules[@]}"; do add_module "$module" button-order; done
install -m 755 "$here/init" "$root/init"
compile "$here/talker.c" "$root/talker"
compile "$here/read-slots.c" "$work/out/read-slots"
compile "$here/qmp-fd.c" "$work/out/qmp-fd"
pack "$root" "$work/out/initrd"
if [ -n "$agent" ]; then
  mkdir -p "$root/agent/lib"
  install -m 755 "$here/agent-start" "$root/agent/start"
  install -m 755 "$agent/qemu-guest-agent/usr/sbin/qemu-ga" "$root/agent/"
  add_libraries "$root/agent/qemu-ga" "$root/agent/lib"
  pack "$root" "$work/out/initrd-agent"
fi
vmlinuz=$(find "$kernel/boot" -name 'vmlinuz-*' | head -n 1)
cp "$vmlinuz" "$work/out/vmlinuz"
touch "$work/out/complete"
mkdir -p "${out%/*}"
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
