#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/subordinate_ids.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/find_program.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::namespaces {
namespace {

/// What is different about users and groups.
struct MapFile {
  IdType type;
  const char* file;    ///< below /proc/PID
  const char* helper;  ///< the privileged program
  const char* ranges;  ///< the file it looks into
};
constexpr MapFile kUids{IdType::uid, "uid_map", "newuidmap", "/etc/subuid"};
constexpr MapFile kGids{IdType::gid, "gid_map", "newgidmap", "/etc/subgid"};

void write_map(pid_t pid, const MapFile& which, std::span<const IdMapping> maps,
               const MapCredentials& who) {
  const std::string path = fmt::format("/proc/{}/{}", pid, which.file);
  const std::string text = format_id_map(maps);
  sys::Result<> written = write_control_at(AT_FDCWD, path.c_str(), text);
  if (written) return;
  const std::vector<IdMapping> own =
      parse_id_map_file(read_file(fmt::format("/proc/self/{}", which.file)));
  const std::string hint = why_map_refused(written.error(), which.type, maps, own, who);
  std::move(written).or_throw(fmt::format("{}, {}", quoted(path), quoted(text)), hint);
}

/// Gives up setgroups(2) in the namespace: else a user could drop a group that a file's mode denies
/// access to (CVE-2014-8989). The kernel therefore refuses an unprivileged gid_map before this.
void deny_setgroups(pid_t pid) { write_control(fmt::format("/proc/{}/setgroups", pid), "deny"); }

std::string get_helper(const char* name) {
  if (std::optional<std::string> path = find_program(name)) return *std::move(path);
  throw Error(
      ErrorKind::unavailable,
      fmt::format("{}: executable file not found in $PATH; more ids than one's own need it, "
                  "install the package uidmap",
                  name));
}

void check_allowed(const MapFile& which, const std::vector<IdMapping>& maps, std::uint32_t own,
                   const std::vector<IdRange>& ranges) {
  const std::optional<IdMapping> forbidden = find_forbidden(maps, own, ranges);
  if (!forbidden) return;
  throw Error(ErrorKind::permission,
              fmt::format("{}: ids {} to {} are not ours to map: operation not permitted; {} must "
                          "give them to us, as in \"USER:{}:{}\"",
                          which.file, forbidden->outside,
                          std::uint64_t{forbidden->outside} + forbidden->count - 1, which.ranges,
                          forbidden->outside, forbidden->count));
}

std::vector<std::string> helper_command(const std::string& helper, pid_t pid,
                                        std::span<const IdMapping> maps) {
  std::vector<std::string> argv{helper, std::to_string(pid)};
  for (const IdMapping& line : maps) {
    argv.push_back(std::to_string(line.inside));
    argv.push_back(std::to_string(line.outside));
    argv.push_back(std::to_string(line.count));
  }
  return argv;
}

/// Runs the helper; what it has to say on standard error is the message.
void run_helper(const MapFile& which, pid_t pid, std::span<const IdMapping> maps) {
  Pipe complaints = Pipe::make();
  const std::pair<int, int> fds[] = {{complaints.write_end.get(), 2}};
  Process helper =
      Process::spawn(helper_command(get_helper(which.helper), pid, maps), std::span(fds));
  complaints.write_end.reset();
  std::string said = read_all(complaints.read_end.get(), which.helper);
  const int code = helper.wait().shell_code();
  if (code == 0) return;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  throw Error(ErrorKind::permission,
              fmt::format("{}: exit code {}: {}; is it set-user-id root or does it have the "
                          "capability, and does {} list us?",
                          which.helper, code, quoted(said), which.ranges));
}

}  // namespace

void write_id_maps(pid_t pid, std::span<const IdMapping> uids, std::span<const IdMapping> gids) {
  const trace::Scope scope("01-namespaces", "write the id maps of the user namespace",
                           "a process cannot say who it is outside of its own namespace");
  check_id_map(uids, IdType::uid);
  check_id_map(gids, IdType::gid);
  const MapCredentials who = own_credentials();
  const MapWriter writer = choose_writer(who, uids, gids);
  if (writer == MapWriter::helpers) {
    const SubordinateIds allowed = subordinate_ids(who.uid);
    check_allowed(kUids, {uids.begin(), uids.end()}, who.uid, allowed.uids);
    check_allowed(kGids, {gids.begin(), gids.end()}, who.gid, allowed.gids);
    run_helper(kUids, pid, uids);
    run_helper(kGids, pid, gids);
    return;
  }
  if (writer == MapWriter::direct_own_id) deny_setgroups(pid);
  write_map(pid, kUids, uids, who);
  write_map(pid, kGids, gids, who);
}

}  // namespace minidocker::namespaces
