// SPDX-License-Identifier: Apache-2.0
//
// Marks what the library shows to its users; everything else is hidden in a shared build.
#pragma once

#if defined(__GNUC__)
#define MSB_EXPORT [[gnu::visibility("default")]]
#else
#define MSB_EXPORT
#endif
