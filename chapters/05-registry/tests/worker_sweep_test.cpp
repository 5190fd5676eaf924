// Pull and push struck at any call: mini-worker killed at it, or the call, of the worker or of
// mini-docker, failing as on a disk that is full or broken.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker_registry.hpp"
#include "layout_server.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "worker_fixture.hpp"

namespace minidocker::registry {
namespace {

using images::WorkerEvent;
using ::testing::HasSubstr;
using Phase = WorkerEvent::Phase;

// A call to be struck when it is made for the `when`-th time: each thread counts for itself.
struct Strike {
  std::string call;
  std::string with;  // "signal=KILL" or "error=EIO"
  int when = 0;

  [[nodiscard]] std::string in_words() const { return fmt::format("{} {}, {}", call, when, with); }
};

constexpr std::size_t kFew = 8;  // strikes of a sweep in each run

// Few calls are struck in each run; every n-th with MD_SWEEP=n, all with MD_SWEEP=all, which takes
// half an hour. 0: few.
std::size_t stride() {
  const char* sweep = std::getenv("MD_SWEEP");
  if (sweep == nullptr) return 0;
  return std::string_view(sweep) == "all" ? 1 : std::strtoul(sweep, nullptr, 10);
}

// What cannot be struck (the process ends), and what only speaks with the memory manager.
constexpr std::string_view kNotStruck[] = {"exit",
                                           "exit_group",
                                           "brk",
                                           "mmap",
                                           "munmap",
                                           "mprotect",
                                           "madvise",
                                           "arch_prctl",
                                           "rt_sigprocmask",
                                           "rt_sigaction",
                                           "rseq",
                                           "execve",
                                           "set_robust_list",
                                           "set_tid_address",
                                           "close"};

// Which failures a file call may really have; what makes or fills files finds a full disk, too.
const std::map<std::string, std::vector<std::string>> kFailures{
    {"openat", {"ENOSPC", "EIO"}},
    {"openat2", {"ENOSPC", "EIO"}},
    {"mkdir", {"ENOSPC", "EIO"}},
    {"mkdirat", {"ENOSPC", "EIO"}},
    {"mknodat", {"ENOSPC", "EIO"}},
    {"symlinkat", {"ENOSPC", "EIO"}},
    {"linkat", {"ENOSPC", "EIO"}},
    {"renameat2", {"ENOSPC", "EIO"}},
    {"write", {"ENOSPC", "EIO"}},
    {"pwrite64", {"ENOSPC", "EIO"}},
    {"copy_file_range", {"ENOSPC", "EIO"}},
    {"fallocate", {"ENOSPC", "EIO"}},
    {"ftruncate", {"ENOSPC", "EIO"}},
    {"fsetxattr", {"ENOSPC", "EIO"}},
    {"lsetxattr", {"ENOSPC", "EIO"}},
    {"setxattr", {"ENOSPC", "EIO"}},
    {"fsync", {"ENOSPC", "EIO"}},
    {"fdatasync", {"ENOSPC", "EIO"}},
    {"syncfs", {"ENOSPC", "EIO"}},
    {"pread64", {"EIO"}},
    {"read", {"EIO"}},
    {"getdents64", {"EIO"}},
    {"newfstatat", {"EIO"}},
    {"fstat", {"EIO"}},
    {"statx", {"EIO"}},
    {"unlinkat", {"EIO"}},
    {"unlink", {"EIO"}},
    {"rmdir", {"EIO"}},
    {"fchown", {"EIO"}},
    {"fchownat", {"EIO"}},
    {"fchmod", {"EIO"}},
    {"fchmodat", {"EIO"}},
    {"utimensat", {"EIO"}},
    {"flock", {"EIO"}},
};

// A call whose failure stops nobody, and why that is right.
struct Tolerated {
  std::string_view call;  // how its name begins
  std::string_view part;  // of what it is about
  std::string_view why;
};

constexpr Tolerated kTolerated[] = {
    {"", "/engine.db", "SQLite: what is committed stands in its log, and the rest is done later"},
    {"openat", "/state\"", "likewise: a directory that it would write to the disk"},
    {"fdatasync", "/state>", "SQLite again: it does not insist that a directory is on the disk"},
    {"openat", "/images/blobs/", "what cannot be read counts as not there, and is made anew"},
    {"read", "/images/blobs/", "likewise"},
    {"fstat", "/images/blobs/", "likewise"},
    {"newfstatat", "/images/blobs/", "likewise"},
    {"newfstatat", "/state/", "likewise: exists()"},
    {"getdents64", "/state/tmp/", "what stays of a workspace the next command removes"},
    {"openat2", "/state/tmp/", "likewise"},
    {"openat", "/state/tmp/", "likewise"},
    {"unlink", "/state/", "likewise, and a half download the next pull or a prune"},
    {"rmdir", "/state/tmp/", "likewise"},
};

// The process that is struck.
enum class Whose { worker, engine };

// What came of one strike: failures that stopped the run, and those that did not.
struct Tally {
  int stopped = 0;
  int tolerated = 0;
};

class WorkerSweep : public WorkerTransfer {
 protected:
  // As it was before the first run, but for what a sweep cannot do without.
  virtual void prepare() = 0;

