// SPDX-License-Identifier: Apache-2.0
//
// Has the warden make one jail.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/try.h"
#include "engine/exit_board.h"
#include "engine/warden_keeper.h"
#include "isolation/sandbox_spec.h"

namespace msb::engine {

// Destroyed with this object, unless it was dismissed.
class Jail {
 public:
  Jail(std::string id, std::shared_ptr<isolation::WardenClient> warden,
       std::shared_ptr<ExitReport> report, isolation::StartedSandbox it)
      : started(std::move(it)),
        exit_report(std::move(report)),
        id_(std::move(id)),
        warden_(std::move(warden)) {}
  Jail(Jail&&) noexcept = default;
  Jail& operator=(Jail&&) = delete;
  ~Jail();

  const std::shared_ptr<isolation::WardenClient>& warden() const { return warden_; }
  // Somebody else ends it.
  std::shared_ptr<isolation::WardenClient> dismiss() { return std::move(warden_); }

  isolation::StartedSandbox started;
  std::shared_ptr<ExitReport> exit_report;

 private:
  std::string id_;
  std::shared_ptr<isolation::WardenClient> warden_;
};

// `spec` makes the same one each time it is asked.
Result<Jail> make_jail(WardenKeeper& wardens, ExitBoard& exits, const std::string& id,
                       const std::function<Result<isolation::SandboxSpec>()>& spec);

}  // namespace msb::engine
