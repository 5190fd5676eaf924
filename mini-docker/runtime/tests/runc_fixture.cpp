#include "runc_fixture.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandOptions;
using testing::CommandResult;

// Another runtime can stand in, so that the tests themselves can be checked against runc.
std::string runtime_program() {
  const char* other = std::getenv("MD_TEST_RUNTIME");
  return other != nullptr ? other : MD_BINARY_DIR "/bin/mini-runc";
}

std::string random_name() {
  std::random_device random;
  return fmt::format("t{:08x}{:08x}", random(), random());
}

std::string blob_path(const std::string& image, const json& descriptor) {
  const auto digest = descriptor.at("digest").get<std::string>();
  return image + "/blobs/sha256/" + digest.substr(digest.find(':') + 1);
}

// The first layer holds busybox, a link per applet and /etc/passwd.
void unpack_rootfs(const std::string& target) {
  const std::string image = testing::path_of("busybox");
  const json index = json::parse(testing::read_text(image + "/index.json"));
  const json manifest =
      json::parse(testing::read_text(blob_path(image, index.at("manifests").at(0))));
  const std::string layer = blob_path(image, manifest.at("layers").at(0));
  const CommandResult result = testing::run_command({"tar", "-xzf", layer, "-C", target});
  if (result.exit_code != 0) throw std::runtime_error(result.in_words());
}

}  // namespace

Bundle::Bundle(std::string dir) : dir_(std::move(dir)) {
  make_dirs(rootfs(), 0755);
  ::chmod(dir_.c_str(), 0755);
  unpack_rootfs(rootfs());
  config_ = std::make_unique<json>(json::parse(spec::write(spec::default_spec())));
  config()["process"].erase("terminal");
  config()["root"]["readonly"] = false;
  command({"sleep", "1000"});
}

Bundle::~Bundle() = default;

json& Bundle::operator[](const char* member) { return (*config_)[member]; }

void Bundle::command(const std::vector<std::string>& args) { config()["process"]["args"] = args; }

void Bundle::script(const std::string& text) { command({"sh", "-c", text}); }

void Bundle::mount(const std::string& destination, const std::string& type,
                   const std::string& source, const std::vector<std::string>& options) {
  config()["mounts"].push_back(
      {{"destination", destination}, {"type", type}, {"source", source}, {"options", options}});
}

void Bundle::no_name_space(const std::string& type) {
  json& list = config()["linux"]["namespaces"];
  json kept = json::array();
  for (const json& entry : list) {
    if (entry.at("type") != type) kept.push_back(entry);
  }
  list = kept;
}

void Bundle::name_space(const std::string& type, const std::string& path) {
  no_name_space(type);
  json entry = {{"type", type}};
  if (!path.empty()) entry["path"] = path;
  config()["linux"]["namespaces"].push_back(entry);
}

void Bundle::map_ids() {
  name_space("user");
  const json mapping = {{"containerID", 0}, {"hostID", 100000}, {"size", 65536}};
  config()["linux"]["uidMappings"] = json::array({mapping});
  config()["linux"]["gidMappings"] = json::array({mapping});
  testing::run_command({"chown", "-hR", "100000:100000", rootfs()});
}

void Bundle::write() const { testing::write_text(dir_ + "/config.json", config_->dump()); }

RuncTest::RuncTest()
    : id_(random_name()),
      other_(random_name()),
      root_(dir_ / "state"),
      leaks_({.dirs = {root_}, .cgroups = {"mini-docker/" + id_, "mini-docker/" + other_}}) {
  ::chmod(dir_.path().c_str(), 0755);  // a container of other ids has to get through
}

RuncTest::~RuncTest() = default;

void RuncTest::SetUp() {
  MD_NEEDS("root", "busybox");
  bundle_ = std::make_unique<Bundle>(dir_ / "bundle");
}

void RuncTest::TearDown() {
  if (bundle_ == nullptr) return;
  // The second one first, and reaped: it may be a member of the first one's PID namespace, whose
  // init does not end before all its members are reaped.
  for (const std::string& id : {other_, id_}) {
    remove(id);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  for (const std::string& id : {id_, other_}) {
    for (const std::string& dir : cgroup_dirs(id)) ADD_FAILURE() << "left behind: " << dir;
  }
}

std::vector<std::string> RuncTest::command_line(std::vector<std::string> args) const {
  std::vector<std::string> whole = {runtime_program(), "--root", root_};
  whole.insert(whole.end(), args.begin(), args.end());
  return whole;
}

CommandResult RuncTest::runc(std::vector<std::string> args, CommandOptions options) {
  return testing::run_command(command_line(std::move(args)), std::move(options));
}

CommandResult RuncTest::run_script(const std::string& script) {
  json& args = bundle_->config()["process"]["args"];
  const json before = args;
  bundle_->script(script);
  bundle_->write();
  CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  args = before;
  return result;
}

std::string RuncTest::output_of(const std::string& script) {
  CommandResult result = run_script(script);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  if (result.out.ends_with('\n')) result.out.pop_back();
  return result.out;
}

pid_t RuncTest::pid_of(const CommandResult& result, const std::string& file) {
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  if (result.exit_code != 0) return 0;
  return static_cast<pid_t>(std::stol(testing::read_text(file)));
}

pid_t RuncTest::run_detached(const std::string& id, Bundle& bundle) {
  bundle.write();
  const std::string file = dir_ / (id + ".pid");
  // Not our pipes: the container would hold them open.
  return pid_of(testing::run_command({"sh", "-c", "exec \"$@\" </dev/null >/dev/null", "sh",
                                      runtime_program(), "--root", root_, "run", "-d", "--pid-file",
                                      file, "--bundle", bundle.dir(), id}),
                file);
}

pid_t RuncTest::run_detached() { return run_detached(id_, *bundle_); }

pid_t RuncTest::create() {
  bundle_->write();
  const std::string file = dir_ / (id_ + ".pid");
  return pid_of(testing::run_command({"sh", "-c", "exec \"$@\" </dev/null >/dev/null", "sh",
                                      runtime_program(), "--root", root_, "create", "--pid-file",
                                      file, "--bundle", bundle_->dir(), id_}),
                file);
}

void RuncTest::remove(const std::string& id) {
  const CommandResult result = runc({"delete", "--force", id});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

json RuncTest::state() {
  const CommandResult result = runc({"state", id_});
  return result.exit_code == 0 ? json::parse(result.out) : json();
}

std::string RuncTest::status() {
  const json now = state();
  return now.is_null() ? "absent" : now.at("status").get<std::string>();
}

std::vector<std::string> RuncTest::cgroup_dirs(const std::string& id) const {
  const CommandResult result =
      testing::run_command({"find", "/sys/fs/cgroup", "-maxdepth", "4", "-name", id});
  return testing::lines_of(result.out);
}

std::vector<std::string> RuncTest::states() const {
  return exists(root_) ? list_dir(root_) : std::vector<std::string>();
}

}  // namespace minidocker::runtime
