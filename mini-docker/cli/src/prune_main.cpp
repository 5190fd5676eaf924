// image prune, system prune, system df: room, and how to get it.
#include <fmt/format.h>

#include <ctime>
#include <string>

#include "commands.hpp"
#include "confirm.hpp"
#include "durations.hpp"
#include "flag_parser.hpp"
#include "image_listings.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

int prune_images(const Globals& globals, const Words& args) {
  bool all = false;
  bool force = false;
  FlagParser flags("Remove images that no container uses", "mini-docker image prune");
  flags.add_switch("-a,--all", all, "not only those without a tag");
  flags.add_switch("-f,--force", force, "do not ask");
  require_count(flags.parse_names(args), 0, "image prune");
  const std::string warning =
      all ? "This will remove all images without at least one container associated to them."
          : "This will remove all dangling images.";
  if (!force && !is_confirmed(warning)) {
    throw Error(ErrorKind::conflict, "image prune has been cancelled");
  }
  const engine::RemovedImages pruned = open_engine(globals).prune_images(
      all ? engine::PruneScope::all : engine::PruneScope::dangling);
  warn(pruned.warnings);
  if (!pruned.removed.empty()) {
    print("Deleted Images:\n" + removed_in_words(pruned.removed, Spelling::small) + "\n");
  }
  print("Total reclaimed space: " + size_in_words(pruned.reclaimed, 4) + "\n");
  return 0;
}

int disk_usage(const Globals& globals, const Words& args) {
  bool verbose = false;
  Words format;
  FlagParser flags("Show what images and containers take", "mini-docker system df");
  flags.add_switch("-v,--verbose", verbose, "each of them");
  flags.add_list("--format", format, "table, json, or a template: {{.Type}}");
  require_count(flags.parse_names(args), 0, "system df");
  if (verbose && !format.empty()) {
    throw UsageError("the verbose and the format options conflict", kFailed);
  }
  const engine::DiskUsage usage = open_engine(globals).disk_usage();
  print(verbose ? usage_in_full(usage, std::time(nullptr))
                : listed(usage_listing(usage), last(format)));
  return 0;
}

int prune_system(const Globals& globals, const Words& args) {
  bool all = false;
  bool force = false;
  FlagParser flags("Remove what nobody uses", "mini-docker system prune");
  flags.add_switch("-a,--all", all, "all unused images, not only those without a tag");
  flags.add_switch("-f,--force", force, "do not ask");
  require_count(flags.parse_names(args), 0, "system prune");
  const std::string warning =
      fmt::format("This will remove:\n  - all stopped containers\n  - all {} images\n",
                  all ? "unused" : "dangling");
  if (!force && !is_confirmed(warning)) {
    throw Error(ErrorKind::conflict, "system prune has been cancelled");
  }
  engine::Engine engine = open_engine(globals);
  const engine::PrunedContainers containers = engine.prune_containers();
  if (!containers.ids.empty()) {
    print(fmt::format("Deleted Containers:\n{}\n\n", fmt::join(containers.ids, "\n")));
  }
  const engine::RemovedImages images =
      engine.prune_images(all ? engine::PruneScope::all : engine::PruneScope::dangling);
  warn(images.warnings);
  if (!images.removed.empty()) {
    print("Deleted Images:\n" + removed_in_words(images.removed, Spelling::small) + "\n");
  }
  print("Total reclaimed space: " +
        size_in_words(Bytes{containers.reclaimed.value + images.reclaimed.value}, 4) + "\n");
  return 0;
}

}  // namespace minidocker::cli
