// What `mini-runc spec` proposes, beside what the real `runc spec` writes.
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::spec {
namespace {

std::string runc_spec(const std::vector<std::string>& options) {
  const TempDir bundle;
  std::vector<std::string> argv = {testing::path_of("runc"), "spec", "--bundle", bundle.path()};
  argv.insert(argv.end(), options.begin(), options.end());
  EXPECT_EQ(minidocker::Process::spawn(argv).wait().shell_code(), 0);
  return testing::read_text(bundle / "config.json");
}

// The names that are our own.
Spec renamed(Spec ours, const Spec& theirs) {
  ours.oci_version = theirs.oci_version;
  ours.hostname = theirs.hostname;
  return ours;
}

TEST(DefaultSpec, IsWhatRuncWrites) {
  MD_NEEDS("runc");
  const std::string text = runc_spec({});
  const Spec theirs = parse(text);
  EXPECT_EQ(renamed(default_spec(), theirs), theirs);
  EXPECT_EQ(nlohmann::json::parse(write(theirs)), nlohmann::json::parse(text))
      << "nothing that runc says is lost";
}

TEST(RootlessSpec, IsWhatRuncWrites) {
  MD_NEEDS("runc");
  const Spec theirs = parse(runc_spec({"--rootless"}));
  EXPECT_EQ(renamed(rootless_spec(geteuid(), getegid()), theirs), theirs);
}

}  // namespace
}  // namespace minidocker::spec
