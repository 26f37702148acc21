# shellcheck shell=sh disable=SC2034,SC2154  # a part of "vm", which sets what is used here
#
# How a machine ends: the agent does it, or without one the guest is asked through QEMU, then its processes are ended, each step within its
# time. For a stop of any machine, and for the demote of a replicated one (replica.sh). "give_up" is the second by which all has to be over.

# soft_seconds: how long the guest may take.
soft_seconds() {
    soft=$(($(action_seconds 120) * 2 / 3 - HARD_STOP))
    if is_number "$OCF_RESKEY_shutdown_timeout" && [ "$OCF_RESKEY_shutdown_timeout" -lt "$soft" ]; then
        soft=$OCF_RESKEY_shutdown_timeout
    fi
    [ "$soft" -gt 0 ] || soft=0
    echo "$soft"
}

# shut_down UNTIL PID.START...: asks the guest, through QEMU, and waits. One that stands still for another reason than a
# freeze cannot shut down, and is not waited for.
shut_down() {
    [ "$(now)" -lt "$1" ] || return 1
    ask_state
    case $state in
        running) ;;
        *) [ -n "$state" ] && [ -e "$dir/frozen" ] || return 1 ;;
    esac
    if ! replicated; then
        qmp "$dir" system_powerdown >/dev/null
        wait_for_end "$@"
        return
    fi
    note_shut_down
    qmp "$dir" system_powerdown >/dev/null
    wait_for_shutdown "$@"
}

# note_shut_down: for the agent's next life: the machine did not crash, and no standby may go on from before the shutdown.
note_shut_down() {
    echo "noted by the resource agent" >"$dir/shut-down"
} 2>/dev/null

# wait_for_shutdown UNTIL PID.START...: the process of a replicated machine stays when its guest has shut down.
wait_for_shutdown() {
    until=$1
    shift
    while any_lives "$@"; do
        ask_state
        if [ "$state" = shutdown ] || [ "$(now)" -ge "$until" ]; then
            return 1
        fi
        sleep 0.2
    done
}

# agent_stops UNTIL: the agent takes it out of its round, asks the guest and waits; also for a start that is under way. One
# that replicates it ends its part in that as well.
agent_stops() {
    left=$(($1 - $(now)))
    if replicated; then
        agent replica.stop "$((left > 0 ? left + 1 : 1))" ",\"timeout\":\"$((left > 0 ? left : 0))s\""
    else
        agent vm.stop "$((left > 0 ? left + 1 : 1))" ",\"timeout\":\"$((left > 0 ? left : 0))s\",\"placed\":true"
    fi
    case $answer in
        *'"result":'*) return 0 ;;
    esac
    return 1
}

end_processes() {
    if replicated && ask_state && [ "$state" = shutdown ]; then
        note_shut_down
    fi
    for place in "$dir" "$dir"/*/; do
        [ ! -S "$place/rescue.sock" ] || is_of_another "$place" "$@" || qmp "${place%/}" quit >/dev/null 2>&1 &
    done
    wait_for_end $(($(now) + 2)) "$@" && return 0
    signal_all TERM "$@"
    wait_for_end $(($(now) + 1)) "$@" && return 0
    signal_all KILL "$@"
    wait_for_end "$give_up" "$@"
}

# is_of_another DIRECTORY PID.START...: whether its process is a living one of the machine that is not among these, as a standby.
is_of_another() {
    own_process "$1/pid" || return 1
    shift
    case " $* " in
        *" $pid.$started "*) return 1 ;;
    esac
}

# end_uml UNTIL: what is of User-Mode Linux: in an order of its own, with the daemon that shows the disks.
end_uml() {
    [ -n "$(programs kernel disks)" ] || return 0
    if [ -r "$home/uml.sh" ]; then
        uml stop "$1"
    else
        end_at_once uml.sh
    fi
}

# end_xen UNTIL: its domains, which are no processes.
end_xen() {
    ! is_domain || xen stop "$1"
}

# stop_machine: in time, and with nothing left of it.
stop_machine() {
    until=$(($(now) + $(soft_seconds)))
    known=$(all_processes)
    # An agent that is only slow, on a node that stops everything at once, may be moving other machines: killing it ends that.
    patience=$(($(action_seconds 120) / 6))
    agent_knows "$((patience > AGENT_PATIENCE ? patience : AGENT_PATIENCE))"
    case $? in
        0) agent_stops "$until" ;;
        2) end_hanging_agent ;;
    esac
    end_uml "$until" || return
    end_xen "$until" || return
    # shellcheck disable=SC2046,SC2086  # words; those that came meanwhile, too
    set -- $known $(all_processes)
    any_lives "$@" || set --
    if [ $# -gt 0 ] && ! shut_down "$until" "$@" && ! end_processes "$@"; then
        failed "process $* does not end although it was killed: its storage hangs in the kernel"
    fi
}
