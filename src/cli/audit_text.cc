// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_text.h"

#include <algorithm>
#include <cstddef>

namespace msb::cli {
namespace {

constexpr std::size_t kIndent = 11;

std::string number_of(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "es");
}

std::string engine_line(const HostAudit::Engine& engine) {
  std::string text = "  " + engine.id + "  ";
  text.append(engine.pid == 0 ? "a program that cannot be seen from here"
                              : engine.program + " (" + std::to_string(engine.pid) + ")");
  if (engine.warden_pid != 0) {
    text.append(", warden ").append(std::to_string(engine.warden_pid));
  }
  return text.append(", ").append(number_of(engine.sandboxes, "sandbox")).append("\n");
}

void append_topic(std::string& text, const HostAudit::Topic& topic, std::size_t width,
                  const Paint& paint) {
  const bool is_clean = topic.leftovers.empty();
  text.append("  ");
  if (!is_clean) {
    text.append(paint.bad("left   "));
  } else {
    text.append(topic.unseen.empty() ? paint.good("ok     ") : paint.weak("unseen "));
  }
  text.append("  ").append(topic.name).append(width - topic.name.size() + 2, ' ');
  text.append(topic.unseen.empty() ? std::to_string(topic.in_use) + " in use" : topic.unseen);
  text.append("\n");
  for (const HostAudit::Leftover& leftover : topic.leftovers) {
    text.append(kIndent, ' ').append(leftover.what).append("\n");
    text.append(kIndent, ' ').append(paint.faint("to mend: "));
    text.append(leftover.remedy).append("\n");
  }
}

}  // namespace

std::string text_of(const HostAudit& audit, const Paint& paint) {
  std::string text = "home " + audit.home + "\n\n";
  text.append(paint.strong("engines")).append(audit.engines.empty() ? ": none\n" : "\n");
  std::size_t width = 0;
  for (const HostAudit::Engine& engine : audit.engines) {
    text.append(engine_line(engine));
  }
  text.append("\n").append(paint.strong("on this host")).append(": ");
  text.append(audit.is_clean() ? paint.good("nothing left over") : paint.bad("leftovers"));
  text.append("\n");
  for (const HostAudit::Topic& topic : audit.topics) {
    width = std::max(width, topic.name.size());
  }
  for (const HostAudit::Topic& topic : audit.topics) {
    append_topic(text, topic, width, paint);
  }
  return text;
}

}  // namespace msb::cli
