#!/bin/bash
# Words for making an initramfs of busybox and drivers. Sourced, never run. Needs common.sh.

# pack_initramfs ROOT FILE - the tree as an initramfs; not compressed, because unpacking costs the guest more than loading.
pack_initramfs() { (cd "$1" && find . | LC_ALL=C sort | busybox cpio -o -H newc 2>/dev/null) >"$2"; }

busybox_program() { command -v busybox || die "no busybox: install busybox-static"; }

# add_busybox ROOT APPLET... - busybox, and its applets by name.
add_busybox() {
  local root=$1 applet
  shift
  mkdir -p "$root/bin"
  cp "$(busybox_program)" "$root/bin/busybox"
  for applet; do ln -s busybox "$root/bin/$applet"; done
}

# add_module KERNEL ROOT NAME ORDER - copies a driver out of an unpacked kernel after those it depends on, and notes the order of loading
# in ROOT/modules/ORDER.
add_module() {
  local kernel=$1 root=$2 name=${3//-/_} order=$4 file depends other
  [ ! -e "$root/modules/$name.ko" ] || return 0
  mkdir -p "$root/modules"
  file=$(find "$kernel/lib/modules" -name "${name//_/[-_]}.ko" | head -n 1)
  [ -n "$file" ] || die "the kernel in $kernel has no module $name"
  depends=$(tr "\\0" "\\n" <"$file" | sed -n "s/^depends=//p" | head -n 1)
  for other in ${depends//,/ }; do add_module "$kernel" "$root" "$other" "$order"; done
  cp "$file" "$root/modules/$name.ko"
  echo "$name" >>"$root/modules/$order"
}
