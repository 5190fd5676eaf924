// What there is to tell of a container.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/spec/parse.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "states.hpp"
#include "times.hpp"

namespace minidocker::engine {

namespace {

std::string time_of(std::int64_t nanoseconds) {
  return nanoseconds == 0 ? "" : rfc3339_of(nanoseconds);
}

bool has_option(const spec::Mount& mount, std::string_view option) {
  return std::ranges::find(mount.options, option) != mount.options.end();
}

/// The binds that a user asked for: not the files that every container has in its /etc.
std::vector<MountDetails> binds_of(const spec::Spec& spec, const std::string& own_directory) {
  std::vector<MountDetails> mounts;
  for (const spec::Mount& mount : spec.mounts) {
    const bool is_bind = has_option(mount, "bind") || has_option(mount, "rbind");
    if (!is_bind || mount.source.starts_with(own_directory + "/")) continue;
    std::string propagation = "rprivate";
    for (const char* word : {"private", "rshared", "shared", "rslave", "slave"}) {
      if (has_option(mount, word)) propagation = word;
    }
    const bool is_read_only = has_option(mount, "ro") || has_option(mount, "rro");
    mounts.push_back({mount.source, mount.destination, propagation, is_read_only});
  }
  return mounts;
}

}  // namespace

ContainerDetails Engine::inspect_container(const std::string& name) const {
  const ContainerRow row = impl_->table.get(name);
  const spec::Spec spec = spec::parse(row.spec);
  ContainerDetails details;
  details.summary = summary_of(row);
  details.status = word_of(row.state);
  details.image_id = row.image_id;
  details.created = time_of(row.created_ns);
  details.started = time_of(row.started_ns);
  details.finished = time_of(row.finished_ns);
  details.error = row.error;
  details.driver = row.driver;
  details.runtime = row.runtime;
  details.directory = ContainerPaths(impl_->paths, row).directory;
  details.hostname = spec.hostname;
  details.user = row.user;
  details.working_dir = spec.process.cwd;
  details.args = spec.process.args;
  details.env = spec.process.env;
  details.mounts = binds_of(spec, details.directory);
  details.has_terminal = spec.process.terminal;
  details.is_interactive = row.interactive;
  details.is_removed_at_end = row.auto_remove;
  details.is_read_only = spec.root.readonly;
  return details;
}

}  // namespace minidocker::engine
