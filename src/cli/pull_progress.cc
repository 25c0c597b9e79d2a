// SPDX-License-Identifier: Apache-2.0
#include "cli/pull_progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace msb::cli {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{80};
constexpr std::size_t kBarColumns = 24;

std::string_view stage_text(ImageProgress::Stage stage) {
  switch (stage) {
    case ImageProgress::Stage::kResolve:
      return "waiting";
    case ImageProgress::Stage::kDownload:
      return "downloading";
    case ImageProgress::Stage::kUnpack:
      return "unpacking";
    case ImageProgress::Stage::kDone:
      return "done";
  }
  return "";
}

void append_bar(std::string& row, std::uint64_t done, std::uint64_t total) {
  const double share = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(share * kBarColumns);
  row.append(" [").append(filled, '=').append(kBarColumns - filled, ' ').append("]");
}

std::string row_of(const ImageProgress& layer) {
  std::string row = short_digest(layer.item);
  row.append("  ").append(stage_text(layer.stage));
  row.resize(std::max<std::size_t>(row.size(), 26), ' ');
  if (layer.stage == ImageProgress::Stage::kDone) {
    return row;
  }
  if (layer.total_bytes > 0) {
    append_bar(row, layer.done_bytes, layer.total_bytes);
  }
  if (layer.done_bytes > 0) {
    row.append(" ").append(size_text(layer.done_bytes));
    if (layer.total_bytes > 0) {
      row.append(" / ").append(size_text(layer.total_bytes));
    }
  }
  return row;
}

}  // namespace

std::string short_digest(const std::string& digest) {
  const std::size_t colon = digest.find(':');
  return colon == std::string::npos ? digest : digest.substr(colon + 1, 12);
}

std::vector<std::string> progress_rows(const std::vector<ImageProgress>& layers,
                                       std::size_t columns, std::size_t max_rows) {
  std::vector<const ImageProgress*> shown;
  shown.reserve(layers.size());
  for (const ImageProgress& layer : layers) {
    shown.push_back(&layer);
  }
  const bool fits = shown.size() <= max_rows;
  if (!fits) {
    std::erase_if(shown, [](const ImageProgress* layer) {
      return layer->stage == ImageProgress::Stage::kDone;
    });
    shown.resize(std::min(shown.size(), max_rows - 1));
  }
  std::vector<std::string> rows;
  rows.reserve(shown.size() + 1);
  for (const ImageProgress* layer : shown) {
    rows.push_back(row_of(*layer));
  }
  if (!fits) {
    const auto done =
        std::ranges::count(layers, ImageProgress::Stage::kDone, &ImageProgress::stage);
    rows.push_back(std::to_string(done) + " of " + std::to_string(layers.size()) + " layers done");
  }
  for (std::string& row : rows) {
    row.resize(std::min(row.size(), columns));
  }
  return rows;
}

PullProgress::Style PullProgress::style_of(int fd) {
  const char* terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const bool moves = terminal != nullptr && std::string_view(terminal) != "dumb";
  return moves && ::isatty(fd) == 1 ? Style::kBars : Style::kLines;
}

void PullProgress::update(const ImageProgress& progress) {
  const std::scoped_lock lock(mutex_);
  if (style_ == Style::kSilent || progress.item.empty()) {
    return;
  }
  auto layer = std::ranges::find(layers_, progress.item, &ImageProgress::item);
  if (layer == layers_.end()) {
    ImageProgress unseen;
    unseen.item = progress.item;
    layer = layers_.insert(layers_.end(), std::move(unseen));
  }
  const ImageProgress::Stage before = std::exchange(*layer, progress).stage;
  if (style_ == Style::kLines) {
    line(progress, before);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_drawn_ >= kRedrawInterval) {
    last_drawn_ = now;
    draw();
  }
}

void PullProgress::finish() {
  const std::scoped_lock lock(mutex_);
  if (style_ == Style::kBars && drawn_lines_ > 0) {
    (void)base::write_all(STDERR_FILENO, "\033[" + std::to_string(drawn_lines_) + "A\033[J");
  }
  style_ = Style::kSilent;
}

void PullProgress::draw() {
  const WindowSize window = window_size(STDERR_FILENO);
  // A row that reaches the last column, or one row too many, would scroll and spoil the redraw.
  const std::size_t columns = std::max<std::size_t>(window.columns, 20) - 1;
  const std::size_t rows = std::max<std::size_t>(window.rows, 4) - 2;
  std::string frame;
  if (drawn_lines_ > 0) {
    frame = "\033[" + std::to_string(drawn_lines_) + "A";
  }
  const std::vector<std::string> lines = progress_rows(layers_, columns, rows);
  for (const std::string& row : lines) {
    frame += row + "\033[K\n";
  }
  frame += "\033[J";
  drawn_lines_ = lines.size();
  // A progress bar that cannot be drawn is no reason to end a pull.
  (void)base::write_all(STDERR_FILENO, frame);
}

void PullProgress::line(const ImageProgress& progress, ImageProgress::Stage before) {
  if (progress.stage == before) {
    return;
  }
  std::string text = short_digest(progress.item);
  text.append(": ").append(stage_text(progress.stage));
  if (progress.stage == ImageProgress::Stage::kDownload && progress.total_bytes > 0) {
    text.append(" ").append(size_text(progress.total_bytes));
  }
  (void)base::write_all(STDERR_FILENO, text + "\n");
}

}  // namespace msb::cli
