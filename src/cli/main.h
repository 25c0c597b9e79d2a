// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace msb::cli {

// The whole of msb: its exit status.
int main(int argc, char** argv);

}  // namespace msb::cli
