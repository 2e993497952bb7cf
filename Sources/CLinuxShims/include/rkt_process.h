// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_PROCESS_H
#define RKT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct rkt_spawn_limit {
    int resource;               // RLIMIT_… of getrlimit(2)
    uint64_t value;             // the most of it; less than that stays
};

// What a child does between fork and exec, in this order: control groups, network namespace, descriptors, session, mount
// namespace, /proc, read-only mount, root, working directory, groups and user, parent-death signal, limits, context of
// SELinux, exec.
struct rkt_spawn_request {
    const char *path;           // executable, no PATH search
    char *const *argv;          // NULL-terminated
    char *const *envp;          // NULL-terminated
    const int *descriptors;     // descriptors[N] becomes descriptor N; -1 leaves N closed
    int descriptor_count;       // everything from this number on is closed
    const char *root;           // chroot(2) to it, or NULL
    const char *directory;      // working directory, or NULL
    int new_session;            // setsid(2); descriptor 0 becomes the controlling terminal where it is one
    int private_mounts;         // unshare the mount namespace and make it private
    int private_processes;      // be the first of a new PID namespace, with a /proc of its own; takes private mounts
    const int *group_files;     // `cgroup.procs` of the control groups that the child joins, open for writing
    int group_file_count;
    int network_namespace;      // the one that the child joins, open; 0 for that of the parent
    char *const *read_only;     // directories made read-only in that namespace, with all mounts below; NULL-terminated
    int set_user;               // whether uid, gid and groups hold
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    int group_count;
    uint64_t capabilities;      // kept by that user and by the program; bit N is capability N
    int parent_death_signal;    // 0 for none
    const struct rkt_spawn_limit *limits;
    int limit_count;
    const char *label;          // what is written to `label_file`, or NULL
    const char *label_file;     // where the kernel takes the context that holds from exec on (proc_pid_attr(5))
};

// Starts a program. Returns its process id and stores a pidfd (close-on-exec), or returns a negative errno, in which case
// `*failed_step` says where: 0 fork, 1 descriptors, 2 session, 3 mounts, 4 root, 5 directory, 6 credentials, 7 parent,
// 8 exec, 9 read-only mount, 10 control groups, 11 network namespace, 12 limits, 13 context of SELinux.
int rkt_spawn(const struct rkt_spawn_request *spawn, int *pidfd, int *failed_step);

int rkt_pidfd_open(pid_t pid);
int rkt_pidfd_send_signal(int pidfd, int signal);
// waitpid(2) through a pidfd; the wait status is stored. Returns 1 when the process has ended, 0 when not yet (no_hang).
int rkt_pidfd_wait(int pidfd, int no_hang, int *code, int *status);
#define RKT_CLD_EXITED 1

int rkt_set_close_on_exec(int fd, int on);
// Closes every descriptor from `first` on.
int rkt_close_from(int first);

// Blocks the signals of the mask (bit N-1 is signal N) and returns a signalfd for them, non-blocking, close-on-exec.
int rkt_signalfd(uint64_t mask);
// Reads one signal from a signalfd: its number, or 0 when none is waiting.
int rkt_signalfd_read(int fd);
// Sets the process signal mask to empty.
int rkt_unblock_signals(void);
int rkt_sigrtmin(void);

// A new pseudo-terminal pair: returns the master (close-on-exec), stores the slave's path.
int rkt_open_terminal(char *slave_path, int slave_path_size);

#endif
