#include "minidocker/spec/validate.hpp"

#include <cstdint>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/parse.hpp"
#include "spec_texts.hpp"

namespace minidocker::spec {
namespace {

std::string fault_of(const Spec& spec) {
  return message_of([&] { (void)validate(spec); });
}

std::string fault_with(std::string_view fragment) {
  return message_of([&] { (void)validate(parse(with(fragment))); });
}

TEST(Validate, TheSmallestAndTheDefaultContainersAreFine) {
  EXPECT_TRUE(validate(parse(kSmallest)).empty());
  EXPECT_TRUE(validate(default_spec()).empty());
  EXPECT_TRUE(validate(rootless_spec(1000, 1000)).empty());
}

struct Bad {
  const char* fragment;
  const char* message;
};

const Bad kBad[] = {
    // the version, the root
    {R"("ociVersion": "")", "/ociVersion: version \"\" is not supported, expected 1.x.y"},
    {R"("ociVersion": "3.0.0")", "/ociVersion: version \"3.0.0\" is not supported, expected 1.x.y"},
    {R"("ociVersion": "1.0")", "/ociVersion: version \"1.0\" is not supported, expected 1.x.y"},
    {R"("ociVersion": "1.x.y")", "/ociVersion: version \"1.x.y\" is not supported, expected 1.x.y"},
    {R"("ociVersion": "11.0.0")",
     "/ociVersion: version \"11.0.0\" is not supported, expected 1.x.y"},
    {R"("root": {})", "/root/path: missing"},
    {R"("annotations": {"": "x"})", "/annotations/: the name of an annotation must not be empty"},
    // the program
    {R"("process": {"cwd": "/"})", "/process/args: expected the program to run"},
    {R"("process": {"args": [], "cwd": "/"})", "/process/args: expected the program to run"},
    {R"("process": {"args": ["sh"]})", "/process/cwd: missing"},
    {R"("process": {"args": ["sh"], "cwd": "tmp"})",
     "/process/cwd: \"tmp\" is not an absolute path"},
    {R"("process": {"args": ["sh"], "cwd": "/", "env": ["A=b", "C"]})",
     "/process/env/1: \"C\" is not of the form NAME=value"},
    {R"("process": {"args": ["sh"], "cwd": "/", "env": ["=b"]})",
     "/process/env/0: \"=b\" is not of the form NAME=value"},
    {R"("process": {"args": ["sh"], "cwd": "/", "oomScoreAdj": 1001})",
     "/process/oomScoreAdj: 1001 is out of range, expected -1000 to 1000"},
    {R"("process": {"args": ["sh"], "cwd": "/", "oomScoreAdj": -1001})",
     "/process/oomScoreAdj: -1001 is out of range, expected -1000 to 1000"},
    // the user
    {R"("process": {"args": ["sh"], "cwd": "/", "user": {"umask": 512}})",
     "/process/user/umask: 512 is out of range, expected 0 to 511 (0777)"},
    {R"("process": {"args": ["sh"], "cwd": "/", "user": {"uid": 4294967295}})",
     "/process/user/uid: 4294967295 is not an id: the kernel means \"unchanged\" by it"},
    {R"("process": {"args": ["sh"], "cwd": "/", "user": {"additionalGids": [0, 4294967295]}})",
     "/process/user/additionalGids/1: 4294967295 is not an id: the kernel means \"unchanged\" by "
     "it"},
    // capabilities, limits
    {R"("process": {"args": ["sh"], "cwd": "/", "capabilities": {"effective": ["CAP_KILL"]}})",
     "/process/capabilities/effective/0: \"CAP_KILL\" must be in the permitted set too"},
    {R"("process": {"args": ["sh"], "cwd": "/",
        "rlimits": [{"type": "RLIMIT_FOO", "hard": 1, "soft": 1}]})",
     "/process/rlimits/0/type: unknown limit \"RLIMIT_FOO\""},
    {R"("process": {"args": ["sh"], "cwd": "/",
        "rlimits": [{"type": "RLIMIT_CORE", "hard": 1, "soft": 1},
                    {"type": "RLIMIT_CORE", "hard": 1, "soft": 1}]})",
     "/process/rlimits/1/type: RLIMIT_CORE is there twice"},
    {R"("process": {"args": ["sh"], "cwd": "/",
        "rlimits": [{"type": "RLIMIT_CORE", "hard": 1, "soft": 2}]})",
     "/process/rlimits/0/soft: 2 is above the hard limit 1"},
    // namespaces
    {R"("linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]})",
     "/linux/namespaces/1/type: \"pid\" is there twice"},
    {R"("linux": {"namespaces": [{"type": "pid", "path": "proc/1/ns/pid"}]})",
     "/linux/namespaces/0/path: \"proc/1/ns/pid\" is not an absolute path"},
    {R"("hostname": "web")",
     "/hostname: needs a uts namespace in /linux/namespaces, or it would hold for the host"},
    {R"("domainname": "org")",
     "/domainname: needs a uts namespace in /linux/namespaces, or it would hold for the host"},
    {R"("linux": {"timeOffsets": {"monotonic": {"secs": 1}}})",
     "/linux/timeOffsets/monotonic: needs a new time namespace in /linux/namespaces: a clock is "
     "shifted before the namespace's first process"},
    {R"("linux": {"namespaces": [{"type": "time", "path": "/proc/1/ns/time"}],
        "timeOffsets": {"boottime": {"secs": 1}}})",
     "/linux/timeOffsets/boottime: needs a new time namespace in /linux/namespaces: a clock is "
     "shifted before the namespace's first process"},
    {R"("linux": {"namespaces": [{"type": "time"}],
        "timeOffsets": {"boottime": {"nanosecs": 1000000000}}})",
     "/linux/timeOffsets/boottime/nanosecs: 1000000000 is out of range, expected less than "
     "1000000000"},
    // id maps
    {R"("linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/uidMappings: needs a new user namespace in /linux/namespaces"},
    {R"("linux": {"gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/gidMappings: needs a new user namespace in /linux/namespaces"},
    {R"("linux": {"namespaces": [{"type": "user"}]})",
     "/linux/uidMappings: missing: a new user namespace needs at least one range"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/gidMappings: missing: a new user namespace needs at least one range"},
    {R"("linux": {"namespaces": [{"type": "user", "path": "/proc/1/ns/user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/uidMappings: the user namespace \"/proc/1/ns/user\" is joined and has its own "
     "mappings"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 0}]})",
     "/process/user/uid: 0 is not mapped by /linux/uidMappings"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 9, "size": 1},
                        {"containerID": 5, "hostID": 0, "size": 0}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/uidMappings/1/size: 0 maps nothing, expected at least 1"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 10},
                        {"containerID": 9, "hostID": 100, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/uidMappings/1: overlaps /linux/uidMappings/0"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 100, "size": 10},
                        {"containerID": 10, "hostID": 109, "size": 1}]})",
     "/linux/gidMappings/1: overlaps /linux/gidMappings/0"},
    {R"("linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 4294967290, "size": 6}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]})",
     "/linux/uidMappings/0: the range ends above the highest id, 4294967294"},
    {R"("process": {"args": ["sh"], "cwd": "/", "user": {"gid": 7}},
        "linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 7}]})",
     "/process/user/gid: 7 is not mapped by /linux/gidMappings"},
    {R"("process": {"args": ["sh"], "cwd": "/", "user": {"additionalGids": [0, 7]}},
        "linux": {"namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 7}]})",
     "/process/user/additionalGids/1: 7 is not mapped by /linux/gidMappings"},
    // paths, devices, cgroups
    {R"("linux": {"maskedPaths": ["/proc/kcore"]})",
     "/linux/maskedPaths: needs a mount namespace in /linux/namespaces, or the host's paths would "
     "be covered"},
    {R"("linux": {"readonlyPaths": ["/proc/sys"]})",
     "/linux/readonlyPaths: needs a mount namespace in /linux/namespaces, or the host's paths "
     "would be covered"},
    {R"("linux": {"namespaces": [{"type": "mount"}], "maskedPaths": ["/a", "proc/kcore"]})",
     "/linux/maskedPaths/1: \"proc/kcore\" is not an absolute path"},
    {R"("linux": {"namespaces": [{"type": "mount"}], "readonlyPaths": [""]})",
     "/linux/readonlyPaths/0: missing"},
    {R"("linux": {"rootfsPropagation": "mine"})",
     "/linux/rootfsPropagation: unknown word \"mine\", expected shared, slave, private or "
     "unbindable, or one of these with an r in front"},
    {R"("linux": {"rootfsPropagation": "rw"})",
     "/linux/rootfsPropagation: unknown word \"rw\", expected shared, slave, private or "
     "unbindable, or one of these with an r in front"},
    {R"("linux": {"rootfsPropagation": "shared"})",
     "/linux/rootfsPropagation: needs a mount namespace in /linux/namespaces, or it would hold for "
     "the host"},
    {R"("linux": {"devices": [{"type": "c", "path": "dev/x", "major": 1, "minor": 1}]})",
     "/linux/devices/0/path: \"dev/x\" is not an absolute path"},
    {R"("linux": {"devices": [{"type": "c", "path": "/dev/x", "major": 4096, "minor": 1}]})",
     "/linux/devices/0/major: 4096 is out of range, expected 0 to 4095"},
    {R"("linux": {"devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 1048576}]})",
     "/linux/devices/0/minor: 1048576 is out of range, expected 0 to 1048575"},
    {R"("linux": {"cgroupsPath": "/a/../../b"})",
     "/linux/cgroupsPath: \"/a/../../b\" leads upwards"},
    // mounts
    {R"("mounts": [{"destination": "/a", "type": "tmpfs"}])",
     "/mounts: needs a mount namespace in /linux/namespaces, or the host would see these mounts"},
    {R"("root": {"path": "r", "readonly": true})",
     "/root/readonly: needs a mount namespace in /linux/namespaces"},
};

