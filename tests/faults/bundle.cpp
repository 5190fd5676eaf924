#include "bundle.hpp"

#include <glob.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kGrace{10'000};

void must(const CommandResult& result) {
  if (result.exit_code != 0) throw std::runtime_error(result.in_words());
}

std::string blob_path(const std::string& image, const json& descriptor) {
  const auto digest = descriptor.at("digest").get<std::string>();
  return image + "/blobs/sha256/" + digest.substr(digest.find(':') + 1);
}

/// The test image's first layer: busybox and a link per applet.
void unpack_rootfs(const std::string& target) {
  const std::string image = path_of("busybox");
  const json index = json::parse(read_text(image + "/index.json"));
  const json manifest = json::parse(read_text(blob_path(image, index.at("manifests").at(0))));
  must(run_command({"tar", "-xzf", blob_path(image, manifest.at("layers").at(0)), "-C", target}));
}

void write_config(const std::string& bundle, const std::vector<std::string>& command,
                  const std::string& resources) {
  must(run_command({mini_runc(), "spec", "-b", bundle}));
  json config = json::parse(read_text(bundle + "/config.json"));
  config["process"]["terminal"] = false;
  config["process"]["args"] = command;
  config["linux"]["resources"].update(json::parse(resources));
  write_text(bundle + "/config.json", config.dump());
}

std::set<std::string> mounts_now() {
  const std::vector<std::string> lines = mounts_of(::getpid());
  return {lines.begin(), lines.end()};
}

std::vector<std::string> glob_all(const std::string& pattern) {
  ::glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

}  // namespace

std::string mini_runc() {
  const char* other = std::getenv("MINI_RUNC");
  return other != nullptr ? other : MD_BINARY_DIR "/bin/mini-runc";
}

Bundle::Bundle(const std::vector<std::string>& command, const std::string& resources) {
  char name[] = "/tmp/mini-docker-faults.XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp in /tmp");
  work_ = name;
  id_ = "faults-" + work_.substr(work_.rfind('.') + 1);
  ::mkdir((work_ + "/bundle").c_str(), 0755);
  ::mkdir((work_ + "/state").c_str(), 0755);
  ::mkdir(rootfs().c_str(), 0755);
  unpack_rootfs(rootfs());
  write_config(work_ + "/bundle", command, resources);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // what outlives the runtime comes to us
  mounts_ = mounts_now();
}

Bundle::~Bundle() {
  static_cast<void>(delete_by_force());
  run_command({"rm", "-rf", "--one-file-system", work_});
}

std::vector<std::string> Bundle::run_argv(const std::vector<std::string>& global) const {
  std::vector<std::string> argv{mini_runc()};
  argv.insert(argv.end(), global.begin(), global.end());
  for (const std::string& word : {std::string("--root"), work_ + "/state", std::string("run"),
                                  std::string("-b"), work_ + "/bundle", id_}) {
    argv.push_back(word);
  }
  return argv;
}

std::vector<std::string> Bundle::argv(const std::vector<std::string>& command) const {
  std::vector<std::string> argv{mini_runc(), "--root", work_ + "/state"};
  argv.insert(argv.end(), command.begin(), command.end());
  argv.push_back(id_);
  return argv;
}

CommandResult Bundle::delete_by_force() const {
  return run_command({mini_runc(), "--root", work_ + "/state", "delete", "--force", id_});
}

std::vector<std::string> Bundle::living() const {
  std::vector<std::string> alive;
  for (const pid_t pid : descendants_of(::getpid())) {
    if (!wait_for_end(pid, kGrace)) {
      alive.push_back("process " + std::to_string(pid) + ", state " + state_of(pid));
    }
  }
  while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) continue;
  return alive;
}

std::vector<std::string> Bundle::leftovers() const {
  std::vector<std::string> found = living();
  for (const std::string& file : files_below(work_ + "/state")) found.push_back("state/" + file);
  for (const char* pattern : {"/sys/fs/cgroup/mini-docker/", "/sys/fs/cgroup/*/mini-docker/"}) {
    for (std::string& group : glob_all(pattern + id_)) found.push_back(std::move(group));
  }
  for (const std::string& mount : mounts_now()) {
    // Others on this machine mount too: only what leads to our files is ours.
    if (!mounts_.contains(mount) && mount.find(work_) != std::string::npos) found.push_back(mount);
  }
  return found;
}

}  // namespace minidocker::testing
