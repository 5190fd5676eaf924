// layers: a stack of layers to play with. Build it, look at what is mounted, see what changed.

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/signals.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/changes.hpp"
#include "minidocker/unionfs/export.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "minidocker/unionfs/upper_lease.hpp"
#include "stack.hpp"

namespace {

using layers_demo::Picture;
using layers_demo::Stack;
namespace unionfs = minidocker::unionfs;
namespace sys = minidocker::sys;

constexpr int kFailed = 1;

void print(const std::string& text) {
  minidocker::write_all(STDOUT_FILENO, text, "standard output");
}

/// What is mounted here shall not be seen outside.
struct OwnMounts {
  static constexpr minidocker::StepInfo kInfo{"03-unionfs", "a copy of the tree may be in touch"};
  minidocker::StepResult run(minidocker::ChildContext&) const noexcept {
    return sys::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  }
  [[nodiscard]] std::string describe() const { return "make all mounts private"; }
};

/// The program shall start in the merged directory.
struct EnterDirectory {
  static constexpr minidocker::StepInfo kInfo{"03-unionfs", "that is where the layers are seen"};
  const char* path;
  minidocker::StepResult run(minidocker::ChildContext&) const noexcept { return sys::chdir(path); }
  [[nodiscard]] std::string describe() const { return std::string("go to ") + path; }
};

/// Runs `argv` in a mount namespace of its own, in which the stack is mounted.
int enter(const Stack& stack, const std::vector<std::string>& argv) {
  const auto lease = unionfs::UpperLease::take(stack.upper());
  minidocker::ChildPlan plan;
  plan.add(OwnMounts{});
  plan.add(unionfs::make_mount_overlay(plan, {stack.lowers(), stack.upper(), stack.work()},
                                       stack.merged()));
  plan.add(EnterDirectory{plan.copy(stack.merged())});
  plan.add(minidocker::ResetSignals{minidocker::inherited_signals().ignored});
  plan.add(minidocker::CloseFrom{3});
  using Path = std::array<char, minidocker::FindProgram::kMaxPath>;
  char* const found = plan.make<Path>()->data();
  const char* const path = std::getenv("PATH");
  plan.add(minidocker::FindProgram{plan.copy(argv.front()),
                                   path == nullptr ? nullptr : plan.copy(path), found});
  plan.add(minidocker::Exec{found, plan.copy_array(argv), environ});
  minidocker::StartedChild child =
      minidocker::StartedChild::start(plan, {.flags = CLONE_NEWNS, .exit_signal = SIGCHLD});
  child.wait_for_exec();
  return child.process().wait().shell_code();
}

/// One line an entry: what an archive would hold.
class Printer final : public unionfs::LayerSink {
 public:
  void add(const unionfs::LayerEntry& entry) override {
    constexpr const char* kLetters = "-hlcbdp";
    print(fmt::format("{}{:04o} {}:{} /{}{}\n", kLetters[static_cast<std::size_t>(entry.type)],
                      entry.mode, entry.uid, entry.gid, entry.path,
                      entry.link.empty() ? "" : " -> " + entry.link));
  }
};

void print_changes(const Stack& stack) {
  for (const unionfs::Change& change : unionfs::find_changes(stack.upper(), stack.lowers())) {
    print(fmt::format("{} {}\n", unionfs::letter_of(change.kind), change.path));
  }
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::array<char, PATH_MAX> here;
  sys::getcwd(here.data(), here.size()).or_throw("the working directory");
  return std::string(here.data()) + "/" + path;
}

int run(CLI::App& app, const Stack& stack, const std::vector<std::string>& argv, bool svg) {
  app.got_subcommand("new") ? stack.create() : stack.mend();
  if (app.got_subcommand("seal")) {
    const auto lease = unionfs::UpperLease::take(stack.upper());
    print(fmt::format("layer {}\n", stack.seal()));
  }
  if (app.got_subcommand("diff")) print_changes(stack);
  if (app.got_subcommand("export")) {
    Printer printer;
    unionfs::export_layer(stack.upper(), stack.lowers(), printer);
  }
  if (app.got_subcommand("draw")) {
    const Picture picture = layers_demo::take_picture(stack);
    print(svg ? layers_demo::as_svg(picture) : layers_demo::as_text(picture));
  }
  return app.got_subcommand("in") ? enter(stack, argv) : 0;
}

int parse_and_run(int argc, char** argv) {
  minidocker::prepare_process();
  CLI::App app("A stack of layers to play with.", "layers");
  std::string directory;
  std::vector<std::string> command;
  bool svg = false;
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("stack", directory, "directory of the stack")->required();
    return sub;
  };
  add("new", "make an empty stack");
  add("in", "run a program in the mounted stack")
      ->add_option("command", command, "the program and its arguments")
      ->required();
  add("seal", "make the upper directory the next layer");
  add("diff", "what the upper directory changes of the layers below");
  add("export", "the upper directory as entries of an archive");
  add("draw", "which layer has what")->add_flag("--svg", svg, "as a drawing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  return run(app, Stack(absolute(directory)), command, svg);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    return minidocker::complain("layers", error.what(), kFailed);
  }
}
