#include "minidocker/testing/dockerd.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kPatience{60};

/// Where the programs are that were unpacked together.
std::string programs() { return fs::path(path_of("dockerd")).parent_path().string(); }

/// Those find each other along PATH.
CommandOptions with_programs(CommandOptions options) {
  const char* path = std::getenv("PATH");
  options.env.push_back("PATH=" + programs() + ":" + (path == nullptr ? "" : path));
  return options;
}

/// Runs `words`, all that they print going to `log`, until they have said `ready`.
std::unique_ptr<RunningCommand> start(const std::string& log, const std::string& ready,
                                      const Words& words) {
  // The daemon writes on long after nobody here reads any more: tee goes on without its reader.
  Words shell{
      "sh", "-c", "log=$1 ready=$2; shift 2; \"$@\" 2>&1 | tee -p \"$log\" | grep -m 1 \"$ready\"",
      "sh", log,  ready};
  shell.insert(shell.end(), words.begin(), words.end());
  auto running = std::make_unique<RunningCommand>(shell, with_programs({.limit = kPatience}));
  if (!running->read_until(ready)) {
    throw std::runtime_error(words.front() + " does not begin: " + find_text(log).value_or(""));
  }
  return running;
}

std::unique_ptr<RunningCommand> start_containerd(const std::string& dir) {
  const std::string config = dir + "/containerd.toml";
  write_text(config, "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n");
  return start(dir + "/containerd.log", "containerd successfully booted",
               {"containerd", "--config", config, "--root", dir + "/containerd", "--state",
                dir + "/containerd-run", "--address", dir + "/containerd.sock"});
}

std::unique_ptr<RunningCommand> start_dockerd(const DockerdOptions& options,
                                              const std::string& group) {
  const std::string& dir = options.dir;
  // The one thing that no flag can say: else its key would lie in /etc/docker.
  const std::string config = dir + "/docker.json";
  write_text(config, "{\"deprecated-key-path\": \"" + dir + "/key.json\"}");
  return start(dir + "/docker.log", "API listen on",
               {"dockerd",
                "--config-file",
                config,
                "--containerd",
                dir + "/containerd.sock",
                "--data-root",
                dir + "/data",
                "--exec-root",
                dir + "/run",
                "--pidfile",
                dir + "/docker.pid",
                "-H",
                "unix://" + dir + "/docker.sock",
                "--storage-driver",
                options.storage_driver,
                "--cgroup-parent",
                "/" + group,
                "--exec-opt",
                "native.cgroupdriver=cgroupfs",
                "--oom-score-adjust=0",
                "--bridge=none",
                "--iptables=false",
                "--ip-forward=false",
                "--ip-masq=false",
                "--userland-proxy=false"});
}

/// A name that no other dockerd on this machine has: that of our mount namespace.
std::string group_name() {
  return "mini-docker-dockerd-" + std::to_string(namespace_inode(::getpid(), "mnt"));
}

void remove_groups(const std::string& name) {
  std::error_code ignored;
  const fs::path top = "/sys/fs/cgroup";
  fs::remove(top / name, ignored);
  for (const auto& hierarchy : fs::directory_iterator(top, ignored)) {
    fs::remove(hierarchy.path() / name, ignored);
  }
}

}  // namespace

Dockerd::Dockerd(DockerdOptions options) : options_(std::move(options)), group_(group_name()) {
  mount_empty({"/run"});
  containerd_ = start_containerd(options_.dir);
  dockerd_ = start_dockerd(options_, group_);
}

Dockerd::~Dockerd() {
  Words remove{"rm", "-f"};
  for (std::string& id : lines_of(docker({"ps", "-aq"}).out)) remove.push_back(std::move(id));
  if (remove.size() > 2) static_cast<void>(docker(remove));
  dockerd_.reset();
  containerd_.reset();
  // It has made that a mount of its own, so that it can be private; `dir` shall be removable.
  ::umount2((options_.dir + "/data").c_str(), MNT_DETACH);
  remove_groups(group_);
}

CommandResult Dockerd::docker(const Words& args, CommandOptions options) const {
  Words words{programs() + "/docker", "-H", address()};
  words.insert(words.end(), args.begin(), args.end());
  options.env.push_back("DOCKER_CONFIG=" + options_.dir);
  return run_command(words, with_programs(std::move(options)));
}

std::string Dockerd::log() const { return find_text(options_.dir + "/docker.log").value_or(""); }

}  // namespace minidocker::testing
