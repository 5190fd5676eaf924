#pragma once
/// \file
/// Another OCI runtime, as the program that it is (runc's command line).

#include <string>
#include <string_view>
#include <vector>

#include "backend.hpp"

namespace minidocker::shim {

/// Calls one runtime with one directory of states.
class ForeignRuntime {
 public:
  /// `log` receives its errors; empty: its standard error does.
  ForeignRuntime(std::string program, std::string state_root, std::string log);

  /// From now on with --systemd-cgroup: the specification names a scope.
  void use_systemd() { systemd_ = true; }
  /// Runs `PROGRAM --root .. COMMAND args` to its end. Throws ProgramFailed or Error with the
  /// runtime's own words.
  void call(std::string_view command, const std::vector<std::string>& args,
            const ProgramStreams& streams = {}) const;
  /// `delete --force`: none of that id is no error.
  void remove(const std::string& id) const;

 private:
  std::string program_;
  std::string state_root_;
  std::string log_;
  bool systemd_ = false;
};

/// The last error in a log of JSON lines, as runc and crun write it; the text itself if it is no
/// JSON; empty if there is none.
[[nodiscard]] std::string last_error(std::string_view log);
/// The exit code that docker's client derives from a runtime's words: 127, 126 or 125.
[[nodiscard]] int exit_code_of(std::string_view message) noexcept;

}  // namespace minidocker::shim
