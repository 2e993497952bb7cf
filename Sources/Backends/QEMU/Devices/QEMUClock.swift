// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-rtc`: the clock the guest reads at boot shows the host's time in UTC, also after the machine was paused.
struct QEMUClock: QEMUOption {
    var arguments: [QEMUArgument] {
        [QEMUArgument("-rtc", QEMUProperties(nil, ["base": "utc", "clock": "host"]))]
    }
}
