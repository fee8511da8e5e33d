// SPDX-License-Identifier: Apache-2.0
// Nothing of its own: this file carries the precompiled header.
