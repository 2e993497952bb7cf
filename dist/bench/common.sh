# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# What the scripts that measure have in common: BUILD, the program rkt, and how they give up.

export LC_ALL=C
readonly BUILD=$(realpath "${BUILD:-$here/../build}")
readonly rkt=$BUILD/rkt

# die MESSAGE...: also shows the end of the log.
die() {
    echo "${0##*/}: $*" >&2
    [ ! -s "${log:-}" ] || tail -n 20 "$log" >&2
    exit 1
}

# need FILE...: root, a C compiler, and files of the build.
need() {
    local file
    [ "$(id -u)" -eq 0 ] || die "pods and trees are made as root; use 'sudo make bench'"
    command -v cc >/dev/null || die "cc not found, install the Debian package 'gcc'"
    for file; do
        [ -f "$file" ] || die "$file is missing; run 'make all images'"
    done
}

# field NAME FILE: a number or a word of a flat JSON object.
field() {
    tr '{},' '\n' <"$2" | sed -n "s/^ *\"$1\" *: *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p"
}

# median: of numbers on standard input.
median() {
    sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# accelerator_options NAME: QEMU's options for what machine.json says.
accelerator_options() {
    case $1 in
    kvm) echo "-accel kvm -cpu host" ;;
    tcg) echo "-accel tcg,thread=multi -cpu max" ;;
    *) die "unknown accelerator '$1'" ;;
    esac
}

# bare_machine MEMORY PROCESSORS ROOT: QEMU's options, as in Sources/Backends/QEMU, without what only a pod needs. No path
# may have a space in it.
bare_machine() {
    echo -nodefaults -no-user-config -display none -action reboot=shutdown,panic=exit-failure \
        -machine q35,memory-backend=memory,usb=off,sata=off,smbus=off,vmport=off,dump-guest-core=off \
        -smp "$2,sockets=1,cores=$2,threads=1" \
        -m "size=$1M" -object "memory-backend-memfd,id=memory,size=$1M,share=on" \
        -rtc base=utc,clock=host -serial null \
        -blockdev "driver=raw,node-name=root,read-only=on,file.driver=file,file.filename=$3,file.read-only=on" \
        -device virtio-blk-pci,drive=root
}
readonly bare_parameters="console=ttyS0 root=/dev/vda rootfstype=erofs ro init=/init panic=-1 no_timer_check \
8250.nr_uarts=1 quiet"
