#pragma once
/// \file
/// A bundle to run again and again, and what a run of it has left behind.

#include <set>
#include <string>
#include <vector>

#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {

/// The mini-runc under test: MINI_RUNC, else the one of this build.
[[nodiscard]] std::string mini_runc();

/// A directory with a bundle (what `spec` writes, terminal off, a busybox root) and a state
/// directory; removed with everything in it by the destructor. One container at a time.
class Bundle {
 public:
  /// `resources`: JSON for linux.resources, merged into what `spec` writes. Throws
  /// std::runtime_error if the bundle cannot be made.
  explicit Bundle(const std::vector<std::string>& command, const std::string& resources = "{}");
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;
  ~Bundle();

  [[nodiscard]] const std::string& id() const { return id_; }  ///< of the container
  [[nodiscard]] std::string rootfs() const { return work_ + "/bundle/rootfs"; }  ///< its root
  [[nodiscard]] const std::string& work() const { return work_; }  ///< for a test's own files

  /// `mini-runc [GLOBAL...] run` of the bundle.
  [[nodiscard]] std::vector<std::string> run_argv(
      const std::vector<std::string>& global = {}) const;
  /// `mini-runc COMMAND... ID`, on the container.
  [[nodiscard]] std::vector<std::string> argv(const std::vector<std::string>& command) const;
  /// `mini-runc delete --force`.
  CommandResult delete_by_force() const;

  /// What is there now and was not when the bundle was made: state files, groups named after the
  /// container, mounts, processes. A namespace lives by a process, a descriptor of one, or a
  /// mount: none of these, no namespace. Processes get a grace to die; what died is reaped.
  [[nodiscard]] std::vector<std::string> leftovers() const;
  /// The same of processes only.
  [[nodiscard]] std::vector<std::string> living() const;

 private:
  std::string work_;
  std::string id_;
  std::set<std::string> mounts_;
};

}  // namespace minidocker::testing