  void sweep_kills() {
    int kills = 0;
    for (const Strike& strike : strikes(Whose::worker, [](const std::string&) {
           return std::vector<std::string>{"signal=KILL"};
         })) {
      SCOPED_TRACE(strike.in_words());
      prepare();
      const testing::CommandResult result = run(host_, below(strike, Whose::worker));
      if (result.signal != SIGKILL) {
        ASSERT_EQ(result.exit_code, 0) << result.in_words() << error();
        continue;  // threads divide their work anew each time: this one came to fewer such calls
      }
      ++kills;
      expect_good_and_finish();
      if (HasFailure()) return;
    }
    fmt::print("{} kills, all recovered\n", kills);
    EXPECT_GT(kills, 5);
  }

  void sweep_failures(Whose whose) {
    Tally tally;
    for (const Strike& strike : strikes(whose, [](const std::string& call) {
           const auto found = kFailures.find(call);
           return found == kFailures.end() ? std::vector<std::string>{} : found->second;
         })) {
      prepare();
      const testing::CommandResult result = run_of(whose, below(strike, whose));
      const std::string line = struck_line();
      if (line.empty() || is_not_of_a_disk(line)) continue;
      SCOPED_TRACE(
          fmt::format("{}: {}\n{} {}", strike.in_words(), line, result.in_words(), error()));
      check_failure(whose, strike, line, result, tally);
      expect_good_and_finish();
      if (HasFailure()) return;
    }
    fmt::print("{} stopped it, {} were tolerated\n", tally.stopped, tally.tolerated);
    EXPECT_GT(tally.stopped, 1);
  }

  std::string host_;
  std::map<std::string, ino_t> before_;  // what was there then

 private:
  [[nodiscard]] std::string log() const { return dir_ / "strace"; }

  testing::CommandResult run_of(Whose whose, Words words) {
    if (whose == Whose::worker) return run(host_, std::move(words));
    events_.clear();
    return testing::run_command(docker_command(host_, std::move(words)),
                                {.env = {"DOCKER_CONFIG=" + dir_.path()}});
  }

  // strace(1): the worker with its threads, or mini-docker alone.
  [[nodiscard]] Words traced(Whose whose) const {
    Words words{"strace", "-qq", "-y", "-o", log()};
    if (whose == Whose::worker) words.emplace_back("-f");
    return words;
  }
  [[nodiscard]] Words below(const Strike& strike, Whose whose) const {
    Words words = traced(whose);
    // Faster, but a signal cannot be injected so.
    const bool fails = strike.with.starts_with("error=");
    if (whose == Whose::worker && fails) words.emplace_back("--seccomp-bpf");
    words.insert(words.end(),
                 {"-e", "trace=" + strike.call, "-e",
                  fmt::format("inject={}:{}:when={}", strike.call, strike.with, strike.when)});
    return words;
  }
  [[nodiscard]] std::string struck_line() const {
    for (const std::string& line : testing::lines_of(testing::read_text(log()))) {
      if (line.find("(INJECTED)") != line.npos) return line;
    }
    return "";
  }

