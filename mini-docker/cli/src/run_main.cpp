#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env_flags.hpp"
#include "flag_parser.hpp"
#include "limit_flags.hpp"
#include "mode_flags.hpp"
#include "mount_flags.hpp"
#include "refused_flags.hpp"
#include "run_flags.hpp"
#include "usage_error.hpp"
#include "words.hpp"

namespace minidocker::cli {
namespace {

using Words = std::vector<std::string>;

/// The flags as words; values are looked at when all are there, in a fixed order.
struct RunWords {
  Words env, env_files, volumes, mounts, tmpfs, security, cap_add, cap_drop;
  Words name, hostname, user, workdir, entrypoint, runtime;
  Words pid, ipc, uts, network;
  std::vector<Words> limits{limit_flags().size()};  ///< each at its flag's place
};

void add_switches(FlagParser& flags, engine::CreateRequest& request) {
  flags.add_switch("-i,--interactive", request.interactive, "keep standard input open");
  flags.add_switch("-t,--tty", request.terminal, "give the program a terminal");
  flags.add_switch("--rm", request.auto_remove, "remove the container when it ends");
  flags.add_switch("--read-only", request.read_only, "mount the root filesystem read-only");
  flags.add_switch("--privileged", request.privileged,
                   "all capabilities and devices, nothing masked");
  flags.add_switch("--oom-kill-disable", request.limits.oom_kill_disable,
                   "at the memory limit wait rather than be killed");
  flags.add_switch("--init", request.init, "run a small init that reaps and forwards signals");
}

void add_values(FlagParser& flags, RunWords& words) {
  flags.add_list("--name", words.name, "name of the container");
  flags.add_list("-h,--hostname", words.hostname, "its host name");
  flags.add_list("-e,--env", words.env, "set a variable: NAME=value, or NAME");
  flags.add_list("--env-file", words.env_files, "read variables from a file");
  flags.add_list("-w,--workdir", words.workdir, "working directory");
  flags.add_list("-u,--user", words.user, "USER[:GROUP], names or numbers");
  flags.add_list("-v,--volume", words.volumes, "bind HOSTPATH:PATH[:ro]");
  flags.add_list("--mount", words.mounts, "type=bind|tmpfs,source=..,target=..");
  flags.add_list("--tmpfs", words.tmpfs, "PATH[:OPTIONS]");
  flags.add_list("--cap-add", words.cap_add, "add a capability");
  flags.add_list("--cap-drop", words.cap_drop, "drop a capability");
  flags.add_list("--security-opt", words.security, "no-new-privileges");
  flags.add_list("--pid", words.pid, "PID namespace: host");
  flags.add_list("--ipc", words.ipc, "IPC namespace: private, none or host");
  flags.add_list("--uts", words.uts, "UTS namespace: host");
  flags.add_list("--network,--net", words.network, "network: none or host");
  flags.add_list("--entrypoint", words.entrypoint, "replaces the image's entry point");
  flags.add_list("--runtime", words.runtime, "another OCI runtime, e.g. crun");
}

void add_limits(FlagParser& flags, RunWords& words) {
  auto values = words.limits.begin();
  for (const LimitFlag& flag : limit_flags()) flags.add_list(flag.spelling, *values++, flag.help);
}

/// As the user spelled it, if that can be told: a long name that stands there, else the first one.
std::string spelling_of(const RefusedFlag& flag, const Words& args) {
  const Words spellings = split(flag.spelling, ',');
  const auto is_there = [&](const std::string& name) {
    return name.starts_with("--") && std::ranges::any_of(args, [&](const std::string& arg) {
             return arg == name || arg.starts_with(name + "=");
           });
  };
  const auto place = std::ranges::find_if(spellings, is_there);
  return place == spellings.end() ? spellings.front() : *place;
}

void add_refused(FlagParser& flags, const Words& args) {
  for (const RefusedFlag& flag : refused_flags()) {
    const auto refuse = [&flag, &args] {
      const std::string reason = flag.reason.empty() ? "" : fmt::format(": {}", flag.reason);
      throw UsageError(fmt::format("run {}: not supported yet{}", spelling_of(flag, args), reason));
    };
    flags.add_refused(std::string(flag.spelling), flag.kind, refuse);
  }
}

/// docker takes the last one.
std::optional<std::string> last(const Words& words) {
  if (words.empty()) return std::nullopt;
  return words.back();
}

/// Of these an empty one is none: the image's, or docker's own choice, holds.
std::optional<std::string> last_word(const Words& words) {
  const std::optional<std::string> word = last(words);
  return word && word->empty() ? std::nullopt : word;
}

void apply_program(engine::CreateRequest& request, const RunWords& words) {
  request.name = last_word(words.name);
  request.hostname = last_word(words.hostname);
  request.user = last_word(words.user);
  request.working_dir = last_word(words.workdir);
  request.runtime = last(words.runtime).value_or("");
  for (const std::string& path : words.env_files) {
    for (const std::string& entry : read_env_file(path)) request.env.push_back(entry);
  }
  for (const std::string& entry : words.env) request.env.push_back(parse_env(entry));
  if (const std::optional<std::string> program = last(words.entrypoint)) {
    request.entrypoint = program->empty() ? Words{} : Words{*program};
  }
}

void apply_mounts(engine::CreateRequest& request, const RunWords& words) {
  for (const std::string& text : words.volumes) request.mounts.push_back(parse_volume(text));
  for (const std::string& text : words.mounts) request.mounts.push_back(parse_mount(text));
  for (const std::string& text : words.tmpfs) request.mounts.push_back(parse_tmpfs(text));
}

void apply_limits(engine::CreateRequest& request, const RunWords& words) {
  auto values = words.limits.begin();
  for (const LimitFlag& flag : limit_flags()) {
    for (const std::string& text : *values++) flag.apply(request, text);
  }
}

void apply_isolation(engine::CreateRequest& request, const RunWords& words) {
  if (const auto text = last(words.pid)) request.pid = parse_pid_mode(*text);
  if (const auto text = last(words.ipc)) request.ipc = parse_ipc_mode(*text);
  if (const auto text = last(words.uts)) request.uts = parse_uts_mode(*text);
  if (const auto text = last(words.network)) request.network = parse_network_mode(*text);
  for (const std::string& text : words.security) apply_security_option(request, text);
  request.cap_add = words.cap_add;
  request.cap_drop = words.cap_drop;
}

}  // namespace

engine::CreateRequest parse_run(const std::vector<std::string>& args) {
  engine::CreateRequest request;
  RunWords words;
  FlagParser flags(
      "Make a container from an image and run a command in it: [OPTIONS] IMAGE [COMMAND] "
      "[ARG...]",
      "mini-docker run");
  add_switches(flags, request);
  add_values(flags, words);
  add_limits(flags, words);
  add_refused(flags, args);

  const Words rest = flags.parse_words(args);
  if (rest.empty()) throw UsageError("'mini-docker run' requires at least 1 argument", 1);
  request.image = rest.front();
  request.command.assign(rest.begin() + 1, rest.end());
  apply_program(request, words);
  apply_mounts(request, words);
  apply_limits(request, words);
  apply_isolation(request, words);
  return request;
}

}  // namespace minidocker::cli
