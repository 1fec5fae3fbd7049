// SPDX-License-Identifier: Apache-2.0
#ifndef CSTANDARDSTREAMS_H
#define CSTANDARDSTREAMS_H

// Makes sure that descriptors 0, 1 and 2 are taken, so that no file of ours is mistaken for a standard stream. It has
// been called when `main` begins: the runtime opens descriptors of its own before any Swift code runs.
void cs_hold_standard_streams(void);

#endif
