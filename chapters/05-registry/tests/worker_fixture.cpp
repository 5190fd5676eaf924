#include "worker_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <utility>

#include "minidocker/images/layer_store.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"

namespace minidocker::registry {

using images::WorkerEvent;
using ::testing::IsEmpty;

WorkerTransfer::Words WorkerTransfer::command(const std::string& host, Words below) const {
  images::WorkerRequest request;
  request.verb = verb_;
  request.store = dir_ / "state/images";
  request.layers = dir_ / "state/layers";
  request.temporaries = dir_ / "state/tmp";
  request.reference = host + "/busybox:1";
  request.plain_http = images::PlainHttp::yes;
  below.emplace_back(MD_BINARY_DIR "/bin/mini-worker");
  for (const std::string& argument : request.to_arguments()) below.push_back(argument);
  return below;
}

WorkerTransfer::Words WorkerTransfer::docker_command(const std::string& host, Words below) const {
  const char* const verb = verb_ == images::WorkerVerb::pull ? "pull" : "push";
  for (const std::string& word :
       {std::string(MD_BINARY_DIR "/bin/mini-docker"), std::string("--root"), dir_ / "state",
        std::string(verb), std::string("-q"), std::string("--plain-http"), host + "/busybox:1"}) {
    below.push_back(word);
  }
  return below;
}

testing::CommandResult WorkerTransfer::run(const std::string& host, Words below) {
  Pipe pipe = Pipe::make();
  testing::CommandResult result = testing::run_command(
      command(host, std::move(below)), {.fds = {{pipe.write_end.get(), images::kProgressFd}}});
  pipe.write_end.reset();
  events_.clear();
  for (const std::string& line : testing::lines_of(read_all(pipe.read_end.get(), "progress"))) {
    events_.push_back(WorkerEvent::parse(line));
  }
  return result;
}

void WorkerTransfer::run_undisturbed(const std::string& host) {
  const testing::CommandResult result = run(host);
  ASSERT_EQ(result.exit_code, 0) << result.in_words() << error();
}

void WorkerTransfer::learn_layers(const std::string& host) {
  run_undisturbed(host);
  for (const std::string& layer : list_dir(dir_ / "state/layers/sha256")) {
    whole_[layer] = testing::files_below(dir_ / "state/layers/sha256/" + layer);
  }
  forget_all();
}

void WorkerTransfer::forget_all() { remove_tree(dir_ / "state"); }

std::map<std::string, ino_t> WorkerTransfer::named() const {
  std::map<std::string, ino_t> found;
  for (const char* place : {"state/images/blobs/sha256", "state/layers/sha256"}) {
    if (!exists(dir_ / place)) continue;
    for (const std::string& name : list_dir(dir_ / place)) {
      if (name.size() != 64) continue;  // a temporary name
      const std::string path = dir_ / place + "/" + name;
      struct stat status{};
      if (::lstat(path.c_str(), &status) == 0) found[path] = status.st_ino;
    }
  }
  return found;
}

void WorkerTransfer::expect_good() const {
  EXPECT_THAT(store().check(), IsEmpty());
  const images::LayerStore layers(dir_ / "state/layers");
  for (const images::Image& image : store().images()) {
    EXPECT_THAT(layers.missing_of(store().config_of(image)), IsEmpty());
  }
  for (const std::string& layer : list_dir(dir_ / "state/layers/sha256")) {
    EXPECT_EQ(testing::files_below(dir_ / "state/layers/sha256/" + layer), whole_.at(layer));
  }
}

std::string WorkerTransfer::error() const {
  if (events_.empty() || events_.back().type != WorkerEvent::Type::error) return "";
  return events_.back().message;
}

std::set<std::string> WorkerTransfer::told_of(const std::set<WorkerEvent::Phase>& phases) const {
  std::set<std::string> digests;
  for (const WorkerEvent& event : events_) {
    const bool fits = event.type == WorkerEvent::Type::transfer && phases.contains(event.phase);
    if (fits) digests.insert(event.digest);
  }
  return digests;
}

}  // namespace minidocker::registry
