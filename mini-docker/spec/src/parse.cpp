#include "minidocker/spec/parse.hpp"

#include <fmt/format.h>

#include "json_node.hpp"
#include "minidocker/toolbox/error.hpp"

// One table per object of the specification: the member's name, and what is done with it. A member
// that stands in no table is unknown to the specification, or is another system's (user.username,
// process.commandLine, windows, solaris, vm, zos, freebsd): it is ignored, as the specification
// demands.
namespace minidocker::spec {
namespace {

template <class T>
struct Field {
  std::string_view name;
  void (*read)(const JsonNode&, T&);
};

template <class T, std::size_t N>
void read_fields(const JsonNode& node, T& target, const Field<T> (&fields)[N]) {
  node.for_each_member([&](std::string_view key, const JsonNode& member) {
    for (const Field<T>& field : fields) {
      if (field.name == key) return field.read(member, target);
    }
  });
}

// What the specification has and we don't is harmless as long as it asks for nothing; what that
// looks like depends on the type, which is checked as if it were supported.
[[noreturn]] void not_supported(const JsonNode& node) { node.fail("not supported yet"); }

template <class T>
void refuse_any(const JsonNode& node, T&) {
  not_supported(node);
}
template <class T>
void refuse_text(const JsonNode& node, T&) {
  if (!node.text().empty()) not_supported(node);
}
template <class T>
void refuse_true(const JsonNode& node, T&) {
  if (node.boolean()) not_supported(node);
}
// Engines send 0 where they mean "leave it" (dockerd: blockIO.weight, memory.kernel, ...).
template <class T>
void refuse_number(const JsonNode& node, T&) {
  if (node.integer<std::int64_t>() != 0) not_supported(node);
}
template <class T>
void refuse_list(const JsonNode& node, T&) {
  node.for_each_element([&](const JsonNode&) { not_supported(node); });
}
// Where keys are the caller's own (devices, files, variables), a key alone asks for something.
template <class T>
void refuse_object(const JsonNode& node, T&) {
  if (!node.is_empty_object()) not_supported(node);
}

template <auto Member, class T>
void read_text(const JsonNode& node, T& target) {
  target.*Member = node.text();
}
template <auto Member, class T>
void read_texts(const JsonNode& node, T& target) {
  target.*Member = node.texts();
}
template <auto Member, class T>
void read_bool(const JsonNode& node, T& target) {
  target.*Member = node.boolean();
}

template <class T>
struct value_of {
  using type = T;
};
template <class T>
struct value_of<std::optional<T>> {
  using type = T;
};
template <auto Member, class T>
void read_integer(const JsonNode& node, T& target) {
  using Number = typename value_of<std::remove_reference_t<decltype(target.*Member)>>::type;
  target.*Member = node.integer<Number>();
}
// Callers send 0 where they mean "leave it".
template <auto Member, class T>
void read_unless_zero(const JsonNode& node, T& target) {
  using Number = typename value_of<std::remove_reference_t<decltype(target.*Member)>>::type;
  if (const auto number = node.integer<Number>(); number != 0) target.*Member = number;
}

template <class T, auto Read>
std::vector<T> read_list(const JsonNode& node) {
  std::vector<T> result;
  node.for_each_element([&](const JsonNode& element) { result.push_back(Read(element)); });
  return result;
}

// --- root, mounts ---------------------------------------------------------------------------

constexpr Field<Root> kRoot[] = {
    {"path", read_text<&Root::path>},
    {"readonly", read_bool<&Root::readonly>},
};

constexpr Field<Mount> kMount[] = {
    {"destination", read_text<&Mount::destination>},
    {"type", read_text<&Mount::type>},
    {"source", read_text<&Mount::source>},
    {"options", read_texts<&Mount::options>},
    {"uidMappings", refuse_list<Mount>},
    {"gidMappings", refuse_list<Mount>},
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

// One letter out of `letters`.
char read_letter(const JsonNode& node, std::string_view letters) {
  const std::string& text = node.text();
  if (text.size() != 1 || letters.find(text[0]) == std::string_view::npos) {
    node.fail(fmt::format("unknown device type {}, expected one letter of \"{}\"",
                          minidocker::quoted(text), letters));
  }
  return text[0];
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

// -1 is a wild card like an absent number.
template <auto Member>
void read_wildcard(const JsonNode& node, DeviceRule& rule) {
  const auto number = node.integer<std::int64_t>();
  if (number != -1) rule.*Member = node.integer<std::uint32_t>();
}

constexpr Field<DeviceRule> kDeviceRule[] = {
    {"allow", read_bool<&DeviceRule::allow>},
    {"type",
     [](const JsonNode& node, DeviceRule& rule) {
       if (!node.text().empty()) rule.type = read_letter(node, "acb");
     }},
    {"major", read_wildcard<&DeviceRule::major>},
    {"minor", read_wildcard<&DeviceRule::minor>},
    {"access", read_text<&DeviceRule::access>},
};

DeviceRule read_device_rule(const JsonNode& node) {
  DeviceRule rule;
  read_fields(node, rule, kDeviceRule);
  node.require("allow");
  return rule;
}

constexpr Field<MemoryLimits> kMemory[] = {
    {"limit", read_unless_zero<&MemoryLimits::limit>},
    {"reservation", read_unless_zero<&MemoryLimits::reservation>},
    {"swap", read_unless_zero<&MemoryLimits::swap>},
    {"kernel", refuse_number<MemoryLimits>},
    {"kernelTCP", refuse_number<MemoryLimits>},
    {"swappiness", refuse_any<MemoryLimits>},  // 0 is a wish: do not swap
    {"disableOOMKiller", refuse_true<MemoryLimits>},
    {"checkBeforeUpdate", refuse_true<MemoryLimits>},
    // Since Linux 5.11 groups are hierarchical, whatever is asked for.
    {"useHierarchy",
     [](const JsonNode& node, MemoryLimits&) { static_cast<void>(node.boolean()); }},
};

constexpr Field<CpuLimits> kCpu[] = {
    {"shares", read_unless_zero<&CpuLimits::shares>},
    {"quota", read_unless_zero<&CpuLimits::quota>},
    {"period", read_unless_zero<&CpuLimits::period>},
    {"burst", refuse_number<CpuLimits>},
    {"realtimeRuntime", refuse_number<CpuLimits>},
    {"realtimePeriod", refuse_number<CpuLimits>},
    {"cpus", refuse_text<CpuLimits>},
    {"mems", refuse_text<CpuLimits>},
    {"idle", refuse_number<CpuLimits>},
};

constexpr Field<Resources> kPids[] = {
    {"limit", read_integer<&Resources::pids_limit>},
};

constexpr Field<Resources> kBlockIo[] = {
    {"weight", refuse_number<Resources>},
    {"leafWeight", refuse_number<Resources>},
    {"weightDevice", refuse_list<Resources>},
    {"throttleReadBpsDevice", refuse_list<Resources>},
    {"throttleWriteBpsDevice", refuse_list<Resources>},
    {"throttleReadIOPSDevice", refuse_list<Resources>},
    {"throttleWriteIOPSDevice", refuse_list<Resources>},
};

constexpr Field<Resources> kNetwork[] = {
    {"classID", refuse_number<Resources>},
    {"priorities", refuse_list<Resources>},
};

constexpr Field<Resources> kResources[] = {
    {"devices",
     [](const JsonNode& node, Resources& resources) {
       resources.devices = read_list<DeviceRule, read_device_rule>(node);
     }},
    {"memory", [](const JsonNode& node, Resources& to) { read_fields(node, to.memory, kMemory); }},
    {"cpu", [](const JsonNode& node, Resources& to) { read_fields(node, to.cpu, kCpu); }},
    {"pids", [](const JsonNode& node, Resources& to) { read_fields(node, to, kPids); }},
    {"blockIO", [](const JsonNode& node, Resources& to) { read_fields(node, to, kBlockIo); }},
    {"hugepageLimits", refuse_list<Resources>},
    {"network", [](const JsonNode& node, Resources& to) { read_fields(node, to, kNetwork); }},
    {"rdma", refuse_object<Resources>},
    {"unified", refuse_object<Resources>},
};

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
    {"resources",
     [](const JsonNode& node, Linux& to) { read_fields(node, to.resources, kResources); }},
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
