// SPDX-License-Identifier: Apache-2.0
// kernel-check write FILE      checks the kernels of this machine and writes what they computed
// kernel-check compare FILE    checks them, and compares with what another machine's computed
// kernel-check same FILE       checks them, and asks for the same bits as another machine's
// The instruction set is the one that SHUFFLE_R1_KERNELS names, or the best.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "KernelCheck.h"
#include "CKernels.h"

typedef struct {
  FILE *file;
  int compares, same, outputs, faults;
  double own, other;
} work;

static void report(
    void *context, const char *kernel, const float *values, const double *bounds, size_t count, double share) {
  work *w = context;
  double worst = 0;
  for (size_t i = 0; i < count; i++) {
    if (!w->compares) {
      fwrite(&values[i], sizeof values[i], 1, w->file);
      continue;
    }
    float theirs = NAN;
    if (fread(&theirs, sizeof theirs, 1, w->file) != 1) theirs = NAN;
    // Each of the two may be as far from the exact number; independent errors add up as squares.
    if (w->same && memcmp(&theirs, &values[i], sizeof theirs) != 0) worst = INFINITY;
    double found = fabs((double)values[i] - (double)theirs) / (sqrt(2) * bounds[i]);
    worst = found <= worst ? worst : found;
  }
  if (!(share <= 1) || !(worst <= 1)) {
    printf("%s: %.2f of the bound from exact, %.2f from the other machine\n", kernel, share, worst);
    w->faults++;
  }
  w->own = fmax(w->own, share);
  w->other = fmax(w->other, worst);
  w->outputs++;
}

int main(int count, char **arguments) {
  if (count != 3 || (strcmp(arguments[1], "write") != 0 && strcmp(arguments[1], "compare") != 0 && strcmp(arguments[1], "same") != 0)) {
    fprintf(stderr, "usage: kernel-check write|compare|same FILE\n");
    return 2;
  }
  if (ck_refused_instruction_set()) {
    fprintf(stderr, "this machine has no kernels '%s'\n", ck_refused_instruction_set());
    return 2;
  }
  work w = {.compares = strcmp(arguments[1], "write") != 0, .same = strcmp(arguments[1], "same") == 0};
  w.file = fopen(arguments[2], w.compares ? "rb" : "wb");
  if (!w.file) {
    perror(arguments[2]);
    return 2;
  }
  kc_check_kernels(report, &w);
  if (w.compares && fgetc(w.file) != EOF) w.faults++;
  fclose(w.file);
  printf(
      "%s kernels: %d outputs, at most %.2f of their bounds from exact, %.2f from the other machine's\n",
      ck_instruction_set(), w.outputs, w.own, w.other);
  return w.faults > 0;
}
