#!/bin/bash
# What Holdfast needs from Debian: packages, and a kernel for the guests (unpacked, not installed). Sourced, never run.
# Needs common.sh. Everything here may be called again and again: what is present is left alone.

# One package per line, and what it is for. "a|b": any of them will do, the first is installed.
holdfast_package_list() {
  cat <<'LIST'
openjdk-17-jdk-headless compiles and runs Holdfast
maven builds it
qemu-system-x86 runs the guests
qemu-utils makes and inspects disk images
gcc compiles the guest program and the guard
libc6-dev C library to link them with
libjansson-dev JSON for the guard
make builds the guard
busybox-static user space of the guests
gzip compresses the initramfs of the guests
socat talks to sockets from shell
iproute2 network namespaces, bridges and taps of the demo
procps reads process tables
util-linux setsid and flock
e2fsprogs makes the file system of the guests that quiesce
debian-archive-keyring verifies the QEMU 10 of the second lane
jq reads JSON in the scripts
xsltproc makes the manual page of the resource agent
asciidoctor makes the manual pages of the commands
ca-certificates lets maven fetch over https
LIST
}

# What the tests need besides, and who makes packages.
holdfast_test_package_list() {
  cat <<'LIST'
pacemaker the cluster of the lab
corosync its members
sbd fences by messages on a shared disk
crmsh configures it
nftables cuts its network
resource-agents functions that resource agents share, and their tester
libxml2-utils checks the metadata of the resource agent
openssl makes the certificates of the tests
libssl-dev compiles the floor of the epochs with its seal
binutils strips the guard in the packages
lintian checks the Debian package
rpm makes the RPM, and looks into it
shellcheck checks the scripts
bats tests the scripts
systemd runs the units
xfsprogs a file system that lets files share blocks, to copy raw disks on
btrfs-progs another one
user-mode-linux a kernel that runs as a program: guests of the driver for it
uml-utilities makes and merges copy-on-write files of User-Mode Linux, to compare with
mmdebstrap makes the file system of the first domain under Xen
openssh-client runs commands there
LIST
  libvirt_package_list
}

# The libvirt that the tests and the benchmarks start for themselves (deploy/lab/libvirtd).
libvirt_package_list() {
  cat <<'LIST'
libvirt-daemon-system runs machines under libvirt: guests of the driver for it, and what Holdfast is compared with
libvirt-clients virsh, through which that driver talks
libvirt-daemon-driver-qemu its driver for QEMU
LIST
}

package_present() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_run() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2 "$@"
}

# apt_refresh - fetches the package lists once per run; fails when any list cannot be fetched.
apt_refresh() {
  [ -z "${HOLDFAST_APT_FRESH:-}" ] || return 0
  say "apt-get update"
  apt_run -qq -o APT::Update::Error-Mode=any update >&2 || return 1
  HOLDFAST_APT_FRESH=1
}

# apt_install PACKAGE... - without starting the services that are in them, now or at the next boot: trying Holdfast must not make this
# machine a member of anything.
apt_install() (
  policy=${HOLDFAST_POLICY:-/usr/sbin/policy-rc.d}
  mark='# made by deploy/lib/packages.sh for the time of an installation'
  # One that is ours and locked by nobody was left by a run that was killed; one of somebody else stays as it is.
  if [ ! -e "$policy" ] || { grep -qsxF "$mark" "$policy" && flock -n "$policy" true; }; then
    trap 'rm -f "$policy" "$policy.$BASHPID"' EXIT
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy.$BASHPID" && chmod 755 "$policy.$BASHPID"
    exec 9<"$policy.$BASHPID"
    flock 9 && mv "$policy.$BASHPID" "$policy"
  fi
  apt_run install -y --no-install-recommends "$@" >&2 9<&- || return
  for package; do
    case $package in
      pacemaker | corosync | uml-utilities) systemctl disable "$package.service" >/dev/null 2>&1 || true ;;
      libvirt-daemon-system) systemctl disable libvirtd.service libvirt-guests.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket \
        virtlogd.socket virtlogd-admin.socket virtlockd.socket virtlockd-admin.socket >/dev/null 2>&1 || true ;;
      sbd) systemctl disable sbd.service sbd_remote.service >/dev/null 2>&1 || true ;;
    esac
  done
)

