# shellcheck shell=bash
# shellcheck disable=SC2034,SC2119,SC2120,SC2154  # what is set here is used by the tests, and the other way round
# Stand-ins for a machine of User-Mode Linux: processes that have the words of a kernel in their command lines, and a console made of
# socat. Loaded by the bats files, never run.

# kernel_process [INSTANCE]: a process of the guest; sets "process".
kernel_process() {
    perl -e 'sleep 600' umid=uml "uml_dir=$dir/${1:-own}/" >/dev/null 2>&1 3>&- &
    process=$!
    disown
    pids="$pids $process"
    until grep -qs "uml_dir=$dir" "/proc/$process/cmdline"; do sleep 0.02; done
}

# uml_machine [INSTANCE]: the first process of a guest, its pid file, and what shows its disks; sets "first" and "storage".
uml_machine() {
    mkdir -p "$dir/${1:-own}/uml"
    kernel_process "${1:-own}"
    first=$process
    echo "$first" >"$dir/${1:-own}/pid"
    storage_process "${1:-own}"
}

storage_process() {
    perl -e 'sleep 600' -- --chardev "socket,id=agent,path=$dir/${1:-own}/storage.sock,server=on,wait=off" >/dev/null 2>&1 3>&- &
    storage=$!
    disown
    pids="$pids $storage"
    until grep -qs storage.sock "/proc/$storage/cmdline"; do sleep 0.02; done
}

# waiting_machine: one whose first process sleeps as that of a guest that has been stopped: in recvfrom().
waiting_machine() {
    uml_machine
    ends "$first"
    perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); recv(A, $x, 1, 0)' umid=uml "uml_dir=$dir/own/" >/dev/null 2>&1 3>&- &
    first=$!
    disown
    pids="$pids $first"
    echo "$first" >"$dir/own/pid"
    until grep -qs '^45 ' "/proc/$first/syscall"; do sleep 0.02; done
}

# held_machine: the first process of a guest that waits before its boot; it becomes the kernel when it is continued.
held_machine() {
    mkdir -p "$dir/own/uml"
    # shellcheck disable=SC2016  # for the shell there
    sh -c 'echo $$ >"$1.new" && mv "$1.new" "$1"; kill -STOP $$; shift 2; exec "$@"' holdfast-start "$dir/own/pid" hold \
        perl -e 'sleep 600' umid=uml "uml_dir=$dir/own/" >/dev/null 2>&1 3>&- &
    first=$!
    disown
    pids="$pids $first"
    until waits_for_a_signal "$first"; do sleep 0.02; done
}

waits_for_a_signal() {
    grep -qs '^State:[[:space:]]*T' "/proc/$1/status"
}

# console [INSTANCE]: the guest's console. It is stopped while the file "stopped" is there; a file "waiting" becomes that one after the next
# answer, as an order to stop that waits in the guest. The number in the file "lazy" says how many questions its worker does not answer
# before it wakes, and then obeys an order to stop. What it was told is in "orders".
console() {
    cat >"$base/kernel" <<END
order=\$(od -An -v -tx1 | tr -d ' \n')
echo "\$order" >>$base/orders
case \$order in
    *676f00)
        if [ -e $base/stopped ]; then
            rm $base/stopped
            printf '\000\000\000\000\000\000\000\000\001\000\000\000\000'
        else
            printf '\001\000\000\000\000\000\000\000\014\000\000\000Not stopped\000'
        fi
        [ ! -e $base/waiting ] || mv $base/waiting $base/stopped
        ;;
    *$question)
        left=0
        [ ! -e $base/lazy ] || read -r left <$base/lazy
        [ "\$left" -ne 0 ] || printf '\001\000\000\000\000\000\000\000\031\000\000\000Bad configuration option\000'
        case \$left in
            0) ;;
            1) rm $base/lazy && touch $base/stopped ;;
            *) echo \$((left - 1)) >$base/lazy ;;
        esac
        ;;
    *63616400)
        printf '\000\000\000\000\000\000\000\000\001\000\000\000\000'
        [ ! -e $base/obedient ] || kill -9 \$(cat $dir/own/pid)
        ;;
esac
END
    rm -f "$dir/${1:-own}/uml/mconsole"
    socat "UNIX-RECVFROM:$dir/${1:-own}/uml/mconsole,fork" "SYSTEM:sh $base/kernel" 3>&- >/dev/null 2>&1 &
    pids="$pids $!"
    disown
    until [ -S "$dir/${1:-own}/uml/mconsole" ]; do sleep 0.02; done
}

orders() {
    touch "$base/orders"
    grep -c "$1" "$base/orders" || true
}

# ends PID...: with KILL, and they have.
ends() {
    kill -9 "$@"
    for ended; do
        until gone "$ended"; do sleep 0.02; done
    done
}

go=676f00
question=636f6e666967202d00
button=63616400
