#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backend.hpp"
#include "foreign_runtime.hpp"
#include "foreign_user.hpp"
#include "minidocker/runtime/lifecycle.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mount.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "minidocker/unionfs/upper_lease.hpp"
#include "own_mounts.hpp"

namespace minidocker::shim {
namespace {

/// The overlay's options as long as one mount(2) can take them: another runtime needs the root
/// mounted before it starts, so the shim does it, in a mount namespace of its own: a shim that is
/// killed takes the mount with it.
void mount_root(const OverlayRoot& root) {
  enter_own_mounts();
  unionfs::OverlayLayers layers{
      root.lowers, root.upper, root.work,
      root.is_volatile ? unionfs::UpperSync::never : unionfs::UpperSync::on_unmount};
  const unionfs::OverlayPlan plan = unionfs::plan_overlay(layers);
  if (plan.form == unionfs::OverlayForm::appended) {
    throw Error(ErrorKind::unavailable,
                "this image has too many layers for a foreign runtime: leave --runtime away");
  }
  if (!plan.directory.empty()) sys::chdir(plan.directory.c_str()).or_throw(plan.directory);
  Mount::make("overlay", root.target, "overlay", 0, plan.options).release();
  sys::chdir("/").or_throw("/");
}

/// Listens for the master side of the terminal; the runtime connects through our descriptor of
/// the directory, as sun_path holds only 107 bytes.
class ConsoleSocket {
 public:
  explicit ConsoleSocket(const std::string& directory)
      : directory_(sys::open(directory.c_str(), O_PATH | O_DIRECTORY).or_throw(directory)),
        socket_(sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("console socket")) {
    path_ = "/proc/" + std::to_string(sys::getpid()) + "/fd/" + std::to_string(directory_.get()) +
            "/console";
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    sys::bind(socket_.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof(address))
        .or_throw(path_);
    sys::listen(socket_.get(), 1).or_throw(path_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] UniqueFd receive_master() {
    const UniqueFd client = sys::accept(socket_.get()).or_throw(path_);
    char payload[64];
    sys::Received received = sys::receive(client.get(), payload, sizeof(payload)).or_throw(path_);
    if (received.fd_count != 1) {
      throw Error(ErrorKind::internal, "the runtime sent no terminal over its console socket");
    }
    return std::move(received.fds[0]);
  }

 private:
  UniqueFd directory_;
  UniqueFd socket_;
  std::string path_;
};

pid_t read_pid(const std::string& path) {
  const std::string text = read_file(path);
  pid_t pid = -1;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 0) throw Error(ErrorKind::internal, path + ": the runtime wrote no pid");
  return pid;
}

class ForeignBackend final : public Backend {
 public:
  ~ForeignBackend() override {
    if (!runtime_) return;
    try {
      runtime_->remove(id_);
    } catch (const Error&) {
      // The error that brought us here says more; `cleanup` tries again.
    }
  }

  void create(const spec::Spec& spec, const Start& start, const ProgramStreams& streams) override {
    id_ = start.id;
    const std::string bundle = start.directory + "/bundle";
    make_dirs(bundle, 0700);
    spec::Spec mounted = spec;
    mounted.root.path = mount(start.root);
    mounted.oci_version = "1.0.2";  // crun 1.8 refuses later ones, and nothing here needs them
    resolve_user(mounted.process, start.user, mounted.root.path);
    write_atomically(bundle + "/config.json", spec::write(mounted));
    runtime_.emplace(start.runtime, start.state_root, bundle + "/log");
    if (wants_scope(spec)) runtime_->use_systemd();
    std::vector<std::string> args{"--bundle", bundle, "--pid-file", bundle + "/pid"};
    std::optional<ConsoleSocket> console;
    if (spec.process.terminal) {
      console.emplace(start.directory);
      args.insert(args.end(), {"--console-socket", console->path()});
    }
    args.push_back(id_);
    runtime_->call("create", args, streams);
    if (console) terminal_ = console->receive_master();
    const pid_t pid = read_pid(bundle + "/pid");  // ours to reap: we are the subreaper
    process_ = Process(pid, sys::pidfd_open(pid).or_throw("the container's first process"));
  }
  Process& process() override { return process_; }
  UniqueFd take_terminal() override { return std::move(terminal_); }
  void start() override { runtime_->call("start", {id_}); }
  void remove() override {
    runtime_->remove(id_);
    runtime_.reset();
  }

 private:
  std::string mount(const Root& root) {
    if (const auto* directory = std::get_if<DirectoryRoot>(&root)) return directory->path;
    const auto& overlay = std::get<OverlayRoot>(root);
    upper_ = unionfs::UpperLease::take(overlay.upper);
    mount_root(overlay);
    return overlay.target;
  }

  std::string id_;
  unionfs::UpperLease upper_;
  std::optional<ForeignRuntime> runtime_;
  Process process_;
  UniqueFd terminal_;
};

}  // namespace

std::unique_ptr<Backend> make_foreign_backend() { return std::make_unique<ForeignBackend>(); }

void clean_up(const std::string& state_root, const std::string& id, const std::string& runtime) {
  if (runtime.empty()) {
    runtime::delete_container(state_root, id, runtime::Force::yes);
  } else {
    ForeignRuntime(runtime, state_root, "").remove(id);
  }
}

}  // namespace minidocker::shim
