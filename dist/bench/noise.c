// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Writes pseudo-random bytes, the same ones each time (xorshift64*, Vigna 2016).
//
// usage: noise MEBIBYTES

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    static uint64_t block[1 << 17];
    uint64_t state = 0x9E3779B97F4A7C15;
    long blocks = count == 2 ? atol(arguments[1]) : 0;
    if (blocks < 1) {
        fprintf(stderr, "usage: noise MEBIBYTES\n");
        return 2;
    }
    while (blocks-- > 0) {
        for (size_t i = 0; i < sizeof block / sizeof *block; i++) {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            block[i] = state * 0x2545F4914F6CDD1D;
        }
        if (fwrite(block, sizeof block, 1, stdout) != 1) {
            perror("noise");
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
