#include "init_layer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::engine {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

class InitLayer : public ::testing::Test {
 protected:
  InitLayer() {
    make_dirs(top_ + "/etc");
    make_dirs(bottom_ + "/etc");
    ::chmod(top_.c_str(), 0751);
  }
  TempDir dir_;
  std::string top_ = dir_ / "top";
  std::string bottom_ = dir_ / "bottom";
  std::string upper_ = dir_ / "upper";
  std::string init_ = dir_ / "init";
};

TEST_F(InitLayer, TheRootIsAsOpenAsTheImagesWhateverTheUmask) {
  const mode_t before = ::umask(077);
  make_upper(upper_, {top_, bottom_});
  make_init_layer(init_, {top_, bottom_});
  ::umask(before);
  EXPECT_EQ(mode_of(upper_), 0751U);
  EXPECT_EQ(mode_of(init_), 0751U);
  EXPECT_EQ(mode_of(init_ + "/etc"), 0755U);
  EXPECT_EQ(mode_of(init_ + "/.dockerenv"), 0755U);
}

TEST_F(InitLayer, TheWritableLayerIsEmpty) {
  make_upper(upper_, {top_, bottom_});
  EXPECT_TRUE(list_dir(upper_).empty());
}

TEST_F(InitLayer, MtabLeadsToTheMounts) {
  make_init_layer(init_, {top_, bottom_});
  EXPECT_EQ(testing::link_target(init_ + "/etc/mtab"), "/proc/mounts");
}

TEST_F(InitLayer, WhatTheImageHasStays) {
  for (const char* name : {"/etc/mtab", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}) {
    write_atomically(bottom_ + name, "mine");
  }
  for (const char* name : {"/dev", "/proc", "/sys"}) make_dirs(bottom_ + name);
  make_init_layer(init_, {top_, bottom_});
  EXPECT_EQ(list_dir(init_), std::vector<std::string>{".dockerenv"});
}

TEST_F(InitLayer, HasWhatEveryContainerMountsOn) {
  make_dirs(dir_ / "bare");
  make_init_layer(init_, {dir_ / "bare"});
  EXPECT_EQ(list_dir(init_), (std::vector<std::string>{".dockerenv", "dev", "etc", "proc", "sys"}));
  EXPECT_EQ(list_dir(init_ + "/etc"),
            (std::vector<std::string>{"hostname", "hosts", "mtab", "resolv.conf"}));
}

TEST_F(InitLayer, MakesAnewWhatTheImageHasDeleted) {
  make_dirs(bottom_ + "/proc");
  ASSERT_EQ(::mknod((top_ + "/proc").c_str(), S_IFCHR, 0), 0);
  make_init_layer(init_, {top_, bottom_});
  EXPECT_TRUE(exists(init_ + "/proc"));
}

TEST_F(InitLayer, DoesNotLookThroughALinkInsteadOfEtc) {
  ASSERT_EQ(::rmdir((top_ + "/etc").c_str()), 0);
  ASSERT_EQ(::symlink("usr/etc", (top_ + "/etc").c_str()), 0);
  make_init_layer(init_, {top_, bottom_});
  EXPECT_FALSE(exists(init_ + "/etc"));
}

}  // namespace
}  // namespace minidocker::engine
