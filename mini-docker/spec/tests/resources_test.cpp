// linux.resources: what arrives, what is refused and in which words.
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/spec/write.hpp"
#include "spec_texts.hpp"

namespace minidocker::spec {
namespace {

TEST(Resources, EveryLimitArrives) {
  const Resources resources = parse(kEverything).linux_.resources;
  EXPECT_EQ(resources.devices,
            (std::vector<DeviceRule>{
                {false, 'a', {}, {}, "rwm"}, {true, 'c', 10, {}, "r"}, {true, 'b', {}, 3, ""}}));
  EXPECT_EQ(resources.memory, (MemoryLimits{4096, 2048, -1, -1, 0, true, true}));
  EXPECT_EQ(resources.cpu, (CpuLimits{512, -1, 100000, 7, 8, 9, "0-1,3", "0", 1}));
  EXPECT_EQ(resources.pids_limit, 0);
  EXPECT_EQ(resources.block_io,
            (BlockIo{10, {{8, 1, 1000}}, {{8, 2, 1}}, {{8, 3, 2}}, {{8, 4, 3}}, {{8, 5, 4}}}));
  EXPECT_EQ(resources.hugepage_limits, (std::vector<HugepageLimit>{{"2MB", 4194304}, {"1GB", 0}}));
  EXPECT_EQ(resources.rdma,
            (std::map<std::string, RdmaLimit>{{"mlx5_1", {3, {}}}, {"ocrdma1", {{}, 0}}}));
  EXPECT_EQ(resources.unified,
            (std::map<std::string, std::string>{{"io.max", "8:0 rbps=1"}, {"memory.high", "max"}}));
}

TEST(Resources, AZeroThatTakesSomethingBackIsNoAbsence) {
  const Resources resources =
      parse_resources(R"({"cpu": {"idle": 0}, "memory": {"swappiness": 0}})", "r");
  EXPECT_EQ(resources.cpu.idle, 0);
  EXPECT_EQ(resources.memory.swappiness, 0U);
}

TEST(Resources, ADeviceRuleWithMinusOneIsAWildCard) {
  const Spec spec = parse(with(R"("linux": {"resources": {"devices": [
      {"allow": true, "type": "c", "major": -1, "minor": -1, "access": "m"}]}})"));
  EXPECT_EQ(spec.linux_.resources.devices.at(0), (DeviceRule{true, 'c', {}, {}, "m"}));
}

TEST(Resources, UnlimitedMemoryAndSwapGoTogether) {
  Resources resources;
  resources.memory.limit = -1;
  resources.memory.swap = -1;
  EXPECT_NO_THROW(validate(resources, "r"));
}

TEST(Resources, WholeSpecsNameThePlaceFromTheirRoot) {
  const std::string text = with(R"("linux": {"resources": {"memory": {"limit": -2}}})");
  EXPECT_EQ(message_of([&] { validate(parse(text)); }),
            "config.json: /linux/resources/memory/limit: -2 is out of range, expected a number "
            "from 0, or -1 for no limit");
  EXPECT_EQ(message_of([&] { (void)parse(with(R"("linux": {"resources": 1})")); }),
            "config.json: /linux/resources: expected an object, found 1");
}

struct Bad {
  const char* json;
  const char* message;
};

