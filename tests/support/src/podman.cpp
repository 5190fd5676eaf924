#include "minidocker/testing/podman.hpp"

#include <chrono>
#include <filesystem>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Where peers are that were unpacked together.
std::string beside(const std::string& need, const std::string& program) {
  return (fs::path(path_of(need)).parent_path() / program).string();
}

Words podman_flags(const std::string& dir) {
  return {"--tmpdir",
          dir + "/tmp",
          "--network-config-dir",
          dir + "/net",
          "--conmon",
          beside("podman", "conmon"),
          "--runtime",
          beside("podman", "crun"),
          "--cgroup-manager",
          "cgroupfs",
          "--events-backend",
          "none"};
}

}  // namespace

ContainersTool::ContainersTool(std::string dir, const std::string& program, Words flags)
    : dir_(std::move(dir)), argv_{path_of(program), "--root",           dir_ + "/root", "--runroot",
                                  dir_ + "/run",    "--storage-driver", "vfs"} {
  argv_.insert(argv_.end(), flags.begin(), flags.end());
  const std::string config = dir_ + "/.config/containers";
  fs::create_directories(config);
  write_text(config + "/policy.json", R"({"default":[{"type":"insecureAcceptAnything"}]})");
}

std::string ContainersTool::operator()(const Words& words) const {
  Words argv = argv_;
  argv.insert(argv.end(), words.begin(), words.end());
  const CommandResult result =
      run_command(argv, {.env = {"HOME=" + dir_}, .limit = std::chrono::minutes(3)});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result.out.substr(0, result.out.find('\n'));
}

Podman::Podman(const std::string& dir) : ContainersTool(dir, "podman", podman_flags(dir)) {}

Buildah::Buildah(const std::string& dir) : ContainersTool(dir, "buildah", {}) {}

}  // namespace minidocker::testing
