#pragma once
/// \file
/// Our registry as a program, and how tests speak with it: by clients of others, or byte by byte.

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry {

/// `mini-docker registry serve DIR` on localhost:5000, from its first word to its end. Only in
/// in_network().
class MiniRegistry {
 public:
  /// Listens when the constructor returns. `before` is what the command line begins with, such as
  /// strace. Throws std::runtime_error.
  explicit MiniRegistry(const std::string& dir, const std::vector<std::string>& options = {},
                        const std::vector<std::string>& before = {});
  /// SIGKILL.
  void kill();
  /// SIGTERM.
  testing::CommandResult stop();
  [[nodiscard]] pid_t pid() const { return process_.pid(); }  ///< of the registry itself
  /// What it has said until it listened.
  [[nodiscard]] const std::string& out() const { return process_.out(); }

 private:
  testing::RunningCommand process_;
};

/// Runs `body` with mounts and processes of its own, and a network of its own that has only the
/// loopback interface. What clients keep below /run, /tmp and /var/lib is forgotten at its end.
void in_network(const std::function<void()>& body);

/// One connection to localhost:5000, for bytes that no client would send.
class RawClient {
 public:
  RawClient();
  /// A registry that has left is no error.
  void send(std::string_view bytes) const;
  /// The head of the next answer; empty if the registry has left.
  [[nodiscard]] std::string read_head() const;
  /// send and read_head.
  std::string ask(std::string_view bytes) const;
  /// Says that nothing more will come.
  void end_sending() const;
  /// Waits until the registry leaves.
  void wait_for_end() const;

 private:
  UniqueFd socket_;
};

/// One request on a connection of its own: the head of the answer.
[[nodiscard]] std::string ask(const std::string& method, const std::string& target,
                              std::string_view body = "", std::string_view headers = "");
/// A header of an answer; empty without it.
[[nodiscard]] std::string header(const std::string& head, const std::string& name);
/// Where a new upload to `repository` goes.
[[nodiscard]] std::string begin_upload(const std::string& repository);

/// What in the directory of a registry is not as it should be, a line each: content that is not
/// what its name says, names and tags whose content is not there.
[[nodiscard]] std::vector<std::string> damage_of(const std::string& dir);

/// `skopeo ARGUMENTS...`, which must succeed; what it printed.
std::string skopeo(std::vector<std::string> arguments);
/// Pushes the test image to localhost:5000/`name`, as "oci" or "v2s2".
void push_busybox(const std::string& name, const std::string& format = "oci");
/// The manifest that localhost:5000/`name` stands for, as skopeo sees it.
[[nodiscard]] std::string raw_manifest(const std::string& name);

}  // namespace minidocker::registry
