/// \file
/// Each kernel call of a run fails once with EPERM and once with ENOMEM: the error says what, and
/// nothing is left.
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "call_names.hpp"
#include "faulty_run.hpp"
#include "minidocker/testing/needs.hpp"

namespace minidocker::testing {
namespace {

/// A call whose failure does not stop a run, and why that is right.
struct Tolerated {
  std::string_view call;      ///< by name
  std::string_view path_end;  ///< and by the end of the path it is about
  std::string_view why;
};

constexpr std::array kTolerated{
    Tolerated{"close", "", "the kernel has closed it whatever it says; close(2)"},
    Tolerated{"newfstatat", "/proc/kcore", "it only decides whether there is a link /dev/core"},
    Tolerated{"openat2", "/etc/passwd", "HOME is / for a user whom nobody knows"},
    Tolerated{"read", "/etc/passwd", "likewise"},
    Tolerated{"ppoll", "", "asked again"},
    Tolerated{"read", "[signalfd]", "the signal is there at the next poll, too"},
    Tolerated{"waitid", "any", "an orphan is reaped at the next signal, or by our parent"},
    Tolerated{"prctl", "drop", "without CAP_SETPCAP one may drop what one does not hold"},
    Tolerated{"rt_sigprocmask", "", "the mask is put back only for who comes after us"},
};

bool is_tolerated(const FaultyRun& run) {
  const std::string name = call_name(run.call);
  return std::any_of(kTolerated.begin(), kTolerated.end(), [&](const Tolerated& tolerated) {
    return tolerated.call == name && run.detail.ends_with(tolerated.path_end);
  });
}

/// The kernel never refuses these.
bool cannot_fail(long call) {
  return call == SYS_getpid || call == SYS_geteuid || call == SYS_getegid || call == SYS_umask;
}

/// Calls that take something away: where they fail once more it stays, until `delete --force`.
bool removes(long call) { return call == SYS_unlinkat || call == SYS_rmdir || call == SYS_unlink; }

bool counts(long call) { return !is_of_the_library(call) && !cannot_fail(call); }

std::string all_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

/// One line, with the errno's name in it.
void expect_good_error(const FaultyRun& run, const char* name, const std::string& where) {
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << where;
  EXPECT_NE(run.err.find(name), std::string::npos) << where;
}

struct Tally {
  int failed = 0;
  int tolerated = 0;
};

void check(const Bundle& bundle, const FaultyRun& run, const char* name, const std::string& where,
           Tally& tally) {
  if (run.exit_code == 0) {
    ++tally.tolerated;
    // What cannot be removed is tried another way; that nothing is left is asked below.
    EXPECT_TRUE(is_tolerated(run) || removes(run.call))
        << where << "\nthe run went on as if nothing had been";
  } else {
    ++tally.failed;
    EXPECT_EQ(run.exit_code, 1) << where;
    expect_good_error(run, name, where);
  }
  std::vector<std::string> left = bundle.leftovers();
  if (left.empty()) return;
  EXPECT_TRUE(removes(run.call)) << where << "\nleft:" << all_of(left);
  EXPECT_EQ(bundle.delete_by_force().exit_code, 0) << where;
  left = bundle.leftovers();
  EXPECT_TRUE(left.empty()) << where << "\nleft after delete --force:" << all_of(left);
}

void sweep(Side side, int error, const char* name) {
  const Bundle bundle({"/bin/true"});
  Tally tally;
  for (int k = 1;; ++k) {
    // What the C library does before main is not ours: we begin where the runtime begins.
    const Strike strike{side, k, error, counts, side == Side::parent ? "/config.json" : ""};
    const FaultyRun run = run_struck(bundle.run_argv(), strike, bundle.work() + "/err");
    if (!run.fired) break;
    const std::string where = std::string(name) + " at call " + std::to_string(k) + ", " +
                              call_name(run.call) + " " + run.detail + ", exit code " +
                              std::to_string(run.exit_code) + "; " + run.err;
    check(bundle, run, name, where, tally);
  }
  std::printf("%s: %d calls failed and stopped the run, %d were tolerated\n", name, tally.failed,
              tally.tolerated);
  EXPECT_GT(tally.failed, 40);
}

TEST(Injection, RuntimeReportsEachCallThatIsNotPermitted) {
  MD_NEEDS("root", "busybox");
  sweep(Side::parent, EPERM, "EPERM");
}
TEST(Injection, RuntimeReportsEachCallThatFindsNoMemory) {
  MD_NEEDS("root", "busybox");
  sweep(Side::parent, ENOMEM, "ENOMEM");
}
TEST(Injection, FirstProcessReportsEachCallThatIsNotPermitted) {
  MD_NEEDS("root", "busybox");
  sweep(Side::child, EPERM, "EPERM");
}
TEST(Injection, FirstProcessReportsEachCallThatFindsNoMemory) {
  MD_NEEDS("root", "busybox");
  sweep(Side::child, ENOMEM, "ENOMEM");
}

}  // namespace
}  // namespace minidocker::testing
