// pause, resume, update and events, seen in the kernel's files.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class Control : public RuncTest {
 protected:
  void expect_error(const CommandResult& result, const std::string& words) {
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  }
  void expect_ok(const CommandResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.in_words();
    EXPECT_EQ(result.err, "");
  }
  /// A second container, in which a child takes more memory than there is once /go is written to:
  /// that is told among the figures, and the end of the container ends the story.
  void expect_events() {
    Bundle bundle(dir_.path() + "/hog");
    bundle.name_space("cgroup");
    bundle["linux"]["resources"]["memory"]["limit"] = 16 << 20;
    bundle.script("read x < /go; dd if=/dev/zero of=/dev/null bs=64M count=1; exec sleep 1000");
    ASSERT_EQ(::mkfifo((bundle.rootfs() + "/go").c_str(), 0600), 0);
    const pid_t pid = run_detached(other_, bundle);
    ASSERT_GT(pid, 0);
    testing::RunningCommand events(command_line({"events", "--interval", "20ms", other_}));
    ASSERT_TRUE(events.read_until("\"stats\"")) << events.err();
    testing::write_text(bundle.rootfs() + "/go", "\n");
    ASSERT_TRUE(events.read_until(R"({"type":"oom","id":")" + other_ + "\"}\n")) << events.out();
    ::kill(pid, SIGKILL);
    const CommandResult ended = events.wait();
    expect_ok(ended);
    for (const std::string& line : testing::lines_of(ended.out)) {
      EXPECT_EQ(json::parse(line)["id"], other_) << line;
    }
    remove(other_);
  }
};

class Control1 : public Control {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "cgroup1");
    RuncTest::SetUp();
    pid_ = run_detached();
    ASSERT_GT(pid_, 0);
  }
  std::string file(const std::string& controller, const std::string& name) const {
    std::string text = testing::read_text("/sys/fs/cgroup/" + controller +
                                          testing::cgroups_of(pid_)[controller] + "/" + name);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }
  pid_t pid_ = 0;
};

TEST_F(Control1, APausedContainerStandsStillUntilItIsResumed) {
  expect_ok(runc({"pause", id_}));
  EXPECT_EQ(file("freezer", "freezer.state"), "FROZEN");
  EXPECT_EQ(status(), "paused");
  expect_error(runc({"pause", id_}), "container not running");
  expect_ok(runc({"resume", id_}));
  EXPECT_EQ(file("freezer", "freezer.state"), "THAWED");
  EXPECT_EQ(status(), "running");
  expect_error(runc({"resume", id_}), "container not paused");
}

TEST_F(Control1, APausedContainerCanBeKilled) {
  expect_ok(runc({"pause", id_}));
  expect_error(runc({"delete", id_}), "that is not stopped: paused");
  expect_ok(runc({"kill", id_, "KILL"}));
  EXPECT_TRUE(testing::wait_for_end(pid_, std::chrono::seconds(10)));
}

TEST_F(Control1, APausedContainerCanBeDeletedByForce) {
  expect_ok(runc({"pause", id_}));
  expect_ok(runc({"delete", "--force", id_}));
  EXPECT_TRUE(cgroup_dirs(id_).empty());
}

