// `mini-docker pull` and `push`; `search` says why there is none.
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "commands.hpp"
#include "flag_parser.hpp"
#include "minidocker/toolbox/error.hpp"
#include "transfer_command.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

namespace {

// What was said on the command line.
struct TransferWords {
  engine::TransferRequest request;
  bool quiet = false;
  bool all_tags = false;
};

TransferWords parse_transfer(const std::string& verb, const std::string& what, const Words& args) {
  TransferWords words;
  Words platform;
  FlagParser flags(what, "mini-docker " + verb);
  flags.add_switch("-q,--quiet", words.quiet, "only the name, when it is done");
  flags.add_switch("--plain-http", words.request.plain_http, "the registry speaks no TLS");
  flags.add_switch("-a,--all-tags", words.all_tags, "all images of the repository");
  if (verb == "pull") {
    flags.add_list("--platform", platform, "OS/ARCHITECTURE[/VARIANT]: which image of several");
  }
  const Words names = flags.parse_names(args);
  if (names.size() != 1) {
    throw UsageError(fmt::format("'mini-docker {}' requires exactly 1 argument", verb), kFailed);
  }
  words.request.image = names.front();
  words.request.docker_config = docker_config_file();
  words.request.platform = last(platform);
  return words;
}

void pull_one(engine::Engine& engine, const engine::TransferRequest& request, bool quiet) {
  if (!quiet) return pull_loudly(engine, request, STDOUT_FILENO);
  const engine::PulledImage pulled = engine.pull(request, [](const auto&) {});
  warn(pulled.warnings);
  print((pulled.name.empty() ? request.image : pulled.name) + "\n");
}

void push_one(engine::Engine& engine, const engine::TransferRequest& request, bool quiet) {
  if (!quiet) return push_loudly(engine, request, STDOUT_FILENO);
  static_cast<void>(engine.push(request, [](const auto&) {}));
  print(request.image + "\n");
}

}  // namespace

int pull(const Globals& globals, const Words& args) {
  TransferWords words = parse_transfer("pull", "Fetch an image from its registry", args);
  words.request.mirrors = globals.mirrors;
  engine::Engine engine = open_engine(globals);
  Words names{words.request.image};
  if (words.all_tags) names = engine.names_in_registry(words.request);
  for (const std::string& name : names) {
    words.request.image = name;
    pull_one(engine, words.request, words.quiet);
  }
  return 0;
}

int push(const Globals& globals, const Words& args) {
  TransferWords words = parse_transfer("push", "Give an image to its registry", args);
  engine::Engine engine = open_engine(globals);
  Words names{words.request.image};
  if (words.all_tags) names = engine.names_here(words.request.image);
  for (const std::string& name : names) {
    words.request.image = name;
    push_one(engine, words.request, words.quiet);
  }
  return 0;
}

int search(const Globals&, const Words&) {
  throw Error(ErrorKind::unavailable,
              "search: registries have no such question; only Docker Hub's web site can search "
              "(https://hub.docker.com/search)");
}

}  // namespace minidocker::cli
