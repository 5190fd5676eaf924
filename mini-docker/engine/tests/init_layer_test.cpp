#include "init_layer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

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
};

TEST_F(InitLayer, TheRootIsAsOpenAsTheImagesWhateverTheUmask) {
  const mode_t before = ::umask(077);
  make_upper(upper_, {top_, bottom_});
  ::umask(before);
  EXPECT_EQ(mode_of(upper_), 0751U);
  EXPECT_EQ(mode_of(upper_ + "/etc"), 0755U);
  EXPECT_EQ(mode_of(upper_ + "/.dockerenv"), 0755U);
}

TEST_F(InitLayer, MtabLeadsToTheMounts) {
  make_upper(upper_, {top_, bottom_});
  EXPECT_EQ(testing::link_target(upper_ + "/etc/mtab"), "/proc/mounts");
}

TEST_F(InitLayer, TheImagesOwnMtabStays) {
  write_atomically(bottom_ + "/etc/mtab", "mine");
  make_upper(upper_, {top_, bottom_});
  EXPECT_FALSE(exists(upper_ + "/etc"));
}

TEST_F(InitLayer, AnImageWithoutEtcGetsNone) {
  make_dirs(dir_ / "bare");
  make_upper(upper_, {dir_ / "bare"});
  EXPECT_FALSE(exists(upper_ + "/etc"));
}

}  // namespace
}  // namespace minidocker::engine
