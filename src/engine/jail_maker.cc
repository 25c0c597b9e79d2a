// SPDX-License-Identifier: Apache-2.0
#include "engine/jail_maker.h"

#include <utility>

namespace msb::engine {
namespace {

struct Made {
  std::shared_ptr<isolation::WardenClient> warden;
  isolation::StartedSandbox started;
};

Result<Made> make(WardenKeeper& wardens,
                  const std::function<Result<isolation::SandboxSpec>()>& spec) {
  // A warden that has died without having had a sandbox shows only now: that one is replaced.
  for (int attempt = 0;; ++attempt) {
    isolation::SandboxSpec wanted = TRY(spec());
    std::shared_ptr<isolation::WardenClient> warden = TRY(wardens.get());
    auto started = warden->create(std::move(wanted));
    if (started) {
      return Made{.warden = std::move(warden), .started = *std::move(started)};
    }
    if (attempt > 0 || !started.error().is(ErrorCode::kUnavailable)) {
      return std::unexpected(std::move(started).error());
    }
    wardens.drop(warden);
  }
}

}  // namespace

Jail::~Jail() {
  if (warden_) {
    started.gauges = {};  // they would keep its file system mounted
    [[maybe_unused]] const auto destroyed = warden_->destroy(id_);
  }
}

Result<Jail> make_jail(WardenKeeper& wardens, ExitBoard& exits, const std::string& id,
                       const std::function<Result<isolation::SandboxSpec>()>& spec) {
  std::shared_ptr<ExitReport> exit_report = exits.expect(id);
  auto made = make(wardens, spec);
  if (!made) {
    exits.forget(id);
    return std::unexpected(std::move(made).error());
  }
  return Jail(id, std::move(made->warden), std::move(exit_report), std::move(made->started));
}

}  // namespace msb::engine
