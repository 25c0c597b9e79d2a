// SPDX-License-Identifier: Apache-2.0
//
// A pull or an import, shown while it runs: a bar for each layer on a terminal, one line for each
// finished step elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "msb/image.h"

namespace msb::cli {

class PullProgress {
 public:
  enum class Style { kBars, kLines, kSilent };
  // Bars if `fd` is a terminal that can move its cursor.
  static Style style_of(int fd);

  explicit PullProgress(Style style) : style_(style) {}
  ~PullProgress() { finish(); }
  PullProgress(const PullProgress&) = delete;
  PullProgress& operator=(const PullProgress&) = delete;

  void update(const ImageProgress& progress);
  std::function<void(const ImageProgress&)> callback() {
    return [this](const ImageProgress& progress) { update(progress); };
  }
  // Takes the bars away; from now on nothing is drawn. stderr is free for a summary.
  void finish();

 private:
  void draw();
  void line(const ImageProgress& progress, ImageProgress::Stage before);

  Style style_;
  std::mutex mutex_;  // guards what follows
  std::vector<ImageProgress> layers_;
  std::size_t drawn_lines_ = 0;
  std::chrono::steady_clock::time_point last_drawn_;
};

// One row of at most `columns` characters for each layer, at most `max_rows` in all: when they do
// not fit, finished layers are left out first and the last row counts what is missing.
std::vector<std::string> progress_rows(const std::vector<ImageProgress>& layers,
                                       std::size_t columns, std::size_t max_rows);

// "sha256:4f1b0c..." as people compare them: twelve digits.
std::string short_digest(const std::string& digest);

}  // namespace msb::cli
