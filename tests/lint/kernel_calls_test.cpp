#include "kernel_calls.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Findings check_line(const std::string& line,
                    const std::string& path = "chapters/01-namespaces/src/a.cpp") {
  return check_kernel_calls(SourceTree::of({{path, line + "\n"}}));
}

TEST(KernelCalls, AreFoundQualifiedOrNot) {
  EXPECT_THAT(messages_of(check_line("void f() { ::mount(a, b); }")), HasSubstr("mount()"));
  EXPECT_THAT(messages_of(check_line("int f() { return fork(); }")), HasSubstr("fork()"));
  EXPECT_THAT(messages_of(check_line("void f() { syscall(SYS_pivot_root); }")),
              HasSubstr("syscall()"));
}

TEST(KernelCalls, MayBeMadeThroughSys) {
  EXPECT_THAT(check_line("void f() { sys::mount(a, b).or_throw(a); }"), IsEmpty());
}

TEST(KernelCalls, MayBeMadeByTheWrappersAndByTests) {
  EXPECT_THAT(check_line("void f() { ::mount(a); }", "chapters/00-toolbox/src/sys/mount.cpp"),
              IsEmpty());
  EXPECT_THAT(check_line("void f() { ::mount(a); }", "chapters/01-namespaces/tests/a_test.cpp"),
              IsEmpty());
}

TEST(KernelCalls, AreNotMeantByAFunctionOfTheSameName) {
  EXPECT_THAT(check_line("struct G { void kill(); ~G() { kill(); } };"), IsEmpty());
  EXPECT_THAT(check_line("struct G { void kill(); ~G() { ::kill(1, 9); } };"), SizeIs(1));
}

TEST(KernelCalls, ErrnoAndFstreamAreFound) {
  EXPECT_THAT(messages_of(check_line("int f() { return errno; }")), HasSubstr("errno"));
  EXPECT_THAT(messages_of(check_line("#include <fstream>")), HasSubstr("<fstream>"));
}

TEST(KernelCalls, OfTheFilesystemLibraryAreFound) {
  EXPECT_THAT(check_line("bool f() { return std::filesystem::exists(p); }"), SizeIs(1));
  EXPECT_THAT(check_line("void f() { fs::create_directories(p); }"), SizeIs(1));
  EXPECT_THAT(check_line("fs::path f() { return p.lexically_normal(); }"), IsEmpty());
}

TEST(KernelCalls, GoThroughSysInTheRepository) {
  EXPECT_EQ(to_text(check_kernel_calls(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
