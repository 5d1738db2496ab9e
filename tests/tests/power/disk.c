/*
 * A disk without mercy, between a program and the C library (LD_PRELOAD). It keeps beside each file of SQLite what was in it when it was
 * last synced, as FILE.synced: all that a power cut may leave. And while there is a file FULL beside it, nothing more can be written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The path of a file of the store; 0 for anything else. */
static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "/jobs.db") != 0;
}

static int is_full(int fd) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return 0;
    strcpy(strrchr(path, '/'), "/FULL");
    return access(path, F_OK) == 0;
}

/* Never opens the file itself: closing it again would let go of the locks that this process has on it. */
static void keep(int fd) {
    static char block[1 << 16];
    char path[PATH_MAX], name[PATH_MAX + 64], fresh[PATH_MAX + 64];
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || !path_of(fd, path)) return;
    /* One after the other, so that no older copy goes over a newer one. */
    snprintf(name, sizeof name, "%s.turn", path);
    int turn = open(name, O_CREAT | O_RDWR, 0600);
    flock(turn, LOCK_EX);
    snprintf(fresh, sizeof fresh, "%s.fresh", path);
    int copy = open(fresh, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ssize_t length;
    for (off_t at = 0; (length = pread(fd, block, sizeof block, at)) > 0; at += length)
        if (syscall(SYS_write, copy, block, length) != length) break;
    close(copy);
    snprintf(name, sizeof name, "%s.synced", path);
    rename(fresh, name);
    close(turn);
}

int fsync(int fd) {
    keep(fd);
    return 0;
}

int fdatasync(int fd) {
    keep(fd);
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite(fd, bytes, length, at);
}
