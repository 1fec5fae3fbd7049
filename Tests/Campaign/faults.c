// SPDX-License-Identifier: Apache-2.0
// A library to preload: numbers every call of a process that writes below a folder, and at one of them kills the process,
// lets the call fail, or does half of it. It can also record all of them, with what was written, so that what a power cut
// leaves can be made from the record.
//
//   CAMPAIGN_ROOT    the folder; calls elsewhere are not looked at
//   CAMPAIGN_LOG     a file that gets a line for each call: its name and the path
//   CAMPAIGN_AT      the number of the call that something happens to, from 1
//   CAMPAIGN_DO      before | after | half: SIGKILL before the call, after it, in the middle of a write
//                    short: half of a write is done; or EIO, ENOSPC, EINTR: the call fails
//   CAMPAIGN_REST    yes: all later calls fail in the same way
//   CAMPAIGN_RECORD  a file that gets a record of each call
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char root[PATH_MAX];
static size_t root_length;
static long count, at;
static const char *action;
static int rest, log_file = -1, record_file = -1;

static int number_of(const char *name) {
  const char *text = getenv(name);
  return text ? atoi(text) : 0;
}

static int descriptor_of(const char *name) {
  const char *path = getenv(name);
  if (!path) return -1;
  int low = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  // Out of the way of what the process opens.
  int high = fcntl(low, F_DUPFD_CLOEXEC, 800);
  if (high < 0) return low;
  syscall(SYS_close, low);
  return high;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CAMPAIGN_ROOT");
  if (!path || !realpath(path, root)) return;
  root_length = strlen(root);
  at = number_of("CAMPAIGN_AT");
  action = getenv("CAMPAIGN_DO");
  rest = getenv("CAMPAIGN_REST") != NULL;
  log_file = descriptor_of("CAMPAIGN_LOG");
  record_file = descriptor_of("CAMPAIGN_RECORD");
  // Of no concern to the programs that this one starts.
  unsetenv("LD_PRELOAD");
}

static int is_below(const char *path) {
  return root_length > 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == 0 || path[root_length] == '/');
}

static int path_of(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  return length > 0;
}

// The absolute path of a name, links not followed in its last part.
static int path_at(int folder, const char *name, char *path) {
  char base[PATH_MAX];
  if (name[0] == '/') {
    snprintf(path, PATH_MAX, "%s", name);
  } else if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
    snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
  } else {
    if (!path_of(folder, base)) return 0;
    snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
  }
  return 1;
}

static void put(int file, const void *bytes, size_t size) {
  while (size > 0) {
    ssize_t done = syscall(SYS_write, file, bytes, size);
    if (done <= 0) return;
    bytes = (const char *)bytes + done;
    size -= (size_t)done;
  }
}

static void record(const char *call, const char *path, const char *other, uint64_t offset, const void *bytes, size_t size) {
  if (record_file < 0) return;
  uint64_t head[5] = {strlen(call), strlen(path), other ? strlen(other) : 0, offset, size};
  put(record_file, head, sizeof head);
  put(record_file, call, head[0]);
  put(record_file, path, head[1]);
  if (other) put(record_file, other, head[2]);
  put(record_file, bytes, size);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

enum fate { DO, KILL_AFTER, HALF, KILL_HALF, FAIL };

// Counts a call, and says what is to become of it. `is_write`: it can be done in part. `may_interrupt`: it can be
// interrupted by a signal.
static enum fate decide(const char *call, const char *path, int is_write, int may_interrupt) {
  count++;
  if (log_file >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path + root_length);
    put(log_file, line, (size_t)length);
  }
  if (!action || count < at || (count > at && !rest)) return DO;
  if (strcmp(action, "before") == 0) die();
  if (strcmp(action, "after") == 0) return KILL_AFTER;
  if (strcmp(action, "half") == 0) return is_write ? KILL_HALF : KILL_AFTER;
  if (strcmp(action, "short") == 0) return is_write ? HALF : DO;
  if (strcmp(action, "EINTR") == 0) {
    errno = EINTR;
    return may_interrupt && count == at ? FAIL : DO;
  }
  errno = strcmp(action, "ENOSPC") == 0 ? ENOSPC : EIO;
  // A full disk lets go what needs no space.
  if (errno == ENOSPC && (strncmp(call, "unlink", 6) == 0 || strcmp(call, "rmdir") == 0)) return DO;
  return FAIL;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

// A call with a path or two: `expression` does it.
#define WITH_PATH(type, call, made, path, other, interrupts, expression)                     \
  char path[PATH_MAX];                                                                        \
  if (!(made) || !is_below(path)) return expression;                                          \
  pthread_mutex_lock(&lock);                                                                  \
  type result = -1;                                                                           \
  enum fate fate = decide(call, path, 0, interrupts);                                         \
  if (fate != FAIL) {                                                                         \
    result = expression;                                                                      \
    int error = errno;                                                                        \
    if (result >= 0) record(call, path, other, 0, NULL, 0);                                   \
    errno = error;                                                                            \
    if (fate == KILL_AFTER) die();                                                            \
  }                                                                                           \
  pthread_mutex_unlock(&lock);                                                                \
  return result;

static int writes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

static int opened(int folder, const char *name, int flags, mode_t mode) {
  static int (*real)(int, const char *, int, ...);
  if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "openat64");
  if (!writes(flags)) return real(folder, name, flags, mode);
  struct stat status;
  int was = fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
  // Nothing changes where the file is there already and stays as it is.
  if (was && !(flags & O_TRUNC)) return real(folder, name, flags, mode);
  const char *call = was ? "truncate" : "create";
  WITH_PATH(int, call, path_at(folder, name, path), path, NULL, 1, real(folder, name, flags, mode))
}

