# shellcheck shell=sh disable=SC2034,SC2154  # a part of "vm" and of "thaw", which set what is used here
#
# Machines of User-Mode Linux. The kernel of the guest is a program: a first process, helpers of which one writes to its disks, and
# one process for each of the guest, which the first one traces. All have the word uml_dir=DIRECTORY/ in their command lines. A
# qemu-storage-daemon shows them the disks; it is not the machine.
#
# The first part is for both, and needs sh and socat; what follows is for the resource agent alone.

# uml_instance DIRECTORY: the run directory of the machine's processes: where the link leads, or the first that there was.
uml_instance() {
    uml_place=own
    [ ! -L "$1/place" ] || uml_place=$(readlink "$1/place")
    printf '%s/%s\n' "$1" "$uml_place"
}

# Refused, since no device has that name, by the thread of the guest's kernel that obeys an order to stop.
UML_QUESTION='config -'

# uml_datagram COMMAND: as arch/um/drivers/mconsole.h has it: a magic number, version 2, the length, the words; on little-endian hosts,
# which are those that have User-Mode Linux.
uml_datagram() {
    case $1 in
        go) printf '\276\272\376\312\002\000\000\000\002\000\000\000go\000' ;;
        cad) printf '\276\272\376\312\002\000\000\000\003\000\000\000cad\000' ;;
        "$UML_QUESTION") printf '\276\272\376\312\002\000\000\000\010\000\000\000config -\000' ;;
    esac
}

# uml_order INSTANCE COMMAND: orders it, and prints the answer in hexadecimal; nothing without one. The kernel answers to a name, and
# drops what comes without one; a late answer must not be taken for one to another command. socat ends when nothing has come for the
# time of -t.
uml_order() {
    uml_sweep "$1"
    uml_answers=$1/.order.$$.${2%% *}
    uml_datagram "$2" |
        timeout 3 "${HOLDFAST_SOCAT:-socat}" -t "${HOLDFAST_THAW_PATIENCE:-0.5}" - \
            "UNIX-SENDTO:$1/uml/mconsole,bind=$uml_answers" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
    rm -f "$uml_answers"
}

# uml_sweep INSTANCE: the sockets of those that were killed while they waited for an answer.
uml_sweep() {
    for uml_left in "$1"/.order.*; do
        uml_asker=${uml_left##*/.order.}
        [ ! -S "$uml_left" ] || [ -e "/proc/${uml_asker%%.*}" ] || rm -f "$uml_left"
    done
}

# uml_boot INSTANCE: lets a guest boot that was started to wait for that, as by a revert that leaves it paused; false if there is none. Its
# first process is still the shell that notes its number and stops itself, as UmlCommandLine writes it.
uml_boot() {
    uml_shell=
    { read -r uml_shell <"$1/pid"; } 2>/dev/null
    case " $(tr '\000' ' ' <"/proc/$uml_shell/cmdline")" in
        *" holdfast-start $1/pid hold "*" uml_dir=$1/ "*) ;;
        *) return 1 ;;
    esac
    grep -q '^State:[[:space:]]*T' "/proc/$uml_shell/status" && kill -s CONT "$uml_shell"
} 2>/dev/null

# ---- for the resource agent ----

