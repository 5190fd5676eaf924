#pragma once
/// \file
/// Runs a program as a user at a shell would and keeps what it printed and how it ended. Plain
/// POSIX, so that tests of our own wrappers do not stand on them.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace minidocker::testing {

/// Ids of a user to become.
struct User {
  uid_t uid;  ///< user id
  gid_t gid;  ///< group id; there are no others
};

/// An unprivileged user of this machine: ourselves if we are one, else the first ordinary one of
/// /etc/passwd, else nobody.
[[nodiscard]] User unprivileged_user();

/// How a command is run.
struct CommandOptions {
  std::string input{};                      ///< written to standard input, which then ends
  std::string cwd{};                        ///< working directory; empty: ours
  std::vector<std::string> env{};           ///< "NAME=VALUE", added to the environment
  bool empty_env = false;                   ///< begin with no environment
  std::optional<User> user{};               ///< become this user first (needs root)
  bool pty = false;                         ///< 0, 1 and 2 are a terminal, its controlling one
  std::vector<std::pair<int, int>> fds{};   ///< (ours, theirs): descriptors passed on
  std::chrono::milliseconds limit{30'000};  ///< killed with its process group after that
};

/// How a command ended.
struct CommandResult {
  int exit_code = -1;      ///< -1 if a signal ended it
  int signal = 0;          ///< the signal that ended it
  bool timed_out = false;  ///< it ran into the limit and was killed
  std::string out;         ///< standard output; with a pty all that the terminal showed
  std::string err;         ///< standard error

  /// One line for a failed assertion: how it ended and what it printed.
  [[nodiscard]] std::string in_words() const;
};

/// A program that runs in a session of its own. Its destructor kills its process group.
class RunningCommand {
 public:
  /// What becomes of standard input once the text to be typed is written.
  enum class Input {
    close_after_text,  ///< it ends
    keep_open          ///< it stays, until close_input() or wait()
  };
  /// Starts `argv` (argv[0] is looked up along PATH). Throws std::runtime_error if it cannot be
  /// executed.
  explicit RunningCommand(const std::vector<std::string>& argv, CommandOptions options = {},
                          Input input = Input::keep_open);
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;
  ~RunningCommand();

  [[nodiscard]] pid_t pid() const { return pid_; }                      ///< of the program
  [[nodiscard]] int terminal() const { return input_; }                 ///< pty master, borrowed
  [[nodiscard]] const std::string& out() const { return result_.out; }  ///< read so far
  [[nodiscard]] const std::string& err() const { return result_.err; }  ///< read so far

  /// Types `text`.
  void write(const std::string& text);
  /// Ends its standard input.
  void close_input();
  /// Sends a signal to the program.
  void signal(int number);
  /// Reads until standard output holds `text`; false if it ended or the limit passed before.
  bool read_until(const std::string& text);
  /// Waits for the end. What descendants still print after that is not waited for.
  CommandResult wait();

 private:
  void step();
  bool drain(int& fd, std::string& into);
  void close_all();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
  std::string pending_;
  bool close_after_text_;
  bool is_pty_;
  bool ended_ = false;
  std::chrono::steady_clock::time_point deadline_;
  CommandResult result_;
};

/// Runs `argv` to its end.
CommandResult run_command(const std::vector<std::string>& argv, CommandOptions options = {});

}  // namespace minidocker::testing
