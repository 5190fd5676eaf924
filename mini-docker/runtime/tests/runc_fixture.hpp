#pragma once
/// \file
/// A bundle with a small real root filesystem, and mini-runc as a user calls it. Everything that
/// is asserted is seen from outside: exit codes, output, /proc, cgroup files.

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json_fwd.hpp>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::runtime {

/// A directory with config.json and rootfs.
class Bundle {
 public:
  /// Makes `dir` with the root filesystem of the test image; the configuration is what
  /// `mini-runc spec` proposes, without a terminal, a writable root, running `sleep`.
  explicit Bundle(std::string dir);
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;
  ~Bundle();

  [[nodiscard]] const std::string& dir() const { return dir_; }          ///< absolute
  [[nodiscard]] std::string rootfs() const { return dir_ + "/rootfs"; }  ///< absolute
  [[nodiscard]] nlohmann::json& config() { return *config_; }            ///< to be edited
  [[nodiscard]] nlohmann::json& operator[](const char* member);          ///< of the config
  /// Sets process.args.
  void command(const std::vector<std::string>& args);
  /// `sh -c SCRIPT`.
  void script(const std::string& text);
  /// Appends to mounts.
  void mount(const std::string& destination, const std::string& type, const std::string& source,
             const std::vector<std::string>& options);
  /// Puts a namespace in, joined if there is a path; replaces one of the same type.
  void name_space(const std::string& type, const std::string& path = {});
  /// Takes a namespace out.
  void no_name_space(const std::string& type);
  /// Gives it a user namespace in which ids 0 to 65535 are 100000 to 165535, and the files too.
  void map_ids();
  /// Writes config.json.
  void write() const;

 private:
  std::string dir_;
  std::unique_ptr<nlohmann::json> config_;
};

/// Two containers' worth of names, a state directory, and a check that nothing is left.
class RuncTest : public ::testing::Test {
 protected:
  RuncTest();
  ~RuncTest() override;
  void SetUp() override;
  void TearDown() override;

  /// Runs mini-runc with our --root before `args`.
  testing::CommandResult runc(std::vector<std::string> args, testing::CommandOptions options = {});
  /// The whole command line, for RunningCommand.
  [[nodiscard]] std::vector<std::string> command_line(std::vector<std::string> args) const;
  /// `run` in the foreground of `script`: what it prints is what the container sees.
  testing::CommandResult run_script(const std::string& script);
  /// The output of run_script, without the last line's end; fails the test unless it ends with 0.
  std::string output_of(const std::string& script);
  /// `run -d`; returns the first process (0 and a failure if it could not be started).
  pid_t run_detached();
  pid_t run_detached(const std::string& id, Bundle& bundle);
  /// `create`; returns the first process.
  pid_t create();
  /// `delete --force`.
  void remove(const std::string& id);
  /// `state` as JSON; null if it failed.
  nlohmann::json state();
  std::string status();
  /// Where this container's cgroups are: directories named after it, in every hierarchy.
  [[nodiscard]] std::vector<std::string> cgroup_dirs(const std::string& id) const;
  /// Ids below the state directory.
  [[nodiscard]] std::vector<std::string> states() const;

  std::string id_;     // random
  std::string other_;  // a second one
  TempDir dir_;
  std::string root_;  // --root
  testing::LeakCheck leaks_;
  std::unique_ptr<Bundle> bundle_;

 private:
  pid_t pid_of(const testing::CommandResult& result, const std::string& file);
};

}  // namespace minidocker::runtime
