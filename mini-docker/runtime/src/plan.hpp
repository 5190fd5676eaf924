#pragma once
/// \file
/// From a Spec to the steps of a ChildPlan, in the one order in which they work.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/runtime/container.hpp"
#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// A namespace to join, opened before anything is made.
struct JoinedNamespace {
  namespaces::Kind kind;  ///< what it is
  UniqueFd fd;            ///< open_namespace()'s
};

/// Everything that compile() needs to know.
struct PlanInput {
  const spec::Spec& spec;                    ///< validated
  const CreateOptions& options;              ///< of the caller
  const std::vector<JoinedNamespace>& join;  ///< opened namespaces
  const cgroups::Location& location;         ///< where its cgroup is; mode none: it has none
  cgroups::Cgroup* cgroup = nullptr;         ///< that cgroup, made; null if there is none yet
  int fifo = -1;                             ///< exec.fifo for Start::by_command
};

/// What the parent has to know of the plan.
struct Recipe {
  sys::CloneArgs clone;                    ///< of the first process
  bool sibling = false;                    ///< a CloneSibling sends the pidfd of the real one
  bool scope = false;                      ///< Sync(cgroup) comes first of all
  bool id_maps = false;                    ///< Sync(id_maps) comes next
  bool console = false;                    ///< a SendFd brings the terminal
  std::size_t find_program = 0;            ///< index of FindProgram: its errors are ProgramErrors
  std::size_t exec = 0;                    ///< index of Exec: likewise
  std::vector<UniqueFd> mounts;            ///< that the child attaches: kept until it runs
  std::optional<std::size_t> lookup_user;  ///< index of LookupUser: its errors have docker's words
};

/// Compiles the steps into `plan`. Throws Error(invalid_argument) for what cannot be compiled.
Recipe compile(ChildPlan& plan, const PlanInput& input);

/// The flags of all namespaces that are made by a clone3, leaving out those made by a step.
[[nodiscard]] std::uint64_t new_namespaces(const spec::Spec& spec);

/// The kind that a type of the specification is.
[[nodiscard]] namespaces::Kind kind_of(spec::NamespaceType type) noexcept;

}  // namespace minidocker::runtime
