#!/bin/sh
# Unpacks QEMU 10 from Debian's bookworm-backports beside the installed 7.2, without installing it, and prints the
# directory. A second call finds it there and needs no network. With --toml it prints what holdfast.toml needs to use it.
#
#   HOLDFAST_CACHE  where to keep it (default /var/cache/holdfast)
#   HOLDFAST_DEBIAN Debian mirror (default http://deb.debian.org/debian)
#
# Exit codes: 0 there, 1 could not be fetched (the reason is on standard error).
set -eu

cache=${HOLDFAST_CACHE:-/var/cache/holdfast}
mirror=${HOLDFAST_DEBIAN:-http://deb.debian.org/debian}
target=$cache/qemu10
wanted=${1:-}
packages="qemu-system-x86 qemu-system-common qemu-system-data qemu-utils seabios"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
    echo "qemu10.sh: $*" >&2
    exit 1
}

say_it() {
    if [ "$wanted" = --toml ]; then
        cat <<TOML
[qemu]
emulator = "$target/usr/bin/qemu-system-x86_64"
firmware_dirs = ["$target/usr/share/qemu", "$target/usr/share/seabios", "/usr/lib/ipxe/qemu"]
module_dir = "$target/usr/lib/x86_64-linux-gnu/qemu"
TOML
    else
        echo "$target"
    fi
}

works() {
    [ -x "$1/usr/bin/qemu-system-x86_64" ] &&
        QEMU_MODULE_DIR="$1/usr/lib/x86_64-linux-gnu/qemu" \
            "$1/usr/bin/qemu-system-x86_64" -version >/dev/null 2>&1
}

case $wanted in
    '' | --toml) ;;
    *) fail "unknown option '$wanted': it knows --toml" ;;
esac
if works "$target"; then
    say_it
    exit 0
fi
[ -r "$keyring" ] || fail "$keyring is missing; apt-get install debian-archive-keyring"

mkdir -p "$cache"
work=$(mktemp -d "$cache/qemu10.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

# An apt of its own: the machine's sources and package lists stay as they are.
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
echo "deb [signed-by=$keyring] $mirror bookworm-backports main" >"$work/sources.list"
cat >"$work/apt.conf" <<EOF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/state/lists";
Dir::Cache "$work/cache";
Acquire::Languages "none";
Acquire::http::Timeout "20";
Acquire::Retries "2";
APT::Sandbox::User "root";
EOF
export APT_CONFIG="$work/apt.conf"

echo "qemu10.sh: fetching QEMU 10 from $mirror bookworm-backports (15 MB)" >&2
apt-get -qq update >"$work/log" 2>&1 || fail "cannot read bookworm-backports from $mirror: $(tail -n 2 "$work/log")"
for package in $packages; do
    (cd "$work/debs" && apt-get -qq download "$package/bookworm-backports") >>"$work/log" 2>&1 ||
        fail "cannot fetch $package from bookworm-backports: $(tail -n 2 "$work/log")"
done
for deb in "$work"/debs/*.deb; do
    dpkg -x "$deb" "$work/root"
done
works "$work/root" ||
    fail "the unpacked QEMU does not run: $(ldd "$work/root/usr/bin/qemu-system-x86_64" 2>&1 | grep 'not found' | tr '\n' ' ')" \
        "install the Debian package qemu-system-x86, whose libraries it shares"
rm -rf "$target"
mv "$work/root" "$target"
chmod 0755 "$target"
say_it
