// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Stage1

Stage1Program.main(
    CommandLine.arguments, backend: BackendRegistry.hypervisor(named:choice:),
    survey: BackendRegistry.survey(named:choice:_:))