# install_packages LIST... - installs what of the lists is absent and says why; skips apt when nothing is.
install_packages() {
  local package why absent=() list=("$@")
  all_listed() { for each in "${list[@]}"; do "$each"; done; }
  command -v dpkg-query >/dev/null || die "this is not Debian: install by hand what 'holdfast_package_list' in deploy/lib/packages.sh names"
  while read -r package why; do
    package_present "$package" || absent+=("$package")
  done < <(all_listed)
  [ ${#absent[@]} -gt 0 ] || return 0
  say "Debian packages to install:"
  while read -r package why; do
    [[ " ${absent[*]} " == *" $package "* ]] && printf '            %-26s %s\n' "$package" "$why" >&2
  done < <(all_listed)
  [ "$(id -u)" -eq 0 ] || die "missing packages: ${absent[*]}. Install them as root: apt-get install ${absent[*]}"
  if ! apt_refresh || ! apt_install "${absent[@]}"; then
    absent=()
    while read -r package why; do
      package_present "$package" || absent+=("$package")
    done < <(all_listed)
    [ ${#absent[@]} -eq 0 ] && return 0
    die "still missing: ${absent[*]}. apt-get could not install them (no network, or no package source?). Give the machine its package source, or install them by hand, and run this again"
  fi
}

# unpack_package NAME DIR - downloads a package and unpacks it below DIR, without installing it.
unpack_package() {
  local name=$1 dir=$2 tmp deb
  tmp=$(mktemp -d "$(cache_dir)/fetch.XXXXXX")
  chmod 755 "$tmp"
  if ! (cd "$tmp" && apt_run -qq -o APT::Sandbox::User=root download "$name" >&2); then
    rm -rf "$tmp"
    return 1
  fi
  deb=$(find "$tmp" -name '*.deb' | head -n 1)
  dpkg-deb -x "$deb" "$tmp/root" && mkdir -p "${dir%/*}" && rm -rf "$dir" && mv "$tmp/root" "$dir"
  rm -rf "$tmp"
  [ -d "$dir" ]
}

# guest_kernel_dir - prints the directory of an unpacked Debian cloud kernel; fetches it when the cache has none.
# The kernel is not installed and the machine does not boot it: it is only for guests.
guest_kernel_dir() {
  local cache found package
  cache=$(cache_dir)/kernel
  found=$(find "$cache" -mindepth 1 -maxdepth 1 -name 'linux-image-*' 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$found" ]; then
    echo "$found"
    return 0
  fi
  package=$(kernel_package linux-image-cloud-amd64) || package=
  if [ -n "$package" ]; then
    say "fetching $package for the guests (unpacked into $cache, not installed)"
    unpack_package "$package" "$cache/$package" || { apt_refresh && unpack_package "$package" "$cache/$package"; } || package=
  fi
  [ -n "$package" ] || die "no kernel for the guests: the package linux-image-cloud-amd64 could not be fetched (no network?). Put an unpacked linux-image-*-cloud-amd64 into $cache/linux-image-VERSION and run this again"
  echo "$cache/$package"
}

# kernel_package META - the newest 6.1 kernel, as the meta package names it.
kernel_package() {
  named_kernel "$1" || { apt_refresh && named_kernel "$1"; }
}

named_kernel() {
  apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-6\.1\..*-amd64\)$/\1/p' | head -n 1 | grep .
}

# pcs_modules - prints the search path of the real pcs and what it needs of Python, unpacked and not installed; or fails.
pcs_modules() {
  local cache package path=
  cache=$(cache_dir)
  for package in pcs python3-pycurl python3-tornado python3-dacite python3-dateutil python3-distro python3-pyparsing; do
    [ -d "$cache/${package}" ] || unpack_package "$package" "$cache/$package" \
      || { apt_refresh && unpack_package "$package" "$cache/$package"; } || return 1
    path=$path:$cache/$package/usr/lib/python3/dist-packages
  done
  echo "${path#:}:$cache/pcs/usr/lib/pcs/pcs_bundled/packages"
}

# ocf_schema - prints the path of the OCF 1.1 schema for metadata of resource agents, as pcs has it; or fails.
ocf_schema() {
  local dir
  dir=$(cache_dir)/pcs
  [ -d "$dir" ] || unpack_package pcs "$dir" || { apt_refresh && unpack_package pcs "$dir"; } || return 1
  echo "$dir/usr/share/pcs/data/ocf-1.1.rng"
}

# guest_agent_dir - prints the directory of an unpacked qemu-guest-agent with its libraries, or fails.
guest_agent_dir() {
  local dir package
  dir=$(cache_dir)/qemu-ga
  if [ ! -x "$dir/qemu-guest-agent/usr/sbin/qemu-ga" ]; then
    say "fetching the guest agent (unpacked into $dir, not installed)"
    for package in qemu-guest-agent $(guest_agent_libraries); do
      [ -d "$dir/$package" ] || unpack_package "$package" "$dir/$package" \
        || { apt_refresh && unpack_package "$package" "$dir/$package"; } \
        || { warn "the package $package could not be fetched (no network?): guests go without a guest agent"; return 1; }
    done
  fi
  echo "$dir"
}

guest_agent_libraries() { echo libglib2.0-0 libudev1 libnuma1 liburing2 libpcre2-8-0; }
