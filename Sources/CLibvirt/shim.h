// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_CLIBVIRT_SHIM_H
#define RKT_CLIBVIRT_SHIM_H

#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stddef.h>

// The function's type is that of life-cycle events; the macro that casts it is not imported.
static inline int rkt_watch_life_cycle(virConnectPtr connection, virConnectDomainEventCallback callback, void *context) {
    return virConnectDomainEventRegisterAny(
        connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(callback), context, NULL);
}

#endif