#define MODE(flags)                         \
  mode_t mode = 0;                          \
  if ((flags) & (O_CREAT | O_TMPFILE)) {    \
    va_list list;                           \
    va_start(list, flags);                  \
    mode = (mode_t)va_arg(list, int);       \
    va_end(list);                           \
  }
int open(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE(flags) return opened(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE(flags) return opened(folder, name, flags, mode); }
int creat(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static ssize_t written(int file, const void *bytes, size_t size, off_t offset, int is_placed) {
  static ssize_t (*place)(int, const void *, size_t, off_t);
  if (!place) place = (__typeof__(place))dlsym(RTLD_NEXT, "pwrite64");
#define WRITE(size) (is_placed ? place(file, bytes, size, offset) : syscall(SYS_write, file, bytes, size))
  char path[PATH_MAX];
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || !path_of(file, path) || !is_below(path)) return WRITE(size);
  pthread_mutex_lock(&lock);
  if (!is_placed) offset = fcntl(file, F_GETFL) & O_APPEND ? status.st_size : lseek(file, 0, SEEK_CUR);
  ssize_t result = -1;
  enum fate fate = decide("write", path, size > 1, 1);
  if (fate != FAIL) {
    result = WRITE(fate == HALF || fate == KILL_HALF ? (size + 1) / 2 : size);
    int error = errno;
    if (result > 0) record("write", path, NULL, (uint64_t)offset, bytes, (size_t)result);
    errno = error;
    if (fate == KILL_AFTER || fate == KILL_HALF) die();
  }
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t write(int file, const void *bytes, size_t size) { return written(file, bytes, size, 0, 0); }
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) { return written(file, bytes, size, offset, 1); }
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) { return written(file, bytes, size, offset, 1); }
ssize_t writev(int file, const struct iovec *parts, int number) {
  // As far as the first part that is not empty: callers go on from there.
  for (int index = 0; index < number; index++)
    if (parts[index].iov_len > 0) return written(file, parts[index].iov_base, parts[index].iov_len, 0, 0);
  return 0;
}

int fsync(int file) {
  REAL(fsync);
  WITH_PATH(int, "fsync", path_of(file, path), path, NULL, 1, real(file))
}
int fdatasync(int file) {
  REAL(fdatasync);
  WITH_PATH(int, "fsync", path_of(file, path), path, NULL, 1, real(file))
}

static int resized(int file, off_t size) {
  static int (*real)(int, off_t);
  if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "ftruncate64");
  char path[PATH_MAX];
  if (!path_of(file, path) || !is_below(path)) return real(file, size);
  pthread_mutex_lock(&lock);
  int result = -1;
  enum fate fate = decide("resize", path, 0, 1);
  if (fate != FAIL) {
    result = real(file, size);
    int error = errno;
    if (result == 0) record("resize", path, NULL, (uint64_t)size, NULL, 0);
    errno = error;
    if (fate == KILL_AFTER) die();
  }
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate(int file, off_t size) { return resized(file, size); }
int ftruncate64(int file, off_t size) { return resized(file, size); }

int renameat2(int from, const char *name, int to, const char *other, unsigned flags) {
  REAL(renameat2);
  char target[PATH_MAX];
  path_at(to, other, target);
  WITH_PATH(
      int, flags & RENAME_EXCHANGE ? "exchange" : "rename", path_at(from, name, path), path, target, 0,
      real(from, name, to, other, flags))
}
int renameat(int from, const char *name, int to, const char *other) { return renameat2(from, name, to, other, 0); }
int rename(const char *name, const char *other) { return renameat2(AT_FDCWD, name, AT_FDCWD, other, 0); }

int linkat(int from, const char *name, int to, const char *other, int flags) {
  REAL(linkat);
  char target[PATH_MAX];
  path_at(to, other, target);
  WITH_PATH(int, "link", path_at(from, name, path), path, target, 0, real(from, name, to, other, flags))
}
int link(const char *name, const char *other) { return linkat(AT_FDCWD, name, AT_FDCWD, other, 0); }

int symlinkat(const char *target, int folder, const char *name) {
  REAL(symlinkat);
  WITH_PATH(int, "symlink", path_at(folder, name, path), path, target, 0, real(target, folder, name))
}
int symlink(const char *target, const char *name) { return symlinkat(target, AT_FDCWD, name); }

int unlinkat(int folder, const char *name, int flags) {
  REAL(unlinkat);
  struct stat status;
  // What is not there is not removed.
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return real(folder, name, flags);
  WITH_PATH(int, "unlink", path_at(folder, name, path), path, NULL, 0, real(folder, name, flags))
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name) {
  struct stat status;
  return unlinkat(AT_FDCWD, name, lstat(name, &status) == 0 && S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdirat(int folder, const char *name, mode_t mode) {
  REAL(mkdirat);
  struct stat status;
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return real(folder, name, mode);
  WITH_PATH(int, "mkdir", path_at(folder, name, path), path, NULL, 0, real(folder, name, mode))
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }
