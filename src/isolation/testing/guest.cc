// SPDX-License-Identifier: Apache-2.0
#include "isolation/testing/guest.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/bytes.h"
#include "base/check.h"
#include "base/locations.h"
#include "base/random.h"
#include "base/sys.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;

std::string program(const std::string& name) {
  auto path = base::find_program(name);
  MSB_CHECK(path.has_value());
  return *path;
}

// Beside the test.
std::string probe_agent() {
  return fs::read_symlink("/proc/self/exe").parent_path().string() + "/msb-probe-agent";
}

base::TempDir temp_dir() {
  auto folder = base::TempDir::create();
  MSB_CHECK(folder.has_value());
  return std::move(*folder);
}

}  // namespace

std::optional<std::string> cannot_make_sandboxes() {
  if (::geteuid() != 0) {
    return "needs root";
  }
  return std::nullopt;
}

std::string random_id() {
  return base::random_id().value();
}

void Guest::tell(const std::string& request) {
  [[maybe_unused]] const auto sent = base::write_all(started.stream.get(), request + "\n");
}

std::string Guest::ask(const std::string& request) {
  if (!base::write_all(started.stream.get(), request + "\n")) {
    return "!gone";
  }
  std::uint32_t size = 0;
  const auto header =
      base::read_exact(started.stream.get(), std::as_writable_bytes(std::span(&size, 1)));
  if (!header || !*header) {
    return "!gone";
  }
  std::string text(size, '\0');
  const auto body = base::read_exact(started.stream.get(), std::as_writable_bytes(std::span(text)));
  return size == 0 || (body && *body) ? text : "!gone";
}

Host::Host(std::chrono::milliseconds patience) : home_(temp_dir()), engine_id_(random_id()) {
  ::signal(SIGPIPE, SIG_IGN);  // writing to a guest that has ended
  fs::create_directories(home() + "/layers");
  fs::create_directories(home() + "/sandboxes");
  fs::permissions(home(), fs::perms::owner_all);
  base_layer_ = make_layer("base");
  for (const char* folder : {"bin", "etc", "data", "tmp"}) {
    fs::create_directory(base_layer_ + "/" + folder);
  }
  fs::permissions(base_layer_ + "/tmp", fs::perms::all | fs::perms::sticky_bit);
  MSB_CHECK(base::write_file_atomic(base_layer_ + "/data/lower", "from the image\n").has_value());
  give_to_store(base_layer_);
  auto spawned = WardenClient::spawn({.warden_path = program("msb-warden"),
                                      .agent_path = probe_agent(),
                                      .home = home(),
                                      .engine_id = engine_id_,
                                      .patience = patience},
                                     [this](SandboxExit exit) { on_exit(std::move(exit)); });
  if (!spawned) {
    std::fprintf(stderr, "%s\n", spawned.error().message().c_str());
  }
  MSB_CHECK(spawned.has_value());
  warden_ = std::move(*spawned);
}

Host::~Host() {
  warden_.reset();
}

std::string Host::make_layer(const std::string& name) {
  const std::string path = home() + "/layers/" + name;
  fs::create_directory(path);
  give_to_store(path);
  return path;
}

void Host::give_to_store(const std::string& path) {
  if (::geteuid() != 0) {
    return;  // without root, layers are stored as whom they belong to
  }
  const auto give = [](const fs::path& entry) {
    struct stat status{};
    ::lstat(entry.c_str(), &status);
    if (status.st_uid < jail::kStoreBase) {
      MSB_CHECK(::lchown(entry.c_str(), jail::kStoreBase + status.st_uid,
                         jail::kStoreBase + status.st_gid) == 0);
      if (!S_ISLNK(status.st_mode)) {
        ::chmod(entry.c_str(), status.st_mode & 07777);
      }
    }
  };
  give(path);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    give(entry.path());
  }
}

SandboxSpec Host::spec(const std::string& name) {
  SandboxSpec spec;
  spec.id = random_id();
  spec.name = name;
  spec.hostname = name;
  spec.layer_paths = {base_layer_};
  spec.writable_path = home() + "/sandboxes/" + spec.id;
  fs::create_directories(spec.writable_path);
  spec.limits = {
      .memory_bytes = 64ull << 20, .cpus = 1.0, .max_processes = 64, .disk_bytes = 64ull << 20};
  return spec;
}

Result<Guest> Host::start(SandboxSpec spec) {
  std::string id = spec.id;
  StartedSandbox started = TRY(warden_->create(std::move(spec)));
  return Guest(std::move(id), std::move(started));
}

Guest Host::start() {
  auto guest = start(spec());
  if (!guest) {
    std::fprintf(stderr, "%s\n", guest.error().message().c_str());
  }
  MSB_CHECK(guest.has_value());
  return std::move(*guest);
}

void Host::on_exit(SandboxExit exit) {
  const std::lock_guard lock(mutex_);
  exits_.emplace(exit.id, std::move(exit));
  exited_.notify_all();
}

std::optional<SandboxExit> Host::exit_of(const std::string& id) {
  constexpr std::chrono::seconds kPatience{20};
  std::unique_lock lock(mutex_);
  if (!exited_.wait_for(lock, kPatience, [&] { return exits_.contains(id); })) {
    return std::nullopt;
  }
  return exits_.at(id);
}

}  // namespace msb::isolation::testing
