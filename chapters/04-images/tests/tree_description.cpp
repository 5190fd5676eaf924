#include "tree_description.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>

#include "minidocker/images/digest.hpp"
#include "minidocker/testing/observe.hpp"

namespace minidocker::images_unpack::testing {

namespace {

std::string attributes_of(const std::string& path) {
  std::array<char, 4096> names{};
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::map<std::string, std::string> attributes;
  for (ssize_t at = 0; at < size;) {
    const std::string name = names.data() + at;
    std::array<char, 4096> value{};
    const ssize_t bytes = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    attributes[name] =
        std::string(value.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
    at += static_cast<ssize_t>(name.size()) + 1;
  }
  std::string text;
  for (const auto& [name, value] : attributes) {
    text += " " + name + "=" + images::Digest::of(value).short_id();
  }
  return text;
}

std::string describe(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  std::string text = fmt::format("{:o} {}:{} {}.{:09}", status.st_mode, status.st_uid,
                                 status.st_gid, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (!S_ISDIR(status.st_mode)) text += fmt::format(" links {}", status.st_nlink);
  if (S_ISLNK(status.st_mode)) text += " -> " + minidocker::testing::link_target(path);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    text += fmt::format(" {}:{}", major(status.st_rdev), minor(status.st_rdev));
  }
  if (S_ISREG(status.st_mode)) {
    const std::string content = minidocker::testing::read_text(path);
    text += fmt::format(" {} {}", content.size(), images::Digest::of(content).short_id());
  }
  return text + attributes_of(path);
}

}  // namespace

std::map<std::string, std::string> describe_tree(const std::string& root) {
  std::map<std::string, std::string> tree{{".", describe(root)}};
  for (const std::string& path : minidocker::testing::files_below(root)) {
    tree[path] = describe(root + "/" + path);
  }
  return tree;
}

}  // namespace minidocker::images_unpack::testing
