// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "include/CChildProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#if defined(__linux__) && !defined(SYS_pidfd_open)
#define SYS_pidfd_open 434
#endif
#if defined(__linux__) && !defined(SYS_close_range)
#define SYS_close_range 436
#endif

enum { READ = 0, WRITE = 1, FIRST_OWN = 3, CLOSE_ON_EXEC_IN_RANGE = 1 << 2 };

static int with_flags(int descriptor, int blocks) {
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -1;
  return blocks ? 0 : fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

static void close_both(int ends[2]) {
  for (int end = READ; end <= WRITE; end++)
    if (ends[end] >= 0) close(ends[end]);
}

// A pipe that closes on exec, neither end of which is a standard stream.
static int open_pipe(int ends[2], int read_blocks, int write_blocks) {
#ifdef __linux__
  int failed = pipe2(ends, O_CLOEXEC) < 0;
#else
  int failed = pipe(ends) < 0;
#endif
  if (failed) {
    ends[READ] = ends[WRITE] = -1;
    return errno;
  }
  for (int end = READ; end <= WRITE && !failed; end++) {
    if (ends[end] < FIRST_OWN) {
      int moved = fcntl(ends[end], F_DUPFD_CLOEXEC, FIRST_OWN);
      failed = moved < 0;
      if (!failed) {
        close(ends[end]);
        ends[end] = moved;
      }
    }
    failed = failed || with_flags(ends[end], end == READ ? read_blocks : write_blocks) < 0;
  }
  if (!failed) return 0;
  int error = errno;
  close_both(ends);
  ends[READ] = ends[WRITE] = -1;
  return error;
}

int cc_pipe(int ends[2]) { return open_pipe(ends, 0, 0); }

// What the child needs between fork and exec; it must not touch anything else of ours.
typedef struct {
  const cc_plan *plan;
  int input, output, errors, report;
  int descriptor_limit;
  pid_t parent;
} child_side;

_Noreturn static void fail_in_child(const child_side *side, cc_step step) {
  cc_failure failure = {step, errno};
  ssize_t written = write(side->report, &failure, sizeof failure);
  (void)written;
  _exit(127);
}

static void close_on_exec_from(int first, int limit) {
#ifdef __linux__
  if (syscall(SYS_close_range, (unsigned)first, ~0U, CLOSE_ON_EXEC_IN_RANGE) == 0) return;
#endif
  for (int descriptor = first; descriptor < limit; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

_Noreturn __attribute__((noinline)) static void become_program(const child_side *side) {
  const cc_plan *plan = side->plan;
  setpgid(0, 0);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != side->parent) _exit(127);
#endif
  if (dup2(side->input, 0) < 0 || dup2(side->output, 1) < 0 || dup2(side->errors, 2) < 0)
    fail_in_child(side, CC_PIPES);
  close_on_exec_from(FIRST_OWN, side->descriptor_limit);
  if (plan->folder && chdir(plan->folder) < 0) fail_in_child(side, CC_FOLDER);
#ifdef __linux__
  if (plan->memory_limit_bytes > 0) {
    // Not RLIMIT_AS: mapped files and reserved address space, of which GPU drivers take terabytes, are no memory.
    struct rlimit limit = {plan->memory_limit_bytes, plan->memory_limit_bytes};
    if (setrlimit(RLIMIT_DATA, &limit) < 0) fail_in_child(side, CC_MEMORY_LIMIT);
  }
#endif
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(plan->program, plan->arguments, plan->environment);
  fail_in_child(side, CC_EXEC);
}

static pid_t fork_into(const child_side *side) {
  // vfork: no page tables are copied, and no handler of a library runs while its threads compute.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  pid_t process = vfork();
#pragma clang diagnostic pop
  if (process == 0) become_program(side);
  return process;
}

cc_failure cc_spawn(const cc_plan *plan, cc_child *child) {
  int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};  // input, output, errors, report
  cc_failure failure = {CC_NOTHING, 0};
  for (int index = 0; index < 4 && failure.error == 0; index++)
    failure.error = open_pipe(pipes[index], index == 0 || index == 3, index != 0);
  if (failure.error != 0) {
    for (int index = 0; index < 4; index++) close_both(pipes[index]);
    failure.step = CC_PIPES;
    return failure;
  }
  struct rlimit descriptors = {1024, 1024};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  child_side side = {
      .plan = plan,
      .input = pipes[0][READ],
      .output = pipes[1][WRITE],
      .errors = pipes[2][WRITE],
      .report = pipes[3][WRITE],
      .descriptor_limit = descriptors.rlim_cur < 65536 ? (int)descriptors.rlim_cur : 65536,
      .parent = getpid(),
  };
  // No handler of ours may run in the child, which still shares our memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t process = fork_into(&side);
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);

  close(side.input);
  close(side.output);
  close(side.errors);
  close(side.report);
  if (process < 0) {
    failure = (cc_failure){CC_FORK, fork_error};
  } else {
    ssize_t got;
    do got = read(pipes[3][READ], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof failure) failure = (cc_failure){CC_NOTHING, 0};
    if (failure.step != CC_NOTHING) cc_reap(process);
  }
  close(pipes[3][READ]);
  if (failure.step != CC_NOTHING) {
    close(pipes[0][WRITE]);
    close(pipes[1][READ]);
    close(pipes[2][READ]);
    return failure;
  }
#ifdef F_SETPIPE_SZ
  // Fewer turns for large messages; refused where many pipes are open, which is fine.
  fcntl(pipes[0][WRITE], F_SETPIPE_SZ, 1 << 20);
  fcntl(pipes[1][READ], F_SETPIPE_SZ, 1 << 20);
#endif
  *child = (cc_child){process, pipes[0][WRITE], pipes[1][READ], pipes[2][READ], -1};
#ifdef __linux__
  child->watch = (int)syscall(SYS_pidfd_open, process, 0);  // closes on exec by itself
#endif
  return failure;
}

int cc_has_ended(pid_t process) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int result;
  do result = waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT);
  while (result < 0 && errno == EINTR);
  return result < 0 || info.si_pid == process;
}

int cc_reap(pid_t process) {
  int status = 0;
  pid_t result;
  do result = waitpid(process, &status, 0);
  while (result < 0 && errno == EINTR);
  if (result < 0) return 0;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
