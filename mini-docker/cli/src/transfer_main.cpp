// `mini-docker pull` and `push`; `search` says why there is none.
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "minidocker/toolbox/error.hpp"
#include "parse_words.hpp"
#include "transfer_command.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

namespace {

// What was said on the command line.
struct TransferWords {
  engine::TransferRequest request;
  bool quiet = false;
};

TransferWords parse_transfer(const std::string& verb, const std::string& what, const Words& args) {
  TransferWords words;
  bool all_tags = false;
  Words platform;
  CLI::App app(what, "mini-docker " + verb);
  app.add_flag("-q,--quiet", words.quiet, "only the name, when it is done");
  app.add_flag("--plain-http", words.request.plain_http, "the registry speaks no TLS");
  app.add_flag("-a,--all-tags", all_tags, "refused: name the tags");
  if (verb == "pull") {
    app.add_option("--platform", platform, "OS/ARCHITECTURE[/VARIANT]: which image of several")
        ->expected(1)
        ->allow_extra_args(false);
  }
  const Words names = parse_names(app, args);
  if (names.size() != 1) {
    throw UsageError(fmt::format("'mini-docker {}' requires exactly 1 argument", verb), kFailed);
  }
  if (all_tags) {
    throw UsageError("--all-tags is not supported: name one tag after the other", kFailed);
  }
  words.request.image = names.front();
  words.request.docker_config = docker_config_file();
  words.request.platform = last(platform);
  return words;
}

}  // namespace

int pull(const Globals& globals, const Words& args) {
  const TransferWords words = parse_transfer("pull", "Fetch an image from its registry", args);
  engine::Engine engine = open_engine(globals);
  if (!words.quiet) {
    pull_loudly(engine, words.request, STDOUT_FILENO);
    return 0;
  }
  const engine::PulledImage pulled = engine.pull(words.request, [](const auto&) {});
  warn(pulled.warnings);
  print((pulled.name.empty() ? words.request.image : pulled.name) + "\n");
  return 0;
}

int push(const Globals& globals, const Words& args) {
  const TransferWords words = parse_transfer("push", "Give an image to its registry", args);
  engine::Engine engine = open_engine(globals);
  if (!words.quiet) {
    push_loudly(engine, words.request, STDOUT_FILENO);
    return 0;
  }
  static_cast<void>(engine.push(words.request, [](const auto&) {}));
  print(words.request.image + "\n");
  return 0;
}

int search(const Globals&, const Words&) {
  throw Error(ErrorKind::unavailable,
              "search: registries have no such question; only Docker Hub's web site can search "
              "(https://hub.docker.com/search)");
}

}  // namespace minidocker::cli
