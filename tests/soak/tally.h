// SPDX-License-Identifier: Apache-2.0
//
// What a soak counts, and the table it prints.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "msb/error.h"

namespace msb::soak {

// One line of the table: one fault, for as long as it was tried.
struct Row {
  std::string fault;
  std::int64_t sandboxes = 0;  // started
  std::int64_t runs = 0;       // of code and of commands, answered
  std::int64_t kills = 0;
  std::int64_t interrupted = 0;                // runs whose interpreter was killed, and said so
  std::map<std::string, std::int64_t> errors;  // that name the fault, by the code of their cause
  std::vector<std::string> unexpected;         // that do not, and wrong results
  std::int64_t hangs = 0;
  std::vector<std::string> leftovers;
  std::int64_t audits = 0;
  double seconds = 0;
  std::string skipped;  // why it could not be tried here
};

// Filled from many threads.
class Tally {
 public:
  // `phrases`: an error says one of them, or it does not name the fault.
  Tally(std::string fault, std::vector<std::string> phrases);

  void started();
  void ran();
  void interrupted();
  void killed(std::int64_t count = 1);
  void failed(const std::string& what, const Error& error);
  void unexpected(std::string text);
  std::int64_t sandboxes() const;
  // So much is wrong that there is no sense in going on.
  bool is_hopeless() const;
  std::int64_t errors() const;

  Row row() const;

 private:
  static constexpr std::size_t kMaxTexts = 20;
  mutable std::mutex mutex_;  // guards what follows
  Row row_;
  const std::vector<std::string> phrases_;
};

bool is_good(const Row& row);
// One line of the table.
std::string line_of(const Row& row);
std::string markdown(const std::vector<Row>& rows);
std::string json(const std::vector<Row>& rows);

}  // namespace msb::soak
