// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// The only program of the test guest: looks for what guests rely on, says what
// is missing, powers the machine off.

#include <glob.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int failures;

static void expect(int holds, const char *format, ...) {
    if (holds) return;
    va_list arguments;
    va_start(arguments, format);
    printf("missing: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    failures++;
}

// Whether one of the files that match the pattern holds the word.
static int holds(const char *pattern, const char *word) {
    static char text[16384];
    int found = 0;
    glob_t files;
    if (glob(pattern, 0, NULL, &files) != 0) return 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *file = fopen(files.gl_pathv[i], "r");
        if (file == NULL) continue;
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        for (char *at = strtok(text, " \t\n"); at != NULL; at = strtok(NULL, " \t\n"))
            found |= strcmp(at, word) == 0;
    }
    globfree(&files);
    return found;
}

static int exists(const char *pattern) {
    glob_t files;
    if (glob(pattern, 0, NULL, &files) != 0) return 0;
    globfree(&files);
    return 1;
}

static void mounted(const char *type, const char *source, const char *target, const char *options) {
    expect(mount(source, target, type, 0, options) == 0, "mount of %s: %m", type);
}

int main(int argc, char **argv) {
    const char *processors = argc > 1 ? argv[1] : "1";

    mounted("proc", "proc", "/proc", NULL);
    mounted("sysfs", "sysfs", "/sys", NULL);
    mounted("cgroup2", "cgroup2", "/sys/fs/cgroup", "nsdelegate,memory_recursiveprot");
    mounted("9p", "share", "/mnt", "trans=virtio,version=9p2000.L,msize=131072");

    static const char *filesystems[] = {"9p", "virtiofs", "erofs", "ext4", "overlay", "tmpfs", "fuse", "devpts"};
    for (size_t i = 0; i < sizeof filesystems / sizeof *filesystems; i++)
        expect(holds("/proc/filesystems", filesystems[i]), "file system %s", filesystems[i]);
    static const char *controllers[] = {"cpu", "cpuset", "io", "memory", "pids", "hugetlb"};
    for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++)
        expect(holds("/sys/fs/cgroup/cgroup.controllers", controllers[i]), "controller %s", controllers[i]);
    static const char *namespaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", namespaces[i]);
        expect(exists(path), "namespace %s", namespaces[i]);
    }

    expect(holds("/mnt/file", "shared"), "content of the 9p share");
    expect(holds("/sys/class/virtio-ports/*/name", "first"), "port named first");
    expect(holds("/sys/class/virtio-ports/*/name", "second"), "port named second");
    expect(holds("/sys/class/misc/hw_random/rng_current", "virtio_rng.0"), "virtio-rng");
    expect(exists("/sys/bus/virtio/drivers/virtio_balloon/virtio*"), "balloon");
    expect(exists("/sys/bus/virtio/drivers/virtio_net/virtio*"), "network device");
    expect(exists("/sys/bus/pci/drivers/pvpanic-pci/0000:*"), "pvpanic");
    expect(exists("/sys/class/net/eth0"), "interface eth0");
    expect(exists("/dev/null"), "devtmpfs");

    char online[16];
    snprintf(online, sizeof online, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    expect(strcmp(online, processors) == 0, "processors: %s instead of %s", online, processors);
    expect(time(NULL) > 1700000000, "time of day");
    char random[16];
    expect(syscall(SYS_getrandom, random, sizeof random, 1) == sizeof random, "random numbers without a wait");

    printf(failures == 0 ? "all found\n" : "something is missing\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
}
