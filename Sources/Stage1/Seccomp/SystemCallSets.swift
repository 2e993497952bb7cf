// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The named sets of system calls, `@scope/name`, that seccomp isolators may contain.
enum SystemCallSet {
    /// What a set holds: these calls, or all that are known but these.
    enum Members: Equatable {
        case these([String])
        case allBut([String])
    }

    /// The members of a set, or nil for one that nobody defines.
    static func members(of name: String) -> Members? {
        switch name {
        case "@rkt/default-blacklist": .these(dangerous)
        case "@rkt/default-whitelist": .allBut(dangerous)
        case "@docker/default-blacklist": .these(dockerDenied)
        case "@docker/default-whitelist": .allBut(dockerDenied)
        default: systemd[name].map(Members.these)
        }
    }

    /// What a process cannot begin, sleep or end without; always allowed.
    static let lifeCycle = [
        "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "execve", "exit", "exit_group", "getrlimit",
        "gettimeofday", "nanosleep", "pause", "restart_syscall", "rt_sigreturn", "sigreturn", "time",
    ]

    // MARK: - What changes the pod's kernel rather than the app

    private static let clock = ["adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime"]
    private static let mount = [
        "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
        "pivot_root", "umount", "umount2",
    ]
    private static let module = ["create_module", "delete_module", "finit_module", "init_module"]
    private static let obsolete = [
        "_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime", "get_kernel_syms", "getpmsg", "gtty",
        "idle", "lock", "mpx", "nfsservctl", "prof", "profil", "putpmsg", "query_module", "security", "sgetmask",
        "ssetmask", "stime", "stty", "sysfs", "tuxcall", "ulimit", "uselib", "ustat", "vserver",
    ]
    private static let rawInput = ["ioperm", "iopl", "pciconfig_iobase", "pciconfig_read", "pciconfig_write"]
    private static let restart = ["kexec_file_load", "kexec_load", "reboot"]
    private static let swap = ["swapoff", "swapon"]
    private static let keyring = ["add_key", "keyctl", "request_key"]

    private static let dangerous =
        clock + mount.filter { $0 != "chroot" } + module + obsolete + rawInput + restart + swap + keyring + [
            "acct", "bpf", "kcmp", "lookup_dcookie", "name_to_handle_at", "open_by_handle_at", "perf_event_open",
            "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "setns", "syslog", "unshare",
            "userfaultfd", "vhangup", "vm86", "vm86old",
        ]

    /// As the table of Docker's security page names them. That page also restricts the flags of clone(2) and
    /// personality(2), which a list of names cannot.
    private static let dockerDenied =
        [
            "acct", "clock_adjtime", "clock_settime", "get_kernel_syms", "get_mempolicy", "kcmp", "lookup_dcookie",
            "mbind", "move_pages", "name_to_handle_at", "nfsservctl", "open_by_handle_at", "perf_event_open",
            "process_vm_readv", "process_vm_writev", "ptrace", "query_module", "quotactl", "quotactl_fd",
            "set_mempolicy", "setns", "settimeofday", "stime", "sysfs", "_sysctl", "unshare", "uselib", "userfaultfd",
            "ustat", "vm86", "vm86old", "bpf",
        ] + mount.filter { $0 != "chroot" } + module + rawInput + restart + swap + keyring

    // MARK: - Sets by purpose, as systemd.exec(5) describes them

    private static let systemd: [String: [String]] = [
        "@systemd/clock": clock,
        "@systemd/default-whitelist": lifeCycle + [
            "arch_prctl", "clock_getres_time64", "clock_gettime64", "clock_nanosleep_time64", "futex", "futex_waitv",
            "get_robust_list", "get_thread_area", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp",
            "getpid", "getppid", "getrandom", "getresgid", "getresuid", "getsid", "gettid", "getuid", "membarrier",
            "mmap", "mmap2", "mprotect", "munmap", "mremap", "prlimit64", "rseq", "sched_getaffinity", "sched_yield",
            "set_robust_list", "set_thread_area", "set_tid_address", "ugetrlimit",
        ],
        "@systemd/io-event": [
            "_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
            "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "poll", "ppoll", "pselect6",
            "select",
        ],
        "@systemd/mount": mount,
        "@systemd/network-io": [
            "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
            "recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
            "socket", "socketcall", "socketpair",
        ],
        "@systemd/obsolete": obsolete,
        "@systemd/privileged": clock + module + rawInput + restart + swap + [
            "_sysctl", "acct", "bpf", "capset", "chown", "chown32", "chroot", "fanotify_init", "fchown", "fchown32",
            "fchownat", "keyctl", "lchown", "lchown32", "nfsservctl", "open_by_handle_at", "pivot_root", "quotactl",
            "quotactl_fd", "setdomainname", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
            "setgroups", "setgroups32", "sethostname", "setresgid", "setresgid32", "setresuid", "setresuid32",
            "setreuid",
            "setreuid32", "setregid", "setregid32", "setuid", "setuid32", "vhangup",
        ],
        "@systemd/process": [
            "capget", "clone", "clone3", "execveat", "fork", "getrusage", "kill", "pidfd_open", "pidfd_send_signal",
            "prctl", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setns", "swapcontext", "tgkill", "times", "tkill",
            "unshare", "vfork", "wait4", "waitid", "waitpid",
        ],
        "@systemd/raw-io": rawInput,
    ]
}
