#pragma once
/// \file
/// mini-worker, and mini-docker around it, that pull into a state directory and push from it; their
/// calls may be struck by strace.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {

/// A state directory, and workers that pull into it and push from it.
class WorkerTransfer : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  /// mini-worker's command line, or mini-docker's, after the words `below`.
  [[nodiscard]] Words command(const std::string& host, Words below = {}) const;
  [[nodiscard]] Words docker_command(const std::string& host, Words below = {}) const;

  /// Runs mini-worker; what it told is in events_ then.
  testing::CommandResult run(const std::string& host, Words below = {});
  /// Must succeed.
  void run_undisturbed(const std::string& host);
  /// What the layers should hold, by a pull that nobody disturbs.
  void learn_layers(const std::string& host);
  void forget_all();

  [[nodiscard]] images::Store store() const { return images::Store::open(dir_ / "state/images"); }
  /// Blobs and layers that have their names, each with its inode.
  [[nodiscard]] std::map<std::string, ino_t> named() const;
  /// All that is there is what its name says, and an image that has a name is whole.
  void expect_good() const;
  /// Its last event, if that is an error; else empty.
  [[nodiscard]] std::string error() const;
  /// The digests of blobs of which it told one of these.
  [[nodiscard]] std::set<std::string> told_of(
      const std::set<images::WorkerEvent::Phase>& phases) const;

  images::WorkerVerb verb_ = images::WorkerVerb::pull;
  TempDir dir_;
  std::vector<images::WorkerEvent> events_;
  std::map<std::string, Words> whole_;  // by layer
};

}  // namespace minidocker::registry
