// What is told where systemd cannot be asked. No systemd is needed, and none is met.
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "minidocker/cgroups/systemd_scope.hpp"
#include "systemd_fixture.hpp"

namespace minidocker::cgroups {
namespace {

using namespace std::chrono_literals;
using testing::CommandResult;
using testing::run_command;

/// Sets a variable of our environment, and puts the old value back.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (old_.empty()) ::unsetenv(name_);
    if (!old_.empty()) ::setenv(name_, old_.c_str(), 1);
  }

 private:
  const char* name_;
  std::string old_;
};

Location some_scope() {
  return {
      Mode::v2, {{"", "/sys/fs/cgroup", "/system.slice/mini-docker-test.scope"}}, Manager::system};
}

TEST(ScopeHelper, ThatIsMissingIsNamed) {
  const std::string words = scope_error(ErrorKind::unavailable, [] {
    return start_scope({"/nowhere/mini-scope"}, some_scope(), {}, ::getpid());
  });
  EXPECT_NE(std::string::npos, words.find("\"/nowhere/mini-scope\" cannot be executed")) << words;
}

TEST(ScopeHelper, ThatDiesIsNoSilence) {
  const TempDir directory;
  for (const auto& [script, how] :
       {std::pair{"exit 3", "exit code 3"}, {"kill -9 $$", "signal 9"}}) {
    const std::string words = scope_error(ErrorKind::internal, [&, text = script] {
      return start_scope({program_in(directory, text)}, some_scope(), {}, ::getpid());
    });
    EXPECT_NE(std::string::npos, words.find(how)) << words;
  }
}

TEST(ScopeHelper, ThatDoesNotAnswerIsKilledInTime) {
  const TempDir directory;
  const auto before = std::chrono::steady_clock::now();
  const std::string program =
      program_in(directory, "echo $$ >" + directory.path() + "/pid; exec sleep 1000");
  const std::string words = scope_error(ErrorKind::unavailable, [&] {
    return start_scope({program, 2s}, some_scope(), {}, ::getpid());
  });
  EXPECT_NE(std::string::npos, words.find("does not answer within 2000 ms")) << words;
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  const std::string pid = testing::read_text(directory.path() + "/pid");
  EXPECT_EQ('-', testing::state_of(std::stoi(pid)));
}

TEST(ScopeHelper, ThatAnswersNonsenseIsRefused) {
  const TempDir directory;
  // The request must be read: an answer is lost if its sender leaves one behind (ECONNRESET).
  const std::string program = "dd bs=65536 count=1 <&3 >/dev/null 2>&1; printf nonsense >&3";
  (void)scope_error(ErrorKind::invalid_argument, [&] {
    return start_scope({program_in(directory, program)}, some_scope(), {}, ::getpid());
  });
}

TEST(MiniScope, NamesTheBusThatIsNotThere) {
  const Variable address("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus");
  const std::string words = scope_error(ErrorKind::unavailable, [] {
    return start_scope({kScopeProgram}, some_scope(), {}, ::getpid());
  });
  EXPECT_NE(std::string::npos, words.find("no bus to ask the system's systemd")) << words;
}

TEST(MiniScope, IsNotWaitedForWhereTheBusIsSilent) {
  const TempDir directory;
  const std::string path = directory.path() + "/bus";
  const UniqueFd silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(0, ::bind(silent.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)));
  ASSERT_EQ(0, ::listen(silent.get(), 8));
  const Variable variable("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=" + path);
  const std::string words = scope_error(ErrorKind::unavailable, [] {
    return start_scope({kScopeProgram, 500ms}, some_scope(), {}, ::getpid());
  });
  EXPECT_NE(std::string::npos, words.find("does not answer")) << words;
}

TEST(MiniScope, SaysWhoStartsIt) {
  const CommandResult result = run_command({kScopeProgram});
  EXPECT_EQ(2, result.exit_code);
  EXPECT_NE(std::string::npos, result.err.find("started by mini-runc")) << result.in_words();
}

TEST(ScopePlace, NeedsV2Alone) {
  const Layout hybrid{Mode::hybrid, {{"memory", "/sys/fs/cgroup/memory", "/", false}}};
  const std::string words = scope_error(ErrorKind::unavailable, [&] {
    return locate_scope(hybrid, {"system.slice", "web.scope"}, Manager::system, 0);
  });
  EXPECT_NE(std::string::npos, words.find("needs cgroup v2 alone")) << words;
  EXPECT_EQ(Manager::nobody, find_manager(hybrid, 0, ""));
}

TEST(ScopePlace, IsBelowTheManagersOwnGroup) {
  const Layout v2{Mode::v2, {{"", "/sys/fs/cgroup", "/init.scope", false}}};
  EXPECT_EQ(
      (Location{
          Mode::v2, {{"", "/sys/fs/cgroup", "/a.slice/a-b.slice/web.scope"}}, Manager::system}),
      locate_scope(v2, {"a-b.slice", "web.scope"}, Manager::system, 0));
  EXPECT_EQ("/user.slice/user-7.slice/user@7.service/user.slice/web.scope",
            locate_scope(v2, {"user.slice", "web.scope"}, Manager::user, 7).directories[0].group);
  EXPECT_EQ("/web.scope",
            locate_scope(v2, {"-.slice", "web.scope"}, Manager::system, 0).directories[0].group);
}

}  // namespace
}  // namespace minidocker::cgroups
