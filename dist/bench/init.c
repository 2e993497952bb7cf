// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// The first and only program of a bare guest: powers the machine off.

#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
