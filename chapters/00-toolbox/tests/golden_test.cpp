// The transcripts of this chapter's text: produced by the program, compared with tests/golden.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/golden.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mount.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker {
namespace {

/// Numbers that differ from run to run, by what they are.
std::string masked(std::string text) {
  text = std::regex_replace(text, std::regex("<[0-9.]+ ms>"), "<time>");
  text = std::regex_replace(text, std::regex("(sendmsg|read)\\([0-9]+,"), "$1(FD,");
  return std::regex_replace(text, std::regex("(clone3\\(.*\\)) = [0-9]+"), "$1 = PID");
}

void compare_with_golden(const std::string& name, const std::string& text) {
  testing::expect_golden("chapters/00-toolbox/tests/golden/" + name + ".txt", text);
}

/// What the tools say when `code` fails.
template <class Code>
std::string error_line(const Code& code) {
  try {
    code();
  } catch (const Error& error) {
    return std::string(error.what()) + "\n";
  }
  return "nothing went wrong\n";
}

/// A child in new namespaces that meets its parent, finds its program and becomes it.
void add_steps(ChildPlan& plan, const char* program) {
  const std::vector<std::string> argv{program, "hello"};
  const std::vector<std::string> env;
  char** arguments = plan.copy_array(argv);
  auto* found = plan.make<std::array<char, FindProgram::kMaxPath>>();
  plan.add(Sync{SyncPoint::ready, "recorded the child"});
  plan.add(FindProgram{arguments[0], "/usr/local/bin:/bin", found->data()});
  plan.add(CloseFrom{3});
  plan.add(Exec{found->data(), arguments, plan.copy_array(env)});
}

TEST(Golden, APlanToldByTheNarrator) {
  MD_NEEDS("userns");
  const TempDir temp;
  testing::write_text(temp / "story", "");
  const UniqueFd story = sys::open((temp / "story").c_str(), O_WRONLY).or_throw("story");
  {
    const auto writer = trace::make_writer(trace::Format::text, story.get(), "example");
    ChildPlan plan;
    add_steps(plan, "true");
    const trace::Session session(writer.get());
    StartedChild child = StartedChild::start(plan, {.flags = CLONE_NEWUSER | CLONE_NEWUTS});
    child.wait_for(SyncPoint::ready);
    child.resume();
    child.wait_for_exec();
    const trace::Session silent(nullptr);
    (void)child.release().wait();
  }
  std::string told;
  for (const std::string& line : testing::lines_of(testing::read_text(temp / "story"))) {
    // The parent's own calls stand wherever it happened to be; the child's come in their order.
    const bool of_parent =
        std::regex_search(line, std::regex("^ *(recvmsg|close|socketpair)\\(|bytes=1,"));
    if (!of_parent) told += line + "\n";
  }
  compare_with_golden("plan", masked(told));
}

TEST(Golden, ThePlanInWords) {
  ChildPlan plan;
  add_steps(plan, "true");
  std::string told;
  for (const StepDescription& step : plan.describe()) {
    told += fmt::format("{}\n    because {}  [{}]\n", step.what, step.why, step.chapter);
  }
  compare_with_golden("steps", told);
}

TEST(Golden, ErrorsAsTheyArePrinted) {
  MD_NEEDS("root");
  std::string told;
  told += error_line([] { (void)read_file("/etc/no-such-file"); });
  told += error_line([] { write_control("/proc/self/oom_score_adj", "many"); });
  told += error_line([] { (void)Process::spawn({"no-such-program"}); });
  told += error_line([] { make_dirs("/etc/passwd/below"); });
  told += error_line([] { Mount::make("x", "/mnt", "nofs", MS_NODEV).release(); });
  ChildPlan plan;
  add_steps(plan, "no-such-program");
  StartedChild child = StartedChild::start(plan, {});
  child.wait_for(SyncPoint::ready);
  child.resume();
  told += error_line([&child] { child.wait_for_exec(); });
  compare_with_golden("errors", told);
}

/// How a file opened ends: its first line, or the errno.
std::string outcome(const sys::Result<UniqueFd>& file) {
  return file ? read_all(file.value().get(), "file") : errno_name(file.error());
}

TEST(Golden, HostilePathsAndWhereTheyLead) {
  const TempDir temp;
  make_dirs(temp / "image/etc");
  make_dirs(temp / "etc");
  testing::write_text(temp / "image/etc/passwd", "the image's");
  testing::write_text(temp / "etc/passwd", "the host's");
  const UniqueFd root = sys::open((temp / "image").c_str(), O_PATH | O_DIRECTORY).or_throw("root");
  sys::symlinkat("../etc/passwd", root.get(), "innocent").or_throw("link");
  sys::symlinkat("..", root.get(), "up").or_throw("link");
  sys::symlinkat("loop", root.get(), "loop").or_throw("link");
  std::string told = fmt::format("{:<22}{:<16}{}\n", "path in the image", "openat", "open_in_root");
  for (const char* path : {"etc/passwd", "../etc/passwd", "innocent", "up/etc/passwd", "loop"}) {
    told += fmt::format("{:<22}{:<16}{}\n", path, outcome(sys::openat(root.get(), path, O_RDONLY)),
                        outcome(open_in_root(root.get(), path, O_RDONLY)));
  }
  compare_with_golden("paths", told);
}

}  // namespace
}  // namespace minidocker
