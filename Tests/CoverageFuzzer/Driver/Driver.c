// SPDX-License-Identifier: Apache-2.0
// Only a header; a target of C needs a source.
