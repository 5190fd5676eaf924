// The transcripts of the README at the top, replayed. Each file of tests/golden is its own script:
// the lines that begin with "$ " are run in order, as a reader would type them in the top directory
// after `make build image`, and what they print must be what stands there. With MD_UPDATE_GOLDEN=1
// in the environment the files are written anew.

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

using testing::CommandResult;
using testing::find_text;
using testing::lines_of;
using testing::run_command;

constexpr const char* kSource = MD_SOURCE_DIR;
constexpr const char* kBinaries = MD_BINARY_DIR "/bin";
constexpr const char* kRunScript = "$ make run";
/// What all but the scripts that do it themselves begin with.
constexpr const char* kLoad = "mini-docker load -i build/images/busybox";
constexpr std::array<const char*, 6> kNames{"make-run", "images",  "flags",
                                            "refusals", "explain", "mini-runc"};

std::string golden_path(const std::string& name) {
  return std::string(kSource) + "/tests/golden/" + name + ".txt";
}

std::vector<std::string> commands_of(const std::string& text) {
  std::vector<std::string> commands;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("$ ")) commands.push_back(line);
  }
  return commands;
}

/// A directory that looks like the top one after a build, with a state of its own.
class Checkout {
 public:
  Checkout() {
    const std::string image = testing::path_of("busybox");
    sh("mkdir -p build/images && ln -s '" + image + "' build/images/busybox && ln -s '" +
       kBinaries + "' build/bin");
  }
  Checkout(const Checkout&) = delete;
  Checkout& operator=(const Checkout&) = delete;
  ~Checkout() {
    sh("'" + std::string(kSource) + "/tests/support/scripts/remove-state' build/state");
  }

  /// Standard output and error as a terminal shows them, one stream.
  std::string sh(const std::string& command) const {
    const std::string path = "PATH=" + std::string(kBinaries) + ":/usr/bin:/bin:/usr/sbin:/sbin";
    // A coverage build complains of half a file, as a killed process of another test may leave one.
    const std::string counters = "LLVM_PROFILE_FILE=" + dir_.path() + "/build/counters-%m-%p%c";
    return run_command(
               {"/bin/sh", "-c", "exec 2>&1; " + command},
               {.cwd = dir_.path(), .env = {path, counters, "MINI_DOCKER_ROOT=build/state"}})
        .out;
  }
  /// What `make run` runs once everything is built, or the command as it is.
  [[nodiscard]] std::string type(const std::string& line) const {
    if (line != kRunScript) return sh(line.substr(2));
    return sh("'" + std::string(kSource) +
              "/tests/support/scripts/first-container' build/bin build/images/busybox build/state");
  }
  [[nodiscard]] const std::string& path() const { return dir_.path(); }  ///< of the directory

 private:
  TempDir dir_;
};

/// What differs from machine to machine and from run to run, by what it is.
std::string masked(std::string text, const std::string& checkout) {
  static const std::string moment = "(Less than a second|[0-9]+ seconds?) ago";
  static const std::array<std::pair<std::regex, const char*>, 13> kMasks{{
      {std::regex("mounts: +[0-9]+:"), "mounts:       N:"},
      {std::regex(", /sys/fs/cgroup .*"), ", ..."},
      {std::regex("\\b[0-9a-f]{64}\\b"), "ID"},
      {std::regex("\\b[0-9a-f]{12}\\b"), "IDIDIDIDIDID"},
      {std::regex("[0-9]+ (days|weeks|months|years) ago"), "N $1 ago"},
      {std::regex("CREATED +STATUS +PORTS"), "CREATED        STATUS                    PORTS"},
      {std::regex(moment + " +Exited \\(0\\) " + moment + " +"),
       "a moment ago   Exited (0) a moment ago             "},
      {std::regex("\\b[0-9.]+MB"), "N.NNMB"},
      {std::regex("  <[0-9.]+ ms>"), ""},
      {std::regex("(open[a-z0-9]*\\(.*\\)) = [0-9]+"), "$1 = FD"},
      {std::regex("\\b(fchdir|fstat|ioctl|write)\\([0-9]+([,)].* = )"), "$1(FD$2"},
      {std::regex("(socket\\(.*\\)) = [0-9]+"), "$1 = FD"},
      {std::regex("time=\"[^\"]*\""), "time=\"...\""},
  }};
  for (std::size_t at; (at = text.find(checkout)) != std::string::npos;) {
    text.replace(at, checkout.size(), ".");
  }
  for (const auto& [what, with] : kMasks) text = std::regex_replace(text, what, with);
  return text;
}

class ReadmeTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ReadmeTest, ShowsWhatIsPrinted) {
  MD_NEEDS("root", "overlay", "busybox");
  const std::string path = golden_path(GetParam());
  const std::string wanted = find_text(path).value_or("");
  ASSERT_NE(wanted, "") << path;
  const Checkout checkout;
  if (wanted.find(kLoad) == std::string::npos) checkout.sh(kLoad);
  std::string printed;
  for (const std::string& line : commands_of(wanted)) {
    printed += line + "\n" + masked(checkout.type(line), checkout.path());
  }
  if (::getenv("MD_UPDATE_GOLDEN") != nullptr) testing::write_text(path, printed);
  EXPECT_EQ(find_text(path).value_or(""), printed)
      << "the README shows something else; MD_UPDATE_GOLDEN=1 and `make quote` write it anew";
}

std::string name_of(const ::testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, ReadmeTest, ::testing::ValuesIn(kNames), name_of);

TEST(Readme, ShowsNoCommandThatIsNotRunHere) {
  std::set<std::string> run;
  for (const char* name : kNames) {
    const std::vector<std::string> commands =
        commands_of(find_text(golden_path(name)).value_or(""));
    EXPECT_FALSE(commands.empty()) << name;
    run.insert(commands.begin(), commands.end());
  }
  const std::string readme = find_text(std::string(kSource) + "/README.md").value_or("");
  const std::vector<std::string> shown = commands_of(readme);
  EXPECT_FALSE(shown.empty());
  for (const std::string& command : shown) EXPECT_TRUE(run.contains(command)) << command;
  for (const char* name : kNames) {
    EXPECT_NE(readme.find("<!-- transcript: " + std::string(name) + " -->"), std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace minidocker::system_test
