#include "commands.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "list.hpp"
#include "minidocker/runtime/console_socket.hpp"
#include "minidocker/runtime/container.hpp"
#include "minidocker/runtime/foreground.hpp"
#include "minidocker/runtime/lifecycle.hpp"
#include "minidocker/runtime/state.hpp"
#include "minidocker/security/own_program.hpp"
#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "scope_helper.hpp"

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
  return spec::parse(read_regular_file(bundle + "/config.json"));
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
  options.ignored_signals = global.ignored_signals;
  if (global.systemd_cgroup) options.scope_helper = find_scope_helper();
  return options;
}

/// Whoever waits for a descriptor of the container; connected before anything of it exists.
struct Listeners {
  UniqueFd console;
  UniqueFd pidfd;

  explicit Listeners(const MakeOptions& make) {
    if (!make.console_socket.empty()) {
      console = connect_socket("console socket", make.console_socket);
    }
    if (!make.pidfd_socket.empty()) pidfd = connect_socket("pidfd socket", make.pidfd_socket);
  }
};

/// Only for who asked: conmon takes a log of more than one error for no JSON.
void tell_warnings(const GlobalOptions& global, const Container& container) {
  if (!global.debug && !global.explain) return;
  for (const std::string& warning : container.warnings()) {
    log_warning(global.log, global.log_format, warning);
  }
}

/// What comes after the container is made: its descriptors and its pid go where they are awaited.
void hand_out(Container& container, const MakeOptions& make, const Listeners& listeners) {
  if (listeners.console) send_console(listeners.console.get(), container.take_terminal().get());
  if (listeners.pidfd) send_pidfd(listeners.pidfd.get(), container.process().pidfd());
  if (!make.pid_file.empty()) {
    write_atomically(make.pid_file, fmt::format("{}", container.process().pid()), 0644);
  }
}

/// What our caller leaked is closed before anything of the container is looked up: an image may
/// name /proc/self/fd/N/.. as its program, and would be out of its root (CVE-2024-21626).
void close_leaked(const MakeOptions& make) {
  sys::close_range_from(3 + make.preserve_fds, 0).or_throw("leaked descriptors");
}

/// Whoever shares the container's PID namespace may get at the program that makes it: see
/// own_program.hpp. In one of its own there is nobody else, and when its first process ends, nobody
/// is left. Returns, or becomes mini-runc again.
void keep_program_from(const spec::Spec& spec, const GlobalOptions& global) {
  if (spec.linux_.makes(spec::NamespaceType::pid)) return;
  if (security::own_program_is_read_only()) {
    sys::set_name("mini-runc").or_throw();  // executed by a descriptor, it was named by that
    return;
  }
  const trace::Scope scope("07-security", "execute mini-runc anew, from a read-only mount",
                           "the container sees processes that may show it our binary");
  const UniqueFd program = security::read_only_program("/proc/self/exe");
  if (!program) return;
  std::vector<char*> env;
  for (char** entry = environ; *entry != nullptr; ++entry) env.push_back(*entry);
  std::string told;  // to our next self
  if (global.systemd_cgroup) told = fmt::format("{}={}", kScopeVariable, find_scope_helper());
  if (!told.empty()) env.push_back(told.data());
  env.push_back(nullptr);
  sys::execve(FdPath(program.get()).c_str(), global.argv, env.data()).or_throw("mini-runc");
}

/// Nobody looks at the root beforehand, as making the container does; what it then says of a step
/// is put into words of the configuration.
Container create_container(const GlobalOptions& global, const spec::Spec& spec,
                           const CreateOptions& options) {
  try {
    Container container = Container::create(spec, options);
    tell_warnings(global, container);
    return container;
  } catch (const StepError&) {
    const std::string& root = target_of(options.root);
    const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, root.c_str(), 0);
    if (status.ok() && S_ISDIR(status.value().st_mode)) throw;
    const int code = status.ok() ? ENOTDIR : status.error();
    throw Error(ErrorKind::invalid_argument,
                fmt::format("config.json: /root/path: {}: {} ({})", quoted(root), errno_words(code),
                            errno_name(code)));
  }
}

int run_foreground(const GlobalOptions& global, const spec::Spec& spec, CreateOptions options,
                   const MakeOptions& make) {
  const Listeners listeners(make);
  const bool own_pids = spec.linux_.makes(spec::NamespaceType::pid);
  const ForegroundSignals signals(own_pids ? Orphans::are_the_containers : Orphans::are_ours);
  options.lifetime = Lifetime::parent;
  if (make.hands_out_nothing()) options.start = Start::at_once;
  Container container = create_container(global, spec, options);
  hand_out(container, make, listeners);
  container.start();
  const ExitStatus status = stand_by(container.process(), signals, container.take_terminal());
  if (make.keep) {
    container.release();
  } else {
    container.remove();
  }
  return status.shell_code();
}

int run_detached(const GlobalOptions& global, const spec::Spec& spec, const CreateOptions& options,
                 const MakeOptions& make) {
  const Listeners listeners(make);
  Container container = create_container(global, spec, options);
  hand_out(container, make, listeners);
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
  close_leaked(make);
  const spec::Spec spec = read_spec(make.bundle);
  keep_program_from(spec, global);
  check_terminal(spec, make, true);
  CreateOptions options = create_options(global, make, spec);
  options.start = Start::by_command;
  const Listeners listeners(make);
  Container container = create_container(global, spec, options);
  hand_out(container, make, listeners);
  container.release();
  return 0;
}

int run_command(const GlobalOptions& global, const MakeOptions& make) {
  close_leaked(make);
  const spec::Spec spec = read_spec(make.bundle);
  keep_program_from(spec, global);
  check_terminal(spec, make, make.detach);
  const CreateOptions options = create_options(global, make, spec);
  return make.detach ? run_detached(global, spec, options, make)
                     : run_foreground(global, spec, options, make);
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
