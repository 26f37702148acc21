#!/bin/sh
# Lays the installable tree out: layout.sh SOURCE ROOT. Called by "mvn package"; the jars are there already.
set -eu

source=$1
root=$2
library=$root/usr/lib/holdfast

install -d "$root/usr/bin" "$library" "$root/usr/lib/systemd/system" "$root/etc/holdfast/vms"
install -m 0755 "$source/deploy/install/holdfast" "$source/deploy/install/holdfast-prime" "$root/usr/bin"
install -m 0755 "$source/agent/target/guard/holdfast-guard" "$source/ocf-wrapper/thaw" "$library"
install -m 0644 "$source/deploy/install/logging.properties" "$library"
install -m 0644 "$source/deploy/install/holdfast.service" "$source/deploy/install/holdfast-guard.service" \
  "$source/deploy/install/holdfast-zookeeper.service" "$root/usr/lib/systemd/system"
install -d "$root/usr/lib/ocf/resource.d/holdfast" "$root/usr/share/man/man7"
install -m 0755 "$source/ocf-wrapper/vm" "$root/usr/lib/ocf/resource.d/holdfast"
"$source/ocf-wrapper/vm" meta-data | xsltproc --nonet "$source/deploy/install/ocf-man.xsl" - \
  >"$root/usr/share/man/man7/ocf_holdfast_vm.7"
install -m 0644 "$source/deploy/install/holdfast.toml.example" "$root/etc/holdfast"
install -m 0644 "$source/deploy/install/vm.toml.example" "$root/etc/holdfast/vms"
