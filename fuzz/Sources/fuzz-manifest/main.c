// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// libFuzzer calls this with each input; FUZZ_TARGET is the Swift function that reads it.

#include <stddef.h>
#include <stdint.h>

void FUZZ_TARGET(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    FUZZ_TARGET(bytes, count);
    return 0;
}
