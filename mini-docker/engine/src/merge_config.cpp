#include "merge_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string name_of(const std::string& entry) { return entry.substr(0, entry.find('=')); }

void set(std::vector<std::string>& env, const std::string& entry) {
  const std::string name = name_of(entry);
  const auto place =
      std::ranges::find_if(env, [&](const std::string& other) { return name_of(other) == name; });
  const bool removes = name.size() == entry.size();
  if (removes && place != env.end()) env.erase(place);
  if (removes) return;
  if (place == env.end()) {
    env.push_back(entry);
  } else {
    *place = entry;
  }
}

/// A new entrypoint makes the image's Cmd meaningless: those were its arguments.
std::vector<std::string> merge_args(const ImageDefaults& image, const CreateRequest& request) {
  std::vector<std::string> args = request.entrypoint.value_or(image.entrypoint);
  const bool takes_image_cmd = request.command.empty() && !request.entrypoint;
  const std::vector<std::string>& rest = takes_image_cmd ? image.cmd : request.command;
  args.insert(args.end(), rest.begin(), rest.end());
  if (args.empty()) {
    throw Error(ErrorKind::invalid_argument,
                "no command specified: neither the image nor the command line names a program");
  }
  return args;
}

std::string merge_working_dir(const ImageDefaults& image, const CreateRequest& request) {
  const std::string dir = request.working_dir.value_or(image.working_dir);
  if (dir.empty()) return "/";
  if (!dir.starts_with('/')) {
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format("the working directory '{}' is invalid, it needs to be an absolute path", dir));
  }
  return std::filesystem::path(dir).lexically_normal();
}

}  // namespace

std::vector<std::string> merge_env(const std::vector<const std::vector<std::string>*>& lists) {
  std::vector<std::string> env;
  for (const std::vector<std::string>* list : lists) {
    for (const std::string& entry : *list) set(env, entry);
  }
  return env;
}

Program merge_config(const ImageDefaults& image, const CreateRequest& request,
                     const std::string& hostname) {
  std::vector<std::string> first{kPath, "HOSTNAME=" + hostname};
  if (request.terminal) first.emplace_back("TERM=xterm");
  Program program;
  program.args = merge_args(image, request);
  program.env = merge_env({&first, &image.env, &request.env});
  program.user = request.user.value_or(image.user);
  program.working_dir = merge_working_dir(image, request);
  return program;
}

}  // namespace minidocker::engine