TEST_F(Control1, UpdateTakesLimitsFromFlags) {
  expect_ok(runc({"update", "--memory", "64m", "--memory-swap", "128m", "--cpu-share", "512",
                  "--cpu-quota", "50000", "--cpu-period", "100000", "--pids-limit", "20",
                  "--cpuset-cpus", "0", id_}));
  EXPECT_EQ(file("memory", "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(file("memory", "memory.memsw.limit_in_bytes"), "134217728");
  EXPECT_EQ(file("cpu", "cpu.shares"), "512");
  EXPECT_EQ(file("cpu", "cpu.cfs_quota_us"), "50000");
  EXPECT_EQ(file("pids", "pids.max"), "20");
  EXPECT_EQ(file("cpuset", "cpuset.cpus"), "0");
}

TEST_F(Control1, WhatUpdateDoesNotNameStays) {
  expect_ok(runc({"update", "--memory", "64m", "--pids-limit", "20", id_}));
  expect_ok(runc({"update", "--pids-limit", "30", id_}));
  EXPECT_EQ(file("memory", "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(file("pids", "pids.max"), "30");
}

TEST_F(Control1, UpdateTakesResourcesFromAFileAndStandardInput) {
  const std::string path = dir_.path() + "/update.json";
  testing::write_text(path, R"({"pids": {"limit": 21}})");
  expect_ok(runc({"update", "--resources", path, id_}));
  EXPECT_EQ(file("pids", "pids.max"), "21");
  expect_ok(runc({"update", "-r", "-", id_}, {.input = R"({"cpu": {"shares": 77}})"}));
  EXPECT_EQ(file("cpu", "cpu.shares"), "77");
}

TEST_F(Control1, AnUpdateThatIsRefusedChangesNothing) {
  const std::string before = file("pids", "pids.max");
  // The kernel takes the shares, and has no CPU of that number.
  expect_error(
      runc({"update", "--cpu-share", "99", "--pids-limit", "9", "--cpuset-cpus", "4095", id_}),
      "cpuset.cpus");
  EXPECT_EQ(file("cpu", "cpu.shares"), "1024");
  EXPECT_EQ(file("pids", "pids.max"), before);
}

TEST_F(Control1, BadUpdatesNameThePlace) {
  const auto with = [this](const char* text) {
    return runc({"update", "-r", "-", id_}, {.input = text});
  };
  expect_error(with(R"({"memory": {"limit": -2}})"),
               "standard input: /memory/limit: -2 is out of range");
  expect_error(with(R"({"devices": [{"allow": true}]})"),
               "standard input: /devices: update changes limits, not device rules");
  expect_error(with("{"), "standard input: not valid JSON");
  expect_error(runc({"update", "--cpu-idle", "2", id_}), "update: /cpu/idle: 2 is out of range");
  expect_error(runc({"update", "--memory", "lots", id_}), "--memory");
}

TEST_F(Control1, StatsAreOneLineOfJson) {
  const CommandResult result = runc({"events", "--stats", id_});
  expect_ok(result);
  const json line = json::parse(result.out);
  EXPECT_EQ(line["type"], "stats");
  EXPECT_EQ(line["id"], id_);
  const json& data = line["data"];
  EXPECT_EQ(data["pids"]["current"], 1);
  EXPECT_GT(data["memory"]["usage"]["usage"].get<std::uint64_t>(), 0U);
  // The kernel adds its counters of each CPU up every two seconds only: it may be 0 still.
  EXPECT_TRUE(data["memory"]["raw"]["total_rss"].is_number_unsigned());
  EXPECT_GT(data["cpu"]["usage"]["total"].get<std::uint64_t>(), 0U);
  EXPECT_FALSE(data["cpuset"]["cpus"].get<std::string>().empty());
}

TEST_F(Control1, EventsAreToldAsTheyComeUntilTheEnd) { expect_events(); }

TEST_F(Control1, AnIntervalIsADurationAboveNothing) {
  expect_error(runc({"events", "--interval", "0s", id_}), "interval must be greater than 0");
  expect_error(runc({"events", "--interval", "soon", id_}),
               "expected a duration such as 5s or 1m30s");
}

TEST_F(Control1, OnlyWhoLivesHasAGroupToWorkOn) {
  ::kill(pid_, SIGKILL);
  ASSERT_TRUE(testing::wait_for_end(pid_, std::chrono::seconds(10)));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"pause"},
                                                  {"resume"},
                                                  {"update", "--pids-limit", "5"},
                                                  {"events", "--stats"},
                                                  {"events"}}) {
    std::vector<std::string> args = command;
    args.push_back(id_);
    expect_error(runc(args), "container not running");
    args.back() = other_;
    expect_error(runc(args), "container does not exist");
  }
}

class Cgroup2Control : public Control {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "cgroup2");
    RuncTest::SetUp();
    bundle_->name_space("cgroup");
    pid_ = run_detached();
    ASSERT_GT(pid_, 0);
  }
  std::string file(const std::string& name) const {
    return testing::read_text("/sys/fs/cgroup" + testing::cgroups_of(pid_)[""] + "/" + name);
  }
  pid_t pid_ = 0;
};

TEST_F(Cgroup2Control, ALifeOfPausesAndUpdates) {
  expect_ok(runc({"pause", id_}));
  EXPECT_NE(file("cgroup.events").find("frozen 1"), std::string::npos);
  EXPECT_EQ(status(), "paused");
  expect_ok(runc({"resume", id_}));
  EXPECT_EQ(status(), "running");
  expect_ok(runc({"update", "--memory", "64m", "--cpu-share", "512", "--cpu-quota", "50000", id_}));
  EXPECT_EQ(file("memory.max"), "67108864\n");
  EXPECT_EQ(file("cpu.weight"), "59\n");
  EXPECT_EQ(file("cpu.max"), "50000 100000\n");
  const json line = json::parse(runc({"events", "--stats", id_}).out);
  EXPECT_EQ(line["data"]["pids"]["current"], 1);
  expect_ok(runc({"pause", id_}));
  expect_ok(runc({"delete", "--force", id_}));
  expect_events();
}

}  // namespace
}  // namespace minidocker::runtime
