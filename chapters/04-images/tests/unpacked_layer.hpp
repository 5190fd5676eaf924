#pragma once
/// \file
/// Layers unpacked in a sandbox's /tmp, and what became of them.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cstdint>
#include <string>

#include "compressed_text.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "tar_builder.hpp"

namespace minidocker::images_unpack::testing {

/// Where layers are unpacked.
inline constexpr const char* kTarget = "/tmp/layer";

/// Unpacks an archive, gzipped, into kTarget, which is made anew.
inline UnpackReport unpack(const std::string& archive, const UnpackOptions& options = {},
                           std::uint64_t max_bytes = 1U << 30U) {
  remove_tree(kTarget);
  make_dirs(kTarget);
  const std::string blob = gzip(archive);
  minidocker::testing::write_text("/tmp/blob", blob);
  const UniqueFd fd = sys::open("/tmp/blob", O_RDONLY).or_throw();
  ByteBudget budget(max_bytes);
  const NoUmask no_umask;
  return unpack_layer({fd.get(), "layer", images::Digest::of(blob), images::Digest::of(archive)},
                      kTarget, budget, options);
}

/// The message of the error that unpacking ends with.
inline std::string refusal_of(const TarBuilder& tar, const UnpackOptions& options = {},
                              std::uint64_t max_bytes = 1U << 30U) {
  try {
    unpack(tar.finish(), options, max_bytes);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n")));
    return error.what();
  }
  return "";
}

/// Of a member, not followed.
inline struct stat stat_of(const std::string& name) {
  struct stat status{};
  EXPECT_EQ(::lstat((std::string(kTarget) + "/" + name).c_str(), &status), 0) << name;
  return status;
}

/// Of a file.
inline std::string content_of(const std::string& name) {
  return minidocker::testing::read_text(std::string(kTarget) + "/" + name);
}

/// An attribute of a member; "-" if there is none.
inline std::string xattr_of(const std::string& name, const char* key) {
  char value[64];
  const ssize_t size =
      ::lgetxattr((std::string(kTarget) + "/" + name).c_str(), key, value, sizeof(value));
  return size < 0 ? "-" : std::string(value, static_cast<std::size_t>(size));
}

}  // namespace minidocker::images_unpack::testing
