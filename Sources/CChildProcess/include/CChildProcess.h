// SPDX-License-Identifier: Apache-2.0
#ifndef CCHILDPROCESS_H
#define CCHILDPROCESS_H

#include <stdint.h>
#include <sys/types.h>

// What to start, and how.
typedef struct {
  const char *program;          // the file to run, as a path that needs no search
  char *const *arguments;       // ends with NULL; the first is the program's name
  char *const *environment;     // ends with NULL: NAME=value
  const char *folder;           // the child's working folder, or NULL for ours
  uint64_t memory_limit_bytes;  // private memory of each process of the child; 0 for no limit
} cc_plan;

// A child that was started. Every descriptor closes on exec and does not block.
typedef struct {
  pid_t process;
  int input;    // writes to the child's standard input
  int output;   // reads its standard output
  int errors;   // reads its standard error
  int watch;    // readable once the child has ended; -1 where the system has no such thing
} cc_child;

// What failed.
typedef enum { CC_NOTHING, CC_PIPES, CC_FORK, CC_FOLDER, CC_MEMORY_LIMIT, CC_EXEC } cc_step;

typedef struct {
  cc_step step;
  int error;  // errno
} cc_failure;

// Starts a child in a process group of its own, with default signal handling and no descriptor of ours but its three
// streams. On Linux the kernel sends it SIGTERM when the calling thread ends: call this on a thread that outlives it.
cc_failure cc_spawn(const cc_plan *plan, cc_child *child);

// Whether the child has ended, which leaves it to be reaped: its process and group numbers stay taken.
int cc_has_ended(pid_t process);

// Reaps a child that has ended: its exit status, or the negated number of the signal that ended it.
int cc_reap(pid_t process);

// A pipe whose ends close on exec and do not block. Returns errno, or 0.
int cc_pipe(int ends[2]);

#endif