TEST(Validate, EachFaultIsRefusedWithItsPlace) {
  for (const Bad& bad : kBad) {
    EXPECT_EQ(fault_with(bad.fragment), fmt::format("config.json: {}", bad.message))
        << bad.fragment;
  }
}

// One mount put into a container with a mount namespace, and the exact message.
const Bad kBadMounts[] = {
    {R"({"destination": "/a", "source": "/b", "options": ["rbind", "readonly"]})",
     "/mounts/0/options/1: \"readonly\" is no option of a bind"},
    {R"({"destination": "/a", "source": "/b", "options": ["size=1", "bind"]})",
     "/mounts/0/options/0: \"size=1\" is no option of a bind"},
    {R"({"destination": "", "type": "tmpfs"})", "/mounts/0/destination: missing"},
    {R"({"destination": "/", "type": "tmpfs"})",
     "/mounts/0/destination: the root cannot be mounted over, use /root/path"},
    {R"({"destination": "/a/..", "type": "tmpfs"})",
     "/mounts/0/destination: the root cannot be mounted over, use /root/path"},
    {R"({"destination": "/proc/sys/kernel", "type": "tmpfs"})",
     "/mounts/0/destination: \"/proc/sys/kernel\" lies inside /proc, where only files such as "
     "/proc/cpuinfo may be covered"},
    {R"({"destination": "//proc/./self/../attr", "type": "tmpfs"})",
     "/mounts/0/destination: \"//proc/./self/../attr\" lies inside /proc, where only files such as "
     "/proc/cpuinfo may be covered"},
    {R"({"destination": "/a"})",
     "/mounts/0/type: missing, and the options hold neither \"bind\" nor \"rbind\""},
    {R"({"destination": "/a", "type": "bind", "source": "/b"})",
     "/mounts/0/options: type \"bind\" needs the option \"bind\" or \"rbind\""},
    {R"({"destination": "/a", "options": ["bind"]})",
     "/mounts/0/source: missing: what is to be bound?"},
    {R"({"destination": "/a", "source": "/b", "options": ["ro", "rbind", "ridmap"]})",
     "/mounts/0/options: no uidMappings and gidMappings, and no user namespace in "
     "/linux/namespaces to take them from"},
    {R"({"destination": "/a", "type": "tmpfs", "options": ["idmap"]})",
     "/mounts/0/options: only a bind can map ids"},
    {R"({"destination": "/a", "source": "/b", "options": ["bind"],
         "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]})",
     "/mounts/0/gidMappings: missing: ids are mapped with both lists or with none"},
    {R"({"destination": "/a", "source": "/b", "options": ["bind"],
         "uidMappings": [{"containerID": 0, "hostID": 1, "size": 0}],
         "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]})",
     "/mounts/0/uidMappings/0/size: 0 maps nothing, expected at least 1"},
    {R"({"destination": "/a", "source": "/b", "options": ["bind", "tmpcopyup"]})",
     "/mounts/0/options: \"tmpcopyup\" is for a tmpfs only"},
};

