#include "shim_client.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "minidocker/security/own_program.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "storage.hpp"

namespace minidocker::engine {
namespace {

constexpr int kShimDied = 125;

/// config.json in memory: it may be longer than a message.
UniqueFd memory_file(const std::string& text) {
  UniqueFd fd = sys::memfd_create("config.json", 0).or_throw("config.json");
  write_all(fd.get(), text, "config.json in memory");
  sys::lseek(fd.get(), 0, SEEK_SET).or_throw("config.json in memory");
  return fd;
}

shim::Start start_message(const Paths& paths, const ContainerRow& row, const ContainerPaths& places,
                          const StartOptions& options) {
  shim::Start start;
  start.id = row.id;
  start.root = root_of(row, places);
  start.directory = places.shim;
  start.state_root = places.state_root;
  start.runtime = row.runtime;
  start.scope_helper = paths.programs + "/mini-scope";
  start.user = row.user;
  start.explain = options.explain;
  start.fds.spec = memory_file(row.spec);
  start.fds.in = row.interactive ? sys::dup(options.in).or_throw("standard input")
                                 : sys::open("/dev/null", O_RDWR).or_throw("/dev/null");
  start.fds.out = sys::dup(options.out).or_throw("standard output");
  start.fds.err = sys::dup(options.err).or_throw("standard error");
  if (options.explain) start.fds.trace = sys::dup(options.explain_fd).or_throw("the narration");
  return start;
}

/// The shim stands outside the container, but is of its PID namespace's parent: with `--pid host`
/// the container sees it.
Process spawn_read_only(const std::string& program, std::span<const std::pair<int, int>> fds) {
  const UniqueFd mounted = security::read_only_program(program);
  if (!mounted) return Process::spawn({program}, fds);
  const UniqueFd above = sys::dup(mounted.get(), shim::kLockFd + 1).or_throw(program);
  return Process::spawn({FdPath(above.get()).c_str()}, fds);
}

RunningShim spawn_shim(const std::string& program, int lock_fd) {
  SocketPair sockets = SocketPair::make();
  const UniqueFd null = sys::open("/dev/null", O_RDWR).or_throw("/dev/null");
  // Each becomes what it is to be in this order: the last must not have the number of another.
  const UniqueFd lock = sys::dup(lock_fd, shim::kLockFd + 1).or_throw("the container's lock");
  // The shim itself prints nothing: what it has to say goes over its socket.
  const std::array<std::pair<int, int>, 5> fds{{{null.get(), 0},
                                                {null.get(), 1},
                                                {null.get(), 2},
                                                {sockets.theirs.get(), shim::kSocketFd},
                                                {lock.get(), shim::kLockFd}}};
  Process process = spawn_read_only(program, fds);
  return {std::move(process), std::move(sockets.ours)};
}

void await_start(RunningShim& running) {
  for (;;) {
    const std::optional<shim::Event> event = shim::receive_event(running.socket.get());
    if (!event) {
      const ExitStatus status = running.process.wait();
      throw StartError(ErrorKind::internal,
                       fmt::format("the container's shim died ({}) before the program ran",
                                   status.signal != 0 ? fmt::format("signal {}", status.signal)
                                                      : fmt::format("exit code {}", status.code)),
                       kShimDied);
    }
    if (std::holds_alternative<shim::Started>(*event)) return;
    if (const auto* failed = std::get_if<shim::Failed>(&*event)) {
      running.process.wait();
      throw StartError(failed->kind, failed->message, failed->exit_code);
    }
  }
}

}  // namespace

std::vector<std::string> lowers_of(const ContainerRow& row, const ContainerPaths& places) {
  std::vector<std::string> lowers = layers_of(row);
  lowers.insert(lowers.begin(), places.directory + "/init");
  return lowers;
}

ContainerPaths::ContainerPaths(const Paths& paths, const ContainerRow& row)
    : directory(paths.state + "/containers/" + row.id),
      shim(paths.run + "/shim/" + row.id),
      lock(paths.run + "/lock/" + row.id),
      state_root(paths.run + (row.runtime.empty() ? "/runtime" : "/oci")) {}

RunningShim start_shim(const Paths& paths, const ContainerRow& row, const StartOptions& options,
                       int lock_fd) {
  const trace::Scope scope("mini-docker/shim", "start mini-shim and hand it the container",
                           "it outlives requests, holds the terminal, and records the exit");
  const ContainerPaths places(paths, row);
  remove_tree(places.shim);  // of an earlier run
  make_dirs(places.shim, 0700);
  make_dirs(places.state_root, 0700);
  const shim::Start start = start_message(paths, row, places, options);
  RunningShim running = spawn_shim(paths.programs + "/mini-shim", lock_fd);
  shim::send(running.socket.get(), start);
  await_start(running);
  return running;
}

void clean_up_after_shim(const Paths& paths, const ContainerRow& row) {
  const ContainerPaths places(paths, row);
  if (!exists(places.state_root + "/" + row.id)) return;
  std::vector<std::string> argv{paths.programs + "/mini-shim", "cleanup", places.state_root,
                                row.id};
  if (!row.runtime.empty()) argv.push_back(row.runtime);
  Pipe errors = Pipe::make();
  const std::array<std::pair<int, int>, 1> fds{{{errors.write_end.get(), 2}}};
  Process process = Process::spawn(argv, fds);
  errors.write_end.reset();
  std::string words = read_all(errors.read_end.get(), "errors of mini-shim cleanup");
  if (process.wait().shell_code() == 0) return;
  while (words.ends_with('\n')) words.pop_back();
  throw Error(
      ErrorKind::internal,
      fmt::format("container {}: what its shim left cannot be removed: {}", row.name, words));
}

}  // namespace minidocker::engine
