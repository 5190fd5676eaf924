#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env_flags.hpp"
#include "limit_values.hpp"
#include "mode_flags.hpp"
#include "mount_flags.hpp"
#include "usage_error.hpp"

namespace minidocker::cli {
namespace {

template <class Function>
std::string error_of(Function function) {
  try {
    static_cast<void>(function());
  } catch (const UsageError& error) {
    return error.what();
  }
  return "taken";
}

TEST(VolumeFlag, HasSourceTargetAndOptions) {
  const engine::MountRequest mount = parse_volume("/a/../b:/c:ro,rslave,z");
  EXPECT_EQ(mount.source, "/b");
  EXPECT_EQ(mount.target, "/c");
  EXPECT_TRUE(mount.read_only);
  EXPECT_EQ(mount.propagation, "rslave");
  EXPECT_EQ(mount.missing_source, engine::MissingSource::create_directory);
}

TEST(VolumeFlag, ADotIsTheWorkingDirectory) {
  EXPECT_TRUE(parse_volume("./x:/x").source.ends_with("/x"));
  EXPECT_TRUE(parse_volume("./x:/x").source.starts_with("/"));
  EXPECT_TRUE(parse_volume(".hid:/x").source.ends_with("/.hid")) << "docker takes it for a path";
}

TEST(VolumeFlag, RefusesWhatDockerRefuses) {
  EXPECT_EQ(error_of([] { return parse_volume(":/x"); }),
            "invalid spec: :/x: empty section between colons");
  EXPECT_EQ(error_of([] { return parse_volume("/a:/b:zz"); }),
            "invalid volume specification: '/a:/b:zz': unknown option 'zz'");
  EXPECT_NE(error_of([] { return parse_volume("/a:/b:ro:x"); }), "taken");
  EXPECT_NE(error_of([] { return parse_volume("/a:/b:ro,rw"); }), "taken");
  EXPECT_NE(error_of([] { return parse_volume("/anonymous"); }).find("not supported yet"),
            std::string::npos);
}

TEST(MountFlag, TakesBindsAndTmpfs) {
  const engine::MountRequest bind = parse_mount("type=bind,source=/a,target=/b,readonly");
  EXPECT_EQ(bind.source, "/a");
  EXPECT_TRUE(bind.read_only);
  EXPECT_EQ(bind.missing_source, engine::MissingSource::refuse);
  const engine::MountRequest tmpfs = parse_mount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700");
  EXPECT_EQ(tmpfs.type, engine::MountType::tmpfs);
  EXPECT_EQ(tmpfs.options, (std::vector<std::string>{"size=1048576", "mode=700"}));
}

TEST(MountFlag, RefusesWhatDockerRefuses) {
  EXPECT_EQ(error_of([] { return parse_mount("junk"); }),
            "invalid argument \"junk\" for \"--mount\" flag: invalid field 'junk' must be a "
            "key=value pair");
  EXPECT_EQ(error_of([] { return parse_mount("type=bind,src=/tmp,foo=1"); }),
            "invalid argument \"type=bind,src=/tmp,foo=1\" for \"--mount\" flag: unexpected key "
            "'foo' in 'foo=1'");
  for (const char* text : {"type=bind,dst=/x", "type=bind,src=/x", "type=foo,src=/a,dst=/b",
                           "type=bind,src=a,dst=/b", "type=tmpfs,src=/a,dst=/b", "src=/a,dst=/b"}) {
    EXPECT_NE(error_of([&] { return parse_mount(text); }), "taken") << text;
  }
}

TEST(MountFlag, RefusesKeysOfAnotherType) {
  EXPECT_EQ(error_of([] { return parse_mount("type=bind,src=/a,dst=/b,tmpfs-size=1m"); }),
            "cannot mix 'tmpfs-*' options with mount type 'bind'");
  EXPECT_EQ(error_of([] { return parse_mount("bind-propagation=slave,dst=/b,type=tmpfs"); }),
            "cannot mix 'bind-*' options with mount type 'tmpfs'");
}

TEST(MountFlag, NamesAValueThatIsNone) {
  for (const auto& [text, why] :
       {std::pair{"type=bind,src=/a,dst=/b,bind-propagation=bogus",
                  "invalid value for bind-propagation: bogus"},
        {"type=tmpfs,dst=/b,tmpfs-size=lots", "invalid value for tmpfs-size: lots"},
        {"type=tmpfs,dst=/b,tmpfs-mode=rwx", "invalid value for tmpfs-mode: rwx"}}) {
    EXPECT_TRUE(error_of([&] { return parse_mount(text); }).ends_with(why)) << text;
  }
}

TEST(MountFlag, SizesHaveUnitsAndRecursionAWord) {
  EXPECT_EQ(parse_mount("type=tmpfs,dst=/t,tmpfs-size=64mb").options,
            std::vector<std::string>{"size=67108864"});
  EXPECT_FALSE(parse_mount("type=bind,src=/a,dst=/b,bind-recursive=disabled").recursive);
  EXPECT_NE(error_of([] {
              return parse_mount("type=bind,src=/a,dst=/b,bind-recursive=writable");
            }).find("not supported yet"),
            std::string::npos);
}

TEST(MountFlag, SharedPropagationIsRefusedByName) {
  for (const char* word : {"shared", "rshared"}) {
    EXPECT_NE(error_of([&] {
                return parse_volume(std::string("/a:/b:") + word);
              }).find(std::string("not supported yet: ") + word),
              std::string::npos);
    EXPECT_NE(error_of([&] {
                return parse_mount(std::string("type=bind,src=/a,dst=/b,bind-propagation=") + word);
              }).find(std::string("not supported yet: ") + word),
              std::string::npos);
  }
}

TEST(LimitFlags, MoreThanTheKernelCanCountIsNoSize) {
  EXPECT_EQ(error_of([] { return parse_size("9223372036854775808", "-m, --memory"); }),
            "invalid argument \"9223372036854775808\" for \"-m, --memory\" flag: invalid size: "
            "'9223372036854775808'");
}

TEST(LimitFlags, AreNumbersWithUnits) {
  EXPECT_EQ(parse_size("64m", "-m, --memory"), Bytes{64 << 20});
  EXPECT_EQ(parse_size("0", "-m, --memory"), std::nullopt);
  EXPECT_EQ(parse_cpus("1.5"), 1'500'000'000);
  EXPECT_EQ(parse_cpus(".5"), 500'000'000);
  EXPECT_EQ(parse_cpus("0"), std::nullopt);
  EXPECT_EQ(parse_pids_limit("-1"), -1);
  EXPECT_EQ(parse_ulimit("nofile=10"), (engine::Ulimit{"nofile", 10, 10}));
  EXPECT_EQ(parse_ulimit("core=0:-1"), (engine::Ulimit{"core", 0, ~std::uint64_t{0}}));
}

TEST(LimitFlags, AnythingElseIsRefusedInDockersWords) {
  EXPECT_EQ(error_of([] { return parse_size("abc", "-m, --memory"); }),
            "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'");
  EXPECT_EQ(
      error_of([] { return parse_cpus("abc"); }),
      "invalid argument \"abc\" for \"--cpus\" flag: failed to parse abc as a rational number");
  EXPECT_NE(error_of([] { return parse_pids_limit("many"); }), "taken");
  for (const char* text :
       {"nofile", "foo=1", "nofile=5:3", "nofile=a", "nofile=1:2:3", "nofile="}) {
    EXPECT_NE(error_of([&] { return parse_ulimit(text); }), "taken") << text;
  }
  for (const char* text : {"nan", "inf", "", "1x"}) {
    EXPECT_NE(error_of([&] { return parse_cpus(text); }), "taken") << text;
  }
}

TEST(LimitFlags, ZeroIsNotSetWhereDockerTakesItSo) {
  EXPECT_EQ(parse_swap("0"), std::nullopt);
  EXPECT_EQ(parse_count("0", "--cpu-quota"), std::nullopt);
  EXPECT_EQ(parse_pids_limit("0"), std::nullopt);
  EXPECT_EQ(parse_weight("0"), std::nullopt);
  EXPECT_EQ(parse_weight_device("/dev/sda:0"), std::nullopt);
  EXPECT_EQ(parse_swappiness("-1"), std::nullopt);
  EXPECT_EQ(parse_swappiness("0"), 0) << "a wish: rather not";
  EXPECT_EQ(parse_oom_score("0"), 0);
}

TEST(LimitFlags, MinusOneIsUnlimited) {
  EXPECT_EQ(parse_swap("-1"), -1);
  EXPECT_EQ(parse_swap("1g"), 1 << 30);
  EXPECT_EQ(parse_pids_limit("-5"), -1);
  EXPECT_EQ(error_of([] { return parse_swap("-2"); }),
            "invalid argument \"-2\" for \"--memory-swap\" flag: invalid size: '-2'");
}

TEST(LimitFlags, DisksHaveAPathAndAValue) {
  EXPECT_EQ(parse_bps("/dev/sda:1mb", "--device-read-bps"),
            (engine::DeviceRate{"/dev/sda", 1 << 20}));
  EXPECT_EQ(parse_iops("/dev/sda:100", "--device-read-iops"),
            (engine::DeviceRate{"/dev/sda", 100}));
  EXPECT_EQ(parse_weight_device("/dev/sda:10"), (engine::DeviceWeight{"/dev/sda", 10}));
}

TEST(LimitFlags, DisksAreRefusedInDockersWords) {
  const auto bps = [](const char* text) {
    return error_of([&] { return parse_bps(text, "--device-read-bps"); });
  };
  EXPECT_EQ(bps("x"), "invalid argument \"x\" for \"--device-read-bps\" flag: bad format: x");
  EXPECT_EQ(bps("sda:5m"),
            "invalid argument \"sda:5m\" for \"--device-read-bps\" flag: bad format for device "
            "path: sda:5m");
  EXPECT_EQ(
      bps("/dev/sda:-1"),
      "invalid argument \"/dev/sda:-1\" for \"--device-read-bps\" flag: invalid rate for "
      "device: /dev/sda:-1. The correct format is <device-path>:<number>[<unit>]. Number must "
      "be a positive integer. Unit is optional and can be kb, mb, or gb");
  EXPECT_EQ(error_of([] { return parse_iops("/dev/sda:1m", "--device-write-iops"); }),
            "invalid argument \"/dev/sda:1m\" for \"--device-write-iops\" flag: invalid rate for "
            "device: /dev/sda:1m. The correct format is <device-path>:<number>. Number must be a "
            "positive integer");
  for (const char* text : {"/dev/sda:9", "/dev/sda:1001", "/dev/sda:x", "/dev/sda:", ":5"}) {
    EXPECT_NE(error_of([&] { return parse_weight_device(text).has_value(); }), "taken") << text;
  }
}

TEST(LimitFlags, SwappinessAndWeightHaveTheirRanges) {
  EXPECT_EQ(error_of([] { return parse_swappiness("101"); }),
            "invalid value: 101. Valid memory swappiness range is 0-100");
  EXPECT_NE(error_of([] { return parse_weight("70000"); }), "taken");
  EXPECT_NE(error_of([] { return parse_weight("-1"); }), "taken");
  EXPECT_NE(error_of([] { return parse_count("1.5", "--cpu-quota"); }), "taken");
  EXPECT_NE(error_of([] { return parse_oom_score("x"); }), "taken");
}

TEST(DeviceFlag, HasSourceTargetAndAccess) {
  EXPECT_EQ(parse_device("/dev/a"), (engine::DeviceRequest{"/dev/a", "/dev/a", "rwm"}));
  EXPECT_EQ(parse_device("/dev/a:rw"), (engine::DeviceRequest{"/dev/a", "/dev/a", "rw"}));
  EXPECT_EQ(parse_device("/dev/a:/dev/b"), (engine::DeviceRequest{"/dev/a", "/dev/b", "rwm"}));
  EXPECT_EQ(parse_device("/dev/a:/dev/b:r"), (engine::DeviceRequest{"/dev/a", "/dev/b", "r"}));
}

TEST(DeviceFlag, RefusesWhatDockerRefuses) {
  EXPECT_EQ(error_of([] { return parse_device("x"); }), "x is not an absolute path");
  EXPECT_EQ(error_of([] { return parse_device("/dev/null:x"); }), "x is not an absolute path");
  EXPECT_EQ(error_of([] { return parse_device("/dev/null:/dev/x:q"); }), "bad mode specified: q");
  EXPECT_EQ(error_of([] { return parse_device("/dev/null:/dev/x:rr"); }), "bad mode specified: rr");
  EXPECT_EQ(error_of([] { return parse_device("/a:/b:rw:x"); }), "bad format for path: /a:/b:rw:x");
  EXPECT_EQ(error_of([] { return parse_device(""); }), "bad format for path: ");
}

TEST(EnvFlags, ANameAloneTakesOurValue) {
  ASSERT_EQ(::setenv("MD_TEST_SET", "here", 1), 0);
  ASSERT_EQ(::unsetenv("MD_TEST_UNSET"), 0);
  EXPECT_EQ(parse_env("A=b=c"), "A=b=c");
  EXPECT_EQ(parse_env("MD_TEST_SET"), "MD_TEST_SET=here");
  EXPECT_EQ(parse_env("MD_TEST_UNSET"), "MD_TEST_UNSET");
  EXPECT_NE(error_of([] { return parse_env("=x"); }), "taken");
  EXPECT_NE(error_of([] { return parse_env(""); }), "taken");
}

TEST(EnvFlags, AFileHasCommentsAndKeepsValuesAsTheyAre) {
  ASSERT_EQ(::setenv("MD_TEST_SET", "here", 1), 0);
  ASSERT_EQ(::unsetenv("MD_TEST_UNSET"), 0);
  EXPECT_EQ(parse_env_file("# c\n\n  A=1 2 \nMD_TEST_SET\nMD_TEST_UNSET\nB=\"q\"\r\n", "f"),
            (std::vector<std::string>{"A=1 2 ", "MD_TEST_SET=here", "B=\"q\""}));
  EXPECT_EQ(error_of([] { return parse_env_file("A B=1\n", "f"); }),
            "invalid env file (f): variable 'A B' contains whitespaces");
  EXPECT_EQ(error_of([] { return parse_env_file("=1\n", "f"); }),
            "invalid env file (f): no variable name on line '=1'");
  EXPECT_EQ(error_of([] { return read_env_file("/nosuch/file"); }),
            "open /nosuch/file: no such file or directory");
}

TEST(ModeFlags, KnowHostAndRefuseContainersByName) {
  EXPECT_EQ(parse_pid_mode("host"), engine::NamespaceMode::host);
  EXPECT_EQ(parse_network_mode("none"), engine::NamespaceMode::own);
  EXPECT_EQ(parse_ipc_mode("shareable"), engine::IpcMode::own);
  EXPECT_NE(error_of([] { return parse_pid_mode("container:x"); }).find("not supported yet"),
            std::string::npos);
  EXPECT_NE(error_of([] { return parse_network_mode("bridge"); }).find("not supported yet"),
            std::string::npos);
  EXPECT_NE(error_of([] { return parse_network_mode("nosuch"); }).find("not found"),
            std::string::npos);
  EXPECT_NE(error_of([] { return parse_uts_mode("x"); }), "taken");
}

TEST(SecurityFlag, KnowsNoNewPrivileges) {
  engine::CreateRequest request;
  apply_security_option(request, "no-new-privileges:true");
  EXPECT_TRUE(request.no_new_privileges);
  apply_security_option(request, "no-new-privileges=false");
  EXPECT_FALSE(request.no_new_privileges);
  EXPECT_EQ(error_of([&] {
              apply_security_option(request, "foo");
              return 0;
            }),
            "Invalid --security-opt: \"foo\"");
  EXPECT_NE(error_of([&] {
              apply_security_option(request, "seccomp=/x.json");
              return 0;
            }).find("not supported yet"),
            std::string::npos);
}

}  // namespace
}  // namespace minidocker::cli
