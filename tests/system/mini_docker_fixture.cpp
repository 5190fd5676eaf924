#include "mini_docker_fixture.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace minidocker::system_test {
namespace {

constexpr const char* kProgram = MD_BINARY_DIR "/bin/mini-docker";

const State& root_state() {
  static const State state(false);
  return state;
}

}  // namespace

State::State(bool as_user) : as_user_(as_user) {
  char name[] = "/tmp/mini-docker-system-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  dir_ = name;
  const testing::User user = testing::unprivileged_user();
  if (as_user_ && ::chown(dir_.c_str(), user.uid, user.gid) != 0) throw std::runtime_error("chown");
  const CommandResult loaded = call({"load", "-i", testing::path_of("busybox")});
  if (loaded.exit_code != 0) throw std::runtime_error("load: " + loaded.in_words());
}

State::~State() { static_cast<void>(testing::run_command({"rm", "-rf", dir_})); }

Words State::command(const Words& args) const {
  Words words{kProgram, "--root", dir_ + "/state"};
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

CommandOptions State::as_owner(CommandOptions options) const {
  if (as_user_) options.user = testing::unprivileged_user();
  return options;
}

CommandResult State::call(const Words& args, CommandOptions options) const {
  return testing::run_command(command(args), as_owner(std::move(options)));
}

void MiniDockerTest::SetUp() {
  MD_NEEDS("root", "overlay", "busybox");
  static_cast<void>(state());  // what is made once is no leak of the first test
  leaks_ = std::make_unique<testing::LeakCheck>();
}

void MiniDockerTest::TearDown() {
  if (IsSkipped()) return;
  EXPECT_EQ(ids(), Words{}) << "a container is left";
  for (const char* place : {"/containers", "/run/shim", "/run/runtime", "/run/oci", "/tmp"}) {
    EXPECT_EQ(testing::files_below(state().dir() + "/state" + place), Words{}) << place;
  }
  EXPECT_EQ(testing::files_below(state().dir() + "/state/run/lock"), Words{"engine"});
}

const State& MiniDockerTest::state() const { return root_state(); }

CommandResult MiniDockerTest::run(Words flags, const std::string& script,
                                  CommandOptions options) const {
  flags.insert(flags.begin(), {"run", "--rm"});
  flags.insert(flags.end(), {"busybox", "sh", "-c", script});
  return docker(flags, std::move(options));
}

std::string MiniDockerTest::output(const Words& flags, const std::string& script) const {
  const CommandResult result = run(flags, script);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(result.err, "") << "docker is quiet on success";
  return result.out;
}

Words MiniDockerTest::ids() const {
  const CommandResult result = docker({"ps", "-aq", "--no-trunc"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return testing::lines_of(result.out);
}

void expect_refused(const CommandResult& result, int exit_code, const std::string& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.in_words();
  EXPECT_NE(result.err.find(words), std::string::npos)
      << "expected: " << words << "\nprinted:  " << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << "one line: " << result.err;
  EXPECT_TRUE(result.err.starts_with("mini-docker: ")) << result.err;
}

}  // namespace minidocker::system_test
