#!/bin/bash
# deploy/xen/build.sh - makes what a Xen with a Debian as its first domain (dom0) needs to run in an emulated QEMU, and prints the directory:
#   DIR/xen  DIR/vmlinuz  DIR/initrd  DIR/dom0.img (raw; never written to)  DIR/key (to log in there)
# In the first domain: xl and its QEMU, qemu-img, LVM with device mapper, QEMU for machines of our own, a JRE, and in /lab/guest vmlinuz and initrd of small guests (guest-init).
# The directory lies in the cache (HOLDFAST_CACHE, default /var/cache/holdfast) under a hash of the scripts that made it. Needs root and,
# once, a network (HOLDFAST_DEBIAN: the mirror, default http://deb.debian.org/debian) and 3 GB there.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
. "$here/../lib/common.sh"
. "$here/../lib/packages.sh"
. "$here/../lib/initramfs.sh"

xen=4.17
packages=xen-hypervisor-$xen-amd64,xen-utils-$xen,xenstore-utils,qemu-system-xen,qemu-utils,dropbear-bin,socat,procps,mount,openjdk-17-jre-headless
# For machines on volumes, which no kernel without device mapper has: LVM, and the QEMU of machines of our own.
packages+=,lvm2,thin-provisioning-tools,qemu-system-x86
# The drivers of the first domain; crc32c_generic is what ext4 asks the kernel for by another name. xen_blkfront is the guest's disk.
dom0_modules=(virtio_pci virtio_blk virtio_net crc32c_generic ext4 xenfs xen_privcmd xen_evtchn xen_gntdev xen_gntalloc xen_blkback
  loop dm_mod dm_snapshot dm_thin_pool)
guest_modules=(xen_blkfront)

hash=$(cat "$here"/build.sh "$here"/*init "$here/../lib/initramfs.sh" "$(busybox_program)" | sha256sum | cut -c1-16)
out=$(cache_dir)/xen/$hash
if [ -f "$out/complete" ]; then
  echo "$out"
  exit 0
fi
[ "$(id -u)" -eq 0 ] || die "the image of Xen is made by root alone (owners of files, chroot). Run it as: sudo $0"

# initramfs INIT FILE MODULE... - as the first process of a kernel has it.
initramfs() {
  local init=$1 file=$2 root module
  shift 2
  root=$work/$init
  mkdir -p "$root"/{dev,proc,sys,root}
  add_busybox "$root" sh mount insmod ip switch_root dd printf hostname sleep poweroff stty
  for module; do add_module "$work/kernel" "$root" "$module" order; done
  install -m 755 "$here/$init" "$root/init"
  # What a kernel runs that is asked to shut down.
  mkdir "$root/sbin"
  printf '#!/bin/sh\nexec /bin/poweroff -f\n' >"$root/sbin/poweroff"
  chmod 755 "$root/sbin/poweroff"
  pack_initramfs "$root" "$file"
}

# debian DIR - a Debian with the packages, without what nobody reads there.
debian() {
  local mirror=${HOLDFAST_DEBIAN:-http://deb.debian.org/debian}
  # The JRE's package wants to put links to its manual pages somewhere.
  # shellcheck disable=SC2016  # for the shell of the hook
  mmdebstrap --quiet --mode=root --variant=essential --include="$packages" --setup-hook='mkdir -p "$1/usr/share/man/man1"' \
    bookworm "$1" "deb $mirror bookworm main" "deb $mirror-security bookworm-security main" >&2 \
    || die "the first domain's Debian could not be made (no network, or no mmdebstrap?). Name a mirror with HOLDFAST_DEBIAN, and run this again"
  rm -rf "$1"/usr/share/{doc,man,locale} "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*
}

say "building Xen and its first domain in $out"
work=$(mktemp -d "$(cache_dir)/xen-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/out"
kernel=$(kernel_package linux-image-amd64) || die "no kernel: apt knows no linux-image-amd64 of Debian 12 (no package source?)"
unpack_package "$kernel" "$work/kernel" || die "$kernel could not be fetched (no network?)"
cp "$work"/kernel/boot/vmlinuz-* "$work/out/vmlinuz"
initramfs dom0-initramfs-init "$work/out/initrd" "${dom0_modules[@]}"
initramfs guest-init "$work/guest" "${guest_modules[@]}"

root=$work/root
debian "$root"
gzip -dc "$root/boot/xen-$xen-amd64.gz" >"$work/out/xen" # QEMU loads an ELF file, not a compressed one
rm -rf "${root:?}/boot"
# Neither udev nor dmeventd runs there: LVM makes the names of volumes itself, and nobody waits for events.
printf 'activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }\ndevices { obtain_device_list_from_udev = 0 }\n' >"$root/etc/lvm/lvmlocal.conf"
mkdir -p "$root/lab/guest" "$root/lab/share" "$root/root/.ssh" "$root/etc/dropbear"
install -m 755 "$here/dom0-init" "$root/lab/init"
cp "$work/out/vmlinuz" "$root/lab/guest/vmlinuz"
cp "$work/guest" "$root/lab/guest/initrd"
ssh-keygen -q -t ed25519 -N '' -C holdfast-xen -f "$work/out/key"
install -m 600 "$work/out/key.pub" "$root/root/.ssh/authorized_keys"
chroot "$root" dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key >/dev/null 2>&1
mke2fs -q -t ext4 -d "$root" "$work/out/dom0.img" 4G
touch "$work/out/complete"
mkdir -p "${out%/*}"
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