  // How often each call is made at most by one thread of an undisturbed run.
  std::map<std::string, int> calls_of(Whose whose) {
    prepare();
    EXPECT_EQ(run_of(whose, traced(whose)).exit_code, 0);
    std::map<std::string, std::map<std::string, int>> counts;  // by call and thread
    for (std::string line : testing::lines_of(testing::read_text(log()))) {
      std::string thread;
      if (whose == Whose::worker) {
        thread = line.substr(0, line.find(' '));
        line.erase(0, line.find_first_not_of(' ', thread.size()));
      }
      const std::size_t end = line.find('(');
      if (end != line.npos && line.front() != '<') ++counts[line.substr(0, end)][thread];
    }
    std::map<std::string, int> most;
    for (const auto& [call, threads] : counts) {
      for (const auto& [thread, count] : threads) most[call] = std::max(most[call], count);
    }
    return most;
  }

  using Ways = std::function<std::vector<std::string>(const std::string& call)>;
  std::vector<Strike> strikes(Whose whose, const Ways& ways_of) {
    std::vector<Strike> all;
    std::vector<Strike> few;  // one of each call
    for (const auto& [call, count] : calls_of(whose)) {
      if (std::ranges::find(kNotStruck, call) != std::end(kNotStruck)) continue;
      for (const std::string& way : ways_of(call)) {
        const std::string with = way.find('=') == way.npos ? "error=" + way : way;
        few.push_back({call, with, 1 + static_cast<int>(few.size()) * 7 % count});
        for (int when = 1; when <= count; ++when) all.push_back({call, with, when});
      }
    }
    const std::vector<Strike>& from = stride() == 0 ? few : all;
    const std::size_t step = stride() == 0 ? few.size() / kFew + 1 : stride();
    std::vector<Strike> chosen;
    for (std::size_t i = 0; i < from.size(); i += step) chosen.push_back(from[i]);
    return chosen;
  }

  void check_failure(Whose whose, const Strike& strike, const std::string& line,
                     const testing::CommandResult& result, Tally& tally) {
    EXPECT_EQ(result.signal, 0);
    const std::string name = strike.with.substr(strike.with.find('=') + 1);
    if (result.exit_code == 0) {
      ++tally.tolerated;
      EXPECT_TRUE(may_be_tolerated(strike, line) || result.err.find(name) != name.npos);
      return;
    }
    ++tally.stopped;
    // A log that SQLite cannot make it tries to read: what became of that is all that it tells.
    const bool is_log = strike.call == "openat" && line.find("/engine.db-") != line.npos;
    EXPECT_THAT(whose == Whose::worker ? error() : result.err, HasSubstr(is_log ? "ENOENT" : name));
  }

  // A pipe, a socket, /proc: no disk is behind them. The loader speaks for itself.
  [[nodiscard]] static bool is_not_of_a_disk(const std::string& line) {
    for (const char* part : {"<pipe:", "<socket:", "<anon_inode:", "<TCP:", "<UDP:", "<UNIX:",
                             "/proc/", "/ld.so.", ".so.", "</dev/"}) {
      if (line.find(part) != line.npos) return true;
    }
    return false;
  }

  // Or it is told as a warning.
  [[nodiscard]] bool may_be_tolerated(const Strike& strike, const std::string& line) const {
    if (line.find(dir_.path()) == line.npos) return true;  // of the machine: who resolves names
    return std::ranges::any_of(kTolerated, [&](const Tolerated& each) {
      return strike.call.starts_with(each.call) && line.find(each.part) != line.npos;
    });
  }

