# shellcheck shell=sh disable=SC2034,SC2154  # a part of "vm" and of "thaw", which set what is used here
#
# Machines of Xen. A domain is no process: what names it is the configuration that it was built from, DIRECTORY/domain.cfg, and
# domain-WORD.cfg of one that a revert has built beside it; each is there as long as there may be such a domain. A domain stays when its
# guest has ended, and has the disks open, until it is destroyed.
#
# The first part is for both, and needs sh and xl; what follows is for the resource agent alone.

# xen_tool WORD...: xl, which hangs where xenstored does. To take a domain apart is all that takes it long.
xen_tool() {
    xen_patience=8
    [ "$1" != destroy ] || xen_patience=30
    timeout -s KILL "$xen_patience" "${HOLDFAST_XL:-xl}" "$@" </dev/null 2>&1
}

# xen_look CONFIGURATION: sets "domain" to its number, "flags" to what it does and "ended" to why its guest has ended. 0 it is there, 1 it
# is not, 2 xl does not tell. Names may be anything, hence by its UUID and from the right; the first domain is in each list.
xen_look() {
    xen_uuid=$(sed -n 's/^uuid = "\([0-9a-f-]*\)"$/\1/p' "$1" 2>/dev/null)
    [ -n "$xen_uuid" ] || return 2
    xen_list=$(xen_tool list -v) || return 2
    printf '%s\n' "$xen_list" | grep -q ' 0  *[0-9][0-9]*  *[0-9][0-9]*  *r' || return 2
    # shellcheck disable=SC2046  # words
    set -- $(printf '%s\n' "$xen_list" | sed -n "s/^.* \([0-9][0-9]*\)  *[0-9][0-9]*  *[0-9][0-9]*  *\([a-z-]\{6\}\)  *[0-9.][0-9.]*  *$xen_uuid  *\([0-9a-f-]*\) .*\$/\1 \2 \3/p")
    [ $# -eq 3 ] || return 1
    domain=$1 flags=$2 ended=$3
    case $flags in
        *d) return 1 ;; # What is left of it has no disks any more.
    esac
}

# xen_unpause: undoes one pause of the domain. xl 4.17 ends with status 0 also if it has not; then it says something.
xen_unpause() {
    xen_said=$(xen_tool unpause "$domain") && [ -z "$xen_said" ]
}

# ---- for the resource agent ----

# xen_find: the domain of the machine, or one that a revert has built beside it; as xen_look.
xen_find() {
    xen_found=1
    for xen_configuration in "$dir/domain.cfg" "$dir"/domain-*.cfg; do
        [ -e "$xen_configuration" ] || continue
        xen_look "$xen_configuration"
        case $? in
            0) return 0 ;;
            2) xen_found=2 ;;
        esac
    done
    return "$xen_found"
}

# xen_is_there: whether a start finds the machine.
xen_is_there() {
    xen_find || return
    case $flags in
        ???--*) return 0 ;;
    esac
    return 1
}

xen_monitor() {
    for _ in 1 2; do
        xen_find
        xen_told=$?
        [ "$xen_told" -eq 2 ] || break
    done
    case $xen_told in
        1) return "$OCF_NOT_RUNNING" ;;
        2)
            failed "xl does not tell of its domain; does xenstored answer? Try: xl list -v"
            return
            ;;
    esac
    case $flags in
        ???s* | ????c*) xen_has_ended ;;
        ??p*) xen_is_paused ;;
        *) return "$OCF_SUCCESS" ;;
    esac
}

# xen_has_ended: the numbers are Xen's.
xen_has_ended() {
    case $ended in
        0) xen_why="has shut down" ;;
        1) xen_why="has rebooted, which is a new start of the machine" ;;
        2)
            degraded "is not running on: its memory is being saved, by somebody else than Holdfast"
            return
            ;;
        *) xen_why="has crashed" ;;
    esac
    failed "its guest $xen_why, and domain $domain has its disks open; a stop ends that"
}

xen_is_paused() {
    if [ -e "$dir/frozen" ] && read_marker; then
        [ "$kind" != hold ] && is_expired || return "$OCF_SUCCESS"
        degraded "is not running on: it was frozen beyond its deadline, and could not be let run"
    else
        degraded "is not running on: domain $domain is paused; somebody has done that"
    fi
}

# xen_stop UNTIL: ends each domain of the machine. One that is paused for another reason than a freeze is not asked.
xen_stop() {
    for xen_configuration in "$dir"/domain.cfg "$dir"/domain-*.cfg; do
        [ ! -e "$xen_configuration" ] || xen_end "$xen_configuration" "$1" || return
    done
}

# xen_end CONFIGURATION UNTIL
xen_end() {
    xen_asked=no
    while :; do
        xen_look "$1"
        case $? in
            1)
                rm -f "$1"
                return 0
                ;;
            0)
                case $flags in
                    ???s* | ????c* | ??p*) xen_tool destroy "$domain" >/dev/null ;;
                    *)
                        if [ "$(now)" -ge "$2" ]; then
                            xen_tool destroy "$domain" >/dev/null
                        elif [ "$xen_asked" = no ]; then
                            xen_asked=yes
                            xen_tool shutdown "$domain" >/dev/null
                        fi
                        ;;
                esac
                ;;
        esac
        if [ "$(now)" -ge "$give_up" ]; then
            failed "its domain does not end, or xl does not tell of it; does xenstored answer? Try: xl list -v"
            return
        fi
        sleep 0.2
    done
}
