// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Talks to an app that sends back each line, through a command that is attached to it.
//
// usage: exchange ROUNDS COMMAND [ARGUMENT...]
//
// The app answers the line `flood` with many bytes and `end-of-flood`. Prints, in one line: microseconds from before the fork
// to the first line that came back, those of one of ROUNDS lines that went and came, the bytes of a flood that came, and the
// microseconds that they took. Then it ends the command.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int input, output;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void say(const char *line)
{
    if (write(input, line, strlen(line)) != (ssize_t)strlen(line)) {
        perror("exchange: write");
        exit(1);
    }
}

// The number of bytes that came up to the end of a text, which is shorter than 100 bytes.
static long long await(const char *text)
{
    static char buffer[100 + 65536];
    size_t length = strlen(text), kept = 0;
    long long total = 0;
    for (;;) {
        ssize_t count = read(output, buffer + kept, 65536);
        if (count <= 0) {
            fprintf(stderr, "exchange: the output ended before '%s'\n", text);
            exit(1);
        }
        total += count;
        size_t all = kept + (size_t)count;
        if (memmem(buffer, all, text, length) != NULL)
            return total;
        kept = all < length - 1 ? all : length - 1;
        memmove(buffer, buffer + all - kept, kept);
    }
}

int main(int count, char **arguments)
{
    int to[2], from[2];
    if (count < 3 || pipe(to) != 0 || pipe(from) != 0) {
        fprintf(stderr, "usage: exchange ROUNDS COMMAND [ARGUMENT...]\n");
        return 2;
    }
    // Earlier lines of the app come again as history: none is said twice.
    char line[100];
    long long start = now(), mark = start;
    pid_t child = fork();
    if (child < 0) {
        perror("exchange: fork");
        return 2;
    }
    if (child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    input = to[1];
    output = from[0];
    snprintf(line, sizeof line, "first-%lld\n", mark);
    say(line);
    await(line);
    long long first = now() - start;

    int rounds = atoi(arguments[1]);
    start = now();
    for (int round = 0; round < rounds; round++) {
        snprintf(line, sizeof line, "round-%lld-%d\n", mark, round);
        say(line);
        await(line);
    }
    long long each = rounds > 0 ? (now() - start) / rounds : 0;

    start = now();
    say("flood\n");
    long long bytes = await("end-of-flood\n");
    printf("%lld %lld %lld %lld\n", first, each, bytes, now() - start);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return 0;
}