  // All is what its name says, what was there still is, and another run makes the rest only.
  void expect_good_and_finish() {
    expect_good();
    expect_kept(before_);
    const std::map<std::string, ino_t> then = named();
    const std::set<std::string> moved = told_of({Phase::done, Phase::exists});
    run_undisturbed(host_);
    expect_good();
    expect_kept(then);
    if (verb_ == images::WorkerVerb::pull) return;
    EXPECT_THAT(told_of({Phase::exists}), ::testing::IsSupersetOf(moved));
  }

  void expect_kept(const std::map<std::string, ino_t>& before) const {
    const std::map<std::string, ino_t> now = named();
    for (const auto& [path, inode] : before) {
      const auto found = now.find(path);
      ASSERT_NE(found, now.end()) << path << " is gone";
      EXPECT_EQ(found->second, inode) << path << " was made anew";
    }
  }
};

class PullSweep : public WorkerSweep {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "busybox", "strace", "overlay");
    server_.emplace(testing::path_of("busybox"));
    host_ = server_->host();
    learn_layers(host_);
  }

  // With nothing but a small image that must be left alone.
  void prepare() override {
    forget_all();
    const images::Store store = this->store();
    const images::StoreLock lock = store.lock();
    const images::Digest layer = store.put_blob(lock, "a layer");
    const std::string config = fmt::format(R"({{"rootfs":{{"diff_ids":["{}"]}}}})", layer.str());
    const images::Manifest manifest{
        {images::kOciConfig, store.put_blob(lock, config), config.size()},
        {{images::kOciLayer, layer, 7}}};
    const std::string text = to_json(manifest);
    store.add_image(lock, {images::kOciManifest, store.put_blob(lock, text), text.size()},
                    {images::ImageName::parse("kept:1")});
    const std::string directory = images::LayerStore(dir_ / "state/layers").path(layer);
    make_dirs(directory);
    testing::write_text(directory + "/file", "kept");
    whole_[layer.hex()] = {"file"};
    before_ = named();
  }

  std::optional<LayoutServer> server_;
};

TEST_F(PullSweep, KilledAtAnyCallIsFinishedByTheNextOne) { sweep_kills(); }
TEST_F(PullSweep, WorkerWhoseFileCallsFailSaysWhy) { sweep_failures(Whose::worker); }
TEST_F(PullSweep, EngineWhoseFileCallsFailSaysWhy) { sweep_failures(Whose::engine); }

class PushSweep : public WorkerSweep {
 protected:
  // In a network of its own, with a registry of others.
  void sweep(const std::function<void()>& body) {
    MD_NEEDS("root", "busybox", "docker-registry", "strace", "overlay");
    testing::in_sandbox([&] {
      bring_up_loopback();
      const LayoutServer server(testing::path_of("busybox"));
      learn_layers(server.host());
      run_undisturbed(server.host());
      image_ = store().images().at(0).manifest;
      const DockerRegistry peer(5000);
      registry_ = peer.host();
      verb_ = images::WorkerVerb::push;
      body();
    });
  }

  // The image has one name, in a repository of its own, so that everything is sent.
  void prepare() override {
    const images::Store store = this->store();
    const images::StoreLock lock = store.lock();
    store.remove_image(lock, image_->digest);
    host_ = fmt::format("{}/r{}", registry_, ++repositories_);
    store.add_image(lock, *image_, {images::ImageName::parse(host_ + "/busybox:1")});
    before_ = named();
  }

  std::string registry_;
  std::optional<images::Descriptor> image_;
  int repositories_ = 0;
};

TEST_F(PushSweep, KilledAtAnyCallIsFinishedByTheNextOne) {
  sweep([this] { sweep_kills(); });
}
TEST_F(PushSweep, WorkerWhoseFileCallsFailSaysWhy) {
  sweep([this] { sweep_failures(Whose::worker); });
}
TEST_F(PushSweep, EngineWhoseFileCallsFailSaysWhy) {
  sweep([this] { sweep_failures(Whose::engine); });
}

}  // namespace
}  // namespace minidocker::registry
