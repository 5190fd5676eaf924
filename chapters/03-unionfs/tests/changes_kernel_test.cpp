#include "minidocker/unionfs/changes.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "layers.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "steps.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::write_text;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using unionfs::testing::as_root_and_as_user;
using unionfs::testing::kMerged;
using unionfs::testing::Mounted;
using Lines = std::vector<std::string>;

// A layer with a bit of everything, and an upper directory on top.
struct Stack {
  std::vector<std::string> lowers{"/tmp/l/top", "/tmp/l/low"};
  std::string upper = "/tmp/l/upper";
  Stack() {
    make_dirs("/tmp/l/low/etc/deep");
    make_dirs("/tmp/l/top/etc");
    write_text("/tmp/l/low/etc/passwd", "root");
    write_text("/tmp/l/low/etc/deep/file", "x");
    write_text("/tmp/l/top/etc/hosts", "x");
  }
  [[nodiscard]] Lines changes() const {
    Lines lines;
    for (const Change& change : find_changes(upper, lowers)) {
      lines.push_back(fmt::format("{} {}", letter_of(change.kind), change.path));
    }
    return lines;
  }
  // What is changed by `work` in the mounted overlay, which the caller's umask rules.
  template <class Work>
  [[nodiscard]] Lines after(Work work) const {
    const Mounted mounted(lowers, upper);
    work();
    return changes();
  }
};

std::string merged(const std::string& path) { return std::string(kMerged) + path; }

TEST(Changes, AreNoneBeforeAnythingIsDone) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] { EXPECT_THAT(Stack().after([] {}), IsEmpty()); });
}

TEST(Changes, TellWhatWasAddedWithTheDirectoryThatHoldsIt) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    EXPECT_THAT(Stack().after([] {
      write_text(merged("/etc/new"), "x");
      make_dirs(merged("/srv/www"));
    }),
                ElementsAre("C /etc", "A /etc/new", "A /srv", "A /srv/www"));
  });
}

TEST(Changes, TellAChangedFileWithTheDirectoriesAroundIt) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] { write_text(merged("/etc/deep/file"), "changed"); }),
                ElementsAre("C /etc", "C /etc/deep", "C /etc/deep/file"));
  });
}

TEST(Changes, AreNoneOfAFileThatWasOnlyCopiedUp) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    EXPECT_THAT(stack.after([] {
      ::close(::open(merged("/etc/passwd").c_str(), O_WRONLY | O_CLOEXEC));
      EXPECT_EQ(::chmod(merged("/etc/hosts").c_str(), 0644), 0);
    }),
                IsEmpty());
    EXPECT_EQ(::access("/tmp/l/upper/etc/passwd", F_OK), 0);
  });
}

// Large directories are compared beside the walk, by other threads.
TEST(Changes, OfManyLargeDirectoriesAreExactlyThoseMade) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const auto each_file = [](const std::string& top, auto work) {
      for (int d = 10; d < 40; ++d) {
        for (int f = 10; f < 99; ++f) work(fmt::format("{}/many/{}/{}", top, d, f), d, f);
      }
    };
    for (int d = 10; d < 40; ++d) make_dirs(fmt::format("/tmp/l/low/many/{}", d));
    each_file("/tmp/l/low", [](const std::string& path, int, int) { write_text(path, "x"); });
    Lines expected{"C /many"};
    const Lines told = Stack().after([&] {
      each_file(kMerged, [](const std::string& path, int d, int f) {
        const mode_t mode = d % 3 == 0 && f % 5 == 0 ? 0600 : 0644;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0) << path;
      });
    });
    for (int d = 12; d < 40; d += 3) {
      expected.push_back(fmt::format("C /many/{}", d));
      for (int f = 10; f < 99; f += 5) expected.push_back(fmt::format("C /many/{}/{}", d, f));
    }
    EXPECT_EQ(told, expected);
  });
}

TEST(Changes, TellCapabilitiesOfAFileThatIsOtherwiseTheSame) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    // cap_net_raw=ep, capabilities(7): version 2, effective; little-endian.
    constexpr char kNetRaw[20] = {1, 0, 0, 2, 0, 32};
    EXPECT_THAT(Stack().after([&] {
      EXPECT_EQ(::setxattr(merged("/etc/hosts").c_str(), "security.capability", kNetRaw,
                           sizeof(kNetRaw), 0),
                0);
    }),
                ElementsAre("C /etc", "C /etc/hosts"));
  });
}

TEST(Changes, TellADeletedTreeOnce) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] { remove_tree(merged("/etc/deep")); }),
                ElementsAre("C /etc", "D /etc/deep"));
  });
}

TEST(Changes, TellWhatADirectoryMadeAnewHasLost) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] {
      remove_tree(merged("/etc"));
      make_dirs(merged("/etc"));
      write_text(merged("/etc/hosts"), "again");
    }),
                ElementsAre("C /etc", "D /etc/deep", "C /etc/hosts", "D /etc/passwd"));
  });
}

