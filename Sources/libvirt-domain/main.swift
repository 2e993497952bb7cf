// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import DomainKeeper
import Glibc

#if Libvirt
    exit(LibvirtSession.run(Array(CommandLine.arguments.dropFirst())))
#else
    KeeperChannel(KeeperArguments.channel).sendFailure("this program was built without libvirt")
    exit(1)
#endif
