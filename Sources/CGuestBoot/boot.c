// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// A static Swift program needs /proc before main: without it the runtime aborts, and its arguments are empty. As process
// 1 of the guest nothing else could have mounted it.

#include "CGuestBoot.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

extern void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc);

__attribute__((constructor(101))) static void boot(int argc, char **argv, char **envp) {
    (void)envp;
    if (access("/proc/self/exe", F_OK) == 0) return;
    if (getpid() == 1) {
        mkdir("/proc", 0555);
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
    }
    if (access("/proc/self/exe", F_OK) != 0) {
        setenv("SWIFT_ROOT", "/", 0);
        _swift_stdlib_overrideUnsafeArgvArgc(argv, argc);
    }
}
