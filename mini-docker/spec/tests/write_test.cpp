#include "minidocker/spec/write.hpp"

#include <gtest/gtest.h>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/toolbox/error.hpp"
#include "spec_texts.hpp"

namespace minidocker::spec {
namespace {

TEST(Write, WhatWasWrittenReadsBackTheSame) {
  for (const Layout layout : {Layout::compact, Layout::pretty}) {
    for (const Spec& spec :
         {parse(kSmallest), parse(kEverything), default_spec(), rootless_spec(1000, 1000)}) {
      EXPECT_EQ(parse(write(spec, layout)), spec) << write(spec, layout);
    }
  }
}

TEST(Write, AbsentMembersAreLeftOut) {
  EXPECT_EQ(write(parse(kSmallest)),
            R"({"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["sh"],"cwd":"/"},)"
            R"("root":{"path":"rootfs"}})");
}

TEST(Write, ListsOfOneArrayStayArrays) {
  Spec spec = parse(kSmallest);
  spec.mounts = {{"/a", "", "", {}}};
  spec.linux_.namespaces = {{NamespaceType::pid, ""}};
  spec.linux_.resources.devices = {{false, 'a', {}, {}, ""}};
  const std::string text = write(spec);
  EXPECT_NE(text.find(R"("mounts":[{"destination":"/a"}])"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("namespaces":[{"type":"pid"}])"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("devices":[{"allow":false}])"), std::string::npos) << text;
}

TEST(Write, ThePrettyLayoutIndentsByTabsAndEndsTheLastLine) {
  const std::string text = write(parse(kSmallest), Layout::pretty);
  EXPECT_TRUE(text.starts_with("{\n\t\"ociVersion\": \"1.0.2\",\n")) << text;
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(Write, AbsentAndEmptyCapabilitiesStayDifferent) {
  Spec spec = parse(kSmallest);
  spec.process.capabilities = Capabilities{};
  EXPECT_EQ(parse(write(spec)).process.capabilities, Capabilities{});
}

TEST(Write, BytesThatAreNotUtf8AreRefused) {
  Spec spec = default_spec();
  spec.process.args = {"a\xff"};
  EXPECT_EQ(message_of([&] { (void)write(spec); }),
            "a string of the container's configuration is not UTF-8, which JSON cannot hold");
}

}  // namespace
}  // namespace minidocker::spec
