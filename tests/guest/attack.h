// SPDX-License-Identifier: Apache-2.0
//
// What the attack_*.c have in common: each takes as much of one thing as it can get, for as many
// milliseconds as its first argument says, and reports what stopped it.
#pragma once

#include <stdbool.h>

// Reads the time to attack for; to be called first.
void begin_attack(int argc, char** argv);

// The attack goes on beyond its time (by 20 s at most) until it was refused something once, or a
// process of in_children() was killed: on a slow machine, too, the reason is what it is about.
void until_refused(void);
void was_refused(void);

// Whether there is time left. Also valid in children.
bool goes_on(void);

// Runs `attack` in this many children at once, until the time is over, starting anew those that are
// killed; counts them. An attack returns when the time is over.
unsigned in_children(unsigned count, void (*attack)(void));
