// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/oci_bundle.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/try.h"

namespace msb::bench {

Result<> write_oci_bundle(const std::string& folder, const std::string& rootfs,
                          std::string_view python_code) {
  using Json = nlohmann::json;
  const auto mount = [](const char* target, const char* type, Json options) {
    return Json{
        {"destination", target}, {"type", type}, {"source", type}, {"options", std::move(options)}};
  };
  Json namespaces = Json::array();
  for (const char* kind : {"pid", "network", "ipc", "uts", "mount"}) {
    namespaces.push_back({{"type", kind}});
  }
  const Json config = {
      {"ociVersion", "1.0.2"},
      {"hostname", "peer"},
      {"root", {{"path", rootfs}, {"readonly", false}}},
      {"process",
       {{"terminal", false},
        {"user", {{"uid", 1000}, {"gid", 1000}}},
        {"args", {"/usr/bin/python3", "-c", std::string(python_code)}},
        {"env", {"PATH=/usr/local/bin:/usr/bin:/bin"}},
        {"cwd", "/"},
        {"capabilities", Json::object()},
        {"noNewPrivileges", true}}},
      {"mounts",
       {mount("/proc", "proc", {"nosuid", "noexec", "nodev"}),
        mount("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
        mount("/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666"}),
        mount("/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777"}),
        mount("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
        mount("/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"})}},
      {"linux",
       {{"namespaces", std::move(namespaces)},
        {"resources",
         {{"memory", {{"limit", 512 << 20}}},
          {"cpu", {{"quota", 100'000}, {"period", 100'000}}},
          {"pids", {{"limit", 512}}}}},
        {"maskedPaths", {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}},
        {"readonlyPaths", {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"}}}}};
  TRY(base::make_folders(folder));
  return base::write_file_atomic(folder + "/config.json", config.dump(1));
}

}  // namespace msb::bench
