// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that was made before anybody asked for it: jailed, its agent greeted, its interpreter
// waiting for code, and nobody's yet. Whoever destroys it ends it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/agent_link.h"
#include "engine/engine_folder.h"
#include "engine/exit_board.h"
#include "engine/jail_maker.h"
#include "image/store.h"
#include "isolation/warden_client.h"
#include "wire/messages.h"

namespace msb::engine {

// What cannot be changed any more when a sandbox is made: a start can have a spare of its own kind
// only.
struct SpareKind {
  // The folders of the image's layers as they are now, not as they are called: an image that was
  // removed and pulled again has other ones.
  struct Folder {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Folder&) const = default;
  };

  isolation::Tier tier;
  std::optional<isolation::Limits> limits;  // of a machine, which keeps those it was made with
  std::string image_digest;
  std::vector<Folder> layers;
  std::string user;
  std::uint64_t disk_bytes = 0;
  std::vector<wire::Language> languages;  // that starts of this kind name

  bool operator==(const SpareKind&) const = default;
};

Result<std::vector<SpareKind::Folder>> layer_folders(const image::Image& image);

// Where one is made: as a persistent sandbox's, which it may become, with the lock held. Within the
// engine's own folder, so a crash is swept with that. Removed again, unless it was released.
struct SpareFolder {
  base::TempDir folder;
  base::UniqueFd lock;
};
Result<SpareFolder> make_spare_folder(const EngineFolder& engine);

// How the next spare of a kind is to be made.
struct SpareOrder {
  SpareKind kind;
  std::string reference;  // of the image
  isolation::Limits limits;
  wire::Configure configuration;
  std::vector<wire::Language> warm;
};

class Spare {
 public:
  struct Parts {
    std::string id;
    std::string folder;
    base::UniqueFd folder_lock;
    isolation::Limits limits;
    isolation::SandboxGauges gauges;
    base::UniqueFd orders;  // of a machine, which stands still until it is wanted
    std::vector<std::string> weaknesses;
    std::int64_t disk_base_bytes = 0;
    std::vector<wire::Language> warm;
    std::shared_ptr<isolation::WardenClient> warden;
    std::shared_ptr<ExitReport> exit_report;
    std::shared_ptr<AgentLink> link;
  };

  explicit Spare(Parts parts) : parts_(std::move(parts)) {}
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;
  ~Spare();

  bool is_alive() const;
  Parts& parts() { return parts_; }
  // It has become a sandbox, which is responsible for it now.
  Parts take();
  // Lets go of it without ending it, because its warden is about to end.
  void abandon();

 private:
  Parts parts_;
};

// What one is put together of: a jail whose agent, at the end of `link`, has been greeted.
struct SpareMakings {
  std::string id;
  SpareFolder folder;
  Jail jail;
  std::shared_ptr<AgentLink> link;
  isolation::Limits limits;
  std::vector<wire::Language> warm;
};
// What a machine's disk holds is not known then.
std::unique_ptr<Spare> to_spare(SpareMakings makings);

}  // namespace msb::engine
