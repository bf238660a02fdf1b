/*
 * Faults of a process's disk and clock, by a library loaded before libc (LD_PRELOAD): the program itself is not changed.
 *
 * $CHAOS_CONTROL names a file of 4096 bytes that another process writes while this one runs:
 *   bytes 0 to 7    nanoseconds to add to the wall clock (CLOCK_REALTIME), little endian; the monotonic clock stays as it is
 *   from byte 8     rules, one a line, ended by a zero byte: OP ERRNO FROM TO NAME
 *                   OP: r (read), w (write), s (sync); FROM, TO: bytes of the file, TO not included; NAME: part of its path.
 *                   What touches these bytes of such a file fails with ERRNO, and does nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_SIZE 4096
#define PATH_SIZE 4096

static const volatile char *control;

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("CHAOS_CONTROL");
  if (name == NULL) return;
  int fd = open(name, O_RDONLY);
  if (fd < 0) return;
  void *map = mmap(NULL, CONTROL_SIZE, PROT_READ, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) control = map;
  close(fd);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* The error that an access has to fail with, or 0. */
static int fault(char op, int fd, off_t from, off_t length) {
  if (control == NULL || control[8] == 0) return 0;
  char link[64], path[PATH_SIZE], rules[CONTROL_SIZE];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = 0;
  memcpy(rules, (const char *)control + 8, CONTROL_SIZE - 8);
  rules[CONTROL_SIZE - 9] = 0;
  if (from < 0) from = lseek(fd, 0, SEEK_CUR);
  char *rest = rules;
  for (char *line = strtok_r(rules, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char rule, name[512];
    int error;
    long long low, high;
    if (sscanf(line, "%c %d %lld %lld %511s", &rule, &error, &low, &high, name) != 5) continue;
    if (rule != op || strstr(path, name) == NULL) continue;
    if (op == 's' || (from < high && from + length > low)) return error;
  }
  return 0;
}

#define FAIL_IF(op, fd, from, length) \
  do { \
    int error = fault(op, fd, from, length); \
    if (error != 0) { \
      errno = error; \
      return -1; \
    } \
  } while (0)

static off_t total(const struct iovec *parts, int count) {
  off_t sum = 0;
  for (int i = 0; i < count; i++) sum += (off_t)parts[i].iov_len;
  return sum;
}

ssize_t read(int fd, void *data, size_t size) {
  REAL(read);
  FAIL_IF('r', fd, -1, (off_t)size);
  return real(fd, data, size);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
  REAL(pread64);
  FAIL_IF('r', fd, at, (off_t)size);
  return real(fd, data, size, at);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread64(fd, data, size, at); }

ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(preadv64);
  FAIL_IF('r', fd, at, total(parts, count));
  return real(fd, parts, count, at);
}

ssize_t preadv(int fd, const struct iovec *parts, int count, off_t at) { return preadv64(fd, parts, count, at); }

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  FAIL_IF('w', fd, -1, (off_t)size);
  return real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  FAIL_IF('w', fd, -1, total(parts, count));
  return real(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  REAL(pwrite64);
  FAIL_IF('w', fd, at, (off_t)size);
  return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(pwritev64);
  FAIL_IF('w', fd, at, total(parts, count));
  return real(fd, parts, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

int fsync(int fd) {
  REAL(fsync);
  FAIL_IF('s', fd, 0, 0);
  return real(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  FAIL_IF('s', fd, 0, 0);
  return real(fd);
}

static int64_t shift(void) {
  if (control == NULL) return 0;
  int64_t nanoseconds;
  memcpy(&nanoseconds, (const char *)control, sizeof nanoseconds);
  return nanoseconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t moved = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + shift();
    time->tv_sec = moved / 1000000000;
    time->tv_nsec = moved % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
