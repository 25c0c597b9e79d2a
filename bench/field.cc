// SPDX-License-Identifier: Apache-2.0
#include "bench/field.h"

#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::bench {
namespace {

constexpr const char* kImage = "microsandbox/python";
constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::size_t kSpares = 8;
constexpr std::chrono::seconds kPatience{10};

Result<std::vector<std::string>> layers_of_image() {
  ImageStore store = TRY(ImageStore::open());
  const std::string text = TRY(store.inspect(kImage));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::vector<std::string> paths;
  if (json.is_object() && json.contains("layer_paths")) {
    for (const auto& path : json["layer_paths"]) {
      paths.push_back(path.get<std::string>());
    }
  }
  if (paths.empty()) {
    return fail(ErrorCode::kInternal, "inspect names no layers");
  }
  return paths;
}

// Everybody but the bare host needs the image's files.
Result<> add_peers(Field& field) {
  const std::vector<std::string> layers = TRY(layers_of_image());
  const PeerRoot root = TRY(PeerRoot::mount(layers));
  field.peers.push_back(bubblewrap(root));
  for (auto& runtime : TRY(oci_runtimes(root))) {
    field.peers.push_back(std::move(runtime));
  }
  field.peers.push_back(podman(root));
  return {};
}

Result<> add_doors(Field& field) {
  SandboxOptions embedded;
  embedded.engine = TRY(Engine::create());
  field.doors.push_back({"ours", "microsandbox", embedded, ""});

  Door http{"ours_http", "microsandbox, over HTTP", {}, ""};
  if (auto server = Server::start()) {
    http.where.server_url = server->url();
    field.server.emplace(*std::move(server));
  } else {
    http.not_run = server.error().message();
  }
  field.doors.push_back(std::move(http));
  return {};
}

// Spares are made of an image that has been started more than once.
Result<> open_pool(Door& door, std::size_t spares, const StartConfig& config) {
  EngineOptions options;
  options.pool.max_spares = spares;
  options.pool.half_life = std::chrono::hours(1);  // the others need time, too
  door.where.engine = TRY(Engine::create(options));
  for (int start = 0; start < 2; ++start) {
    PythonSandbox sandbox(door.where);
    TRY(say_hi(sandbox, config));
  }
  return rest(door);
}

}  // namespace

Door pooled_door(std::size_t spares, const StartConfig& config) {
  Door door{.id = "ours_pool",
            .name = "microsandbox, from its pool",
            .where = {},
            .not_run = {},
            .has_pool = true};
  if (const auto opened = open_pool(door, spares, config); !opened) {
    door.not_run = opened.error().message();
  }
  return door;
}

Result<Server> Server::start() {
  base::sys::Pipe output = TRY(base::sys::pipe());
  base::ChildSpec spec;
  // setpriv: however this process ends, the server does as well.
  spec.path = "/usr/bin/setpriv";
  const std::string program = TRY(base::find_program("msb-server"));
  spec.argv = {spec.path, "--pdeathsig", "TERM", program,  "start",
               "--dev",   "--port",      "0",    "--pool", "0"};
  const base::UniqueFd log = TRY(base::sys::memfd_create("server.log", 0));
  spec.fds = {{output.write_end.get(), 1}, {log.get(), 2}};
  spec.new_session = true;  // ^C ends us, and we end it
  Server server;
  server.child_ = TRY(base::ChildProcess::spawn(spec));
  output.write_end.reset();
  constexpr std::string_view kReady = "Server listening on ";
  std::string line;
  std::byte one{};
  while (line.size() < kMaxLineBytes &&
         TRY(base::sys::read(output.read_end.get(), {&one, 1})) == 1 &&
         static_cast<char>(one) != '\n') {
    line += static_cast<char>(one);
  }
  if (!line.starts_with(kReady)) {
    return fail(ErrorCode::kUnavailable, "msb-server: " + line);
  }
  server.url_ = line.substr(kReady.size());
  return server;
}

Server::~Server() {
  if (child_.pid() > 0 && child_.signal(SIGTERM)) {
    (void)child_.wait(std::chrono::seconds(40));
  }
}

Result<Field> make_field(int rounds, int most_alive) {
  Field field;
  field.rounds = rounds;
  field.most_alive = most_alive;
  field.cores = std::max(1U, std::thread::hardware_concurrency());
  field.peers.push_back(host_python());
  if (const auto added = add_peers(field); !added) {
    field.peers_note = added.error().message();
  }
  TRY(add_doors(field));
  field.pooled = pooled_door(kSpares, {});
  return field;
}

std::vector<const Door*> Field::doors_and_pool() const {
  std::vector<const Door*> all;
  all.reserve(doors.size() + 1);
  all.reserve(doors.size() + 1);
  for (const Door& door : doors) {
    all.push_back(&door);
  }
  all.push_back(&pooled);
  return all;
}

Result<> rest(const Door& door) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto is_full = [&] {
    const auto pool = door.where.engine->pool();
    return pool.ready > 0 && pool.ready >= pool.wanted;
  };
  while (door.has_pool && !is_full()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::kTimeout, "the pool does not fill");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

Result<> say_hi(PythonSandbox& sandbox, const StartConfig& config) {
  TRY(sandbox.start(config));
  const CodeExecution run = TRY(sandbox.code().run(kHelloPython));
  if (run.output() != "hi") {
    return fail(ErrorCode::kInternal, "unexpected output: " + run.output() + run.error());
  }
  return {};
}

}  // namespace msb::bench
