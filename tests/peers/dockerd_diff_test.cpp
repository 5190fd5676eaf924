/// \file
/// `mini-docker diff` beside `docker diff`: the same image, the same work, a list each. MD_SEED=N
/// repeats a run.
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {
namespace {

using Words = std::vector<std::string>;
using Lines = std::set<std::string>;

CommandResult must(const CommandResult& result) {
  if (result.exit_code != 0) throw std::runtime_error(result.in_words());
  return result;
}

/// A directory on a disk, as a user's.
class DiskDir {
 public:
  DiskDir() {
    char name[] = "/var/tmp/mini-docker-diff.XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp in /var/tmp");
    path_ = name;
  }
  DiskDir(const DiskDir&) = delete;
  DiskDir& operator=(const DiskDir&) = delete;
  ~DiskDir() { static_cast<void>(run_command({"rm", "-rf", "--one-file-system", path_})); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The test image's first layer: busybox and a link per applet.
std::string busybox_layer() {
  using nlohmann::json;
  const std::string image = path_of("busybox");
  const auto blob = [&image](const json& descriptor) {
    return image + "/blobs/sha256/" + descriptor.at("digest").get<std::string>().substr(7);
  };
  const json index = json::parse(read_text(image + "/index.json"));
  return blob(json::parse(read_text(blob(index.at("manifests").at(0)))).at("layers").at(0));
}

/// Both engines with one image: busybox, and what each of `layers`, scripts, has made on top of it.
class Both {
 public:
  Both(const std::string& dir, const Words& layers) : dir_(dir), dockerd_({.dir = dir}) {
    must(dockerd_.docker({"import", busybox_layer(), "image"}));
    for (const std::string& script : layers) {
      must(dockerd_.docker(
          {"run", "--name", "layer", "--network", "none", "image", "sh", "-c", script}));
      must(dockerd_.docker({"commit", "layer", "image"}));
      must(dockerd_.docker({"rm", "layer"}));
    }
    must(dockerd_.docker({"save", "-o", dir_ + "/image.tar", "image"}));
    must(ours({"load", "-i", dir_ + "/image.tar"}));
  }
  ~Both() { static_cast<void>(ours({"rm", "-f", "work"})); }

  /// Does it in a container of each; what both tell of the tree then must be the same.
  void work(const std::string& script) const {
    const Words run{"run",   "--name", "work", "--network",         "none",
                    "image", "sh",     "-c",   script + "\nfind /t"};
    const std::string theirs = must(dockerd_.docker(run)).out;
    EXPECT_EQ(theirs, must(ours(run)).out);
  }
  [[nodiscard]] Lines docker_diff() const { return diff(dockerd_.docker({"diff", "work"})); }
  [[nodiscard]] Lines our_diff() const { return diff(ours({"diff", "work"})); }

 private:
  static Lines diff(const CommandResult& result) {
    const Words lines = lines_of(must(result).out);
    return {lines.begin(), lines.end()};
  }
  [[nodiscard]] CommandResult ours(const Words& args) const {
    Words words{MD_BINARY_DIR "/bin/mini-docker", "--root", dir_ + "/mini-docker"};
    words.insert(words.end(), args.begin(), args.end());
    return run_command(words);
  }

  std::string dir_;
  Dockerd dockerd_;
};

// --- random work -------------------------------------------------------------------------------

/// What is done with a path "$p", and sometimes another one "$q".
constexpr std::array kKinds{
    "[ -p $p ] || echo 1 > $p",
    "[ -p $p ] || echo 2 >> $p",
    "[ -f $p ] && : 3<> $p",
    "mkdir $p",
    "mkdir -m 711 $p",
    "rmdir $p",
    "rm -f $p",
    "rm -rf $p",
    "rm -rf $p && mkdir $p",
    "mv -T $p $q",
    "mv -T $p $q",
    "[ -d $p ] || ln $p $q",
    "ln -s nowhere $p",
    "chmod 750 $p",
    "chown 3:4 $p",
    "touch -d @1000000000 $p",
    "mkfifo $p",
    "mknod $p c 1 3",
};

/// Operations in directories /t/0, /t/1 ...: few names in each, so that they meet.
std::string random_script(std::mt19937& random, int directories, int operations) {
  const std::array paths{"a", "b", "c", "a/x", "a/y", "a/x/z", "b/x", "b/y", "b/x/z"};
  std::string script;
  for (int i = 0; i < directories; ++i) {
    script += fmt::format("mkdir -p /t/{0}; cd /t/{0}\n", i);
    for (int k = 0; k < operations; ++k) {
      const char* kind = kKinds[random() % kKinds.size()];
      script += fmt::format("p={} q={}; {{ {}; }} 2>/dev/null\n", paths[random() % paths.size()],
                            paths[random() % paths.size()], kind);
    }
  }
  return script + "true";
}

Lines without(const Lines& some, const Lines& others) {
  Lines rest;
  std::ranges::set_difference(some, others, std::inserter(rest, rest.end()));
  return rest;
}

std::string in_lines(const Lines& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

TEST(DockerDiff, TellsTheSameOfRandomWork) {
  MD_NEEDS("root", "overlay", "busybox", "dockerd");
  in_sandbox([] {
    const char* given = ::getenv("MD_SEED");
    const std::uint32_t seed =
        given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
    SCOPED_TRACE(fmt::format("MD_SEED={}", seed));
    std::mt19937 random(seed);
    const DiskDir dir;
    const Both both(dir.path(), {random_script(random, 30, 20), random_script(random, 30, 10)});
    const std::string script = random_script(random, 30, 20);
    both.work(script);
    const Lines theirs = both.docker_diff();
    const Lines ours = both.our_diff();
    EXPECT_GT(theirs.size(), 80U);
    EXPECT_EQ(in_lines(without(ours, theirs)), "") << "told by mini-docker only\n" << script;
    EXPECT_EQ(in_lines(without(theirs, ours)), "") << "told by docker only\n" << script;
  });
}

}  // namespace
}  // namespace minidocker::testing
