// What each step says of itself, before it runs: --explain and every error begin with it.

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <gtest/gtest.h>

#include "minidocker/namespaces/console.hpp"
#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/init.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/namespaces/time_offsets.hpp"

namespace minidocker::namespaces {
namespace {

int slot = 5;

TEST(Describe, NamespacesAreNamedByKind) {
  EXPECT_EQ(UnshareNamespaces{CLONE_NEWTIME | CLONE_NEWPID}.describe(),
            "make new namespaces: pid, time");
  EXPECT_EQ(CloneSibling{0}.describe(),
            "clone a sibling that goes on in the namespaces chosen so far");
  EXPECT_EQ(CloneSibling{CLONE_NEWPID}.describe(),
            "clone a sibling that goes on in the namespaces chosen so far, and in new ones: pid");
  EXPECT_EQ((JoinNamespace{7, Kind::net}.describe()), "join the net namespace behind descriptor 7");
  EXPECT_EQ((JoinProcess{7, CLONE_NEWNET | CLONE_NEWNS}.describe()),
            "join these namespaces of the process behind descriptor 7: net, mnt");
}

TEST(Describe, WhatIsSetIsShown) {
  EXPECT_EQ(SetHostname{"web\n"}.describe(), "set the host name to \"web\\n\"");
  EXPECT_EQ(SetDomainname{"lan"}.describe(), "set the NIS domain name to \"lan\"");
  EXPECT_EQ(WriteTimeOffsets{"monotonic 1 0\nboottime 2 0\n"}.describe(),
            "set the clocks ahead (s, ns): monotonic 1 0,boottime 2 0");
  EXPECT_EQ(SetUmask{022}.describe(), "set the umask to 0022");
  EXPECT_EQ(BringUpLoopback{}.describe(), "bring the interface lo up");
  EXPECT_EQ(BecomeRootInside{}.describe(), "become root of the user namespace");
}

TEST(Describe, PropagationIsExplained) {
  EXPECT_EQ((SetPropagation{"/", MS_REC | MS_SLAVE}.describe()),
            "make \"/\" and all mounts below it slave: mounts come in, none goes out");
  EXPECT_EQ((SetPropagation{"/a", MS_SHARED}.describe()),
            "make \"/a\" shared: mounts go both ways");
  EXPECT_EQ((SetPropagation{"/a", MS_PRIVATE}.describe()),
            "make \"/a\" private: no mount comes in or goes out");
  EXPECT_EQ((SetPropagation{"/a", MS_UNBINDABLE}.describe()),
            "make \"/a\" unbindable: private, and no bind of it can be made");
  EXPECT_EQ((SetPropagation{"/a", 0}.describe()), "make \"/a\" nothing that the kernel knows");
}

TEST(Describe, ChangesOfTheRootAreTold) {
  EXPECT_EQ(BindRoot{"/r"}.describe(), "bind the root \"/r\" on itself");
  EXPECT_EQ((BindRoot{"/r", "/"}.describe()),
            "make the mount \"/\" private and bind the root \"/r\" on itself");
  EXPECT_EQ((OpenRoot{"/r", &slot}.describe()), "open the root \"/r\"");
  EXPECT_EQ(PivotRoot{&slot}.describe(), "make it the root and detach the old one");
  EXPECT_EQ((PivotRoot{&slot, OldRoot::shared}.describe()),
            "make it the root, make the old root slave and detach it");
  EXPECT_EQ((MoveRoot{&slot, nullptr, 2}.describe()),
            "unmount 2 whole proc and sysfs, move the root on / and enter it");
}

TEST(Describe, FilesystemsComeWithFlagsInWords) {
  EXPECT_EQ((OpenTmpfs{&slot, "/dev", nullptr}.describe()), "open the tmpfs \"/dev\"");
  EXPECT_EQ((MountFilesystem{&slot, "/proc", "proc", "proc", 0, nullptr}.describe()),
            "mount a proc on \"/proc\"");
  EXPECT_EQ((MountFilesystem{&slot, "/dev", "tmpfs", "tmpfs", MS_NOSUID, "mode=755"}.describe()),
            "mount a tmpfs on \"/dev\", MS_NOSUID, options \"mode=755\"");
}

TEST(Describe, DevicesComeWithNumbersAndModes) {
  EXPECT_EQ((OpenDir{&slot, "dev", &slot}.describe()), "open the directory \"dev\"");
  EXPECT_EQ((MakeDevice{&slot, "null", S_IFCHR | 0666, makedev(1, 3), 0, 0}.describe()),
            "make the character device \"null\" (1:3, 0666)");
  EXPECT_EQ((MakeDevice{&slot, "vda", S_IFBLK | 0600, makedev(254, 0), 1, 2}.describe()),
            "make the block device \"vda\" (254:0, 0600, owner 1:2)");
  EXPECT_EQ((MakeDevice{&slot, "p", S_IFIFO | 0600, 0, 0, 0}.describe()),
            "make the FIFO \"p\" (0600)");
  EXPECT_EQ((BindDevice{"/dev/null", &slot, "null"}.describe()),
            "bind the host's \"/dev/null\" on \"null\"");
  EXPECT_EQ((MakeSymlink{&slot, "fd", "/proc/self/fd"}.describe()),
            "make the link \"fd\" -> \"/proc/self/fd\"");
}

TEST(Describe, TerminalsComeWithTheirSize) {
  EXPECT_EQ(NewSession{}.describe(), "begin a session of its own");
  EXPECT_EQ((OpenConsole{&slot, "dev/console", {24, 80, 0, 0}, &slot, &slot}.describe()),
            "open a terminal of the container's own devpts (80 columns, 24 rows) and bind it on "
            "\"dev/console\"");
  EXPECT_EQ((OpenConsole{&slot, nullptr, {}, &slot, &slot}.describe()),
            "open a terminal of the container's own devpts");
  EXPECT_EQ(TakeTerminal{&slot}.describe(),
            "make the terminal the session's, and standard input, output and error");
  EXPECT_EQ((StdioTo{{4, 5, -1}}.describe()),
            "make descriptors 4, 5, -1 standard input, output and error");
  EXPECT_EQ((CloseSlot{&slot, "the master"}.describe()), "close the master");
  EXPECT_EQ(OwnProcessGroup{}.describe(),
            "begin a process group of its own, in the terminal's foreground if there is one");
}

}  // namespace
}  // namespace minidocker::namespaces