const Bad kUnreadable[] = {
    {R"({"memory": {"limit": "x"}})", "/memory/limit: expected an integer, found a string \"x\""},
    {R"({"memory": {"swap": 1e3}})", "/memory/swap: expected an integer, found 1000.0"},
    {R"({"cpu": {"shares": "512"}})", "/cpu/shares: expected an integer, found a string \"512\""},
    {R"({"pids": 5})", "/pids: expected an object, found 5"},
    {R"({"pids": {"limit": "max"}})", "/pids/limit: expected an integer, found a string \"max\""},
    {R"({"devices": [{"type": "c"}]})", "/devices/0/allow: missing"},
    {R"({"devices": [{"allow": true, "type": "p"}]})",
     "/devices/0/type: unknown device type \"p\", expected one letter of \"acb\""},
    {R"({"blockIO": {"weight": ""}})", "/blockIO/weight: expected an integer, found a string \"\""},
    {R"({"blockIO": {"weightDevice": {}}})",
     "/blockIO/weightDevice: expected an array, found an object"},
    {R"({"memory": {"kernel": false}})", "/memory/kernel: expected an integer, found false"},
    {R"({"memory": {"disableOOMKiller": 0}})",
     "/memory/disableOOMKiller: expected true or false, found 0"},
    {R"({"memory": {"useHierarchy": 1}})", "/memory/useHierarchy: expected true or false, found 1"},
    {R"({"unified": ""})", "/unified: expected an object, found a string \"\""},
    {R"({"memory": {"limit": 9223372036854775808}})",
     "/memory/limit: 9223372036854775808 is out of range, expected "
     "-9223372036854775808 to 9223372036854775807"},
    {R"({"memory": {"limit": 18446744073709551616}})",
     "/memory/limit: expected an integer, found 1.8446744073709552e+19"},
    {R"({"cpu": {"period": -1}})",
     "/cpu/period: -1 is out of range, expected 0 to 18446744073709551615"},
    {R"({"devices": [{"allow": true, "type": "c", "major": -2}]})",
     "/devices/0/major: -2 is out of range, expected 0 to 4294967295"},
    {R"({"blockIO": {"weight": 65536}})",
     "/blockIO/weight: 65536 is out of range, expected 0 to 65535"},
    {R"({"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0}]}})",
     "/blockIO/throttleReadBpsDevice/0/rate: missing"},
    {R"({"blockIO": {"throttleWriteIOPSDevice": [{"major": -1, "minor": 0, "rate": 1}]}})",
     "/blockIO/throttleWriteIOPSDevice/0/major: -1 is out of range, expected 0 to 4294967295"},
    {R"({"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}})",
     "/blockIO/weightDevice/0/weight: missing"},
    {R"({"hugepageLimits": [{"limit": 1}]})", "/hugepageLimits/0/pageSize: missing"},
    {R"({"hugepageLimits": [{"pageSize": "2MB"}]})", "/hugepageLimits/0/limit: missing"},
    {R"({"rdma": {"mlx5_1": {"hcaHandles": -1}}})",
     "/rdma/mlx5_1/hcaHandles: -1 is out of range, expected 0 to 4294967295"},
    {R"({"unified": {"memory.high": 1}})", "/unified/memory.high: expected a string, found 1"},
    {R"({"cpu": {"cpus": 1}})", "/cpu/cpus: expected a string, found 1"},
    {R"({"cpu": {"burst": -1}})",
     "/cpu/burst: -1 is out of range, expected 0 to 18446744073709551615"},
    {R"({"memory": {"swappiness": -1}})",
     "/memory/swappiness: -1 is out of range, expected 0 to 18446744073709551615"},
    // of the specification, but of no kernel any more, or not supported
    {R"({"memory": {"kernel": 4096}})",
     "/memory/kernel: no kernel since 5.16 has this limit; memory/limit counts the kernel's "
     "memory, too"},
    {R"({"blockIO": {"leafWeight": 10}})",
     "/blockIO/leafWeight: no kernel since 5.0 has this limit; weight is what there is"},
    {R"({"blockIO": {"weightDevice": [{"leafWeight": 10}]}})",
     "/blockIO/weightDevice/0/leafWeight: no kernel since 5.0 has this limit; weight is what there "
     "is"},
    {R"({"network": {"classID": 1}})",
     "/network/classID: not supported: only the controllers net_cls and net_prio of cgroup v1 have "
     "it"},
    {R"({"network": {"priorities": [{"name": "lo"}]}})",
     "/network/priorities/0: not supported: only the controllers net_cls and net_prio of cgroup v1 "
     "have it"},
};

TEST(Resources, EachBadMemberIsRefusedWithItsPlace) {
  for (const Bad& bad : kUnreadable) {
    EXPECT_EQ(message_of([&] { (void)parse_resources(bad.json, "update.json"); }),
              fmt::format("update.json: {}", bad.message))
        << bad.json;
  }
}

