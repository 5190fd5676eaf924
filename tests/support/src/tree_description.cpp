#include "minidocker/testing/tree_description.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <set>
#include <utility>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {

namespace {

/// Of each file with more than one name the first name that was met.
using FirstNames = std::map<std::pair<dev_t, ino_t>, std::string>;

/// Tells bytes apart, briefly.
std::string mark_of(const std::string& bytes) {
  return fmt::format("{}:{:x}", bytes.size(), std::hash<std::string>{}(bytes));
}

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
  for (const auto& [name, value] : attributes) text += " " + name + "=" + mark_of(value);
  return text;
}

std::string describe(const std::string& root, const std::string& name, FirstNames& first_names) {
  const std::string path = root + "/" + name;
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  std::string text = fmt::format("{:o} {}:{} {}.{:09}", status.st_mode, status.st_uid,
                                 status.st_gid, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
    const auto first = first_names.try_emplace({status.st_dev, status.st_ino}, name).first;
    text += fmt::format(" of {} names, \"{}\"", status.st_nlink, first->second);
  }
  if (S_ISLNK(status.st_mode)) text += " -> " + link_target(path);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    text += fmt::format(" {}:{}", major(status.st_rdev), minor(status.st_rdev));
  }
  if (S_ISREG(status.st_mode)) text += " " + mark_of(read_text(path));
  return text + attributes_of(path);
}

}  // namespace

TreeDescription describe_tree(const std::string& root) {
  FirstNames first_names;
  TreeDescription tree{{".", describe(root, ".", first_names)}};
  for (const std::string& path : files_below(root)) {
    tree[path] = describe(root, path, first_names);
  }
  return tree;
}

std::vector<std::string> differing_paths(const TreeDescription& ours,
                                         const TreeDescription& theirs) {
  std::set<std::string> paths;
  const auto add = [&paths](const TreeDescription& some, const TreeDescription& others) {
    for (const auto& [path, words] : some) {
      const auto other = others.find(path);
      if (other == others.end() || other->second != words) paths.insert(path);
    }
  };
  add(ours, theirs);
  add(theirs, ours);
  return {paths.begin(), paths.end()};
}

std::string differences(const TreeDescription& ours, const TreeDescription& theirs) {
  constexpr std::ptrdiff_t kMost = 100;  // lines that somebody would still read
  std::string text;
  const auto add = [&text](const char* who, const std::string& path, const TreeDescription& tree) {
    const auto entry = tree.find(path);
    if (entry == tree.end() || std::ranges::count(text, '\n') >= kMost) return;
    text += "\n" + (who + path.substr(0, 30)) + ": " + entry->second.substr(0, 150);
  };
  for (const std::string& path : differing_paths(ours, theirs)) {
    add("ours   ", path, ours);
    add("theirs ", path, theirs);
  }
  return text;
}

}  // namespace minidocker::testing
