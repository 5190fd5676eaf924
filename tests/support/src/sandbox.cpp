#include "minidocker/testing/sandbox.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

using ::testing::TestPartResult;

// What the sandbox tells its maker, one record a test part:
//
//   type (decimal) NUL file NUL line (decimal) NUL message NUL
//
// and a last record "done" NUL, without which the sandbox died.

void put(int fd, std::string_view text) {
  std::string record(text);
  record += '\0';
  for (std::string_view rest = record; !rest.empty();) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) ::_exit(3);
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void check(bool good, const char* what) {
  if (!good)
    throw std::runtime_error(std::string("sandbox: ") + what + ": " + std::strerror(errno));
}

void set_up(const SandboxOptions& options) {
  if ((options.flags & CLONE_NEWNS) != 0) {
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "make / private");
    check(::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, nullptr) == 0, "mount /tmp");
    if ((options.flags & CLONE_NEWPID) != 0) {
      check(::mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
    }
  }
  if (options.as_user && ::geteuid() == 0) {
    const User user = unprivileged_user();
    check(::setgroups(0, nullptr) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0,
          "become an ordinary user");
  }
  // A change of ids would clear it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/// In the child: the body, and what it had to say.
void run_body(const std::function<void()>& body, const SandboxOptions& options, int report) {
  ::testing::TestPartResultArray results;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    try {
      set_up(options);
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "exception: " << error.what();
    }
  }
  for (int i = 0; i < results.size(); ++i) {
    const TestPartResult& result = results.GetTestPartResult(i);
    put(report, std::to_string(result.type()));
    put(report, result.file_name() == nullptr ? "" : result.file_name());
    put(report, std::to_string(result.line_number()));
    put(report, result.message());
  }
  put(report, "done");
}

std::string read_to_end(int fd) {
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof(buffer))) != 0) {
    if (got < 0 && errno != EINTR) break;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

void tell(const std::string& report, int status) {
  std::string_view rest = report;
  const auto take = [&rest] {
    const auto end = rest.find('\0');
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return std::string(field);
  };
  while (!rest.empty()) {
    const std::string type = take();
    if (type == "done") return;
    const std::string file = take();
    const std::string line = take();
    const std::string message = take();
    ::testing::internal::AssertHelper(static_cast<TestPartResult::Type>(std::atoi(type.c_str())),
                                      file.c_str(), std::atoi(line.c_str()), message.c_str()) =
        ::testing::Message();
  }
  ADD_FAILURE() << "the sandbox ended before its body did: "
                << (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "exit code " + std::to_string(WEXITSTATUS(status)));
}

/// Our ids as root's: all that a user namespace made without privileges may map.
void map_ids(pid_t pid) {
  const std::string dir = "/proc/" + std::to_string(pid);
  write_text(dir + "/setgroups", "deny");
  write_text(dir + "/uid_map", "0 " + std::to_string(::geteuid()) + " 1");
  write_text(dir + "/gid_map", "0 " + std::to_string(::getegid()) + " 1");
}

}  // namespace

void in_sandbox(const std::function<void()>& body, SandboxOptions options) {
  const bool add_user_namespace = options.flags != 0 && ::geteuid() != 0;
  if (add_user_namespace) options.flags |= CLONE_NEWUSER;
  int report[2];
  int go[2];
  ASSERT_EQ(0, ::pipe2(report, O_CLOEXEC));
  ASSERT_EQ(0, ::pipe2(go, O_CLOEXEC));
  std::fflush(nullptr);

  const auto pid = static_cast<pid_t>(
      ::syscall(SYS_clone, options.flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) {
    ::close(go[1]);
    ::close(report[0]);
    read_to_end(go[0]);
    ::close(go[0]);
    run_body(body, options, report[1]);
    std::fflush(nullptr);
    ::_exit(0);
  }
  const int clone_error = errno;
  ::close(report[1]);
  ::close(go[0]);
  if (pid > 0 && add_user_namespace) map_ids(pid);
  ::close(go[1]);
  const std::string told = read_to_end(report[0]);
  ::close(report[0]);
  ASSERT_GT(pid, 0) << "clone: " << std::strerror(clone_error);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  tell(told, status);
}

void mount_empty(const std::vector<std::string>& dirs) {
  for (const std::string& dir : dirs) {
    if (::mount("none", dir.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0) continue;
    throw std::runtime_error("mount " + dir + ": " + std::strerror(errno));
  }
}

}  // namespace minidocker::testing
