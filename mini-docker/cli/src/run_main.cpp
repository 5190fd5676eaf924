#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env_flags.hpp"
#include "limit_flags.hpp"
#include "mode_flags.hpp"
#include "mount_flags.hpp"
#include "parse_words.hpp"
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

void add_switches(CLI::App& app, engine::CreateRequest& request) {
  app.add_flag("-i,--interactive", request.interactive, "keep standard input open");
  app.add_flag("-t,--tty", request.terminal, "give the program a terminal");
  app.add_flag("--rm", request.auto_remove, "remove the container when it ends");
  app.add_flag("--read-only", request.read_only, "mount the root filesystem read-only");
  app.add_flag("--privileged", request.privileged, "all capabilities and devices, nothing masked");
  app.add_flag("--oom-kill-disable", request.limits.oom_kill_disable,
               "at the memory limit wait rather than be killed");
  app.add_flag("--init", request.init, "run a small init that reaps and forwards signals");
}

void add_values(CLI::App& app, RunWords& words) {
  add_list(app, "--name", words.name, "name of the container");
  add_list(app, "-h,--hostname", words.hostname, "its host name");
  add_list(app, "-e,--env", words.env, "set a variable: NAME=value, or NAME");
  add_list(app, "--env-file", words.env_files, "read variables from a file");
  add_list(app, "-w,--workdir", words.workdir, "working directory");
  add_list(app, "-u,--user", words.user, "USER[:GROUP], names or numbers");
  add_list(app, "-v,--volume", words.volumes, "bind HOSTPATH:PATH[:ro]");
  add_list(app, "--mount", words.mounts, "type=bind|tmpfs,source=..,target=..");
  add_list(app, "--tmpfs", words.tmpfs, "PATH[:OPTIONS]");
  add_list(app, "--cap-add", words.cap_add, "add a capability");
  add_list(app, "--cap-drop", words.cap_drop, "drop a capability");
  add_list(app, "--security-opt", words.security, "no-new-privileges");
  add_list(app, "--pid", words.pid, "PID namespace: host");
  add_list(app, "--ipc", words.ipc, "IPC namespace: private, none or host");
  add_list(app, "--uts", words.uts, "UTS namespace: host");
  add_list(app, "--network,--net", words.network, "network: none or host");
  add_list(app, "--entrypoint", words.entrypoint, "replaces the image's entry point");
  add_list(app, "--runtime", words.runtime, "another OCI runtime, e.g. crun");
}

void add_limits(CLI::App& app, RunWords& words) {
  auto values = words.limits.begin();
  for (const LimitFlag& flag : limit_flags()) add_list(app, flag.spelling, *values++, flag.help);
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

void add_refused(CLI::App& app, const Words& args) {
  for (const RefusedFlag& flag : refused_flags()) {
    const auto refuse = [&flag, &args] {
      const std::string reason = flag.reason.empty() ? "" : fmt::format(": {}", flag.reason);
      throw UsageError(fmt::format("run {}: not supported yet{}", spelling_of(flag, args), reason));
    };
    const std::string spelling(flag.spelling);
    if (flag.kind == FlagKind::alone) {
      app.add_flag_callback(spelling, refuse)->group("");
    } else {
      app.add_option_function<Words>(spelling, [refuse](const Words&) { refuse(); })
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->group("");
    }
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
  CLI::App app(
      "Make a container from an image and run a command in it: [OPTIONS] IMAGE [COMMAND] "
      "[ARG...]",
      "mini-docker run");
  app.set_help_flag("");  // CLI11's own takes -h, which is the host name
  add_switches(app, request);
  add_values(app, words);
  add_limits(app, words);
  add_refused(app, args);

  const Words rest = parse_words(app, args);
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
