// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Runs a command and tells how long it took.
//
// usage: measure TEXT COMMAND [ARGUMENT...]
//
// Prints, in one line: microseconds from before the fork to the command's end, microseconds to the first line on its
// standard output that holds TEXT (- if there is none), its largest resident set in KiB (not that of its children's
// children which nobody waited for), the time before the fork on CLOCK_MONOTONIC in microseconds, and its exit status.
// The command's output goes to standard error.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: measure TEXT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    int output[2];
    if (pipe(output) != 0) {
        perror("measure: pipe");
        return 2;
    }
    long long start = now(), first = -1;
    pid_t child = fork();
    if (child < 0) {
        perror("measure: fork");
        return 2;
    }
    if (child == 0) {
        dup2(output[1], 1);
        close(output[0]);
        close(output[1]);
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(127);
    }
    close(output[1]);
    FILE *lines = fdopen(output[0], "r");
    char *line = NULL;
    size_t size = 0;
    while (lines != NULL && getline(&line, &size, lines) >= 0) {
        if (first < 0 && strstr(line, arguments[1]) != NULL)
            first = now() - start;
        fputs(line, stderr);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) {
        perror("measure: wait4");
        return 2;
    }
    long long end = now() - start;
    char text[32] = "-";
    if (first >= 0)
        snprintf(text, sizeof text, "%lld", first);
    printf("%lld %s %ld %lld %d\n", end, text, usage.ru_maxrss, start,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
