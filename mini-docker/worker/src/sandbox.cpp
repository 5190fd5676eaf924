#include "sandbox.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "minidocker/security/own_capabilities.hpp"
#include "minidocker/security/read_only_world.hpp"
#include "minidocker/security/socket_filter.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::worker {

namespace {

namespace fs = std::filesystem;
using images::WorkerRequest;
using images::WorkerVerb;
using security::Gate;
using security::GateAccess;

// Names of hosts, and whom to trust. Libraries are here as resolvers are loaded by name; and which
// boot this is says whose half downloads can be believed.
constexpr const char* kForRegistries[] = {"/proc/sys/kernel/random/boot_id",
                                          "/etc/resolv.conf",
                                          "/etc/hosts",
                                          "/etc/nsswitch.conf",
                                          "/etc/host.conf",
                                          "/etc/gai.conf",
                                          "/etc/services",
                                          "/etc/ssl/certs",
                                          "/etc/ssl/openssl.cnf",
                                          "/etc/pki/tls",
                                          "/etc/pki/ca-trust",
                                          "/etc/ca-certificates",
                                          "/usr/share/ca-certificates",
                                          "/usr/local/share/ca-certificates",
                                          "/etc/docker/certs.d",
                                          "/etc/ld.so.cache",
                                          "/lib",
                                          "/lib64",
                                          "/usr/lib",
                                          "/usr/lib64"};

bool speaks_to_a_registry(const WorkerRequest& request) {
  return request.verb == WorkerVerb::pull || request.verb == WorkerVerb::push ||
         request.verb == WorkerVerb::tags || request.verb == WorkerVerb::login;
}

// Not nothing, and not a descriptor that is open already.
bool is_path(const std::string& word) { return !word.empty() && word != "-"; }

// What all of them lie below: only within one mount can files be renamed.
std::string common_parent(const WorkerRequest& request) {
  fs::path parent = request.store;
  for (const std::string& other : {request.layers, request.temporaries}) {
    const fs::path path = other;
    const auto [ours, theirs] =
        std::mismatch(parent.begin(), parent.end(), path.begin(), path.end());
    fs::path common;
    for (auto part = parent.begin(); part != ours; ++part) common /= *part;
    parent = common;
  }
  if (parent != "/") return parent.string();
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}, {} and {} must lie below one directory that is not /", request.store,
                          request.layers, request.temporaries));
}

std::vector<std::string> writable_by(const WorkerRequest& request) {
  std::vector<std::string> directories{common_parent(request)};
  if (is_path(request.to)) directories.push_back(request.to);
  return directories;
}

// A terminal is a way to whoever sits at it: what is not an archive leads to nowhere.
void close_terminals(const WorkerRequest& request) {
  const bool writes = request.to == "-" || request.verb == WorkerVerb::export_root;
  const UniqueFd nowhere = sys::open("/dev/null", O_RDWR).or_throw("/dev/null");
  if (request.from != "-") sys::pass_on_as(nowhere.get(), STDIN_FILENO).or_throw("standard input");
  if (!writes) sys::pass_on_as(nowhere.get(), STDOUT_FILENO).or_throw("standard output");
  sys::pass_on_as(nowhere.get(), STDERR_FILENO).or_throw("standard error");
}

}  // namespace

std::vector<Gate> gates_of(const WorkerRequest& request) {
  std::vector<Gate> gates;
  for (const std::string& path : {request.store, request.layers, request.temporaries}) {
    gates.push_back({path, GateAccess::change});
  }
  if (is_path(request.to)) gates.push_back({request.to, GateAccess::change});
  gates.push_back({"/sys/devices/system/cpu/online", GateAccess::read});  // so many threads
  for (const std::string& path : {request.from, request.tree}) {
    if (is_path(path)) gates.push_back({path, GateAccess::read});
  }
  if (speaks_to_a_registry(request)) {
    for (const char* path : kForRegistries) gates.push_back({path, GateAccess::read});
  }
  return gates;
}

std::vector<std::string> enter_sandbox(const WorkerRequest& request) {
  std::vector<std::string> lacking;
  close_terminals(request);
  const security::CapabilitySet has{sys::capget().or_throw("capabilities").effective};
  if (has.has(CAP_SYS_ADMIN)) {
    security::make_world_read_only(writable_by(request));
  } else {
    lacking.emplace_back("mounts stay as they are: a read-only world needs CAP_SYS_ADMIN");
  }
  sys::set_no_new_privs().or_throw();
  security::keep_only(kUnpackingCapabilities);
  if (const int abi = security::landlock_abi(); abi >= security::kLeastLandlockAbi) {
    security::fence_files(abi, gates_of(request));
  } else {
    lacking.push_back(
        fmt::format("files are not fenced: Landlock's ABI is {}, {} is needed (kernel 5.19, and "
                    "`landlock` among the kernel's security modules)",
                    abi, security::kLeastLandlockAbi));
  }
  security::limit_sockets(speaks_to_a_registry(request) ? security::Sockets::internet
                                                        : security::Sockets::none);
  return lacking;
}

}  // namespace minidocker::worker
