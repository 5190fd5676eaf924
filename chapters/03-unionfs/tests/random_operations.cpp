#include "random_operations.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

namespace minidocker::unionfs::testing {
namespace {

// Few names, so that operations meet.
const std::vector<std::string>& paths() {
  static const std::vector<std::string> kPaths = [] {
    std::vector<std::string> all;
    const std::vector<std::string> names = {"a", "b", "c\n\xff"};
    for (const std::string& x : names) {
      all.push_back(x);
      for (const std::string& y : names) {
        all.push_back(x + "/" + y);
        all.push_back(x + "/" + y + "/" + "d");
      }
    }
    return all;
  }();
  return kPaths;
}

struct Where {
  std::string first;
  std::string second;
  std::uint32_t value;
};

void write(const Where& w, int flags) {
  const int fd = ::open(w.first.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | flags, 0644);
  if (fd < 0) return;
  const std::string text = fmt::format("content {}", w.value);
  (void)!::write(fd, text.data(), text.size());
  ::close(fd);
}

void remove_all(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// A time that is not now.
void set_time(const Where& w) {
  const struct timespec times[2] = {{1, 0}, {1'000'000'000 + w.value, w.value}};
  ::utimensat(AT_FDCWD, w.first.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

struct Kind {
  const char* words;
  void (*run)(const Where&);
};

const Kind kKinds[] = {
    {"create", [](const Where& w) { write(w, O_CREAT | O_EXCL); }},
    {"write", [](const Where& w) { write(w, O_CREAT | O_TRUNC); }},
    {"append", [](const Where& w) { write(w, O_APPEND); }},
    {"open for writing",
     [](const Where& w) { ::close(::open(w.first.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)); }},
    {"mkdir", [](const Where& w) { ::mkdir(w.first.c_str(), 0755); }},
    {"mkdir", [](const Where& w) { ::mkdir(w.first.c_str(), 0711); }},
    {"rmdir", [](const Where& w) { ::rmdir(w.first.c_str()); }},
    {"unlink", [](const Where& w) { ::unlink(w.first.c_str()); }},
    {"rm -rf", [](const Where& w) { remove_all(w.first); }},
    {"rm -rf and mkdir",
     [](const Where& w) {
       remove_all(w.first);
       ::mkdir(w.first.c_str(), 0755);
     }},
    {"rename", [](const Where& w) { ::rename(w.first.c_str(), w.second.c_str()); }},
    {"rename", [](const Where& w) { ::rename(w.first.c_str(), w.second.c_str()); }},
    {"exchange",
     [](const Where& w) {
       ::renameat2(AT_FDCWD, w.first.c_str(), AT_FDCWD, w.second.c_str(), RENAME_EXCHANGE);
     }},
    {"link", [](const Where& w) { (void)!::link(w.first.c_str(), w.second.c_str()); }},
    {"link", [](const Where& w) { (void)!::link(w.first.c_str(), w.second.c_str()); }},
    {"symlink", [](const Where& w) { (void)!::symlink("../a/b", w.first.c_str()); }},
    {"chmod",
     [](const Where& w) { ::fchmodat(AT_FDCWD, w.first.c_str(), 0700 | (w.value & 07077U), 0); }},
    {"chown",
     [](const Where& w) { (void)!::lchown(w.first.c_str(), w.value % 100, w.value % 90); }},
    {"touch", set_time},
    {"setfattr",
     [](const Where& w) {
       const std::string value = std::to_string(w.value);
       ::lsetxattr(w.first.c_str(), "user.one", value.data(), value.size(), 0);
     }},
    {"setfattr -x", [](const Where& w) { ::lremovexattr(w.first.c_str(), "user.one"); }},
    {"mkfifo", [](const Where& w) { ::mkfifo(w.first.c_str(), 0640); }},
    {"mknod",
     [](const Where& w) { ::mknod(w.first.c_str(), S_IFCHR | 0620, makedev(1, w.value % 8 + 1)); }},
};

}  // namespace

std::vector<Operation> random_operations(std::mt19937& random, std::size_t count) {
  const auto below = [&random](std::size_t end) {
    return static_cast<std::uint32_t>(random() % end);
  };
  std::vector<Operation> operations(count);
  for (Operation& operation : operations) {
    operation = {below(std::size(kKinds)), below(paths().size()), below(paths().size()),
                 below(10'000)};
  }
  return operations;
}

void perform(const std::string& dir, const Operation& operation) {
  kKinds[operation.kind].run({dir + "/" + paths()[operation.first],
                              dir + "/" + paths()[operation.second], operation.value});
}

std::vector<std::string> paths_of(const Operation& operation) {
  return {paths()[operation.first], paths()[operation.second]};
}

std::string in_words(const Operation& operation) {
  return fmt::format("{} {:?} {:?} {}", kKinds[operation.kind].words, paths()[operation.first],
                     paths()[operation.second], operation.value);
}

}  // namespace minidocker::unionfs::testing
