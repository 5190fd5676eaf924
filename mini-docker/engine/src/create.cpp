#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "names.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "spec_builder.hpp"
#include "times.hpp"

namespace minidocker::engine {
namespace {

constexpr std::size_t kLongestHostname = 64;  // __NEW_UTS_LEN

/// Which limit was asked for; null if none.
const char* wished_limit(const CreateRequest& request) {
  if (request.memory) return "--memory";
  if (request.nano_cpus) return "--cpus";
  if (request.pids_limit) return "--pids-limit";
  return nullptr;
}

/// Said before anything is made: a limit that cannot hold is no limit.
void check_limits(const CreateRequest& request) {
  const char* wish = wished_limit(request);
  if (wish == nullptr) return;
  const std::optional<cgroups::Reason> reason = cgroups::why_not(cgroups::detect());
  if (reason) cgroups::refuse(*reason, wish);
}

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

void check_request(const CreateRequest& request) {
  if (request.name) check_name(*request.name);
  if (request.hostname && request.hostname->size() > kLongestHostname) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("invalid hostname: {} is longer than {} bytes", *request.hostname,
                            kLongestHostname));
  }
  check_limits(request);
  check_bind_sources(request);
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

/// Along PATH, as other engines find theirs.
std::string find_runtime(const std::string& name, const Maker& maker) {
  if (name.empty()) return "";
  if (maker.is_rootless()) {
    throw Error(ErrorKind::unavailable,
                fmt::format("--runtime {}: another runtime needs its root mounted for it, which "
                            "an ordinary user cannot: leave --runtime away",
                            name));
  }
  if (name.find('/') != std::string::npos) {
    if (exists(name)) return std::filesystem::absolute(name);
  } else {
    const char* path = std::getenv("PATH");
    const std::string list = path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(':', begin), list.size());
      const std::string candidate = list.substr(begin, end - begin) + "/" + name;
      if (candidate.front() == '/' && exists(candidate)) return candidate;
      begin = end + 1;
    }
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("unknown or invalid runtime name: {}", name));
}

HostFiles files_of(const Paths& paths, const ContainerRow& row) {
  const std::string directory = ContainerPaths(paths, row).directory;
  return {directory + "/hosts", directory + "/hostname", directory + "/resolv.conf",
          paths.programs + "/mini-init"};
}

/// All that names no id yet is checked before the row exists: a refused request leaves no trace.
std::string spec_text(const CreateRequest& request, const RunnableImage& image, const Paths& paths,
                      const ContainerRow& row) {
  SpecInput input;
  input.hostname = request.uts == NamespaceMode::host ? own_hostname()
                                                      : request.hostname.value_or(short_id(row.id));
  // Our own runtime knows best where the group can lie, and whether there can be one.
  if (!row.runtime.empty()) input.cgroups_path = "/mini-docker/" + row.id;
  input.program = merge_config(image.defaults, request, input.hostname);
  input.files = files_of(paths, row);
  input.maker = Maker::current();
  const spec::Spec spec = build_spec(request, input);
  spec::validate(spec);
  return spec::write(spec);
}

ContainerRow row_for(const CreateRequest& request, const RunnableImage& image) {
  ContainerRow row;
  row.image = request.image;
  row.image_id = image.id;
  row.root = join(image.layers, '\n');
  row.runtime = find_runtime(request.runtime, Maker::current());
  row.interactive = request.interactive;
  row.auto_remove = request.auto_remove;
  row.created_ns = now_ns();
  const Program program = merge_config(image.defaults, request, "");
  row.command = join(shown_args(program.args), ' ');
  return row;
}

}  // namespace

std::string Engine::create(const CreateRequest& request) {
  check_request(request);
  const RunnableImage image = impl_->images.prepare(request.image);
  ContainerRow row = row_for(request, image);
  row.id = make_id();
  row.spec = spec_text(request, image, impl_->paths, row);
  impl_->claim(row, request.name);
  try {
    impl_->make_files(row, request);
    row.state = State::created;
    impl_->table.update(row);
  } catch (const Error&) {
    impl_->destroy(row);
    impl_->owned.erase(row.id);
    throw;
  }
  return row.id;
}

}  // namespace minidocker::engine