TEST(Changes, TellMetadataToo) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    EXPECT_THAT(stack.after([] {
      EXPECT_EQ(::chmod(merged("/etc/hosts").c_str(), 0600), 0);
      EXPECT_EQ(::chown(merged("/etc/deep").c_str(), 5, 5), 0);
    }),
                ElementsAre("C /etc", "C /etc/deep", "C /etc/hosts"));
  });
}

TEST(Changes, DoNotTellWhatDockerDoesNot) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    const struct timespec then[2] = {{1, 0}, {1, 0}};
    EXPECT_THAT(stack.after([&] {
      EXPECT_EQ(::setxattr(merged("/etc/deep").c_str(), "user.note", "x", 1, 0), 0);
      EXPECT_EQ(::utimensat(AT_FDCWD, merged("/etc/deep").c_str(), then, 0), 0);
    }),
                IsEmpty());
    EXPECT_GE(::getxattr("/tmp/l/upper/etc/deep", "user.note", nullptr, 0), 0);
  });
}

TEST(Changes, TellOnlyTheNewNameOfALinkToAFileOfTheImage) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] {
      EXPECT_EQ(::link(merged("/etc/passwd").c_str(), merged("/etc/copy").c_str()), 0);
    }),
                ElementsAre("C /etc", "A /etc/copy"));
  });
}

TEST(Changes, OfALinkedPairConcernOnlyTheNameThatWasCopiedUp) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    ASSERT_EQ(::link("/tmp/l/low/etc/passwd", "/tmp/l/low/etc/second"), 0);
    EXPECT_THAT(stack.after([] { write_text(merged("/etc/second"), "changed"); }),
                ElementsAre("C /etc", "C /etc/second"));
  });
}

TEST(Changes, OfARenamedFileAreADeletionAndAnAddition) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] {
      EXPECT_EQ(::rename(merged("/etc/passwd").c_str(), merged("/moved").c_str()), 0);
    }),
                ElementsAre("C /etc", "D /etc/passwd", "A /moved"));
  });
}

TEST(Changes, KnowNoRenamedDirectoryOfTheImageAsThatIsRefused) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] {
      EXPECT_EQ(::rename(merged("/etc/deep").c_str(), merged("/moved").c_str()), -1);
      EXPECT_EQ(errno, EXDEV);
      make_dirs(merged("/own/dir"));
      EXPECT_EQ(::rename(merged("/own").c_str(), merged("/moved").c_str()), 0);
    }),
                ElementsAre("A /moved", "A /moved/dir"));
  });
}

TEST(Changes, AreAdditionsWhereALayerBetweenHadDeletedTheName) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    const UniqueFd etc = sys::open("/tmp/l/top/etc", O_RDONLY | O_DIRECTORY).or_throw();
    ASSERT_TRUE(make_whiteout(etc.get(), "passwd").ok());
    ASSERT_TRUE(make_whiteout(etc.get(), "deep").ok());
    EXPECT_THAT(stack.after([] {
      write_text(merged("/etc/passwd"), "again");
      make_dirs(merged("/etc/deep"));
    }),
                ElementsAre("C /etc", "A /etc/deep", "A /etc/passwd"));
  });
}

TEST(Changes, OfTypeAreChangesAndWhatWasInADirectoryGoesWithIt) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(Stack().after([] {
      remove_tree(merged("/etc/deep"));
      write_text(merged("/etc/deep"), "a file now");
      EXPECT_EQ(::unlink(merged("/etc/hosts").c_str()), 0);
      make_dirs(merged("/etc/hosts/below"));
    }),
                ElementsAre("C /etc", "C /etc/deep", "C /etc/hosts", "A /etc/hosts/below"));
  });
}

TEST(Changes, BelowAnOpaqueDirectoryAreNotMergedWithAnything) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_THAT(
        Stack().after([] {
          remove_tree(merged("/etc"));
          make_dirs(merged("/etc/deep"));
        }),
        ElementsAre("C /etc", "C /etc/deep", "D /etc/deep/file", "D /etc/hosts", "D /etc/passwd"));
  });
}

TEST(Changes, GoThroughTreesDeeperThanThereAreDescriptors) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    // A path of 6,000 bytes takes two openat2(2), and 3,000 levels more than 256 descriptors.
    const Stack stack;
    make_dirs(stack.upper);
    ASSERT_EQ(::chdir(stack.upper.c_str()), 0);
    for (int i = 0; i < 3000; ++i) {
      ASSERT_EQ(::mkdir("d", 0755), 0);
      ASSERT_EQ(::chdir("d"), 0);
    }
    ASSERT_EQ(::chdir("/"), 0);
    const struct rlimit few{256, 256};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const std::vector<Change> changes = find_changes(stack.upper, stack.lowers);
    ASSERT_EQ(changes.size(), 3000U);
    EXPECT_EQ(changes.back().path.size(), 6000U);
  });
}

