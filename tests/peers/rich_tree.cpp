#include "rich_tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {

namespace {

namespace fs = std::filesystem;
using std::string_view_literals::operator""sv;

// cap_net_raw, permitted and effective (linux/capability.h, revision 2).
constexpr std::string_view kCapability = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv;

class RichTree {
 public:
  explicit RichTree(std::string dir) : dir_(std::move(dir) + "/") {
    fs::create_directories(dir_ + "dir/sub");
    fs::create_directories(dir_ + "shared");
  }

  void add_modes_and_owners() const {
    add("dir/setuid", 04711);
    add("setgid", 02755);
    add("forbidden", 0);
    add("dir/owned", 0600);
    done(::chown(at("dir/owned").c_str(), 1234, 3'000'000'000));
    done(::chmod(at("dir").c_str(), 02750));
    done(::chmod(at("shared").c_str(), 01777));
    write_text(at("empty"), "");
    write_text(at("big"), std::string(300'000, 'b'));
  }

  void add_links_and_devices() const {
    done(::symlink("dir/setuid", at("link").c_str()));
    done(::lchown(at("link").c_str(), 7, 8));
    done(::symlink("/absent", at("dir/broken").c_str()));
    done(::symlink(std::string(300, 'l').c_str(), at("long-link").c_str()));
    done(::link(at("dir/owned").c_str(), at("hard").c_str()));
    done(::link(at("dir/owned").c_str(), at("dir/sub/hard").c_str()));
    done(::mkfifo(at("fifo").c_str(), 0600));
    done(::chmod(at("fifo").c_str(), 0622));
    done(::mknod(at("character").c_str(), S_IFCHR | 0620, makedev(1, 3)));
    done(::mknod(at("block").c_str(), S_IFBLK | 0660, makedev(259, 70'000)));
  }

  void add_odd_names() const {
    for (const char* name : {"two words", "quote'\"\\", "line\nfeed", "tab\t", "caf\xc3\xa9",
                             "latin\xe9", "-dash", "=is", "?*[a];", ".hidden", "100%s"}) {
      add(name, 0644);
    }
    add(std::string(255, 'n'), 0644);
    const std::string part(200, 'd');
    fs::create_directories(at(part + "/" + part + "/" + part));
    add(part + "/" + part + "/" + part + "/leaf", 0644);
  }

  void add_attributes() const {
    add("capable", 0755);
    set_attribute("capable", "security.capability", kCapability);
    add("attributes", 0644);
    set_attribute("attributes", "user.text", "words");
    set_attribute("attributes", "user.bytes", "\0\xff\n="sv);
    set_attribute("shared", "user.on-a-directory", "too");
    add(lossy::kEmptyAttribute, 0644);
    set_attribute(lossy::kEmptyAttribute, "user.empty", "");
  }

  /// After all else, which changes times.
  void set_times() const {
    for (const char* name : {lossy::kExact, lossy::kBefore, lossy::kLater}) add(name, 0644);
    for (const std::string& path : files_below(dir_)) set_time(path, 1'400'000'000);
    set_time(lossy::kRoot, 1'400'000'000);
    set_time(lossy::kExact, 1'500'000'000, 123'456'789);
    set_time(lossy::kBefore, -5, 250'000'000);
    set_time(lossy::kLater, 15'032'385'535);
  }

 private:
  [[nodiscard]] std::string at(const std::string& name) const { return dir_ + name; }
  static void done(int result) { ASSERT_EQ(result, 0) << std::strerror(errno); }
  void add(const std::string& name, mode_t mode) const {
    write_text(at(name), "content of " + name);
    done(::chmod(at(name).c_str(), mode));
  }
  void set_attribute(const std::string& name, const char* key, std::string_view value) const {
    done(::setxattr(at(name).c_str(), key, value.data(), value.size(), 0));
  }
  void set_time(const std::string& name, std::int64_t seconds, long nanoseconds = 0) const {
    const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    done(::utimensat(AT_FDCWD, at(name).c_str(), times, AT_SYMLINK_NOFOLLOW));
  }

  std::string dir_;
};

}  // namespace

void make_rich_tree(const std::string& dir) {
  const RichTree tree(dir);
  tree.add_modes_and_owners();
  tree.add_links_and_devices();
  tree.add_odd_names();
  tree.add_attributes();
  tree.set_times();
}

}  // namespace minidocker::testing
