#pragma once
/// \file
/// The parts of compile(), one file a theme. Each adds its steps to the plan; the slots carry
/// what an early step makes and a later one uses.

#include <map>
#include <string>
#include <vector>

#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/security/passwd.hpp"
#include "plan.hpp"

namespace minidocker::runtime {

/// A tmpfs of the spec that nothing covers yet.
struct FreshTmpfs {
  namespaces::OpenedTmpfs* slot;  ///< what OpenTmpfs opens
  bool opened = false;            ///< is there an OpenTmpfs already?
};

/// Limits are set late, as the steps before them need descriptors, too; but the host's privileges,
/// which raising them takes, end where a user namespace is entered.
enum class Limits {
  all,             ///< no user namespace: all of them, late
  privileged,      ///< before it: all, but of RLIMIT_NOFILE only the hard limit
  of_descriptors,  ///< late: RLIMIT_NOFILE
};

/// What the parts of compile() share.
struct Compiler {
  ChildPlan& plan;         ///< being filled
  const PlanInput& input;  ///< what it is made of
  Recipe recipe;           ///< for the parent

  int* root = nullptr;                 ///< slot: O_PATH of the container's root
  const int* dev = nullptr;            ///< slot: O_PATH of its /dev
  int* master = nullptr;               ///< slot: terminal, our side
  int* slave = nullptr;                ///< slot: terminal, the program's side
  security::UserSlot* user = nullptr;  ///< slot: who the program is
  char** environment = nullptr;        ///< for Exec
  char* program = nullptr;             ///< slot: what FindProgram found

  std::map<std::string, FreshTmpfs> fresh = {};  ///< by destination
  std::vector<std::string> mounted = {};         ///< all destinations so far

  [[nodiscard]] const spec::Spec& spec() const { return input.spec; }           ///< shorthand
  [[nodiscard]] const CreateOptions& options() const { return input.options; }  ///< shorthand
  [[nodiscard]] bool in_user_namespace() const;                                 ///< made or joined
};

/// \name compile_namespaces.cpp: being born
///@{
void add_birth(Compiler& c);       ///< signals, umask, cgroup
void add_namespaces(Compiler& c);  ///< join, unshare, clone a sibling, id maps
///@}
/// \name compile_root.cpp: what "/" is
///@{
void add_root(Compiler& c);      ///< propagation, overlay or bind, open
void add_pivot(Compiler& c);     ///< the host's tree goes away
void add_readonly(Compiler& c);  ///< what had to be writable until now
///@}
/// \name compile_mounts.cpp: what is in it
///@{
void add_mounts(Compiler& c);   ///< spec.mounts in order
void add_devices(Compiler& c);  ///< nodes and links in /dev
void add_console(Compiler& c);  ///< a terminal, if one is wanted
///@}
/// \name compile_process.cpp: what the program is and may
///@{
void add_names(Compiler& c);         ///< host and domain name, lo
void add_hidden_paths(Compiler& c);  ///< read-only and masked paths
void add_workdir(Compiler& c);       ///< the working directory exists
/// rlimits and oom score: while still privileged.
void add_limits(Compiler& c, Limits which);
void add_privileges(Compiler& c);  ///< ids, capabilities, no_new_privs, working directory
void add_program(Compiler& c);     ///< find it, meet the parent, become it
///@}

}  // namespace minidocker::runtime
