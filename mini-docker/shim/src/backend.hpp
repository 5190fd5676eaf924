#pragma once
/// \file
/// Who makes the container: our own runtime, or another OCI runtime's program.

#include <memory>
#include <string>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::shim {

/// Borrowed descriptors of the program's standard streams; -1 with a terminal.
struct ProgramStreams {
  int in = 0;   ///< standard input
  int out = 1;  ///< standard output
  int err = 2;  ///< standard error
};

/// A container in the making. Destroyed, it leaves nothing behind.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Up to the point where only the program's start is left. Throws.
  virtual void create(const spec::Spec& spec, const Start& start,
                      const ProgramStreams& streams) = 0;
  /// The first process, from create() on.
  [[nodiscard]] virtual Process& process() = 0;
  /// The master side of its terminal, once.
  [[nodiscard]] virtual UniqueFd take_terminal() = 0;
  /// Runs the program. Throws.
  virtual void start() = 0;
  /// After the first process has ended and was waited for: removes all that is left.
  virtual void remove() = 0;
};

/// Does the engine want systemd to make the group? It says so by /linux/cgroupsPath, which is
/// SLICE:PREFIX:NAME then.
[[nodiscard]] inline bool wants_scope(const spec::Spec& spec) {
  return spec.linux_.cgroups_path.find(':') != std::string::npos;
}

/// The runtime that is linked into us: no program is executed for it.
[[nodiscard]] std::unique_ptr<Backend> make_builtin_backend();
/// A program with runc's command line.
[[nodiscard]] std::unique_ptr<Backend> make_foreign_backend();

/// Removes what a shim that died has left of a container. `runtime` as in Start. Throws.
void clean_up(const std::string& state_root, const std::string& id, const std::string& runtime);

}  // namespace minidocker::shim
