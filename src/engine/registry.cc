// SPDX-License-Identifier: Apache-2.0
#include "engine/registry.h"

namespace msb::engine {
namespace {

// Whether there is something to say to whoever wants the name.
bool is_settled(const std::shared_ptr<Sandbox>& sandbox) {
  return sandbox && (sandbox->is_running() || sandbox->why_lingering());
}

}  // namespace

Registry::Claim::~Claim() {
  if (registry_ != nullptr) {
    registry_->give_up(name_);
  }
}

void Registry::Claim::settle(const std::shared_ptr<Sandbox>& sandbox) {
  Registry* registry = std::exchange(registry_, nullptr);
  {
    const std::lock_guard lock(registry->mutex_);
    registry->sandboxes_[name_] = sandbox;
    registry->changed_.notify_all();
  }
  if (sandbox->has_ended()) {
    registry->note_end(*sandbox);  // it died before it was listed
  }
}

Result<std::variant<Registry::Claim, std::shared_ptr<Sandbox>>> Registry::claim(
    const Name& name, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) {
      return fail(ErrorCode::kUnavailable, "the engine is closing");
    }
    const auto found = sandboxes_.find(name);
    if (found == sandboxes_.end()) {
      sandboxes_.emplace(name, nullptr);
      return Claim(this, name);
    }
    if (found->second && found->second->is_running()) {
      return found->second;
    }
    if (const auto why = found->second ? found->second->why_lingering() : std::nullopt) {
      return std::unexpected(why->wrap("sandbox '" + name.sandbox + "' has not ended yet"));
    }
    // Every start ends, and what has died is buried by the janitor.
    const bool requested = stop.stop_requested();
    if (requested || !changed_.wait(lock, stop, [&] {
          const auto now = sandboxes_.find(name);
          return closed_ || now == sandboxes_.end() || is_settled(now->second);
        })) {
      return fail(ErrorCode::kCancelled, "the start was cancelled");
    }
  }
}

std::shared_ptr<Sandbox> Registry::find(const Name& name) {
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(name);
  return found != sandboxes_.end() && found->second && found->second->is_running() ? found->second
                                                                                   : nullptr;
}

std::shared_ptr<Sandbox> Registry::find_any(const Name& name) {
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(name);
  return found != sandboxes_.end() ? found->second : nullptr;
}

std::vector<std::shared_ptr<Sandbox>> Registry::all() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Sandbox>> sandboxes;
  for (const auto& [name, sandbox] : sandboxes_) {
    if (sandbox) {
      sandboxes.push_back(sandbox);
    }
  }
  return sandboxes;
}

void Registry::note_end(Sandbox& sandbox) {
  std::shared_ptr<Sandbox> last;  // its destructor must not run under the lock
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(sandbox.name());
  if (found == sandboxes_.end()) {
    return;
  }
  if (!sandbox.has_ended()) {
    if (!found->second) {  // its start has failed, and is about to give the name up
      found->second = sandbox.weak_from_this().lock();
    }
  } else if (found->second.get() == &sandbox) {
    last = std::move(found->second);
    sandboxes_.erase(found);
  }
  changed_.notify_all();
}

void Registry::give_up(const Name& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = sandboxes_.find(name); found != sandboxes_.end() && !found->second) {
    sandboxes_.erase(found);
  }
  changed_.notify_all();
}

void Registry::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace msb::engine
