// Binds with mapped ids, and tmpfs that begin as copies.
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/files.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class MappedMounts : public RuncTest {
 protected:
  void SetUp() override {
    RuncTest::SetUp();
    if (::testing::Test::IsSkipped()) return;
    make_dirs(source_);
    testing::write_text(source_ + "/file", "content");
    ASSERT_EQ(::chmod(source_.c_str(), 0777), 0);
  }
  // A bind of `source_` with the given maps.
  void bind(const std::vector<std::string>& options, json uids, json gids) {
    bundle_->mount("/data", "bind", source_, options);
    json& mount = bundle_->config()["mounts"].back();
    if (!uids.is_null()) mount["uidMappings"] = std::move(uids);
    if (!gids.is_null()) mount["gidMappings"] = std::move(gids);
  }
  static json maps(unsigned on_disk, unsigned seen, unsigned size) {
    return json::array({{{"containerID", on_disk}, {"hostID", seen}, {"size", size}}});
  }
  std::string source_ = dir_ / "source";
};

class CopiedTmpfs : public RuncTest {};

TEST_F(MappedMounts, ShowTheOwnersThatTheMountsOwnMapsSay) {
  bind({"bind"}, maps(0, 5000, 10), maps(0, 6000, 10));
  EXPECT_EQ(output_of("stat -c %u:%g /data/file"), "5000:6000");
}

TEST_F(MappedMounts, ShowFilesOfRootToRootOfAUserNamespace) {
  bundle_->map_ids();
  bind({"rbind", "ridmap"}, nullptr, nullptr);
  EXPECT_EQ(output_of("stat -c %u:%g /data/file; echo x > /data/new"), "0:0");
  struct stat made{};
  ASSERT_EQ(::stat((source_ + "/new").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 0U);
}

TEST_F(MappedMounts, ShowFilesOfRootToNobodyWithoutMapping) {
  bundle_->map_ids();
  bind({"bind"}, nullptr, nullptr);
  EXPECT_EQ(output_of("stat -c %u:%g /data/file"), "65534:65534");
}

TEST_F(MappedMounts, AreReadOnlyIfTheyShallBe) {
  bind({"bind", "ro", "idmap"}, maps(0, 0, 65536), maps(0, 0, 65536));
  EXPECT_EQ(output_of("touch /data/new 2>/dev/null || echo refused"), "refused");
}

TEST_F(MappedMounts, OfAFilesystemThatCannotAreRefusedByTheirPlace) {
  bundle_->mount("/data", "bind", "/proc", {"bind"});
  json& mount = bundle_->config()["mounts"].back();
  mount["uidMappings"] = maps(0, 5000, 10);
  mount["gidMappings"] = maps(0, 5000, 10);
  const CommandResult result = run_script("true");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("/mounts/7: /proc"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("cannot map ids"), std::string::npos) << result.err;
}

TEST_F(CopiedTmpfs, BeginWithWhatTheImageHas) {
  bundle_->mount("/etc", "tmpfs", "tmpfs", {"tmpcopyup", "mode=755", "ro"});
  EXPECT_EQ(output_of("cat /etc/layer3 2>/dev/null || ls /etc/passwd; touch /etc/x 2>/dev/null || "
                      "echo read-only"),
            "/etc/passwd\nread-only");
}

}  // namespace
}  // namespace minidocker::runtime
