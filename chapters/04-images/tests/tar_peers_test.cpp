/// \file
/// What other programs write is read, and what we write is read by others: GNU tar, bsdtar and
/// python's tarfile, in both directions.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/tar_writer.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/testing/tree_description.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::describe_tree;
using minidocker::testing::differences;
using minidocker::testing::in_sandbox;
using minidocker::testing::path_of;
using minidocker::testing::read_text;
using minidocker::testing::run_command;
using minidocker::testing::write_text;
using Type = TarEntry::Type;

const std::string kTree = "/tmp/tree";
const std::string kCopy = "/tmp/copy";
const std::string kArchive = "/tmp/archive.tar";

// A file capability: cap_net_raw, permitted and effective (linux/capability.h, revision 2).
const std::string kCapability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);

void expect_done(const CommandResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

void set_time(const std::string& path, std::int64_t seconds, long nanoseconds = 0) {
  const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << path;
}

// What any form of archive can hold.
void make_plain_tree() {
  make_dirs(kTree + "/dir/sub");
  write_text(kTree + "/dir/file", "content");
  write_text(kTree + "/dir/big", std::string(70'000, 'b'));
  write_text(kTree + "/empty", "");
  ::chmod((kTree + "/dir/file").c_str(), 04711);
  ::lchown((kTree + "/empty").c_str(), 1000, 50);
  ASSERT_EQ(::symlink("dir/file", (kTree + "/link").c_str()), 0);
  ASSERT_EQ(::link((kTree + "/dir/file").c_str(), (kTree + "/zhard").c_str()), 0);
  for (const char* name : {"/dir/file", "/dir/big", "/empty", "/link", "/dir/sub", "/dir", ""}) {
    set_time(kTree + name, 1'500'000'000);
  }
}

// What ustar can hold besides.
void add_devices() {
  ASSERT_EQ(::mknod((kTree + "/fifo").c_str(), S_IFIFO | 0600, 0), 0);
  ASSERT_EQ(::mknod((kTree + "/device").c_str(), S_IFCHR | 0620, makedev(300, 70'000)), 0);
  for (const char* name : {"/fifo", "/device", ""}) set_time(kTree + name, 1'500'000'000);
}

void add_long_names() {
  const std::string name = kTree + "/" + std::string(240, 'd');
  make_dirs(name);
  write_text(name + "/" + std::string(200, 'f'), "long");
  ASSERT_EQ(::symlink(std::string(300, 'l').c_str(), (kTree + "/long-link").c_str()), 0);
  ::lchown(name.c_str(), 3'000'000'000, 2'999'999);
  set_time(name + "/" + std::string(200, 'f'), std::int64_t{1} << 34);
  for (const std::string& path : {name, kTree + "/long-link", kTree}) set_time(path, 77);
}

// What only pax can hold.
void add_attributes_and_odd_times() {
  write_text(kTree + "/odd", "odd");
  const std::string odd = kTree + "/odd";
  ASSERT_EQ(::setxattr(odd.c_str(), "security.capability", kCapability.data(), 20, 0), 0);
  ASSERT_EQ(::setxattr(odd.c_str(), "user.text", "a\0b", 3, 0), 0);
  set_time(odd, -5, 250'000'000);
  write_text(kTree + "/exact", "exact");
  set_time(kTree + "/exact", 1'500'000'000, 123'456'789);
  set_time(kTree, 1'500'000'000, 500'000'000);
}

void make_sparse(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(::pwrite(fd, "data", 4, off_t{i} * 40'000), 4);
  }
  ASSERT_EQ(::ftruncate(fd, 5'000'000), 0);
  ::close(fd);
  set_time(path, 77);
}

// Unpacks kArchive into kCopy and compares it with kTree.
void expect_we_read_it() {
  remove_tree(kCopy);
  make_dirs(kCopy);
  const UniqueFd fd = sys::open(kArchive.c_str(), O_RDONLY).or_throw();
  ByteBudget budget(1U << 30U);
  const NoUmask no_umask;
  unpack_layer({fd.get(), "archive", {}, images::Digest::of(read_text(kArchive))}, kCopy, budget);
  EXPECT_EQ(differences(describe_tree(kCopy), describe_tree(kTree)), "");
}

void expect_we_read(std::vector<std::string> command) {
  SCOPED_TRACE(::testing::PrintToString(command));
  command.insert(command.end(), {"-C", kTree, "-cf", kArchive, "."});
  expect_done(run_command(command));
  expect_we_read_it();
}

TEST(TarPeers, WeReadAllFormsThatGnuTarWrites) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_plain_tree();
    expect_we_read({"tar", "--format=v7"});
    add_devices();
    expect_we_read({"tar", "--format=ustar"});
    add_long_names();
    for (const char* form : {"oldgnu", "gnu", "posix"}) {
      expect_we_read({"tar", std::string("--format=") + form});
    }
    add_attributes_and_odd_times();
    expect_we_read({"tar", "--format=posix", "--xattrs", "--xattrs-include=*"});
  });
}

TEST(TarPeers, WeReadAllSparseFormsThatGnuTarWrites) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs(kTree);
    make_sparse(kTree + "/sparse");
    ASSERT_EQ(::truncate((kTree + "/sparse").c_str(), 5'000'001), 0);
    write_text(kTree + "/hole", "");
    ASSERT_EQ(::truncate((kTree + "/hole").c_str(), 1'000'000), 0);
    for (const char* name : {"/hole", "/sparse", ""}) set_time(kTree + name, 5);
    for (const char* form : {"--format=gnu", "--format=oldgnu", "--sparse-version=0.0",
                             "--sparse-version=0.1", "--sparse-version=1.0"}) {
      std::vector<std::string> command{"tar", "--sparse", form};
      if (command.back().starts_with("--sparse")) command.emplace_back("--format=posix");
      expect_we_read(command);
      struct stat status{};
      ASSERT_EQ(::stat((kCopy + "/sparse").c_str(), &status), 0);
      EXPECT_LT(status.st_blocks * 512, 1'000'000) << "holes were filled";
    }
  });
}

TEST(TarPeers, WeReadAllFormsThatBsdtarWrites) {
  MD_NEEDS("root", "bsdtar");
  in_sandbox([] {
    make_plain_tree();
    add_devices();
    expect_we_read({path_of("bsdtar"), "--format=ustar"});
    add_long_names();
    // Times beyond 2242 do not fit there, and of those before 1970 it counts fractions wrongly.
    set_time(kTree + "/" + std::string(240, 'd') + "/" + std::string(200, 'f'), 77);
    expect_we_read({path_of("bsdtar"), "--format=gnutar"});
    make_sparse(kTree + "/sparse");
    set_time(kTree, 77);
    add_attributes_and_odd_times();
    set_time(kTree + "/odd", -5);
    set_time(kTree, 77);
    expect_we_read({path_of("bsdtar"), "--format=pax"});
  });
}

TEST(TarPeers, WeReadAllFormsThatPythonWrites) {
  MD_NEEDS("root", "python3");
  in_sandbox([] {
    make_plain_tree();
    add_devices();
    add_long_names();
    for (const char* form : {"GNU", "PAX"}) {
      const std::string program = "import tarfile\nwith tarfile.open('" + kArchive +
                                  "', 'w', format=tarfile." + form + "_FORMAT) as t: t.add('" +
                                  kTree + "', arcname='.')\n";
      expect_done(run_command({"python3", "-c", program}));
      expect_we_read_it();
    }
  });
}

// --- the other way ---------------------------------------------------------------------------

class File {
 public:
  explicit File(const std::string& path)
      : fd_(sys::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644).or_throw(path)),
        sink_(fd_.get(), path),
        writer(sink_) {}

 private:
  UniqueFd fd_;
  FdSink sink_;

 public:
  TarWriter writer;
};

TarEntry entry_of(const std::string& name, Type type = Type::file) {
  TarEntry entry;
  entry.name = name;
  entry.type = type;
  entry.mode = 0640;
  entry.mtime = {1'500'000'000, 0};
  return entry;
}

void write_archive(bool with_attributes, const struct timespec& odd_time = {-5, 250'000'000}) {
  File file(kArchive);
  TarWriter& tar = file.writer;
  const auto add = [&tar](TarEntry entry, const std::string& data = "") {
    entry.size = data.size();
    tar.add(entry);
    tar.write_data(data);
  };
  TarEntry top = entry_of("./", Type::directory);
  top.mode = 0755;
  add(top);
  const std::string long_name = std::string(240, 'd');
  TarEntry directory = entry_of(long_name, Type::directory);
  directory.mode = 02750;
  directory.uid = 3'000'000'000;
  add(directory);
  add(entry_of(long_name + "/" + std::string(200, 'f')), "long");
  TarEntry odd = entry_of("odd");
  odd.mode = 04755;
  odd.mtime = odd_time;
  if (with_attributes) {
    odd.xattrs = {{"security.capability", kCapability}, {"user.text", std::string("a\0b", 3)}};
  }
  add(odd, std::string(10'000, 'o'));
  TarEntry hard = entry_of("other", Type::hard_link);
  hard.mode = odd.mode;
  hard.mtime = odd.mtime;
  hard.link = "odd";
  add(hard);
  TarEntry link = entry_of("link", Type::symlink);
  link.mode = 0777;
  link.link = std::string(300, 'l');
  add(link);
  TarEntry device = entry_of("device", Type::block_device);
  device.major = 300;
  device.minor = 70'000;
  add(device);
  add(entry_of("fifo", Type::fifo));
  TarEntry sparse = entry_of("sparse");
  sparse.size = 1'000'000;
  sparse.sparse = true;
  sparse.extents = {{40'960, 4096}, {900'000, 4}};
  tar.add(sparse);
  tar.write_data(std::string(4096, 'd') + "data");
  tar.finish();
}

// Lets `command` unpack our archive, as we do, and compares; but for the times of `untimed`, which
// that program does not set.
void expect_they_read(const std::vector<std::string>& command, const std::string& untimed = "") {
  SCOPED_TRACE(::testing::PrintToString(command));
  remove_tree(kTree);
  make_dirs(kTree);
  expect_done(run_command(command));
  if (!untimed.empty()) set_time(kTree + untimed, 1'500'000'000);
  expect_we_read_it();
}

TEST(TarPeers, GnuTarReadsWhatWeWrite) {
  MD_NEEDS("root");
  in_sandbox([] {
    write_archive(true);
    expect_they_read({"tar", "--xattrs", "--xattrs-include=*", "-C", kTree, "-xpf", kArchive});
  });
}

TEST(TarPeers, BsdtarReadsWhatWeWrite) {
  MD_NEEDS("root", "bsdtar");
  in_sandbox([] {
    write_archive(true, {5, 250'000'000});  // it counts fractions before 1970 wrongly
    expect_they_read({path_of("bsdtar"), "-C", kTree, "-xpf", kArchive}, "/.");
  });
}

TEST(TarPeers, PythonReadsWhatWeWrite) {
  MD_NEEDS("root", "python3");
  in_sandbox([] {
    write_archive(false);
    expect_they_read({"python3", "-c",
                      "import tarfile\nwith tarfile.open('" + kArchive + "') as t: t.extractall('" +
                          kTree + "')\n"},
                     "/link");
  });
}

}  // namespace
}  // namespace minidocker::images_unpack