# uml_is_first PID: a pid file names it.
uml_is_first() {
    for uml_pidfile in "$dir"/*/pid; do
        uml_noted=
        { read -r uml_noted <"$uml_pidfile"; } 2>/dev/null
        [ "$uml_noted" != "$1" ] || return 0
    done
    return 1
}

# uml_kernels: the processes of the guest in the order in which they are to be killed: those that are traced, the helpers, the first
# one. As long as that lives the machine is found by it; the helpers live on without it, and hold its files.
uml_kernels() {
    uml_traced='' uml_helpers='' uml_first=''
    for uml_kernel in $(programs kernel); do
        uml_tracer=$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$uml_kernel/status" 2>/dev/null)
        if uml_is_first "$uml_kernel"; then
            uml_first="$uml_first $uml_kernel"
        elif [ "$uml_tracer" = 0 ]; then
            uml_helpers="$uml_helpers $uml_kernel"
        else
            uml_traced="$uml_traced $uml_kernel"
        fi
    done
    # shellcheck disable=SC2086  # words
    printf '%s\n' $uml_traced $uml_helpers $uml_first
}

# uml_storages [INSTANCE]: "PID.START" of each process that shows disks of this machine, or of one instance of it.
uml_storages() {
    for uml_storage in $(programs disks); do
        case $(command_line "$uml_storage") in
            *",path=${1:-$dir}/"*) numbered "$uml_storage" ;;
        esac
    done
}

# uml_stands_still PID: it waits for its console (recvfrom, 45 on x86-64), where a guest that was not told to stop never sleeps; or a
# signal has stopped it.
uml_stands_still() {
    uml_call='' uml_stat=''
    { read -r uml_call _ <"/proc/$1/syscall"; } 2>/dev/null
    { read -r uml_stat <"/proc/$1/stat"; } 2>/dev/null
    case ${uml_stat##*) } in
        [Tt]*) return 0 ;;
    esac
    [ "$uml_call" = 45 ]
}

# uml_monitor: of the process "pid". The console is not asked: a guest that is busy may take its time, and nothing would follow from it.
uml_monitor() {
    uml_found=$pid
    uml_line=$(command_line "$pid")
    uml_line=${uml_line#*"uml_dir="}
    uml_home=${uml_line%%/ *}
    if ! own_process "$uml_home/pid"; then
        failed "process $uml_found is left of a guest whose kernel has ended, or no pid file names its kernel; a stop ends all of it"
        return
    fi
    if [ -z "$(uml_storages "$uml_home")" ]; then
        uml_without_disks
    elif ! uml_stands_still "$pid"; then
        return "$OCF_SUCCESS"
    elif [ -e "$dir/frozen" ] && read_marker; then
        [ "$kind" != hold ] && is_expired || return "$OCF_SUCCESS"
        degraded "is not running on: it was frozen beyond its deadline, and could not be let run"
    else
        degraded "is not running on: the guest is stopped; somebody has paused it"
    fi
}

uml_without_disks() {
    if [ "$OCF_RESKEY_on_io_error" = keep ]; then
        degraded "has lost its disks: their qemu-storage-daemon has ended; left as it is (on_io_error=keep)"
    else
        failed "has lost its disks: their qemu-storage-daemon has ended"
    fi
}

# uml_stop UNTIL: ends all of it: the guest, then what shows its disks. No guest is left that could write to them.
uml_stop() {
    uml_shut_down "$1"
    if ! uml_end_kernels || ! uml_end_storages; then
        failed "a process of the guest, or of its disks, does not end although it was killed: its storage hangs in the kernel"
    fi
}

# uml_shut_down UNTIL: Ctrl-Alt-Del is the only button. One that stands still for another reason than a freeze is not asked.
uml_shut_down() {
    uml_home=$(uml_instance "$dir")
    [ "$(now)" -lt "$1" ] && own_process "$uml_home/pid" || return
    ! uml_stands_still "$pid" || [ -e "$dir/frozen" ] || return
    [ -S "$uml_home/uml/mconsole" ] || return
    uml_order "$uml_home" cad >/dev/null # A busy guest does what it was told without having answered in time.
    wait_for_end "$1" "$pid.$started"
}

# A helper that waits for what a hanging daemon shows cannot be killed before that daemon is.
uml_end_kernels() {
    uml_patience=$(($(now) + 3))
    while :; do
        # shellcheck disable=SC2046  # words
        set -- $(uml_kernels)
        [ $# -gt 0 ] || return 0
        [ "$(now)" -lt "$give_up" ] || return 1
        kill -s KILL "$@" 2>/dev/null
        # shellcheck disable=SC2046  # words
        [ "$(now)" -lt "$uml_patience" ] || signal_all KILL $(uml_storages)
        sleep 0.05
    done
}

uml_end_storages() {
    # shellcheck disable=SC2046  # words
    set -- $(uml_storages)
    [ $# -gt 0 ] || return 0
    signal_all TERM "$@"
    wait_for_end $(($(now) + 2)) "$@" && return 0
    signal_all KILL "$@"
    wait_for_end "$give_up" "$@"
}
