#include "commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "list.hpp"
#include "minidocker/runtime/console_socket.hpp"
#include "minidocker/runtime/container.hpp"
#include "minidocker/runtime/foreground.hpp"
#include "minidocker/runtime/lifecycle.hpp"
#include "minidocker/runtime/state.hpp"
#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::runtime {
namespace {

void print(const std::string& text) { write_all(STDOUT_FILENO, text, "standard output"); }

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::string cwd(4096, '\0');
  cwd.resize(sys::getcwd(cwd.data(), cwd.size()).or_throw() - 1);
  return path == "." ? cwd : cwd + "/" + path;
}

spec::Spec read_spec(const std::string& bundle) {
  const trace::Scope scope("runtime", "read the bundle's config.json");
  return spec::parse(read_file(bundle + "/config.json"));
}

/// Terminal and socket must fit together before anything exists.
void check_terminal(const spec::Spec& spec, const MakeOptions& make, bool detached) {
  const bool socket = !make.console_socket.empty();
  if (spec.process.terminal && detached && !socket) {
    throw Error(ErrorKind::invalid_argument,
                "cannot allocate tty if runc will detach without setting console socket; hint: "
                "--console-socket PATH, or /process/terminal false");
  }
  if (!spec.process.terminal && socket) {
    throw Error(ErrorKind::invalid_argument,
                "cannot use console socket if runc will not detach or allocate tty; hint: leave "
                "--console-socket out, or set /process/terminal");
  }
}

CreateOptions create_options(const GlobalOptions& global, const MakeOptions& make,
                             const spec::Spec& spec) {
  CreateOptions options;
  options.id = make.id;
  options.state_root = global.root;
  options.bundle = absolute(make.bundle);
  const std::string& root = spec.root.path;
  options.root = DirectoryRoot{root.starts_with('/') ? root : options.bundle + "/" + root};
  options.pivot_root = !make.no_pivot;
  options.session_keyring = !make.no_new_keyring;
  options.preserve_fds = make.preserve_fds;
  return options;
}

/// What comes after the container is made: its terminal and its pid go where they are awaited.
void hand_out(Container& container, const MakeOptions& make, const UniqueFd& console) {
  if (console) send_console(console.get(), container.take_terminal().get());
  if (!make.pid_file.empty()) {
    write_atomically(make.pid_file, fmt::format("{}", container.process().pid()), 0644);
  }
}

UniqueFd connect_console(const MakeOptions& make) {
  return make.console_socket.empty() ? UniqueFd() : connect_console_socket(make.console_socket);
}

int run_foreground(const spec::Spec& spec, CreateOptions options, const MakeOptions& make) {
  const UniqueFd console = connect_console(make);
  const ForegroundSignals signals;
  options.lifetime = Lifetime::parent;
  Container container = Container::create(spec, options);
  hand_out(container, make, console);
  container.start();
  const ExitStatus status = stand_by(container.process(), signals, container.take_terminal());
  if (make.keep) {
    container.release();
  } else {
    container.remove();
  }
  return status.shell_code();
}

int run_detached(const spec::Spec& spec, const CreateOptions& options, const MakeOptions& make) {
  const UniqueFd console = connect_console(make);
  Container container = Container::create(spec, options);
  hand_out(container, make, console);
  container.start();
  container.release();
  return 0;
}

}  // namespace

std::string default_root() {
  if (sys::geteuid() == 0) return "/run/mini-runc";
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  if (runtime_dir == nullptr || *runtime_dir == '\0') {
    throw Error(ErrorKind::invalid_argument,
                "no directory for the containers' state: XDG_RUNTIME_DIR is not set; hint: --root "
                "DIR");
  }
  return std::string(runtime_dir) + "/mini-runc";
}

int create_command(const GlobalOptions& global, const MakeOptions& make) {
  const spec::Spec spec = read_spec(make.bundle);
  check_terminal(spec, make, true);
  CreateOptions options = create_options(global, make, spec);
  options.start = Start::by_command;
  const UniqueFd console = connect_console(make);
  Container container = Container::create(spec, options);
  hand_out(container, make, console);
  container.release();
  return 0;
}

int run_command(const GlobalOptions& global, const MakeOptions& make) {
  const spec::Spec spec = read_spec(make.bundle);
  check_terminal(spec, make, make.detach);
  const CreateOptions options = create_options(global, make, spec);
  return make.detach ? run_detached(spec, options, make) : run_foreground(spec, options, make);
}

int plan_command(const GlobalOptions& global, const MakeOptions& make) {
  const spec::Spec spec = read_spec(make.bundle);
  const PlanText plan = Container::plan(spec, create_options(global, make, spec));
  std::string text = "parent\n";
  for (const std::string& line : plan.parent) text += fmt::format("      {}\n", line);
  text += "child\n";
  std::size_t number = 0;
  for (const StepDescription& step : plan.child) {
    text += fmt::format("{:4}  {:<13}  {}\n", ++number, step.chapter, step.what);
  }
  print(text);
  return 0;
}

int start_command(const GlobalOptions& global, const std::string& id) {
  start_created(global.root, id);
  return 0;
}

int state_command(const GlobalOptions& global, const std::string& id) {
  const State state = get_state(global.root, id);
  print(to_json(state, status_of(global.root, state)) + "\n");
  return 0;
}

int kill_command(const GlobalOptions& global, const std::string& id, const std::string& signal,
                 bool all) {
  kill_container(global.root, id, parse_signal(signal), all ? Recipients::all : Recipients::init);
  return 0;
}

int delete_command(const GlobalOptions& global, const std::string& id, bool force) {
  delete_container(global.root, id, force ? Force::yes : Force::no);
  return 0;
}

int list_command(const GlobalOptions& global, const std::string& format, bool quiet) {
  std::vector<ListedContainer> containers;
  for (const std::string& id : list_ids(global.root)) {
    // One that is deleted while we look is no error.
    if (const std::optional<State> state = find_state(global.root, id)) {
      containers.push_back({*state, status_of(global.root, *state)});
    }
  }
  print(quiet              ? list_quiet(containers)
        : format == "json" ? list_json(containers)
                           : list_table(containers));
  return 0;
}

int spec_command(const std::string& bundle, bool rootless) {
  const std::string path = bundle + "/config.json";
  if (exists(path)) {
    throw Error(ErrorKind::conflict, fmt::format("{} exists; hint: remove it first", quoted(path)));
  }
  const spec::Spec spec =
      rootless ? spec::rootless_spec(sys::geteuid(), sys::getegid()) : spec::default_spec();
  write_atomically(path, spec::write(spec, spec::Layout::pretty));
  return 0;
}

}  // namespace minidocker::runtime
