#include "minidocker/spec/parse.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"
#include "spec_texts.hpp"

namespace minidocker::spec {
namespace {

TEST(Parse, TheSmallestDocumentHasNothingButWhatItSays) {
  const Spec spec = parse(kSmallest);
  EXPECT_EQ(spec.oci_version, "1.0.2");
  EXPECT_EQ(spec.root.path, "rootfs");
  EXPECT_FALSE(spec.root.readonly);
  EXPECT_EQ(spec.process.args, std::vector<std::string>{"sh"});
  EXPECT_FALSE(spec.process.capabilities);
  EXPECT_FALSE(spec.process.user.umask);
  EXPECT_TRUE(spec.linux_.namespaces.empty());
}

TEST(Parse, EveryMemberArrivesWhereItBelongs) {
  const Spec spec = parse(kEverything);
  EXPECT_TRUE(spec.root.readonly);
  EXPECT_EQ(spec.hostname, "web");
  EXPECT_EQ(spec.domainname, "example.org");
  EXPECT_EQ(spec.annotations.at("org.example/a"), "1");
  ASSERT_EQ(spec.mounts.size(), 1U);
  EXPECT_EQ(spec.mounts[0], (Mount{"/data", "none", "/srv", {"rbind", "ro"}}));
}

TEST(Parse, EveryMemberOfTheProcessArrives) {
  const Process process = parse(kEverything).process;
  EXPECT_TRUE(process.terminal);
  EXPECT_EQ(process.console_size, (ConsoleSize{24, 80}));
  EXPECT_EQ(process.user, (User{1, 2, 077, {5, 6}}));
  EXPECT_EQ(process.args, (std::vector<std::string>{"echo", "a b"}));
  EXPECT_EQ(process.env, std::vector<std::string>{"A=b"});
  EXPECT_EQ(process.cwd, "/tmp");
  EXPECT_EQ(
      process.capabilities,
      (Capabilities{{"CAP_KILL"}, {"CAP_CHOWN"}, {"CAP_FOWNER"}, {"CAP_SETUID"}, {"CAP_BPF"}}));
  EXPECT_EQ(process.rlimits, (std::vector<Rlimit>{{"RLIMIT_NOFILE", 18446744073709551615U, 10}}));
  EXPECT_TRUE(process.no_new_privileges);
  EXPECT_EQ(process.oom_score_adj, -5);
}

TEST(Parse, EveryMemberOfLinuxArrives) {
  const Linux config = parse(kEverything).linux_;
  EXPECT_EQ(config.uid_mappings, (std::vector<IdMapping>{{0, 1000, 1}}));
  EXPECT_EQ(config.gid_mappings, (std::vector<IdMapping>{{1, 4294967294U, 3}}));
  EXPECT_EQ(config.namespaces, (std::vector<Namespace>{{NamespaceType::pid, ""},
                                                       {NamespaceType::network, "/proc/1/ns/net"},
                                                       {NamespaceType::time, ""}}));
  EXPECT_EQ(config.devices, (std::vector<Device>{{'b', "/dev/x", 7, 8, 0660, 1, 2},
                                                 {'p', "/dev/fifo", 0, 0, {}, 0, 0}}));
  EXPECT_EQ(config.cgroups_path, "/a/b");
  EXPECT_EQ(config.rootfs_propagation, "rslave");
  EXPECT_EQ(config.masked_paths, std::vector<std::string>{"/proc/kcore"});
  EXPECT_EQ(config.readonly_paths, std::vector<std::string>{"/proc/sys"});
  EXPECT_EQ(config.monotonic, (TimeOffset{-3, 4}));
  EXPECT_EQ(config.boottime, (TimeOffset{5, 0}));
}

TEST(Parse, KeysUnknownToTheSpecificationAreIgnored) {
  EXPECT_EQ(parse(with(R"("x": {"y": [1]}, "linux": {"z": 1})")), parse(kSmallest));
}

// All that the specification has and that means nothing to a container on Linux.
TEST(Parse, MembersOfOtherSystemsAreIgnored) {
  EXPECT_EQ(parse(with(R"("windows": {"layerFolders": ["C:"]}, "solaris": {"limitpv": "a"},
      "vm": {"kernel": {"path": "k"}}, "zos": {"namespaces": []}, "freebsd": {"jail": {}},
      "process": {"args": ["sh"], "cwd": "/", "commandLine": "cmd", "user": {"username": "root"}},
      "linux": {"resources": {"memory": {"useHierarchy": false}}})")),
            parse(kSmallest));
}

TEST(Parse, NullIsAsGoodAsAbsent) {
  EXPECT_EQ(parse(with(R"("hostname": null, "mounts": null, "hooks": null, "linux": {
      "resources": {"memory": {"limit": null, "swappiness": null}}, "seccomp": null})")),
            parse(kSmallest));
}

TEST(Parse, WhatEnginesSendToMeanUnsetIsUnset) {
  EXPECT_EQ(parse(with(R"("hooks": {"prestart": []}, "process": {"args": ["sh"], "cwd": "/",
      "execCPUAffinity": {"initial": ""}}, "linux": {"sysctl": {}, "mountLabel": "",
      "resources": {"blockIO": {"weight": 0}, "hugepageLimits": [], "network": {},
        "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0, "kernelTCP": 0,
                   "disableOOMKiller": false, "useHierarchy": true},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "realtimePeriod": 0}}})")),
            parse(kSmallest));
}

TEST(Parse, AFileModeLosesItsFileType) {
  const Spec spec = parse(with(
      R"("linux": {"devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 3,
          "fileMode": 8630}]})"));
  EXPECT_EQ(spec.linux_.devices.at(0).file_mode, 0666U);
}