const Bad kUnreasonable[] = {
    {R"({"devices": [{"allow": true, "access": "rx"}]})",
     "/devices/0/access: \"rx\" holds other letters than r (read), w (write) and m "
     "(mknod)"},
    {R"({"devices": [{"allow": true, "access": "rwr"}]})",
     "/devices/0/access: \"rwr\" has r twice"},
    {R"({"memory": {"limit": -2}})",
     "/memory/limit: -2 is out of range, expected a number from 0, or -1 for no "
     "limit"},
    {R"({"memory": {"reservation": -9}})",
     "/memory/reservation: -9 is out of range, expected a number from 0, or -1 for "
     "no limit"},
    {R"({"memory": {"swap": 4096}})",
     "/memory/swap: limits memory and swap together, so it needs memory/limit "
     "too"},
    {R"({"memory": {"limit": 8192, "swap": 4096}})",
     "/memory/swap: 4096 is below memory/limit 8192, which it includes"},
    {R"({"cpu": {"shares": 1}})", "/cpu/shares: 1 is out of range, expected 2 to 262144"},
    {R"({"cpu": {"period": 999}})", "/cpu/period: 999 is out of range, expected 1000 to 1000000"},
    {R"({"cpu": {"quota": -2}})",
     "/cpu/quota: -2 is out of range, expected at least 1000 microseconds, or -1 "
     "for no limit"},
    {R"({"pids": {"limit": -2}})",
     "/pids/limit: -2 is out of range, expected a number from 0, or -1 for no "
     "limit"},
    {R"({"memory": {"limit": -1, "swap": 4096}})",
     "/memory/swap: limits memory and swap together, so it needs memory/limit too"},
    {R"({"memory": {"kernelTCP": -2}})",
     "/memory/kernelTCP: -2 is out of range, expected a number from 0, or -1 for no limit"},
    {R"({"memory": {"swappiness": 101}})",
     "/memory/swappiness: 101 is out of range, expected 0 to 100"},
    {R"({"cpu": {"shares": 262145}})", "/cpu/shares: 262145 is out of range, expected 2 to 262144"},
    {R"({"cpu": {"quota": 5000, "burst": 5001}})", "/cpu/burst: 5001 is above cpu/quota 5000"},
    {R"({"cpu": {"realtimeRuntime": -2}})",
     "/cpu/realtimeRuntime: -2 is out of range, expected a number from 0, or -1 for no limit"},
    {R"({"cpu": {"realtimePeriod": 2147483648}})",
     "/cpu/realtimePeriod: 2147483648 is out of range, expected 1 to 2147483647"},
    {R"({"cpu": {"realtimePeriod": 10, "realtimeRuntime": 11}})",
     "/cpu/realtimeRuntime: 11 is above cpu/realtimePeriod 10"},
    {R"({"cpu": {"cpus": "0-"}})", "/cpu/cpus: \"0-\" is no list of numbers such as 0-3,5"},
    {R"({"cpu": {"cpus": "3-1"}})", "/cpu/cpus: \"3-1\" is no list of numbers such as 0-3,5"},
    {R"({"cpu": {"cpus": "0,"}})", "/cpu/cpus: \"0,\" is no list of numbers such as 0-3,5"},
    {R"({"cpu": {"mems": "0 1"}})", "/cpu/mems: \"0 1\" is no list of numbers such as 0-3,5"},
    {R"({"cpu": {"mems": "4294967296"}})",
     "/cpu/mems: \"4294967296\" is no list of numbers such as 0-3,5"},
    {R"({"cpu": {"idle": 2}})", "/cpu/idle: 2 is out of range, expected 0 to 1"},
    {R"({"cpu": {"idle": -1}})", "/cpu/idle: -1 is out of range, expected 0 to 1"},
    {R"({"blockIO": {"weight": 9}})", "/blockIO/weight: 9 is out of range, expected 10 to 1000"},
    {R"({"blockIO": {"weight": 1001}})",
     "/blockIO/weight: 1001 is out of range, expected 10 to 1000"},
    {R"({"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 0}]}})",
     "/blockIO/weightDevice/0/weight: 0 is out of range, expected 10 to 1000"},
    {R"({"hugepageLimits": [{"pageSize": "2M", "limit": 1}]})",
     "/hugepageLimits/0/pageSize: \"2M\" is no size such as 64KB, 2MB or 1GB"},
    {R"({"hugepageLimits": [{"pageSize": "../x", "limit": 1}]})",
     "/hugepageLimits/0/pageSize: \"../x\" is no size such as 64KB, 2MB or 1GB"},
    {R"({"hugepageLimits": [{"pageSize": "MB", "limit": 1}]})",
     "/hugepageLimits/0/pageSize: \"MB\" is no size such as 64KB, 2MB or 1GB"},
    {R"({"rdma": {"mlx5_1": {}}})", "/rdma: \"mlx5_1\" has neither hcaHandles nor hcaObjects"},
    {R"({"unified": {"../memory.max": "1"}})",
     "/unified: \"../memory.max\" is no name of a file in a cgroup"},
    {R"({"unified": {"": "1"}})", "/unified: \"\" is no name of a file in a cgroup"},
    {R"({"unified": {"..": "1"}})", "/unified: \"..\" is no name of a file in a cgroup"},
};

TEST(Resources, EachBadValueIsRefusedWithItsPlace) {
  for (const Bad& bad : kUnreasonable) {
    EXPECT_EQ(message_of([&] { validate(parse_resources(bad.json, "r"), "update.json"); }),
              fmt::format("update.json: {}", bad.message))
        << bad.json;
  }
}

TEST(Resources, GoodValuesAreTaken) {
  for (const char* json :
       {R"({"cpu": {"cpus": "0"}})", R"({"cpu": {"cpus": "0-3,5,7-7", "mems": "0-1"}})",
        R"({"cpu": {"quota": -1, "burst": 5}})", R"({"cpu": {"shares": 2, "idle": 0}})",
        R"({"blockIO": {"weight": 1000}})", R"({"hugepageLimits": [{"pageSize": "64KB",
            "limit": 0}]})",
        R"({"memory": {"swappiness": 100, "limit": 9223372036854775807}})"}) {
    EXPECT_EQ(message_of([&] { validate(parse_resources(json, "r"), "r"); }), "no error") << json;
  }
}

}  // namespace
}  // namespace minidocker::spec
