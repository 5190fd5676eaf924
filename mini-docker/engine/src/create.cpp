#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cgroup_driver.hpp"
#include "check_limits.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/clock.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/find_program.hpp"
#include "names.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "spec_builder.hpp"

namespace minidocker::engine {
namespace {

constexpr std::size_t kLongestHostname = 64;  // __NEW_UTS_LEN

void check_bind_sources(const CreateRequest& request) {
  for (const MountRequest& mount : request.mounts) {
    if (mount.type != MountType::bind || mount.missing_source != MissingSource::refuse) continue;
    if (exists(mount.source)) continue;
    throw Error(ErrorKind::invalid_argument,
                fmt::format("invalid mount config for type \"bind\": bind source path does not "
                            "exist: {}",
                            mount.source));
  }
}

/// Said before anything is made: a limit that cannot hold is no limit. Returns warnings.
std::vector<std::string> check_request(const CreateRequest& request, CgroupDriver driver) {
  if (request.name) check_name(*request.name);
  if (request.hostname && request.hostname->size() > kLongestHostname) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("invalid hostname: {} is longer than {} bytes", *request.hostname,
                            kLongestHostname));
  }
  check_bind_sources(request);
  std::vector<std::string> warnings = check_limits(request, Machine::current());
  // What systemd delegates to us it says itself.
  if (driver == CgroupDriver::cgroupfs) check_delegation(request);
  return warnings;
}

std::string own_hostname() {
  std::string name = find_file("/proc/sys/kernel/hostname").value_or("localhost\n");
  while (name.ends_with('\n')) name.pop_back();
  return name;
}

std::string join(const std::vector<std::string>& words, char separator) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : std::string(1, separator)) + word;
  return text;
}

/// As docker shows them: with quotes around what holds blanks.
std::vector<std::string> shown_args(std::vector<std::string> args) {
  for (std::string& arg : args) {
    if (arg.find(' ') != std::string::npos) arg = "'" + arg + "'";
  }
  return args;
}

std::string runtime_of(const CreateRequest& request) {
  const std::string& name = request.runtime;
  if (name.empty()) return "";
  if (Maker::current().is_rootless()) {
    throw Error(ErrorKind::unavailable,
                fmt::format("--runtime {}: another runtime needs its root mounted for it, which "
                            "an ordinary user cannot: leave --runtime away",
                            name));
  }
  if (std::optional<std::string> program = find_program(name)) return *program;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("unknown or invalid runtime name: {}", name));
}

/// Who shares the host's network is known there by the host's name.
std::string hostname_of(const CreateRequest& request, const std::string& id) {
  if (request.uts == NamespaceMode::host) return own_hostname();
  if (request.hostname) return *request.hostname;
  return request.network == NamespaceMode::host ? own_hostname() : short_id(id);
}

HostFiles files_of(const Paths& paths, const ContainerRow& row) {
  const std::string directory = ContainerPaths(paths, row).directory;
  return {directory + "/hosts", directory + "/hostname", directory + "/resolv.conf",
          paths.programs + "/mini-init"};
}

/// All that names no id yet is checked before the row exists: a refused request leaves no trace.
std::string spec_text(const CreateRequest& request, const Program& program, const Paths& paths,
                      const ContainerRow& row, const std::string& hostname, CgroupDriver driver) {
  SpecInput input;
  input.hostname = hostname;
  input.cgroups_path = cgroups_path(request, driver, row.id);
  input.program = program;
  input.files = files_of(paths, row);
  input.maker = Maker::current();
  input.counts_swap = Machine::current().counts_swap;
  const spec::Spec spec = build_spec(request, input);
  spec::validate(spec);
  return spec::write(spec);
}

ContainerRow row_for(const CreateRequest& request, const RunnableImage& image) {
  ContainerRow row;
  row.id = make_id();
  row.image = request.image;
  row.image_id = image.id;
  row.root = join(image.layers, '\n');
  row.runtime = runtime_of(request);
  row.interactive = request.interactive;
  row.auto_remove = request.auto_remove;
  row.created_ns = wall_clock_ns();
  return row;
}

/// docker would make volumes of them.
void warn_of_volumes(const CreateRequest& request, const RunnableImage& image,
                     std::vector<std::string>& warnings) {
  for (const std::string& volume : image.volumes) {
    if (std::ranges::find(request.mounts, volume, &MountRequest::target) != request.mounts.end()) {
      continue;
    }
    warnings.push_back(
        fmt::format("the image wants a volume at {}: volumes come with the daemon, what is written "
                    "there goes with the container",
                    volume));
  }
}

}  // namespace

CreatedContainer Engine::create(const CreateRequest& request) {
  const CgroupDriver driver = choose_cgroup_driver(request);
  std::vector<std::string> warnings = check_request(request, driver);
  RunnableImage image = impl_->images.prepare(request.image);
  ContainerRow row = row_for(request, image);
  row.driver = impl_->storage.driver->name();
  const std::string hostname = hostname_of(request, row.id);
  const Program program = merge_config(image.defaults, request, hostname);
  row.command = join(shown_args(program.args), ' ');
  row.user = program.user;
  row.spec = spec_text(request, program, impl_->paths, row, hostname, driver);
  impl_->claim(row, request.name);
  image.lock.reset();  // the row names the layers now
  try {
    impl_->make_files(row, request, hostname);
    row.state = State::created;
    impl_->table.update(row);
  } catch (const Error&) {
    impl_->destroy(row);
    impl_->owned.erase(row.id);
    throw;
  }
  warn_of_volumes(request, image, warnings);
  return {row.id, std::move(warnings)};
}

}  // namespace minidocker::engine
