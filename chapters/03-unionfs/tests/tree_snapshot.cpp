#include "tree_snapshot.hpp"

#include <dirent.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "minidocker/testing/observe.hpp"

namespace minidocker::unionfs::testing {
namespace {

std::map<std::string, std::string> xattrs_of(const std::string& path) {
  std::array<char, 4096> names{};
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::map<std::string, std::string> xattrs;
  for (ssize_t at = 0; at < size;) {
    const char* name = names.data() + at;
    at += static_cast<ssize_t>(std::strlen(name)) + 1;
    std::array<char, 4096> value{};
    const ssize_t length = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    if (length >= 0) xattrs[name] = std::string(value.data(), static_cast<std::size_t>(length));
  }
  return xattrs;
}

std::string content_of(const std::string& path, const struct stat& status) {
  if (S_ISREG(status.st_mode)) return minidocker::testing::read_text(path);
  return S_ISLNK(status.st_mode) ? minidocker::testing::link_target(path) : std::string();
}

void add(Snapshot& tree, const std::string& dir, const std::string& path) {
  const std::string whole = path.empty() ? dir : dir + "/" + path;
  Node node;
  if (::lstat(whole.c_str(), &node.status) != 0) return;
  node.content = content_of(whole, node.status);
  node.xattrs = xattrs_of(whole);
  const bool is_dir = node.is_dir();
  tree[path] = std::move(node);
  if (!is_dir) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(whole.c_str()), &::closedir);
  while (const struct dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") add(tree, dir, path.empty() ? name : path + "/" + name);
  }
}

// docker's rule: moby, pkg/archive, statDifferent().
bool is_same(const Node& a, const Node& b) {
  const struct stat& x = a.status;
  const struct stat& y = b.status;
  if (x.st_mode != y.st_mode || x.st_uid != y.st_uid || x.st_gid != y.st_gid ||
      x.st_rdev != y.st_rdev) {
    return false;
  }
  const bool is_same_time =
      x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
      (x.st_mtim.tv_nsec == y.st_mtim.tv_nsec || x.st_mtim.tv_nsec == 0 || y.st_mtim.tv_nsec == 0);
  return a.is_dir() || (x.st_size == y.st_size && is_same_time);
}

std::set<std::string> names_in(const Snapshot& tree, const std::string& dir) {
  std::set<std::string> names;
  const std::string prefix = dir.empty() ? "" : dir + "/";
  for (const auto& [path, node] : tree) {
    if (path.empty() || !path.starts_with(prefix)) continue;
    const std::string rest = path.substr(prefix.size());
    if (rest.find('/') == std::string::npos) names.insert(rest);
  }
  return names;
}

class Comparison {
 public:
  Comparison(const Snapshot& before, const Snapshot& after) : before_(before), after_(after) {}

  std::vector<std::string> run() {
    compare_names("", true);
    std::sort(lines_.begin(), lines_.end());
    return std::move(lines_);
  }

 private:
  // Returns whether anything was told.
  bool compare_names(const std::string& dir, bool was_dir) {
    std::set<std::string> names = names_in(after_, dir);
    if (was_dir) names.merge(names_in(before_, dir));
    bool told = false;
    for (const std::string& name : names) {
      told |= compare(dir.empty() ? name : dir + "/" + name, was_dir);
    }
    return told;
  }

  bool compare(const std::string& path, bool parent_was_dir) {
    const auto old = parent_was_dir ? before_.find(path) : before_.end();
    const auto now = after_.find(path);
    if (now == after_.end()) {
      lines_.push_back("D /" + path);
      return true;
    }
    const bool was_there = old != before_.end();
    const bool was_dir = was_there && old->second.is_dir();
    const bool told_within = now->second.is_dir() && compare_names(path, was_dir);
    if (was_there && !told_within && is_same(old->second, now->second)) return false;
    lines_.push_back((was_there ? "C /" : "A /") + path);
    return true;
  }

  const Snapshot& before_;
  const Snapshot& after_;
  std::vector<std::string> lines_;
};

}  // namespace

Snapshot snapshot(const std::string& dir) {
  Snapshot tree;
  add(tree, dir, "");
  return tree;
}

std::vector<std::string> lines_of(const Snapshot& tree) {
  std::map<std::pair<dev_t, ino_t>, std::string> first_names;
  std::vector<std::string> lines;
  for (const auto& [path, node] : tree) {
    const struct stat& s = node.status;
    const auto first = first_names.try_emplace({s.st_dev, s.st_ino}, path).first;
    std::string line = fmt::format("/{} {:o} {}:{} {}.{:09} dev {:x} as /{} \"{}\"", path,
                                   s.st_mode, s.st_uid, s.st_gid, s.st_mtim.tv_sec,
                                   s.st_mtim.tv_nsec, s.st_rdev, first->second, node.content);
    for (const auto& [name, value] : node.xattrs) line += fmt::format(" {}={}", name, value);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> full_comparison(const Snapshot& before, const Snapshot& after) {
  return Comparison(before, after).run();
}

}  // namespace minidocker::unionfs::testing
