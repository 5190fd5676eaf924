#include "close_on_exec.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Findings check_line(const std::string& line, const std::string& path = "tests/a.cpp") {
  return check_close_on_exec(SourceTree::of({{path, line + "\n"}}));
}

TEST(CloseOnExec, MustBeAmongTheFlags) {
  EXPECT_THAT(check_line("int f() { return ::open(p, O_RDONLY); }"), SizeIs(1));
  EXPECT_THAT(check_line("int f() { return ::open(p, O_RDONLY | O_CLOEXEC); }"), IsEmpty());
  EXPECT_THAT(check_line("int f() { return socket(AF_UNIX, SOCK_STREAM, 0); }"), SizeIs(1));
}

TEST(CloseOnExec, MayBeAddedByAWrapperOfSys) {
  const char* path = "chapters/00-toolbox/src/sys/file.cpp";
  EXPECT_THAT(check_line("int f() { flags |= O_CLOEXEC; return ::open(p, flags); }", path),
              IsEmpty());
  EXPECT_THAT(check_line("int f() { return invoke(SYS_openat2, p, flags); }", path), SizeIs(1));
  EXPECT_THAT(check_line("int f() { return call(::open, p, flags); }", path), SizeIs(1));
}

TEST(CloseOnExec, MayBeAmongTheFlagsOfACallByNumber) {
  EXPECT_THAT(check_line("int f() { return ::syscall(SYS_socket, 1, 2 | SOCK_CLOEXEC, 0); }"),
              IsEmpty());
  EXPECT_THAT(check_line("int f() { return ::syscall(SYS_socket, 1, 2, 0); }"), SizeIs(1));
}

TEST(CloseOnExec, IsNotAskedOfANumberThatNobodyCalls) {
  EXPECT_THAT(check_line("auto filter = {unless_equal(SYS_socket), allow()};"), IsEmpty());
}

TEST(CloseOnExec, FormsWithoutFlagsAreNeverAllowed) {
  EXPECT_THAT(check_line("int f() { return ::pipe(ends); }"), SizeIs(1));
  EXPECT_THAT(check_line("int f() { return ::dup(1); }"), SizeIs(1));
}

TEST(CloseOnExec, MayBeLeftOutOnPurpose) {
  EXPECT_THAT(check_line("int f() { return ::open(p, O_RDONLY); }  // lint: inherited"), IsEmpty());
}

TEST(CloseOnExec, IsNotAskedOfSysCalls) {
  EXPECT_THAT(check_line("void f() { sys::open(p, O_RDONLY).or_throw(p); }"), IsEmpty());
}

TEST(CloseOnExec, IsSetEverywhereInTheRepository) {
  EXPECT_EQ(to_text(check_close_on_exec(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
