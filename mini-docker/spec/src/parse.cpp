#include "minidocker/spec/parse.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "fields.hpp"
#include "json_node.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

// --- root, mounts ---------------------------------------------------------------------------

constexpr Field<Root> kRoot[] = {
    {"path", read_text<&Root::path>},
    {"readonly", read_bool<&Root::readonly>},
};

constexpr Field<IdMapping> kIdMapping[] = {
    {"containerID", read_integer<&IdMapping::container_id>},
    {"hostID", read_integer<&IdMapping::host_id>},
    {"size", read_integer<&IdMapping::size>},
};

IdMapping read_mapping(const JsonNode& node) {
  IdMapping mapping;
  read_fields(node, mapping, kIdMapping);
  for (const char* member : {"containerID", "hostID", "size"}) node.require(member);
  return mapping;
}

constexpr Field<Mount> kMount[] = {
    {"destination", read_text<&Mount::destination>},
    {"type", read_text<&Mount::type>},
    {"source", read_text<&Mount::source>},
    {"options", read_texts<&Mount::options>},
    {"uidMappings", [](const JsonNode& node,
                       Mount& to) { to.uid_mappings = read_list<IdMapping, read_mapping>(node); }},
    {"gidMappings", [](const JsonNode& node,
                       Mount& to) { to.gid_mappings = read_list<IdMapping, read_mapping>(node); }},
};

Mount read_mount(const JsonNode& node) {
  Mount mount;
  read_fields(node, mount, kMount);
  node.require("destination");
  return mount;
}

// --- process --------------------------------------------------------------------------------

constexpr Field<ConsoleSize> kConsoleSize[] = {
    {"height", read_integer<&ConsoleSize::height>},
    {"width", read_integer<&ConsoleSize::width>},
};

constexpr Field<User> kUser[] = {
    {"uid", read_integer<&User::uid>},
    {"gid", read_integer<&User::gid>},
    {"umask", read_integer<&User::umask>},
    {"additionalGids",
     [](const JsonNode& node, User& user) {
       node.for_each_element([&](const JsonNode& gid) {
         user.additional_gids.push_back(gid.integer<std::uint32_t>());
       });
     }},
};

constexpr Field<Capabilities> kCapabilities[] = {
    {"bounding", read_texts<&Capabilities::bounding>},
    {"effective", read_texts<&Capabilities::effective>},
    {"inheritable", read_texts<&Capabilities::inheritable>},
    {"permitted", read_texts<&Capabilities::permitted>},
    {"ambient", read_texts<&Capabilities::ambient>},
};

constexpr Field<Rlimit> kRlimit[] = {
    {"type", read_text<&Rlimit::type>},
    {"hard", read_integer<&Rlimit::hard>},
    {"soft", read_integer<&Rlimit::soft>},
};

Rlimit read_rlimit(const JsonNode& node) {
  Rlimit limit;
  read_fields(node, limit, kRlimit);
  for (const char* member : {"type", "hard", "soft"}) node.require(member);
  return limit;
}

constexpr Field<Process> kExecCpuAffinity[] = {
    {"initial", refuse_text<Process>},
    {"final", refuse_text<Process>},
};

constexpr Field<Process> kProcess[] = {
    {"terminal", read_bool<&Process::terminal>},
    {"consoleSize",
     [](const JsonNode& node, Process& process) {
       read_fields(node, process.console_size.emplace(), kConsoleSize);
     }},
    {"user",
     [](const JsonNode& node, Process& process) { read_fields(node, process.user, kUser); }},
    {"args", read_texts<&Process::args>},
    {"env", read_texts<&Process::env>},
    {"cwd", read_text<&Process::cwd>},
    {"capabilities",
     [](const JsonNode& node, Process& process) {
       read_fields(node, process.capabilities.emplace(), kCapabilities);
     }},
    {"rlimits", [](const JsonNode& node,
                   Process& process) { process.rlimits = read_list<Rlimit, read_rlimit>(node); }},
    {"noNewPrivileges", read_bool<&Process::no_new_privileges>},
    {"oomScoreAdj", read_integer<&Process::oom_score_adj>},
    {"apparmorProfile", refuse_text<Process>},
    {"selinuxLabel", refuse_text<Process>},
    {"scheduler", refuse_object<Process>},
    {"ioPriority", refuse_object<Process>},
    {"execCPUAffinity",
     [](const JsonNode& node, Process& to) { read_fields(node, to, kExecCpuAffinity); }},
};

// --- linux ----------------------------------------------------------------------------------

constexpr Field<Namespace> kNamespace[] = {
    {"type",
     [](const JsonNode& node, Namespace& target) {
       const auto type = find_namespace_type(node.text());
       if (!type) {
         node.fail(
             fmt::format("unknown namespace {}, expected pid, network, ipc, mount, uts, "
                         "user, cgroup or time",
                         minidocker::quoted(node.text())));
       }
       target.type = *type;
     }},
    {"path", read_text<&Namespace::path>},
};