TEST(Parse, TheMessageNamesTheFileItWasGiven) {
  try {
    (void)parse("[]", "update.json");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "update.json: expected an object, found an array");
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
  }
}

TEST(Parse, BrokenJsonIsToldWithLineAndColumnInOneLine) {
  for (const char* text : {"", "{", "{\"a\":\n}", "{} x", "{\"a\": \"\xff\"}", "nul"}) {
    try {
      (void)parse(text);
      FAIL() << "expected an error for " << text;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with("config.json: not valid JSON: line ")) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

TEST(Parse, DeepNestingDoesNotExhaustTheStack) {
  std::string deep = R"("x": )";
  for (int i = 0; i < 100000; ++i) deep += R"({"a":)";
  deep += "1" + std::string(100000, '}');
  EXPECT_EQ(parse(with(deep)), parse(kSmallest));
}

// --- bad input: a fragment put into the smallest document, and the exact message --------------

struct Bad {
  const char* fragment;
  const char* message;
};

const Bad kBad[] = {
    // wrong types
    {R"("hostname": 1)", "/hostname: expected a string, found 1"},
    {R"("hostname": true)", "/hostname: expected a string, found true"},
    {R"("hostname": ["a"])", "/hostname: expected a string, found an array"},
    {R"("hostname": {})", "/hostname: expected a string, found an object"},
    {R"("domainname": 0)", "/domainname: expected a string, found 0"},
    {R"("ociVersion": 1.0)", "/ociVersion: expected a string, found 1.0"},
    {R"("annotations": {"a": 1})", "/annotations/a: expected a string, found 1"},
    {R"("annotations": {"a/b~c": 1})", "/annotations/a~1b~0c: expected a string, found 1"},
    {R"("annotations": [])", "/annotations: expected an object, found an array"},
    {R"("mounts": {})", "/mounts: expected an array, found an object"},
    {R"("mounts": ["x"])", "/mounts/0: expected an object, found a string \"x\""},
    {R"("mounts": [{"destination": "/a"}, {"destination": 7}])",
     "/mounts/1/destination: expected a string, found 7"},
    {R"("mounts": [{"type": "tmpfs"}])", "/mounts/0/destination: missing"},
    {R"("mounts": [{"destination": "/a", "options": "ro"}])",
     "/mounts/0/options: expected an array, found a string \"ro\""},
    {R"("mounts": [{"destination": "/a", "options": ["ro", null]}])",
     "/mounts/0/options/1: expected a string, found null"},
    {R"("root": "rootfs")", "/root: expected an object, found a string \"rootfs\""},
    {R"("root": {"path": 1})", "/root/path: expected a string, found 1"},
    {R"("root": {"path": "r", "readonly": "yes"})",
     "/root/readonly: expected true or false, found a string \"yes\""},
    {R"("root": {"path": "r", "readonly": 1})", "/root/readonly: expected true or false, found 1"},
    {R"("linux": [])", "/linux: expected an object, found an array"},
    {R"("process": 1)", "/process: expected an object, found 1"},
    {R"("process": {"args": "sh"})", "/process/args: expected an array, found a string \"sh\""},
    {R"("process": {"args": [1]})", "/process/args/0: expected a string, found 1"},
    {R"("process": {"args": ["a\u0000b"]})",
     "/process/args/0: \"a\\000b\" holds a NUL byte, which no path or argument can"},
    {R"("process": {"env": {"A": "b"}})", "/process/env: expected an array, found an object"},
    {R"("process": {"cwd": []})", "/process/cwd: expected a string, found an array"},
    {R"("process": {"terminal": "true"})",
     "/process/terminal: expected true or false, found a string \"true\""},
    {R"("process": {"consoleSize": 80})", "/process/consoleSize: expected an object, found 80"},
    {R"("process": {"noNewPrivileges": 0})",
     "/process/noNewPrivileges: expected true or false, found 0"},
    {R"("process": {"oomScoreAdj": "1"})",
     "/process/oomScoreAdj: expected an integer, found a string \"1\""},
    {R"("process": {"oomScoreAdj": 1.5})", "/process/oomScoreAdj: expected an integer, found 1.5"},
    {R"("process": {"user": "root"})",
     "/process/user: expected an object, found a string \"root\""},
    {R"("process": {"user": {"uid": "0"}})",
     "/process/user/uid: expected an integer, found a string \"0\""},
    {R"("process": {"user": {"additionalGids": [1, "2"]}})",
     "/process/user/additionalGids/1: expected an integer, found a string \"2\""},
    {R"("process": {"capabilities": ["CAP_KILL"]})",
     "/process/capabilities: expected an object, found an array"},
    {R"("process": {"capabilities": {"bounding": "CAP_KILL"}})",
     "/process/capabilities/bounding: expected an array, found a string \"CAP_KILL\""},
    {R"("process": {"rlimits": [{"type": "RLIMIT_CORE", "hard": "1", "soft": 1}]})",
     "/process/rlimits/0/hard: expected an integer, found a string \"1\""},
    {R"("process": {"rlimits": [{"type": "RLIMIT_CORE", "hard": 1}]})",
     "/process/rlimits/0/soft: missing"},
    {R"("process": {"rlimits": [{"hard": 1, "soft": 1}]})", "/process/rlimits/0/type: missing"},
    {R"("linux": {"namespaces": [{"path": "/x"}]})", "/linux/namespaces/0/type: missing"},
    {R"("linux": {"namespaces": ["pid"]})",
     "/linux/namespaces/0: expected an object, found a string \"pid\""},
    {R"("linux": {"namespaces": [{"type": "net"}]})",
     "/linux/namespaces/0/type: unknown namespace \"net\", expected pid, network, ipc, mount, uts, "
     "user, cgroup or time"},
    {R"("linux": {"uidMappings": [{"containerID": 0, "hostID": 0}]})",
     "/linux/uidMappings/0/size: missing"},
    {R"("linux": {"gidMappings": [{"containerID": "0", "hostID": 0, "size": 1}]})",
     "/linux/gidMappings/0/containerID: expected an integer, found a string \"0\""},
    {R"("linux": {"devices": [{"path": "/dev/x"}]})", "/linux/devices/0/type: missing"},
    {R"("linux": {"devices": [{"path": "/dev/x", "type": "c", "major": 1}]})",
     "/linux/devices/0/minor: missing"},
    {R"("linux": {"devices": [{"path": "/dev/x", "type": "char"}]})",
     "/linux/devices/0/type: unknown device type \"char\", expected one letter of \"cbup\""},
    {R"("linux": {"cgroupsPath": 1})", "/linux/cgroupsPath: expected a string, found 1"},
    {R"("linux": {"maskedPaths": "/proc/kcore"})",
     "/linux/maskedPaths: expected an array, found a string \"/proc/kcore\""},
    {R"("linux": {"readonlyPaths": [1]})", "/linux/readonlyPaths/0: expected a string, found 1"},
    {R"("linux": {"rootfsPropagation": true})",
     "/linux/rootfsPropagation: expected a string, found true"},
    {R"("linux": {"timeOffsets": {"monotonic": 1}})",
     "/linux/timeOffsets/monotonic: expected an object, found 1"},
    {R"("linux": {"timeOffsets": {"realtime": {"secs": 1}}})",
     "/linux/timeOffsets/realtime: a time namespace shifts only \"monotonic\" and \"boottime\""},
    // out of range
    {R"("process": {"user": {"uid": -1}})",
     "/process/user/uid: -1 is out of range, expected 0 to 4294967295"},
    {R"("process": {"user": {"gid": 4294967296}})",
     "/process/user/gid: 4294967296 is out of range, expected 0 to 4294967295"},
    {R"("process": {"user": {"additionalGids": [-2]}})",
     "/process/user/additionalGids/0: -2 is out of range, expected 0 to 4294967295"},
    {R"("process": {"consoleSize": {"height": 65536, "width": 1}})",
     "/process/consoleSize/height: 65536 is out of range, expected 0 to 65535"},
    {R"("process": {"oomScoreAdj": 2147483648})",
     "/process/oomScoreAdj: 2147483648 is out of range, expected -2147483648 to 2147483647"},
    {R"("process": {"rlimits": [{"type": "RLIMIT_CORE", "hard": -1, "soft": 0}]})",
     "/process/rlimits/0/hard: -1 is out of range, expected 0 to 18446744073709551615"},
    {R"("linux": {"timeOffsets": {"boottime": {"nanosecs": -1}}})",
     "/linux/timeOffsets/boottime/nanosecs: -1 is out of range, expected 0 to 4294967295"},
    // of the specification, but not supported yet
    {R"("hooks": {"prestart": [{"path": "/bin/true"}]})", "/hooks/prestart: not supported yet"},
    {R"("hooks": {"createRuntime": [{}]})", "/hooks/createRuntime: not supported yet"},
    {R"("hooks": {"createContainer": [{}]})", "/hooks/createContainer: not supported yet"},
    {R"("hooks": {"startContainer": [{}]})", "/hooks/startContainer: not supported yet"},
    {R"("hooks": {"poststart": [{}]})", "/hooks/poststart: not supported yet"},
    {R"("hooks": {"poststop": [{}]})", "/hooks/poststop: not supported yet"},
    {R"("mounts": [{"destination": "/a", "uidMappings": [{"size": 1}]}])",
     "/mounts/0/uidMappings/0/containerID: missing"},
    {R"("mounts": [{"destination": "/a", "gidMappings": [{"size": 1}]}])",
     "/mounts/0/gidMappings/0/containerID: missing"},
    {R"("process": {"apparmorProfile": "p"})", "/process/apparmorProfile: not supported yet"},
    {R"("process": {"selinuxLabel": "l"})", "/process/selinuxLabel: not supported yet"},
    {R"("process": {"scheduler": {"policy": "SCHED_IDLE"}})",
     "/process/scheduler: not supported yet"},
    {R"("process": {"ioPriority": {"class": "IOPRIO_CLASS_IDLE"}})",
     "/process/ioPriority: not supported yet"},
    {R"("process": {"execCPUAffinity": {"initial": "0"}})",
     "/process/execCPUAffinity/initial: not supported yet"},
    {R"("process": {"execCPUAffinity": {"final": "0"}})",
     "/process/execCPUAffinity/final: not supported yet"},
    {R"("linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}})",
     "/linux/seccomp: not supported yet"},
    {R"("linux": {"sysctl": {"net.core.somaxconn": "256"}})", "/linux/sysctl: not supported yet"},
    {R"("linux": {"mountLabel": "l"})", "/linux/mountLabel: not supported yet"},
    {R"("linux": {"personality": {"domain": "LINUX32"}})", "/linux/personality: not supported yet"},
    {R"("linux": {"netDevices": {"eth0": {"name": "x"}}})", "/linux/netDevices: not supported yet"},
    // a key alone asks for something
    {R"("linux": {"netDevices": {"eth0": {}}})", "/linux/netDevices: not supported yet"},
    {R"("linux": {"netDevices": {"eth0": null}})", "/linux/netDevices: not supported yet"},
    {R"("linux": {"sysctl": {"kernel.domainname": ""}})", "/linux/sysctl: not supported yet"},
    // of the specification, not supported yet, and of a wrong type
    {R"("hooks": [])", "/hooks: expected an object, found an array"},
    {R"("hooks": {"prestart": ""})", "/hooks/prestart: expected an array, found a string \"\""},
    {R"("mounts": [{"destination": "/a", "uidMappings": {}}])",
     "/mounts/0/uidMappings: expected an array, found an object"},
    {R"("process": {"apparmorProfile": false})",
     "/process/apparmorProfile: expected a string, found false"},
    {R"("process": {"scheduler": ""})",
     "/process/scheduler: expected an object, found a string \"\""},
    {R"("process": {"execCPUAffinity": {"initial": 0}})",
     "/process/execCPUAffinity/initial: expected a string, found 0"},
    {R"("linux": {"seccomp": []})", "/linux/seccomp: expected an object, found an array"},
    {R"("linux": {"sysctl": []})", "/linux/sysctl: expected an object, found an array"},
    {R"("linux": {"mountLabel": 0})", "/linux/mountLabel: expected a string, found 0"},
    // even an empty one asks for something
    {R"("linux": {"intelRdt": {}})", "/linux/intelRdt: not supported yet"},
    {R"("linux": {"memoryPolicy": {}})", "/linux/memoryPolicy: not supported yet"},
};

