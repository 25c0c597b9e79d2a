// SPDX-License-Identifier: Apache-2.0
//
// msb image: the images on this host. Its verbs are in the table at the end.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/interrupts.h"
#include "cli/json_text.h"
#include "cli/pull_progress.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_group.h"
#include "msb/image.h"

namespace msb::cli {
namespace {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// "2026-11-23T05:38:37.123Z" -> "2026-11-23 05:38".
std::string minute_of(const std::string& created) {
  if (created.size() < 16 || created[10] != 'T') {
    return created.empty() ? "-" : created;
  }
  return created.substr(0, 10) + " " + created.substr(11, 5);
}

std::string json_of(const std::vector<ImageInfo>& images) {
  std::string json = "[";
  for (const ImageInfo& image : images) {
    json += json.size() == 1 ? "\n" : ",\n";
    json += "  {\"reference\": " + json_string(image.reference) +
            ", \"digest\": " + json_string(image.digest) +
            ", \"size_bytes\": " + std::to_string(image.size_bytes) +
            ", \"created\": " + (image.created.empty() ? "null" : json_string(image.created)) + "}";
  }
  return json + (images.empty() ? "]\n" : "\n]\n");
}

constexpr VerbHelp kListHelp{
    .verb = "image ls",
    .usage = "[OPTIONS]",
    .about = "List the images on this host.",
    .epilogue =
        "Examples:\n"
        "  msb image ls\n"
        "  msb image ls --json | jq -r '.[].digest'",
};

Result<int> list(Context context, std::vector<std::string> words) {
  bool as_json = false;
  bool quiet = false;
  Arguments arguments(context, kListHelp);
  arguments.flag("--json", "Print an array of objects", as_json);
  arguments.flag("-q,--quiet", "Print references only", quiet);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (!operands->empty()) {
    return std::unexpected(usage_error(kListHelp.verb, "unexpected '" + operands->front() + "'"));
  }
  ImageStore store = TRY(ImageStore::open(context.home));
  std::vector<ImageInfo> images = TRY(store.list());
  std::ranges::sort(images, {}, &ImageInfo::reference);
  if (as_json) {
    print(json_of(images));
    return 0;
  }
  Table table({"REFERENCE", "DIGEST", "SIZE", "CREATED"});
  for (const ImageInfo& image : images) {
    if (quiet) {
      print(image.reference + "\n");
    }
    table.add({image.reference, short_digest(image.digest), size_text(image.size_bytes),
               minute_of(image.created)});
  }
  if (!quiet) {
    print(table.text());
  }
  return 0;
}

constexpr VerbHelp kImportHelp{
    .verb = "image import",
    .usage = "[OPTIONS] PATH",
    .about =
        "Import an image from a `docker save` archive, an OCI layout (folder or tar) or a tar of "
        "a\n"
        "root file system, which needs --name.",
    .epilogue =
        "Examples:\n"
        "  docker save app:1 -o app.tar && msb image import app.tar\n"
        "  msb image import --name my/debian rootfs.tar.zst\n"
        "\n"
        "stdout gets the reference of each image imported.",
};

Result<int> import(Context context, std::vector<std::string> words) {
  std::string name;
  bool quiet = false;
  Arguments arguments(context, kImportHelp);
  arguments.text("--name", "REF", "What to call it (the archive's own name)", name);
  arguments.flag("-q,--quiet", "No progress on stderr", quiet);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 1) {
    return std::unexpected(usage_error(kImportHelp.verb, "give one PATH"));
  }
  const auto interrupts = TRY(Interrupts::watch());
  ImageStore store = TRY(ImageStore::open(context.home));
  PullProgress progress(quiet ? PullProgress::Style::kSilent
                              : PullProgress::style_of(STDERR_FILENO));
  ImagePullOptions options;
  options.on_progress = progress.callback();
  options.stop = interrupts->stop_token();
  const auto imported = store.import(operands->front(), name, options);
  progress.finish();
  if (interrupts->signal() != 0) {
    return interrupts->exit_code();
  }
  if (!imported) {
    return std::unexpected(imported.error());
  }
  for (const ImageInfo& image : *imported) {
    print(image.reference + "\n");
  }
  return 0;
}

constexpr VerbHelp kInspectHelp{
    .verb = "image inspect",
    .usage = "REF",
    .about = "Print what is known of an image as JSON: reference, digest, manifest, config.",
    .epilogue =
        "Examples:\n"
        "  msb image inspect alpine\n"
        "  msb image inspect microsandbox/python | jq .config.config.Env",
};

Result<int> inspect(Context context, std::vector<std::string> words) {
  Arguments arguments(context, kInspectHelp);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 1) {
    return std::unexpected(usage_error(kInspectHelp.verb, "give one REF"));
  }
  ImageStore store = TRY(ImageStore::open(context.home));
  print(TRY(store.inspect(operands->front())) + "\n");
  return 0;
}

constexpr VerbHelp kRemoveHelp{
    .verb = "image rm",
    .usage = "REF...",
    .about =
        "Remove images, and the layers that no other image needs. An image that a running sandbox\n"
        "uses is refused.",
    .epilogue =
        "Examples:\n"
        "  msb image rm alpine:3.20\n"
        "  msb image ls -q | grep ^docker.io/ | xargs msb image rm",
};

Result<int> remove(Context context, std::vector<std::string> words) {
  Arguments arguments(context, kRemoveHelp);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->empty()) {
    return std::unexpected(usage_error(kRemoveHelp.verb, "which image? REF is missing"));
  }
  ImageStore store = TRY(ImageStore::open(context.home));
  int status = 0;
  for (const std::string& reference : *operands) {
    if (const auto removed = store.remove(reference); !removed) {
      say_error(kRemoveHelp.verb, removed.error());
      status = kOurFailure;
    }
  }
  return status;
}

constexpr VerbHelp kPruneHelp{
    .verb = "image prune",
    .usage = "",
    .about = "Delete layers and downloads that no image needs.",
    .epilogue =
        "Examples:\n"
        "  msb image prune",
};

Result<int> prune(Context context, std::vector<std::string> words) {
  Arguments arguments(context, kPruneHelp);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (!operands->empty()) {
    return std::unexpected(usage_error(kPruneHelp.verb, "unexpected '" + operands->front() + "'"));
  }
  ImageStore store = TRY(ImageStore::open(context.home));
  print("freed " + size_text(TRY(store.prune())) + "\n");
  return 0;
}

constexpr std::array kVerbs = {
    Verb{"ls", "List the images on this host", list},
    Verb{"import", "Import from docker save, an OCI layout or a rootfs tar", import},
    Verb{"inspect", "Print what is known of an image as JSON", inspect},
    Verb{"rm", "Remove images", remove},
    Verb{"prune", "Delete what no image needs", prune},
};

}  // namespace

Result<int> image(Context context, std::vector<std::string> words) {
  return run_group({.name = "image",
                    .about = "List, import, inspect and remove images.",
                    .examples = "  msb image ls\n"
                                "  msb image import app.tar\n",
                    .verbs = kVerbs},
                   std::move(context), std::move(words));
}

}  // namespace msb::cli