TEST(Validate, EachBadMountIsRefusedWithItsPlace) {
  for (const Bad& bad : kBadMounts) {
    EXPECT_EQ(
        fault_with(fmt::format(
            R"("linux": {{"namespaces": [{{"type": "mount"}}]}}, "mounts": [{}])", bad.fragment)),
        fmt::format("config.json: {}", bad.message))
        << bad.fragment;
  }
}

TEST(Validate, OptionsThatDoNotFitAPageAreRefused) {
  Spec spec = default_spec();
  spec.mounts[1].options.push_back(std::string(5000, 'x'));
  EXPECT_EQ(fault_of(spec),
            "config.json: /mounts/1/options: 5021 bytes of options for the filesystem, mount(2) "
            "takes less than 4096");
}

TEST(Validate, FilesThatDescribeTheMachineMayBeCovered) {
  Spec spec = default_spec();
  spec.mounts.push_back({"/proc/meminfo", "none", "/var/lib/lxcfs/proc/meminfo", {"bind"}});
  EXPECT_EQ(fault_of(spec), "no error");
}

TEST(Validate, AUserNamespaceNeedsTheNamespaceWhoseViewIsMounted) {
  const struct {
    NamespaceType without;
    const char* message;
  } kCases[] = {
      {NamespaceType::pid,
       "config.json: /mounts/0/type: proc in a user namespace needs a pid namespace too; bind the "
       "host's instead"},
      {NamespaceType::ipc,
       "config.json: /mounts/4/type: mqueue in a user namespace needs a ipc namespace too; bind "
       "the host's instead"},
      {NamespaceType::network,
       "config.json: /mounts/5/type: sysfs in a user namespace needs a network namespace too; bind "
       "the host's instead"},
  };
  for (const auto& [without, message] : kCases) {
    Spec spec = default_spec();
    std::erase_if(spec.linux_.namespaces,
                  [without = without](const Namespace& n) { return n.type == without; });
    EXPECT_EQ(fault_of(spec), "no error") << "without a user namespace the host's view is fine";
    spec.linux_.namespaces.push_back({NamespaceType::user, ""});
    spec.linux_.uid_mappings = spec.linux_.gid_mappings = {{0, 0, 65536}};
    EXPECT_EQ(fault_of(spec), message);
  }
}

