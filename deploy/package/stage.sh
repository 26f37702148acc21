#!/bin/sh
# Makes of the installable tree what goes into a package: stage.sh SOURCE ROOT STAGING VERSION TIME. Called by "mvn package".
# Every file carries TIME, so that two builds of one commit give the same package.
set -eu

source=$1
root=$2
staging=$3
version=$4
time=$5
doc=$staging/usr/share/doc/holdfast

rm -rf "$staging"
mkdir -p "$staging"
cp -r "$root/usr" "$staging"
strip --strip-unneeded "$staging/usr/lib/holdfast/holdfast-guard" "$staging/usr/lib/holdfast/holdfast-ask"
find "$staging/usr/share/man" -type f -exec gzip -9n {} +

install -d "$staging/etc/holdfast/vms" "$doc/examples"
cp "$source/deploy/install/holdfast.toml.example" "$staging/etc/holdfast/holdfast.toml"
cp -r "$root/etc/needrestart" "$staging/etc"
cp "$source/deploy/install/vm.toml.example" "$doc/examples/vm.toml"
cp "$source"/docs/*.md "$doc"
{
  printf 'holdfast (%s) stable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n' "$version"
  printf ' -- The Holdfast developers <holdfast@holdfast.invalid>  %s\n' "$(LC_ALL=C date -u -d "$time" '+%a, %d %b %Y %H:%M:%S +0000')"
} | gzip -9n >"$doc/changelog.gz"
cp "$source/CHANGELOG.md" "$doc"
cat "$source/deploy/package/deb-copyright" "$root/../third-party" "$source/deploy/package/deb-licences" >"$doc/copyright"

find "$staging" -type d -exec chmod 0755 {} +
find "$staging" -type f -exec chmod 0644 {} +
chmod 0755 "$staging"/usr/bin/* "$staging"/usr/lib/holdfast/holdfast-* "$staging/usr/lib/holdfast/thaw" "$staging/usr/lib/holdfast/quiet" \
  "$staging"/usr/lib/ocf/resource.d/holdfast/*
find "$staging" -exec touch -h -d "$time" {} +
tar -C "$staging" --sort=name --owner=root:0 --group=root:0 --mtime="$time" --format=gnu -cf "$staging.tar" ./etc ./usr
