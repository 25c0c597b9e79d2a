// SPDX-License-Identifier: Apache-2.0
#include "isolation/oci/bundle.h"

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "isolation/jail/identity.h"
#include "isolation/jail/proc_files.h"

namespace msb::isolation::oci {
namespace {

using Json = nlohmann::ordered_json;

Json mount(std::string_view destination, std::string_view type, Json options) {
  return {{"destination", destination},
          {"type", type},
          {"source", type},
          {"options", std::move(options)}};
}

Json mounts(const Bundle& bundle) {
  return Json::array(
      {mount("/proc", "proc", {"nosuid", "nodev", "noexec"}),
       mount("/dev", "tmpfs", {"nosuid", "noexec", "mode=755", "size=64k"}),
       mount("/dev/pts", "devpts",
             {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
       mount("/dev/shm", "tmpfs",
             {"nosuid", "nodev", "mode=1777", "size=" + std::to_string(bundle.memory_bytes / 2)})});
}

Json namespaces() {
  // Without network and cgroup: those of the process that becomes the runtime. They belong to the
  // host, so no process inside has power over them.
  Json list = Json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount", "user"}) {
    list.push_back({{"type", type}});
  }
  return list;
}

Json capabilities() {
  Json kept = Json::array();
  for (const jail::Capability& capability : jail::kKeptCapabilities) {
    kept.push_back(capability.name);
  }
  return {{"bounding", kept}, {"effective", kept}, {"permitted", kept}};
}

Json beneath_proc(std::span<const char* const> names) {
  Json paths = Json::array();
  for (const char* name : names) {
    paths.push_back(std::string("/proc/") + name);
  }
  return paths;
}

Json masked_paths() {
  Json paths = beneath_proc(jail::kCoveredFiles);
  for (const auto& folder : beneath_proc(jail::kCoveredFolders)) {
    paths.push_back(folder);
  }
  return paths;
}

}  // namespace

std::string config_json(const Bundle& bundle) {
  const Json ids = Json::array(
      {{{"containerID", 0}, {"hostID", bundle.range.base}, {"size", bundle.range.count}}});
  const Json config = {{"ociVersion", "1.0.2"},
                       {"process",
                        {{"terminal", false},
                         {"user", {{"uid", 0}, {"gid", 0}}},
                         {"args", bundle.arguments},
                         {"env", Json::array()},
                         {"cwd", "/"},
                         {"capabilities", capabilities()},
                         {"noNewPrivileges", true}}},
                       {"root", {{"path", bundle.root_path}, {"readonly", false}}},
                       {"hostname", bundle.hostname},
                       {"mounts", mounts(bundle)},
                       {"linux",
                        {{"namespaces", namespaces()},
                         {"uidMappings", ids},
                         {"gidMappings", ids},
                         {"maskedPaths", masked_paths()},
                         {"readonlyPaths", beneath_proc(jail::kReadOnlyFolders)}}}};
  return config.dump(2);
}

}  // namespace msb::isolation::oci
