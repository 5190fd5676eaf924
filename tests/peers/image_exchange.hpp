#pragma once
/// \file
/// What tests of images on their way between mini-docker and others share.

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/tree_description.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::testing {

/// mini-docker with states of its own, in a directory for archives.
class ImageExchange : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;  ///< a command

  /// Works below `dir`, or in a directory of the build tree.
  explicit ImageExchange(const std::string& dir = MD_BINARY_DIR) : dir_(dir) {}

  /// The directory.
  [[nodiscard]] std::string dir() const { return dir_.path(); }
  /// A name in it.
  [[nodiscard]] std::string at(const std::string& name) const { return dir_.path() + "/" + name; }
  /// `mini-docker ARGS...`, which must succeed.
  CommandResult ours(Words args, const std::string& state = "ours") const;
  /// Any other command, which must succeed; what it printed.
  static std::string call(const Words& words);
  /// `skopeo copy`, checking nothing.
  static void skopeo_copy(const Words& words);
  /// Makes the OCI layout `name` of one image, tagged latest, whose only layer holds what is below
  /// `source`, by umoci.
  void umoci_make(const std::string& name, const std::string& source) const;
  /// Unpacks the image `latest` of the OCI layout `name` by umoci; what it made of it.
  [[nodiscard]] TreeDescription umoci_unpack(const std::string& name) const;

  /// What mini-docker has unpacked of the only layer of the only image of a state.
  [[nodiscard]] TreeDescription unpacked(const std::string& state) const;
  /// The names of all blobs of a state.
  [[nodiscard]] Words blobs(const std::string& state) const;
  /// The image ID of `name`.
  [[nodiscard]] std::string id(const std::string& name, const std::string& state = "ours") const;
  /// The digest of the only manifest of an OCI layout, or of an archive of one.
  [[nodiscard]] std::string manifest_digest(const std::string& name) const;
  /// Loads the archive or layout `name`, saves it anew from an empty state, and expects the
  /// manifest's digest to be the same; the state is `name` with "-loaded".
  std::string load_and_save(const std::string& name) const;

 private:
  TempDir dir_;
};

/// Expects two trees to be the same at all paths but these, which `who` must have changed: if it
/// has learned to keep them, a loss is taken off the list.
void expect_same_but(const std::vector<std::string>& losses, const TreeDescription& ours,
                     const TreeDescription& theirs);

/// Runs `body` where nothing that peers keep below /run, /tmp and /var/lib is the host's.
void in_own_world(const std::function<void()>& body);

}  // namespace minidocker::testing
