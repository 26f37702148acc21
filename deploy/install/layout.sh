#!/bin/sh
# Lays the installable tree out: layout.sh SOURCE ROOT TOOLS JAVA TIME VERSION. Called by "mvn package"; the jars are there already.
# TOOLS holds the jars that the manual pages are made with, JAVA makes them, TIME is the date they carry.
set -eu

source=$1
root=$2
tools=$3
java=$4
time=$5
version=$6
library=$root/usr/lib/holdfast

install -d "$root/usr/bin" "$library" "$root/usr/lib/systemd/system" "$root/etc/holdfast/vms"
install -m 0755 "$source/deploy/install/holdfast" "$source/deploy/install/holdfast-prime" "$root/usr/bin"
install -m 0755 "$source/agent/target/guard/holdfast-guard" "$source/agent/target/guard/holdfast-ask" \
  "$source/ocf-wrapper/thaw" "$source/deploy/install/quiet" "$library"
install -m 0644 "$source/deploy/install/logging.properties" "$source/ocf-wrapper/replica.sh" \
  "$source/ocf-wrapper/start.sh" "$source/ocf-wrapper/stop.sh" "$source/ocf-wrapper/uml.sh" "$source/ocf-wrapper/xen.sh" "$library"
install -m 0644 "$source/deploy/install/holdfast.service" "$source/deploy/install/holdfast-guard.service" \
  "$source/deploy/install/holdfast-zookeeper.service" "$root/usr/lib/systemd/system"
install -d "$root/usr/lib/ocf/resource.d/holdfast" "$root/usr/share/man/man7"
install -m 0755 "$source/ocf-wrapper/vm" "$root/usr/lib/ocf/resource.d/holdfast"
"$source/ocf-wrapper/vm" meta-data | xsltproc --nonet "$source/deploy/install/ocf-man.xsl" - \
  >"$root/usr/share/man/man7/ocf_holdfast_vm.7"
install -m 0644 "$source/deploy/install/holdfast.toml.example" "$root/etc/holdfast"
install -m 0644 "$source/deploy/install/vm.toml.example" "$root/etc/holdfast/vms"
install -D -m 0644 "$source/deploy/install/needrestart.conf" "$root/etc/needrestart/conf.d/holdfast.conf"

# What is shipped, by name, version, digest and licence. Ends the build if a jar is another one than was looked at.
install -d "$root/usr/share/doc/holdfast"
"$java" -cp "$library/lib/*" "$source/deploy/install/Licences.java" "$source/deploy/package/third-party.cdx.json" "$library/lib" \
  "$root/usr/share/doc/holdfast/holdfast.cdx.json" "$version" "$root/../made.cdx.json" >"$root/../third-party"

install -d "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions"
"$java" -cp "$library/lib/*" dev.holdfast.agent.HoldfastMain completion | tail -n +2 >"$root/usr/share/bash-completion/completions/holdfast"
rm -rf "$tools/manual"
mkdir "$tools/manual"
"$java" -cp "$library/lib/*:$tools/*" "$source/deploy/install/ManualPages.java" "$tools/manual"
SOURCE_DATE_EPOCH=$(date -d "$time" +%s) asciidoctor -q -b manpage -D "$root/usr/share/man/man1" "$tools"/manual/*.adoc
