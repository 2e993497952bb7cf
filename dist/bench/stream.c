// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Measures a TCP connection.
//
// usage: stream serve PORT
//        stream send|receive ADDRESS PORT SECONDS     MiB/s, from and to the caller
//        stream echo ADDRESS PORT COUNT               the median time of one byte there and back, in microseconds
//
// As the first program of a machine it gives eth0 the address 172.30.0.2/24 and serves at port 5001.

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static char buffer[256 << 10];

static void fail(const char *what)
{
    fprintf(stderr, "stream: ");
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *address, const char *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
        fail(address);
    return name;
}

static void set_address(void)
{
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request;
    const char *values[] = {"172.30.0.2", "255.255.255.0"};
    const unsigned long calls[] = {SIOCSIFADDR, SIOCSIFNETMASK};
    for (int index = 0; index < 2; index++) {
        memset(&request, 0, sizeof request);
        strcpy(request.ifr_name, "eth0");
        struct sockaddr_in value = place(values[index], "0");
        memcpy(&request.ifr_addr, &value, sizeof value);
        if (ioctl(control, calls[index], &request) != 0)
            fail("ioctl");
    }
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "eth0");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0)
        fail("ioctl");
    close(control);
}

// The caller's first byte says what it wants.
static void answer(int peer)
{
    ssize_t count;
    char wish;
    if (read(peer, &wish, 1) != 1)
        return;
    switch (wish) {
    case 's': // It sends, and is told when all has come in.
        while ((count = read(peer, buffer, sizeof buffer)) > 0)
            ;
        (void)!write(peer, "", 1);
        break;
    case 'r':
        while ((count = write(peer, buffer, sizeof buffer)) > 0)
            ;
        break;
    case 'e':
        while ((count = read(peer, buffer, 1)) == 1)
            if (write(peer, buffer, 1) != 1)
                break;
        break;
    }
}

static void serve(const char *port)
{
    const int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = place("0.0.0.0", port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 8) != 0)
        fail("listen");
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            continue;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        answer(peer);
        close(peer);
    }
}

// Whoever is to answer may be starting: it gets a minute.
static int connected(const char *address, const char *port)
{
    const int yes = 1;
    struct sockaddr_in name = place(address, port);
    const double deadline = now() + 60;
    for (;;) {
        int peer = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(peer, (struct sockaddr *)&name, sizeof name) == 0) {
            setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            return peer;
        }
        if (now() > deadline)
            fail("connect");
        close(peer);
        usleep(20000);
    }
}

static double rate(int peer, char wish, double seconds)
{
    double bytes = 0;
    ssize_t count;
    if (write(peer, &wish, 1) != 1)
        fail("write");
    const double start = now();
    while (now() - start < seconds) {
        count = wish == 's' ? write(peer, buffer, sizeof buffer) : read(peer, buffer, sizeof buffer);
        if (count <= 0)
            fail("transfer");
        bytes += count;
    }
    if (wish == 's') {
        shutdown(peer, SHUT_WR);
        if (read(peer, buffer, 1) != 1)
            fail("transfer");
    }
    return bytes / (now() - start) / (1 << 20);
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double there_and_back(int peer, int count)
{
    double *times = calloc(count, sizeof *times);
    if (times == NULL || write(peer, "e", 1) != 1)
        fail("write");
    for (int index = 0; index < count; index++) {
        const double start = now();
        if (write(peer, "x", 1) != 1 || read(peer, buffer, 1) != 1)
            fail("transfer");
        times[index] = now() - start;
    }
    qsort(times, count, sizeof *times, compare);
    return times[count / 2] * 1e6;
}

int main(int count, char **arguments)
{
    if (getpid() == 1) {
        set_address();
        serve("5001");
    }
    if (count == 3 && strcmp(arguments[1], "serve") == 0)
        serve(arguments[2]);
    if (count != 5 || atoi(arguments[4]) < 1) {
        fprintf(stderr, "usage: stream serve PORT | send|receive|echo ADDRESS PORT SECONDS|COUNT\n");
        return 2;
    }
    int peer = connected(arguments[2], arguments[3]);
    if (strcmp(arguments[1], "echo") == 0)
        printf("%.1f\n", there_and_back(peer, atoi(arguments[4])));
    else
        printf("%.1f\n", rate(peer, arguments[1][0], atoi(arguments[4])));
    return 0;
}
