#include "minidocker/unionfs/overlay.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::unionfs {
namespace {

using ::testing::HasSubstr;

OverlayLayers some_layers() { return {{"/l/2", "/l/1"}, "/c/upper", "/c/work"}; }

std::vector<std::string> many_layers(std::size_t count) {
  std::vector<std::string> lowers;
  for (std::size_t i = 0; i < count; ++i) {
    lowers.push_back(fmt::format("/var/lib/mini-docker/layers/sha256/{:064x}", i));
  }
  return lowers;
}

TEST(OverlayOptions, NameTheTopLayerFirst) {
  EXPECT_EQ(overlay_options(some_layers()),
            "lowerdir=/l/2:/l/1,upperdir=/c/upper,workdir=/c/work,userxattr");
}

TEST(OverlayOptions, SayVolatileForAnUpperThatIsThrownAway) {
  OverlayLayers layers = some_layers();
  layers.sync = UpperSync::never;
  EXPECT_THAT(overlay_options(layers), HasSubstr(",userxattr,volatile"));
}

TEST(OverlayOptions, HaveNoUpperForAReadOnlyMount) {
  EXPECT_EQ(overlay_options({{"/l/2", "/l/1"}, {}, {}, UpperSync::never}),
            "lowerdir=/l/2:/l/1,userxattr");
}

TEST(OverlayOptions, EscapeWhatSeparates) {
  EXPECT_EQ(escape_overlay_path(R"(/a:b,c\d e)"), R"(/a\:b\,c\\d e)");
  EXPECT_THAT(overlay_options({{"/a:b"}, "/u,1", "/w"}),
              HasSubstr(R"(lowerdir=/a\:b,upperdir=/u\,1,workdir)"));
}

TEST(OverlayOptions, RefuseWhatTheKernelWouldRefuseWithoutSayingWhy) {
  EXPECT_THROW(static_cast<void>(overlay_options({})), Error);
  EXPECT_THROW(static_cast<void>(overlay_options({{"/l"}, {}, {}})), Error);
  EXPECT_THROW(static_cast<void>(overlay_options({{"/l"}, "/u", {}})), Error);
  EXPECT_THROW(static_cast<void>(overlay_options({{"/l"}, {}, "/w"})), Error);
}

TEST(OverlayPlan, UsesAbsoluteNamesWhileTheyFit) {
  const OverlayPlan plan = plan_overlay(some_layers());
  EXPECT_EQ(plan.form, OverlayForm::absolute);
  EXPECT_EQ(plan.directory, "");
  EXPECT_EQ(plan.options, overlay_options(some_layers()));
}

TEST(OverlayPlan, UsesNamesRelativeToTheLayersDirectoryWhenOptionsGetLong) {
  const OverlayPlan plan = plan_overlay({many_layers(50), "/c/upper", "/c/work"});
  EXPECT_EQ(plan.form, OverlayForm::relative);
  EXPECT_EQ(plan.directory, "/var/lib/mini-docker/layers/sha256");
  EXPECT_THAT(plan.options, HasSubstr(fmt::format("lowerdir={:064x}:{:064x}", 0, 1)));
  EXPECT_LE(plan.options.size(), 4095U);
}

TEST(OverlayPlan, AppendsLayersOneByOneWhenNothingElseFits) {
  const OverlayPlan plan = plan_overlay({many_layers(200), "/c/upper", "/c/work"});
  EXPECT_EQ(plan.form, OverlayForm::appended);
  EXPECT_EQ(plan.options, "");
  ASSERT_EQ(plan.lowers.size(), 200U);
  EXPECT_EQ(plan.lowers[1], fmt::format("{:064x}", 1));
}

TEST(OverlayPlan, FindsTheCommonDirectoryAlsoIfThatIsTheRoot) {
  std::vector<std::string> lowers = many_layers(80);
  lowers.emplace_back("/other");
  EXPECT_EQ(plan_overlay({lowers, {}, {}}).directory, "/");
  lowers.back() = "/var/lib/mini-docker/layers/other";
  EXPECT_EQ(plan_overlay({lowers, {}, {}}).directory, "/var/lib/mini-docker/layers");
}

TEST(OverlayPlan, TakesNoDoubledSlashForTheRoot) {
  std::vector<std::string> lowers = many_layers(200);
  lowers.emplace_back("/var/lib/mini-docker/layers/sha256///etc");
  const OverlayPlan plan = plan_overlay({lowers, "/c/upper", "/c/work"});
  ASSERT_EQ(plan.directory, "/var/lib/mini-docker/layers/sha256");
  EXPECT_EQ(plan.lowers.back(), "etc");
}

TEST(MountOverlay, DescribesItselfInWords) {
  ChildPlan plan;
  EXPECT_EQ(make_mount_overlay(plan, some_layers(), "/m").describe(),
            "mount an overlay of 2 layers on /m (userxattr), changes go to /c/upper");
  EXPECT_EQ(make_mount_overlay(plan, {{"/l/1"}, "/u", "/w", UpperSync::never}, "/m").describe(),
            "mount an overlay of 1 layer on /m (userxattr, volatile), changes go to /u");
  EXPECT_EQ(make_mount_overlay(plan, {many_layers(200), {}, {}}, "/m").describe(),
            "mount an overlay of 200 layers on /m (userxattr, layers appended one by one), "
            "read-only");
}

}  // namespace
}  // namespace minidocker::unionfs
