// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "base/locations.h"
#include "base/try.h"
#include "isolation/host_probe.h"
#include "msb/host.h"

namespace msb {
namespace {

HostFinding::Level to_public(isolation::Finding::Level level) {
  switch (level) {
    case isolation::Finding::Level::kGood:
      return HostFinding::Level::kGood;
    case isolation::Finding::Level::kWeak:
      return HostFinding::Level::kWeak;
    case isolation::Finding::Level::kMissing:
      break;
  }
  return HostFinding::Level::kMissing;
}

std::string_view name_of(HostFinding::Level level) {
  switch (level) {
    case HostFinding::Level::kGood:
      return "good";
    case HostFinding::Level::kWeak:
      return "weak";
    case HostFinding::Level::kMissing:
      break;
  }
  return "missing";
}

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

}  // namespace

std::string_view version() noexcept {
  return MSB_VERSION;
}

Result<HostReport> examine_host(const std::string& home, const std::string& libexec_dir) {
  HostReport report;
  report.version = version();
  report.kernel = kernel_release();
  report.home = TRY(base::home_folder(home));
  const std::string warden = TRY(base::find_program("msb-warden", libexec_dir));
  const std::string agent = TRY(base::find_program("msb-agent", libexec_dir));
  for (const auto& probe : TRY(isolation::probe_host(warden, agent, report.home))) {
    TierReport tier;
    tier.tier = probe.tier;
    tier.usable = probe.is_usable();
    for (const isolation::Finding& finding : probe.findings) {
      tier.findings.push_back({.topic = finding.topic,
                               .level = to_public(finding.level),
                               .detail = finding.detail,
                               .remedy = finding.remedy});
    }
    report.tiers.push_back(std::move(tier));
  }
  return report;
}

std::string HostReport::to_json() const {
  using nlohmann::ordered_json;
  ordered_json json = {{"version", version}, {"kernel", kernel}, {"home", home}};
  json["tiers"] = ordered_json::array();
  for (const TierReport& tier : tiers) {
    ordered_json findings = ordered_json::array();
    for (const HostFinding& finding : tier.findings) {
      ordered_json entry = {
          {"topic", finding.topic}, {"level", name_of(finding.level)}, {"detail", finding.detail}};
      if (!finding.remedy.empty()) {
        entry["remedy"] = finding.remedy;
      }
      findings.push_back(std::move(entry));
    }
    json["tiers"].push_back(
        {{"tier", tier.tier}, {"usable", tier.usable}, {"findings", std::move(findings)}});
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace msb
