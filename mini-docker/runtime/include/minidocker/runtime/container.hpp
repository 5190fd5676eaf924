#pragma once
/// \file
/// Making a container of a Spec: the whole of namespaces, cgroups, mounts and privileges in the
/// order in which it must happen.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/runtime/root_source.hpp"
#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/signals.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// The program cannot be found (127) or not be executed (126): the codes of shells and docker.
class ProgramError : public Error {
 public:
  /// `exit_code` is 126 or 127.
  ProgramError(int exit_code, const std::string& message)
      : Error(exit_code == 127 ? ErrorKind::not_found : ErrorKind::permission, message),
        exit_code_(exit_code) {}
  /// 126 or 127.
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Borrowed descriptors that become the program's 0, 1 and 2 if it has no terminal.
struct Stdio {
  int in = 0;   ///< standard input
  int out = 1;  ///< standard output
  int err = 2;  ///< standard error
};

/// When does the program run?
enum class Start {
  at_once,     ///< as soon as it is set up; only with Lifetime::parent, as nobody may outlive who
               ///< has not written down yet that there is a process
  by_call,     ///< at Container::start(), by whoever made it
  by_command,  ///< at `start ID` of another process; see start_created()
};

/// How long may the container live?
enum class Lifetime {
  own,     ///< until it ends by itself
  parent,  ///< killed when the process that made it dies
};

/// What is not in the Spec.
struct CreateOptions {
  std::string id;                     ///< see check_id()
  std::string state_root;             ///< directory of all containers' states
  std::string bundle;                 ///< absolute; told in the state
  RootSource root;                    ///< what becomes "/"
  Stdio stdio;                        ///< without a terminal
  Start start = Start::by_call;       ///< who starts it
  Lifetime lifetime = Lifetime::own;  ///< bound to ours?
  std::string cgroup_parent;          ///< group to live below when the spec names none
  /// Path of mini-scope: the group is a scope, which systemd makes. Empty: we make it ourselves.
  std::string scope_helper;
  /// Who the program is, "name", "uid", "name:group", "uid:gid", looked up by the child in the
  /// container's own files; empty: the numbers of the spec.
  std::string user_name;
  bool pivot_root = true;         ///< false: move and chroot, for an initramfs
  bool session_keyring = true;    ///< give it a keyring of its own
  unsigned preserve_fds = 0;      ///< descriptors 3 .. 2+N stay open
  SignalSet ignored_signals = 0;  ///< what we ignore and the program shall not
};

/// What was compiled, for `plan` and for tests.
struct PlanText {
  std::vector<std::string> parent;     ///< what the runtime itself does, in words
  std::vector<StepDescription> child;  ///< the child's steps
};

/// Owns a container that is being made, and everything it consists of. Destroyed, it kills the
/// process, removes cgroup and state: nothing is left of a failed creation. Not thread-safe;
/// create() needs a single-threaded process.
class Container {
 public:
  /// Makes a container up to the point where only execve is left. Throws ProgramError if the
  /// program cannot be run, Error(conflict) if the id is taken, StepError naming the step of the
  /// setup that failed.
  static Container create(const spec::Spec& spec, const CreateOptions& options);
  /// What create() would do, without doing anything.
  static PlanText plan(const spec::Spec& spec, const CreateOptions& options);

  Container(Container&&) noexcept;
  Container& operator=(Container&&) noexcept;
  ~Container();

  /// Lets the program run and waits until it does; nothing if it runs already (Start::at_once). Not
  /// for Start::by_command. Throws ProgramError.
  void start();
  /// The first process. Waiting for it is the caller's business.
  [[nodiscard]] Process& process();
  /// The master side of its terminal, once; none if it has no terminal.
  [[nodiscard]] UniqueFd take_terminal();
  /// Things the specification tells to take with a warning.
  [[nodiscard]] const std::vector<std::string>& warnings() const;
  /// After the first process has ended: kills what is left in its cgroup, removes cgroup and
  /// state. Throws what could not be removed.
  void remove();
  /// The container lives on by itself, to be found by its id.
  void release();

 private:
  struct Parts;
  explicit Container(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace minidocker::runtime
