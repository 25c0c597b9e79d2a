// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/server_record.h"
#include "engine/audit_parts.h"
#include "engine/definitions.h"
#include "engine/ofd_lock.h"
#include "engine/sandbox_folder.h"
#include "image/sweep.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;

void each_entry(const fs::path& folder,
                const std::function<void(const fs::path& path, const std::string& name)>& visit) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    visit(at->path(), at->path().filename());
  }
}

// The rows of msb.db; an error when it cannot be read. No database: no rows.
Result<std::vector<StoredDefinition>> definitions_in(const std::string& home) {
  const std::string path = home + "/msb.db";
  std::error_code error;
  if (!fs::exists(path, error)) {
    return std::vector<StoredDefinition>{};
  }
  const auto all = TRY(Definitions::open(path));
  return all->list("*");
}

std::string remove_command(const std::string& namespace_name, const std::string& sandbox) {
  return "msb rm --namespace " + namespace_name + " " + sandbox;
}

void audit_run(const AuditGround& ground, AuditTopic& topic) {
  each_entry(ground.home + "/run", [&](const fs::path& path, const std::string& id) {
    if (!is_locked(path.string() + "/lock")) {
      topic.leftovers.push_back({path.string() + ": its engine is dead", kNextStartRemoves, id});
      return;
    }
    ++topic.in_use;
    each_entry(path, [&](const fs::path& entry, const std::string& name) {
      if (name.starts_with("gone-")) {
        topic.leftovers.push_back({entry.string() + ": a sandbox's files that could not be removed",
                                   "they go with the engine; please report this", id});
      }
    });
  });
}

void audit_sandboxes(const AuditGround& ground, AuditTopic& topic) {
  const auto stored = definitions_in(ground.home);
  each_entry(ground.home + "/sandboxes", [&](const fs::path& folder, const std::string& space) {
    bool empty = true;
    each_entry(folder, [&](const fs::path& path, const std::string& sandbox) {
      empty = false;
      const Name name{.namespace_name = space, .sandbox = sandbox};
      const bool has_row =
          !stored || std::ranges::any_of(*stored, [&name](const StoredDefinition& definition) {
            return definition.name == name;
          });
      if (has_row || SandboxFolder::is_held(ground.home, name)) {
        ++topic.in_use;
      } else if (SandboxFolder::is_marked_undefined(ground.home, name)) {
        topic.leftovers.push_back(
            {path.string() + ": no definition, and nobody runs it", kNextStartRemoves, {}});
      } else {
        topic.leftovers.push_back(
            {path.string() + ": msb.db has no such sandbox; a start by that name has its files",
             remove_command(space, sandbox) + ", unless they are wanted",
             {}});
      }
    });
    if (empty) {
      topic.leftovers.push_back(
          {folder.string() + ": a namespace without sandboxes", "rmdir " + folder.string(), {}});
    }
  });
}

// Whole files are written beside their final name, which gets six characters more, and renamed.
bool is_half_written(const std::string& name) {
  constexpr std::size_t kMarkBytes = 7;
  for (const std::string_view whole : {"index.json", "oci-layout", "server.key", "server.pid"}) {
    if (name.size() == whole.size() + kMarkBytes && name.starts_with(whole) &&
        name[whole.size()] == '.') {
      return true;
    }
  }
  return false;
}

}  // namespace

AuditTopic audit_mounts(const AuditGround& ground) {
  AuditTopic topic{.name = "mounts", .in_use = 0, .unseen = {}, .leftovers = {}};
  for (const char* folder : {"/run", "/sandboxes", "/tmp"}) {
    for (const std::string& mount : isolation::mounts_beneath(ground.home + folder)) {
      topic.leftovers.push_back(
          {mount + ": a mount outside of every sandbox", "umount " + mount, {}});
    }
  }
  return topic;
}

AuditTopic audit_loop_devices(const AuditGround& ground) {
  AuditTopic topic{.name = "loop devices", .in_use = 0, .unseen = {}, .leftovers = {}};
  const std::string run = ground.home + "/run/";
  for (const isolation::LoopDeviceTrace& device : isolation::loop_devices_beneath(ground.home)) {
    const std::string folder = device.backing_file.substr(0, device.backing_file.rfind('/'));
    const bool is_of_engine = device.backing_file.starts_with(run);
    const std::string engine =
        is_of_engine ? device.backing_file.substr(
                           run.size(), device.backing_file.find('/', run.size()) - run.size())
                     : std::string();
    const bool is_gone = device.backing_file.ends_with(" (deleted)");
    if (!is_gone && (is_of_engine ? ground.lives(engine) : is_locked(folder + "/lock"))) {
      ++topic.in_use;
    } else {
      topic.leftovers.push_back({"/dev/" + device.name + ": attached to " + device.backing_file +
                                     ", which no running sandbox has",
                                 "losetup -d /dev/" + device.name, engine});
    }
  }
  return topic;
}

AuditTopic audit_folders(const AuditGround& ground) {
  AuditTopic topic{.name = "folders", .in_use = 0, .unseen = {}, .leftovers = {}};
  audit_run(ground, topic);
  audit_sandboxes(ground, topic);
  for (const std::string& draft : image::abandoned_drafts(image::Home(ground.home))) {
    topic.leftovers.push_back({draft + ": nobody works on it", "msb image prune", {}});
  }
  each_entry(ground.home, [&](const fs::path& path, const std::string& name) {
    if (is_half_written(name)) {
      topic.leftovers.push_back(
          {path.string() + ": a file that was not finished", "rm " + path.string(), {}});
    }
  });
  return topic;
}

AuditTopic audit_database(const AuditGround& ground) {
  AuditTopic topic{.name = "database", .in_use = 0, .unseen = {}, .leftovers = {}};
  const auto stored = definitions_in(ground.home);
  if (!stored) {
    topic.unseen = stored.error().message();
    return topic;
  }
  for (const StoredDefinition& definition : *stored) {
    const std::string path = SandboxFolder::path_of(ground.home, definition.name);
    std::error_code error;
    if (fs::exists(path, error)) {
      ++topic.in_use;
    } else {
      topic.leftovers.push_back(
          {"definition of sandbox '" + definition.name.sandbox + "' of namespace '" +
               definition.name.namespace_name + "': its folder " + path + " is gone",
           remove_command(definition.name.namespace_name, definition.name.sandbox),
           {}});
    }
  }
  return topic;
}

AuditTopic audit_server(const AuditGround& ground) {
  AuditTopic topic{.name = "server", .in_use = 0, .unseen = {}, .leftovers = {}};
  const auto found = base::find_server(ground.home, base::Starting::kShow);
  if (!found) {
    topic.unseen = found.error().message();
    return topic;
  }
  const std::optional<base::FoundServer>& server = *found;
  if (server && server->pid != 0) {
    topic.in_use = 1;
  } else if (server) {
    topic.leftovers.push_back({ground.home + "/server.pid: its server is dead",
                               "the next msb server start replaces it",
                               {}});
  }
  return topic;
}

}  // namespace msb::engine