TEST(Changes, AreTheSameWhetherDirectoriesBelowAreReadOrAskedNameByName) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    // Twenty names are worth reading a directory of as many, and not one of a thousand.
    const Stack stack;
    for (const auto& [name, files] : {std::pair("small", 20), std::pair("large", 1000)}) {
      for (const std::string& layer : stack.lowers) make_dirs(layer + "/" + name);
      const std::string top = stack.lowers.front() + "/" + name;
      const std::string low = stack.lowers.back() + "/" + name;
      for (int i = 0; i < files; ++i) write_text(fmt::format("{}/{}", low, i), "");
      const UniqueFd dir = sys::open(top.c_str(), O_RDONLY | O_DIRECTORY).or_throw(top);
      ASSERT_TRUE(make_whiteout(dir.get(), "3").ok());
      ASSERT_EQ(::unlink((low + "/4").c_str()), 0);
      make_dirs(low + "/4");
    }
    const auto work_in = [](const std::string& directory) {
      for (int i = 0; i < 4; ++i) write_text(merged(fmt::format("/{}/{}", directory, i)), "x");
      EXPECT_EQ(::rmdir(merged("/" + directory + "/4").c_str()), 0);
      for (int i = 10; i < 20; ++i) write_text(merged(fmt::format("/{}/{}", directory, i)), "x");
    };
    Lines small = stack.after([&] { work_in("small"); });
    const auto in_small = [](const std::string& line) { return line.find("/small") != line.npos; };
    EXPECT_THAT(small, ::testing::Contains("A /small/3"));
    EXPECT_THAT(small, ::testing::Contains("D /small/4"));
    EXPECT_EQ(small.size(), 15U + 1U);
    const Lines both = stack.after([&] { work_in("large"); });
    Lines large;
    for (std::string line : both) {
      if (in_small(line)) continue;
      large.push_back(line.replace(line.find("large"), 5, "small"));
    }
    EXPECT_EQ(large, small);
  });
}

TEST(Changes, AskOnceForAFileInEachLayerUntilItIsFound) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    ASSERT_THAT(stack.after([] { write_text(merged("/etc/passwd"), "changed"); }),
                ElementsAre("C /etc", "C /etc/passwd"));
    trace::Recording calls;
    const trace::Session session(&calls);
    (void)stack.changes();
    // "etc" in the topmost layer; "passwd" in both, and in the upper directory, to compare.
    EXPECT_EQ(calls.count("newfstatat"), 1U + 2U + 1U);
  });
}

TEST(Changes, LookThroughMoreLayersThanAPageOfOptionsHolds) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    Stack stack;
    stack.lowers.clear();
    for (int i = 0; i < 200; ++i) {
      stack.lowers.push_back(fmt::format("/tmp/l/{:064}", i));
      make_dirs(stack.lowers.back() + "/shared");
      write_text(fmt::format("{}/shared/{}", stack.lowers.back(), i), "");
    }
    EXPECT_THAT(stack.after([] {
      EXPECT_EQ(::unlink(merged("/shared/199").c_str()), 0);
      write_text(merged("/shared/0"), "x");
    }),
                ElementsAre("C /shared", "C /shared/0", "D /shared/199"));
  });
}

TEST(Changes, TakeEveryByteThatANameCanHold) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    Lines expected;
    const Lines found = Stack().after([&expected] {
      for (int byte = 1; byte < 256; ++byte) {
        if (byte == '/') continue;
        const std::string name = fmt::format("/x{}", static_cast<char>(byte));
        write_text(merged(name), "");
        expected.push_back("A " + name);
      }
    });
    EXPECT_EQ(found, expected);
  });
}

TEST(Changes, DoNotFollowLinksOfALayer) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Stack stack;
    make_dirs("/tmp/elsewhere");
    write_text("/tmp/elsewhere/file", "");
    ASSERT_EQ(::symlink("/tmp/elsewhere", "/tmp/l/low/link"), 0);
    EXPECT_THAT(stack.after([] {
      EXPECT_EQ(::unlink(merged("/link").c_str()), 0);
      make_dirs(merged("/link"));
      write_text(merged("/link/file"), "");
    }),
                ElementsAre("C /link", "A /link/file"));
  });
}

TEST(Changes, OfADirectoryThatIsNotThereAreAnError) {
  EXPECT_THROW((void)find_changes("/no/such/upper", {}), SystemError);
  const std::vector<std::string> lowers = {"/no/such/layer"};
  EXPECT_THROW((void)find_changes("/tmp", lowers), SystemError);
}

}  // namespace
}  // namespace minidocker::unionfs