TEST(Validate, AJoinedUserNamespaceNeedsNoMappings) {
  Spec spec = default_spec();
  spec.linux_.namespaces.push_back({NamespaceType::user, "/proc/1/ns/user"});
  EXPECT_EQ(fault_of(spec), "no error");
}

TEST(Validate, ADevptsOfAGroupThatIsNotMappedIsRefused) {
  Spec spec = default_spec();
  spec.linux_.namespaces.push_back({NamespaceType::user, ""});
  spec.linux_.uid_mappings = spec.linux_.gid_mappings = {{0, 1000, 5}};
  ASSERT_EQ(spec.mounts[2].options[5], "gid=5");
  EXPECT_EQ(
      fault_of(spec),
      "config.json: /mounts/2/options/5: \"gid=5\" is not mapped by /linux/gidMappings; hint: "
      "leave it out");
  spec.linux_.gid_mappings = {{0, 1000, 6}};
  EXPECT_EQ(fault_of(spec), "no error");
}

TEST(Validate, MoreRangesThanTheKernelTakesAreRefused) {
  Spec spec = rootless_spec(0, 0);
  spec.linux_.uid_mappings.clear();
  for (std::uint32_t i = 0; i < 341; ++i) spec.linux_.uid_mappings.push_back({i, i, 1});
  EXPECT_EQ(fault_of(spec),
            "config.json: /linux/uidMappings: 341 ranges are too many, the kernel takes 340");
}

TEST(Validate, AHostNameIsAtMost64Bytes) {
  Spec spec = default_spec();
  spec.hostname = std::string(64, 'h');
  EXPECT_EQ(fault_of(spec), "no error");
  spec.hostname += 'h';
  EXPECT_EQ(fault_of(spec), "config.json: /hostname: 65 bytes are too long, the kernel takes 64");
}

TEST(Validate, VersionsOfTheFirstGenerationAreFine) {
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.2.1+dev", "1.3.0-rc.1", "1.99.0"}) {
    Spec spec = default_spec();
    spec.oci_version = version;
    EXPECT_EQ(fault_of(spec), "no error") << version;
  }
}

TEST(Validate, UnknownCapabilitiesARelativeDestinationAndAUselessSizeAreWarnings) {
  Spec spec = default_spec();
  spec.process.terminal = false;
  spec.process.console_size = ConsoleSize{24, 80};
  for (const char* name : {"CAP_FLY", "ALL", "sys_admin"}) {
    spec.process.capabilities->bounding.emplace_back(name);
  }
  spec.mounts.push_back({"data", "tmpfs", "tmpfs", {}});
  EXPECT_EQ(validate(spec, "c.json"),
            (std::vector<std::string>{
                "c.json: /process/consoleSize: ignored, as there is no terminal",
                "c.json: /process/capabilities/bounding/3: unknown capability \"CAP_FLY\" is "
                "ignored",
                "c.json: /process/capabilities/bounding/4: unknown capability \"ALL\" is ignored",
                "c.json: /process/capabilities/bounding/5: unknown capability \"sys_admin\" is "
                "ignored",
                "c.json: /mounts/7/destination: \"data\" is not absolute, taken as below \"/\""}));
}

TEST(Validate, AmbientCapabilitiesThatCannotBeRaisedAreNoFault) {
  Spec spec = default_spec();
  ASSERT_TRUE(spec.process.capabilities->inheritable.empty());
  ASSERT_FALSE(spec.process.capabilities->ambient.empty());
  EXPECT_TRUE(validate(spec).empty());
}

}  // namespace
}  // namespace minidocker::spec