Namespace read_namespace(const JsonNode& node) {
  Namespace result;
  read_fields(node, result, kNamespace);
  node.require("type");
  return result;
}

constexpr Field<Device> kDevice[] = {
    {"type", [](const JsonNode& node, Device& to) { to.type = read_letter(node, "cbup"); }},
    {"path", read_text<&Device::path>},
    {"major", read_integer<&Device::major>},
    {"minor", read_integer<&Device::minor>},
    {"fileMode",  // some callers send st_mode as it is, file type included
     [](const JsonNode& node, Device& to) {
       to.file_mode = node.integer<std::uint32_t>() & 07777U;
     }},
    {"uid", read_integer<&Device::uid>},
    {"gid", read_integer<&Device::gid>},
};

Device read_device(const JsonNode& node) {
  Device device;
  read_fields(node, device, kDevice);
  for (const char* member : {"type", "path"}) node.require(member);
  if (device.type != 'p') {
    for (const char* member : {"major", "minor"}) node.require(member);
  }
  return device;
}

constexpr Field<TimeOffset> kTimeOffset[] = {
    {"secs", read_integer<&TimeOffset::secs>},
    {"nanosecs", read_integer<&TimeOffset::nanosecs>},
};

void read_time_offsets(const JsonNode& node, Linux& to) {
  node.for_each_member([&](std::string_view clock, const JsonNode& member) {
    if (clock == "monotonic") {
      read_fields(member, to.monotonic.emplace(), kTimeOffset);
    } else if (clock == "boottime") {
      read_fields(member, to.boottime.emplace(), kTimeOffset);
    } else {
      member.fail("a time namespace shifts only \"monotonic\" and \"boottime\"");
    }
  });
}

constexpr Field<Linux> kLinux[] = {
    {"uidMappings", [](const JsonNode& node,
                       Linux& to) { to.uid_mappings = read_list<IdMapping, read_mapping>(node); }},
    {"gidMappings", [](const JsonNode& node,
                       Linux& to) { to.gid_mappings = read_list<IdMapping, read_mapping>(node); }},
    {"namespaces", [](const JsonNode& node,
                      Linux& to) { to.namespaces = read_list<Namespace, read_namespace>(node); }},
    {"devices",
     [](const JsonNode& node, Linux& to) { to.devices = read_list<Device, read_device>(node); }},
    {"cgroupsPath", read_text<&Linux::cgroups_path>},
    {"resources", [](const JsonNode& node, Linux& to) { read_resources(node, to.resources); }},
    {"rootfsPropagation", read_text<&Linux::rootfs_propagation>},
    {"maskedPaths", read_texts<&Linux::masked_paths>},
    {"readonlyPaths", read_texts<&Linux::readonly_paths>},
    {"timeOffsets", read_time_offsets},
    {"sysctl", refuse_object<Linux>},
    {"seccomp", refuse_object<Linux>},
    {"mountLabel", refuse_text<Linux>},
    {"personality", refuse_object<Linux>},
    {"netDevices", refuse_object<Linux>},
    {"intelRdt", refuse_any<Linux>},  // even {} makes a group of its own
    {"memoryPolicy", refuse_any<Linux>},
};

// --- the whole ------------------------------------------------------------------------------

constexpr Field<Spec> kHooks[] = {
    {"prestart", refuse_list<Spec>},        {"createRuntime", refuse_list<Spec>},
    {"createContainer", refuse_list<Spec>}, {"startContainer", refuse_list<Spec>},
    {"poststart", refuse_list<Spec>},       {"poststop", refuse_list<Spec>},
};

constexpr Field<Spec> kSpec[] = {
    {"ociVersion", read_text<&Spec::oci_version>},
    {"root", [](const JsonNode& node, Spec& spec) { read_fields(node, spec.root, kRoot); }},
    {"mounts",
     [](const JsonNode& node, Spec& spec) { spec.mounts = read_list<Mount, read_mount>(node); }},
    {"process",
     [](const JsonNode& node, Spec& spec) { read_fields(node, spec.process, kProcess); }},
    {"hostname", read_text<&Spec::hostname>},
    {"domainname", read_text<&Spec::domainname>},
    {"linux", [](const JsonNode& node, Spec& spec) { read_fields(node, spec.linux_, kLinux); }},
    {"annotations",
     [](const JsonNode& node, Spec& spec) {
       node.for_each_member([&](std::string_view key, const JsonNode& value) {
         spec.annotations.emplace(key, value.text());
       });
     }},
    {"hooks", [](const JsonNode& node, Spec& spec) { read_fields(node, spec, kHooks); }},
};

}  // namespace

Spec parse(std::string_view json, std::string_view file) {
  const JsonDocument document(json, file);
  Spec spec;
  const JsonNode root = document.root();
  // First what is there, then what is missing: a wrong type is the more telling message.
  read_fields(root, spec, kSpec);
  for (const char* member : {"ociVersion", "root", "process"}) root.require(member);
  return spec;
}

}  // namespace minidocker::spec
