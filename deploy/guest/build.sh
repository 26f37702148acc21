#!/bin/bash
# deploy/guest/build.sh - makes the kernel and the initramfs of the demo guests and prints their directory:
#   DIR/vmlinuz  DIR/initrd  DIR/initrd-agent (also with the QEMU guest agent, when it could be fetched)  DIR/read-slots  DIR/qmp-fd
# The directory lies in the cache (HOLDFAST_CACHE, default /var/cache/holdfast) under a hash of everything it is made of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/common.sh"
. "$here/../lib/packages.sh"
. "$here/../lib/initramfs.sh"

# The drivers of the guest; what they depend on is found in their files.
modules=(virtio_pci virtio_blk virtio_net virtio_console)
# And those that are loaded for holdfast.poweroff=1.
button_modules=(button evdev)

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

compile() {
  gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -o "$2" "$1"
  strip "$2"
}

kernel=$(guest_kernel_dir)
agent=
if [ "${HOLDFAST_GUEST_AGENT:-yes}" = yes ]; then agent=$(guest_agent_dir) || agent=; fi
busybox=$(busybox_program)
hash=$( (cat "$here"/*.c "$here"/*.h "$here"/init "$here"/build.sh "$here/../lib/initramfs.sh" "$here"/agent-start "$busybox"; echo "$kernel $agent") \
  | sha256sum | cut -c1-16)
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
add_busybox "$root" sh mount umount insmod cat cut ip hostname sleep echo stty mkdir ln mke2fs dd sync ls tee poweroff
ln -s /proc/mounts "$root/etc/mtab"
for module in "${modules[@]}"; do add_module "$kernel" "$root" "$module" order; done
for module in "${button_modules[@]}"; do add_module "$kernel" "$root" "$module" button-order; done
install -m 755 "$here/init" "$root/init"
compile "$here/talker.c" "$root/talker"
compile "$here/read-slots.c" "$work/out/read-slots"
compile "$here/qmp-fd.c" "$work/out/qmp-fd"
pack_initramfs "$root" "$work/out/initrd"
if [ -n "$agent" ]; then
  mkdir -p "$root/agent/lib"
  install -m 755 "$here/agent-start" "$root/agent/start"
  install -m 755 "$agent/qemu-guest-agent/usr/sbin/qemu-ga" "$root/agent/"
  add_libraries "$root/agent/qemu-ga" "$root/agent/lib"
  pack_initramfs "$root" "$work/out/initrd-agent"
fi
vmlinuz=$(find "$kernel/boot" -name 'vmlinuz-*' | head -n 1)
cp "$vmlinuz" "$work/out/vmlinuz"
touch "$work/out/complete"
mkdir -p "${out%/*}"
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
