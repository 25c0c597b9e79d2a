// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/audit_text.h"
#include "cli/paint.h"
#include "cli/verb.h"
#include "msb/host.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "doctor",
    .usage = "[OPTIONS]",
    .about =
        "Try out what this host can do for each isolation tier, and tell how to mend what it\n"
        "cannot.",
    .epilogue =
        "Examples:\n"
        "  msb doctor\n"
        "  msb doctor --json | jq '.tiers[] | select(.usable)'\n"
        "  msb doctor --audit\n"
        "\n"
        "Exit status: 0 if sandboxes can run here, 1 if no tier is usable; with --audit, 0 if\n"
        "nothing is left over, 1 if something is; 125 if msb itself failed.",
};

constexpr std::size_t kLevelColumns = 11;  // with the space on both sides

// "ok", "weak", "missing", as wide as the widest.
std::string level_text(const Paint& paint, HostFinding::Level level) {
  switch (level) {
    case HostFinding::Level::kGood:
      return paint.good("ok     ");
    case HostFinding::Level::kWeak:
      return paint.weak("weak   ");
    case HostFinding::Level::kMissing:
      return paint.bad("missing");
  }
  return {};
}

void append_tier(std::string& text, const TierReport& tier, const Paint& paint) {
  text.append("\n").append(paint.strong(tier.tier)).append(": ");
  text.append(tier.usable ? paint.good("usable") : paint.bad("not usable")).append("\n");
  std::size_t width = 0;
  for (const HostFinding& finding : tier.findings) {
    width = std::max(width, finding.topic.size());
  }
  for (const HostFinding& finding : tier.findings) {
    text.append("  ").append(level_text(paint, finding.level)).append("  ").append(finding.topic);
    text.append(width - finding.topic.size() + 2, ' ').append(finding.detail).append("\n");
    if (!finding.remedy.empty()) {
      text.append(kLevelColumns + width + 2, ' ').append(paint.faint("to mend: "));
      text.append(finding.remedy).append("\n");
    }
  }
}

std::string text_of(const HostReport& report, const Paint& paint) {
  std::string text = "msb ";
  text.append(report.version).append(", kernel ").append(report.kernel).append("\n");
  text.append("home ").append(report.home).append("\n");
  for (const TierReport& tier : report.tiers) {
    append_tier(text, tier, paint);
  }
  return text;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

Result<int> doctor(Context context, std::vector<std::string> words) {
  bool as_json = false;
  bool audits = false;
  Arguments arguments(context, kHelp);
  arguments.flag("--json", "Print the report as JSON", as_json);
  arguments.flag("--audit",
                 "Tell what runs in this home, and what sandboxes and programs that are gone\n"
                 "have left behind: processes, mounts, cgroups, files, ...",
                 audits);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (!operands->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->front() + "'"));
  }
  if (audits) {
    const HostAudit audit = TRY(audit_host(context.home));
    print(as_json ? audit.to_json() + "\n" : text_of(audit, Paint(STDOUT_FILENO)));
    return audit.is_clean() ? 0 : 1;
  }
  const HostReport report = TRY(examine_host(context.home));
  print(as_json ? report.to_json() + "\n" : text_of(report, Paint(STDOUT_FILENO)));
  return std::ranges::any_of(report.tiers, &TierReport::usable) ? 0 : 1;
}

}  // namespace msb::cli
