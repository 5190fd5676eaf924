// caprun: a program with the powers that it is given, and no others. The chapter's mechanisms for a
// process of the host: what a container needs besides is in the other chapters.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/capability_rules.hpp"
#include "minidocker/security/no_new_privs.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace {

namespace sec = minidocker::security;
using minidocker::ChildPlan;
using minidocker::Error;
using minidocker::ErrorKind;

constexpr int kFailed = 125;  // as docker: what failed is caprun, not the program

/// The command line as it was given.
struct Arguments {
  std::vector<std::string> keep;
  std::vector<std::string> ambient;
  std::string user;
  bool no_new_privs = false;
  bool show = false;
  bool predict = false;
  bool explain = false;
  std::vector<std::string> command;
};

void define(CLI::App& app, Arguments& arguments) {
  app.add_option("--keep", arguments.keep,
                 "the bounding set: CAP_KILL,CAP_CHOWN, or default (docker's), or none; without it "
                 "the set stays as it is")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--ambient", arguments.ambient, "what the program shall have whoever runs it")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--user", arguments.user, "USER[:GROUP], by name or number; root without it");
  app.add_flag("--no-new-privs", arguments.no_new_privs, "promise never to gain privileges");
  app.add_flag("--show", arguments.show, "run nothing: print the five sets that we have");
  app.add_flag("--predict", arguments.predict,
               "run nothing: print the five sets that an ordinary program would have");
  app.add_flag("--explain", arguments.explain, "tell every kernel step");
  app.prefix_command();  // what follows is the program, options and all
}

sec::CapabilitySet parse(const std::vector<std::string>& names, const char* option) {
  if (names == std::vector<std::string>{"default"}) return sec::default_capabilities();
  if (names == std::vector<std::string>{"none"}) return {};
  std::vector<std::string> unknown;
  const sec::CapabilitySet set = sec::parse_capabilities(names, &unknown);
  if (unknown.empty()) return set;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: unknown capability {}", option,
                                                       minidocker::quoted(unknown.front())));
}

/// Who `user` is by this machine's files: the step of a container's child, run here.
sec::UserSlot look_up(const std::string& user) {
  const minidocker::UniqueFd root =
      minidocker::sys::open("/", O_PATH | O_DIRECTORY).or_throw("\"/\"");
  const int root_fd = root.get();
  sec::UserSlot slot;
  minidocker::ChildContext context;
  const minidocker::StepResult found = sec::LookupUser{&root_fd, user.c_str(), &slot}.run(context);
  if (found) return slot;
  const std::string words = sec::user_error(user, found.error);
  if (!words.empty()) throw Error(ErrorKind::invalid_argument, words);
  throw minidocker::SystemError("look up user", minidocker::quoted(user), found.error);
}

/// Who the program will be, and with which sets it will be executed.
struct Wanted {
  sec::UserSlot user;
  sec::ProcessCapabilities sets;
};

Wanted want(const Arguments& arguments) {
  Wanted wanted{look_up(arguments.user), sec::process_capabilities()};
  sec::ProcessCapabilities& sets = wanted.sets;
  if (!arguments.keep.empty()) sets.bounding = sets.bounding & parse(arguments.keep, "--keep");
  sets.permitted = sets.effective = sets.permitted & sets.bounding;
  sets.inheritable = sets.ambient = parse(arguments.ambient, "--ambient");
  return wanted;
}

// quote: order
void add_privileges(ChildPlan& plan, const Wanted& wanted, bool no_new_privs) {
  auto* const user = plan.make<sec::UserSlot>(wanted.user);
  const sec::ProcessCapabilities& sets = wanted.sets;
  if (no_new_privs) plan.add(sec::SetNoNewPrivs{});
  plan.add(sec::DropBounding{sets.bounding, sec::process_capabilities().bounding});
  plan.add(sec::SetGroups{user, sec::GroupsDenied::is_an_error});
  plan.add(sec::KeepCapabilities{});
  plan.add(sec::SetIds{user});
  plan.add(sec::SetCapabilities{sets.effective, sets.permitted, sets.inheritable});
  plan.add(sec::ClearAmbient{});
  plan.add(sec::RaiseAmbient{sets.ambient});
}
// quote: end

int run(const Arguments& arguments, minidocker::SignalSet ignored) {
  using Path = std::array<char, minidocker::FindProgram::kMaxPath>;
  ChildPlan plan;
  add_privileges(plan, want(arguments), arguments.no_new_privs);
  char** const argv = plan.copy_array(arguments.command);
  char* const found = plan.make<Path>()->data();
  // A change of ids would clear it.
  plan.add(minidocker::ParentDeathSignal{SIGKILL});
  plan.add(minidocker::ResetSignals{ignored});
  plan.add(minidocker::CloseFrom{3});
  plan.add(minidocker::FindProgram{argv[0], ::getenv("PATH"), found});
  plan.add(minidocker::Exec{found, argv, environ});
  minidocker::StartedChild child = minidocker::StartedChild::start(plan, {});
  child.wait_for_exec();
  return child.release().wait().shell_code();
}

int print(const sec::ProcessCapabilities& sets) {
  const std::array<std::pair<const char*, sec::CapabilitySet>, 5> rows{
      {{"bounding", sets.bounding},
       {"permitted", sets.permitted},
       {"effective", sets.effective},
       {"inheritable", sets.inheritable},
       {"ambient", sets.ambient}}};
  std::string text;
  for (const auto& [name, set] : rows) {
    text += fmt::format("{:<12}{}\n", name, sec::in_words(set));
  }
  minidocker::write_all(STDOUT_FILENO, text, "standard output");
  return 0;
}

int print_prediction(const Arguments& arguments) {
  const Wanted wanted = want(arguments);
  const sec::Execution how{std::nullopt, wanted.user.uid == 0, arguments.no_new_privs};
  return print(sec::after_execve(wanted.sets, how).value());
}

int parse_and_run(int argc, char** argv) {
  const minidocker::SignalSet ignored = minidocker::prepare_process();
  CLI::App app("Runs a program with the capabilities it is given.", "caprun");
  Arguments arguments;
  define(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  if (arguments.show) return print(sec::process_capabilities());
  if (arguments.predict) return print_prediction(arguments);
  arguments.command = minidocker::take_command("caprun", app.remaining());
  std::unique_ptr<minidocker::trace::Sink> sink;
  if (arguments.explain) {
    sink = minidocker::trace::make_writer(minidocker::trace::Format::text, STDERR_FILENO, "caprun");
  }
  const minidocker::trace::Session session(sink.get());
  return run(arguments, ignored);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const minidocker::ProgramError& error) {
    return minidocker::complain("caprun", error.what(), error.exit_code());
  } catch (const std::exception& error) {
    return minidocker::complain("caprun", error.what(), kFailed);
  }
}