TEST(Parse, EachBadMemberIsRefusedWithItsPlace) {
  for (const Bad& bad : kBad) {
    EXPECT_EQ(message_of([&] { (void)parse(with(bad.fragment)); }),
              fmt::format("config.json: {}", bad.message))
        << bad.fragment;
  }
}

TEST(Parse, EachMissingPartIsNamed) {
  EXPECT_EQ(message_of([] { (void)parse("{}"); }), "config.json: /ociVersion: missing");
  EXPECT_EQ(message_of([] { (void)parse(R"({"ociVersion": "1.0.2"})"); }),
            "config.json: /root: missing");
  EXPECT_EQ(message_of([] { (void)parse(R"({"ociVersion": "1.0.2", "root": {}})"); }),
            "config.json: /process: missing");
  EXPECT_EQ(message_of([] { (void)parse(R"({"ociVersion": null})"); }),
            "config.json: /ociVersion: missing");
}

TEST(Parse, ALongStringInTheWrongPlaceDoesNotFloodTheMessage) {
  const std::string fragment =
      R"("linux": {"resources": {"pids": {"limit": ")" + std::string(5000, 'x') + "\"}}}";
  EXPECT_EQ(message_of([&] { (void)parse(with(fragment)); }),
            "config.json: /linux/resources/pids/limit: expected an integer, found a string of "
            "5000 bytes");
}

TEST(Parse, AKeyWithControlBytesCannotTearTheMessage) {
  EXPECT_EQ(message_of([] { (void)parse(with(R"("annotations": {"a\nb": 1})")); }),
            "config.json: \"/annotations/a\\nb\": expected a string, found 1");
}

}  // namespace
}  // namespace minidocker::spec
