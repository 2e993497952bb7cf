#!/bin/sh
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# The first program of a virtual machine whose root is this host's, read-only over 9p: makes a host with systemd of it,
# which runs one script as the unit test.service and powers off.
#
# RKT_SCRIPT, on the kernel's command line, is the script's path. What it prints goes to the virtio port "output", and how
# it ended to "status". In the machine the host's files are below /run/host, too. Whatever is written is in memory.

set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# What lies there otherwise is the host's, over 9p. The kernel may have mounted some of it.
mount -t proc proc /proc 2>/dev/null || true
mount -t sysfs sysfs /sys 2>/dev/null || true
mount -t devtmpfs devtmpfs /dev 2>/dev/null || true
mount -t tmpfs -o mode=0755 tmpfs /run
cd /run
mkdir root upper work
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay root

# The host's own services are none of this machine's, and what needs devices or settings that it has not would only
# take time.
rm -rf root/etc/systemd/system root/etc/fstab root/usr/lib/systemd/system-generators
units=root/etc/systemd/system
mkdir $units
for unit in systemd-firstboot.service systemd-hwdb-update.service systemd-udevd.service systemd-udev-trigger.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-random-seed.service systemd-sysusers.service \
    systemd-update-utmp.service systemd-remount-fs.service systemd-modules-load.service systemd-sysctl.service \
    systemd-binfmt.service systemd-pstore.service systemd-machine-id-commit.service systemd-boot-system-token.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path systemd-repart.service ldconfig.service \
    kmod-static-nodes.service systemd-tmpfiles-setup-dev.service systemd-journal-flush.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-user-sessions.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount apt-daily.timer getty.target; do
    ln -s /dev/null $units/$unit
done
echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
echo systemd-host >root/etc/hostname

# port NAME: the device of a virtio port.
port() {
    for directory in /sys/class/virtio-ports/*; do
        [ "$(cat $directory/name)" != "$1" ] || echo "/dev/${directory##*/}"
    done
}

cat >$units/test.service <<UNIT
[Unit]
Description=What a test does on a host with systemd
Wants=dbus.socket
After=dbus.socket
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh -e /run/host$RKT_SCRIPT
StandardOutput=file:$(port output)
StandardError=inherit
ExecStopPost=/bin/sh -c 'echo \$EXIT_STATUS >$(port status)'
UNIT

mount -t tmpfs tmpfs root/var
mount -t tmpfs tmpfs root/tmp
mkdir root/var/lib root/var/tmp root/var/log
ln -s ../run root/var/run
mount -t tmpfs -o mode=0755 tmpfs root/run
mkdir root/run/host
for directory in proc sys dev; do mount --move /$directory root/$directory; done
cd root
pivot_root . run/host
exec chroot . /lib/systemd/systemd --unit=test.service </dev/console >/dev/console 2>&1
