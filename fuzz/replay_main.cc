// SPDX-License-Identifier: Apache-2.0
//
// Fuzzing without libFuzzer, for every test run and every compiler: replays a corpus, then changed
// inputs made of it. What is changed follows from the seed and the input's number alone, so a
// failure comes again; the input that it came on is written to a file.
//
//   TARGET [-seed=N] [-runs=N] [-dict=FILE] FILE-OR-FOLDER...
//
// It does not see what an input reaches, and so learns nothing; the fuzz preset does.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of a sanitizer's runtime, where there is one.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using Input = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

constexpr std::uint64_t kDefaultSeed = 1;
constexpr std::uint64_t kDefaultRuns = 20'000;
// Of all changed inputs together: a target that does much is given fewer.
constexpr std::chrono::milliseconds kMaxTime{1'000};
constexpr std::size_t kMaxReplayedBytes = 64 * 1024;
constexpr const char* kFoundPath = "fuzz-found-input";

// What a dying process writes down.
const Input* current = nullptr;

void save_current() {
  if (current == nullptr) {
    return;
  }
  const int file = ::open(kFoundPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool saved =
      file >= 0 && ::write(file, current->data(), current->size()) >= 0 && ::close(file) == 0;
  constexpr std::string_view kSaved = "the input is in ./fuzz-found-input\n";
  if (saved) {
    static_cast<void>(!::write(STDERR_FILENO, kSaved.data(), kSaved.size()));
  }
}

void on_fatal_signal(int number) {
  save_current();
  std::signal(number, SIG_DFL);
  ::raise(number);
}

void run(const Input& input) {
  current = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  current = nullptr;
}

Input read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return {bytes.begin(), bytes.end()};
}

void read_into(std::vector<Input>& corpus, const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) {
    corpus.push_back(read_file(path));
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);  // a folder has no order of its own
  for (const auto& file : files) {
    corpus.push_back(read_file(file));
  }
}

// A line of libFuzzer's dictionaries: "text with \x00 escapes", a name before it or not.
Input parse_word(std::string_view line) {
  Input word;
  const auto begin = line.find('"');
  const auto end = line.rfind('"');
  if (line.starts_with('#') || begin == std::string_view::npos || begin == end) {
    return word;
  }
  line = line.substr(begin + 1, end - begin - 1);
  while (!line.empty()) {
    std::size_t taken = 1;
    std::uint8_t byte = static_cast<std::uint8_t>(line.front());
    if (line.starts_with("\\x") && line.size() >= 4) {
      byte = static_cast<std::uint8_t>(std::stoul(std::string(line.substr(2, 2)), nullptr, 16));
      taken = 4;
    } else if (line.starts_with('\\') && line.size() >= 2) {
      byte = static_cast<std::uint8_t>(line[1]);
      taken = 2;
    }
    word.push_back(byte);
    line.remove_prefix(taken);
  }
  return word;
}

std::vector<Input> read_dictionary(const std::string& path) {
  std::vector<Input> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (Input word = parse_word(line); !word.empty()) {
      words.push_back(std::move(word));
    }
  }
  return words;
}

class Changer {
 public:
  Changer(const std::vector<Input>& corpus, const std::vector<Input>& words)
      : corpus_(corpus), words_(words) {}

  Input make(std::uint64_t seed, std::uint64_t number) {
    std::seed_seq mixed{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                        static_cast<std::uint32_t>(number)};
    random_.seed(mixed);
    input_ = corpus_[below(corpus_.size())];
    for (std::size_t changes = 1 + below(5); changes > 0; --changes) {
      change();
    }
    input_.resize(std::min(input_.size(), kMaxReplayedBytes));
    return std::move(input_);
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::size_t place() { return below(input_.size() + 1); }
  Input::iterator at(std::size_t offset) {
    return input_.begin() + static_cast<std::ptrdiff_t>(offset);
  }

  void change() {
    constexpr std::size_t kKinds = 9;
    switch (below(kKinds)) {
      case 0:
        if (!input_.empty()) {
          input_[below(input_.size())] ^= static_cast<std::uint8_t>(1U << below(8));
        }
        break;
      case 1:
        if (!input_.empty()) {
          input_[below(input_.size())] = static_cast<std::uint8_t>(random_());
        }
        break;
      case 2:
        input_.insert(at(place()), 1 + below(16), static_cast<std::uint8_t>(random_()));
        break;
      case 3:
        remove_piece();
        break;
      case 4:
        insert(piece_of(input_));
        break;
      case 5:
        insert(piece_of(corpus_[below(corpus_.size())]));
        break;
      case 6:
        input_.resize(place());
        break;
      case 7:
        write_number();
        break;
      default:
        if (!words_.empty()) {
          insert(words_[below(words_.size())]);
        }
    }
  }

  Input piece_of(const Input& from) {
    const std::size_t start = below(from.size() + 1);
    const std::size_t size = below(from.size() - start + 1);
    const auto piece = std::span(from).subspan(start, size);
    return {piece.begin(), piece.end()};
  }

  void insert(const Input& piece) {
    if (input_.size() + piece.size() <= kMaxReplayedBytes) {
      input_.insert(at(place()), piece.begin(), piece.end());
    }
  }

  void remove_piece() {
    const std::size_t start = place();
    const std::size_t size = below(input_.size() - start + 1);
    input_.erase(at(start), at(start + size));
  }

  // Sizes and counts at their edges, over what stands there.
  void write_number() {
    constexpr std::array<std::uint64_t, 10> kEdges = {
        0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff'ffff, 0xffff'ffff, INT64_MAX, UINT64_MAX};
    const std::uint64_t edge = kEdges[below(kEdges.size())];
    const std::size_t width = std::size_t{1} << below(4);
    const std::size_t start = place();
    if (input_.size() - start >= width) {
      std::memcpy(input_.data() + start, &edge, width);
    }
  }

  const std::vector<Input>& corpus_;
  const std::vector<Input>& words_;
  Random random_;
  Input input_;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t runs = kDefaultRuns;
  std::vector<Input> corpus;
  std::vector<Input> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::string value(argument.substr(std::min(argument.find('=') + 1, argument.size())));
    if (argument.starts_with("-seed=")) {
      seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (argument.starts_with("-runs=")) {
      runs = std::strtoull(value.c_str(), nullptr, 10);
    } else if (argument.starts_with("-dict=")) {
      words = read_dictionary(value);
    } else {
      read_into(corpus, argv[i]);
    }
  }
  if (corpus.empty()) {
    std::fputs("there are no inputs\n", stderr);
    return 1;
  }
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(number, on_fatal_signal);
  }
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(save_current);
  }
  for (const Input& input : corpus) {
    run(input);
  }
  std::printf("replayed %zu inputs; now changed ones, seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Changer changer(corpus, words);
  const auto end = std::chrono::steady_clock::now() + kMaxTime;
  std::uint64_t number = 0;
  while (number < runs && std::chrono::steady_clock::now() < end) {
    run(changer.make(seed, number++));
  }
  std::printf("tried %llu changed inputs\n", static_cast<unsigned long long>(number));
  return 0;
}
