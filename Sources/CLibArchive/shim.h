// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include <archive.h>
#include <archive_entry.h>
// libarchive's gzip filter does not check the CRC of what it inflates; gzip goes to zlib, which libarchive needs anyway.
#include <zlib.h>
