#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "fields.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {

// One letter out of `letters`.
char read_letter(const JsonNode& node, std::string_view letters) {
  const std::string& text = node.text();
  if (text.size() != 1 || letters.find(text[0]) == std::string_view::npos) {
    node.fail(fmt::format("unknown device type {}, expected one letter of \"{}\"",
                          minidocker::quoted(text), letters));
  }
  return text[0];
}

namespace {

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

// What no kernel of ours can do for anybody is refused with the reason, if it is asked for.
[[noreturn]] void no_kernel_has(const JsonNode& node, std::string_view since,
                                std::string_view instead) {
  node.fail(fmt::format("no kernel since {} has this limit; {}", since, instead));
}

constexpr Field<MemoryLimits> kMemory[] = {
    {"limit", read_unless_zero<&MemoryLimits::limit>},
    {"reservation", read_unless_zero<&MemoryLimits::reservation>},
    {"swap", read_unless_zero<&MemoryLimits::swap>},
    {"kernel",
     [](const JsonNode& node, MemoryLimits&) {
       if (node.integer<std::int64_t>() == 0) return;
       no_kernel_has(node, "5.16", "memory/limit counts the kernel's memory, too");
     }},
    {"kernelTCP", read_unless_zero<&MemoryLimits::kernel_tcp>},
    {"swappiness", read_integer<&MemoryLimits::swappiness>},  // 0 is a wish: do not swap
    {"disableOOMKiller", read_bool<&MemoryLimits::disable_oom_killer>},
    {"checkBeforeUpdate", read_bool<&MemoryLimits::check_before_update>},
    // Since Linux 5.11 groups are hierarchical, whatever is asked for.
    {"useHierarchy",
     [](const JsonNode& node, MemoryLimits&) { static_cast<void>(node.boolean()); }},
};

constexpr Field<CpuLimits> kCpu[] = {
    {"shares", read_unless_zero<&CpuLimits::shares>},
    {"quota", read_unless_zero<&CpuLimits::quota>},
    {"period", read_unless_zero<&CpuLimits::period>},
    {"burst", read_unless_zero<&CpuLimits::burst>},
    {"realtimeRuntime", read_unless_zero<&CpuLimits::realtime_runtime>},
    {"realtimePeriod", read_unless_zero<&CpuLimits::realtime_period>},
    {"cpus", read_text<&CpuLimits::cpus>},
    {"mems", read_text<&CpuLimits::mems>},
    {"idle", read_integer<&CpuLimits::idle>},  // 0 takes a 1 back
};

constexpr Field<Resources> kPids[] = {
    {"limit", read_integer<&Resources::pids_limit>},
};

// CFQ, the last scheduler that knew tasks beside groups, went with Linux 5.0.
template <class T>
void refuse_leaf_weight(const JsonNode& node, T&) {
  if (node.integer<std::uint16_t>() == 0) return;
  no_kernel_has(node, "5.0", "weight is what there is");
}

constexpr Field<WeightDevice> kWeightDevice[] = {
    {"major", read_integer<&WeightDevice::major>},
    {"minor", read_integer<&WeightDevice::minor>},
    {"weight", read_integer<&WeightDevice::weight>},
    {"leafWeight", refuse_leaf_weight<WeightDevice>},
};

WeightDevice read_weight_device(const JsonNode& node) {
  WeightDevice device;
  read_fields(node, device, kWeightDevice);
  for (const char* member : {"major", "minor", "weight"}) node.require(member);
  return device;
}

constexpr Field<ThrottleDevice> kThrottleDevice[] = {
    {"major", read_integer<&ThrottleDevice::major>},
    {"minor", read_integer<&ThrottleDevice::minor>},
    {"rate", read_integer<&ThrottleDevice::rate>},
};

ThrottleDevice read_throttle_device(const JsonNode& node) {
  ThrottleDevice device;
  read_fields(node, device, kThrottleDevice);
  for (const char* member : {"major", "minor", "rate"}) node.require(member);
  return device;
}

template <auto Member>
void read_throttle(const JsonNode& node, BlockIo& to) {
  to.*Member = read_list<ThrottleDevice, read_throttle_device>(node);
}

constexpr Field<BlockIo> kBlockIo[] = {
    {"weight", read_unless_zero<&BlockIo::weight>},
    {"leafWeight", refuse_leaf_weight<BlockIo>},
    {"weightDevice",
     [](const JsonNode& node, BlockIo& to) {
       to.weight_device = read_list<WeightDevice, read_weight_device>(node);
     }},
    {"throttleReadBpsDevice", read_throttle<&BlockIo::read_bps_device>},
    {"throttleWriteBpsDevice", read_throttle<&BlockIo::write_bps_device>},
    {"throttleReadIOPSDevice", read_throttle<&BlockIo::read_iops_device>},
    {"throttleWriteIOPSDevice", read_throttle<&BlockIo::write_iops_device>},
};

constexpr Field<HugepageLimit> kHugepageLimit[] = {
    {"pageSize", read_text<&HugepageLimit::page_size>},
    {"limit", read_integer<&HugepageLimit::limit>},
};

HugepageLimit read_hugepage_limit(const JsonNode& node) {
  HugepageLimit limit;
  read_fields(node, limit, kHugepageLimit);
  for (const char* member : {"pageSize", "limit"}) node.require(member);
  return limit;
}

constexpr Field<RdmaLimit> kRdma[] = {
    {"hcaHandles", read_integer<&RdmaLimit::hca_handles>},
    {"hcaObjects", read_integer<&RdmaLimit::hca_objects>},
};

// net_cls and net_prio mark packets for rules that somebody else has made; v2 has neither.
[[noreturn]] void refuse_network(const JsonNode& node) {
  node.fail("not supported: only the controllers net_cls and net_prio of cgroup v1 have it");
}

constexpr Field<Resources> kNetwork[] = {
    {"classID",
     [](const JsonNode& node, Resources&) {
       if (node.integer<std::uint32_t>() != 0) refuse_network(node);
     }},
    {"priorities", [](const JsonNode& node, Resources&) { node.for_each_element(refuse_network); }},
};

constexpr Field<Resources> kResources[] = {
    {"devices",
     [](const JsonNode& node, Resources& resources) {
       resources.devices = read_list<DeviceRule, read_device_rule>(node);
     }},
    {"memory", [](const JsonNode& node, Resources& to) { read_fields(node, to.memory, kMemory); }},
    {"cpu", [](const JsonNode& node, Resources& to) { read_fields(node, to.cpu, kCpu); }},
    {"pids", [](const JsonNode& node, Resources& to) { read_fields(node, to, kPids); }},
    {"blockIO",
     [](const JsonNode& node, Resources& to) { read_fields(node, to.block_io, kBlockIo); }},
    {"hugepageLimits",
     [](const JsonNode& node, Resources& to) {
       to.hugepage_limits = read_list<HugepageLimit, read_hugepage_limit>(node);
     }},
    {"network", [](const JsonNode& node, Resources& to) { read_fields(node, to, kNetwork); }},
    {"rdma",
     [](const JsonNode& node, Resources& to) {
       node.for_each_member([&](std::string_view device, const JsonNode& limit) {
         read_fields(limit, to.rdma[std::string(device)], kRdma);
       });
     }},
    {"unified",
     [](const JsonNode& node, Resources& to) {
       node.for_each_member([&](std::string_view file, const JsonNode& value) {
         to.unified.insert_or_assign(std::string(file), value.text());
       });
     }},
};

}  // namespace

void read_resources(const JsonNode& node, Resources& to) { read_fields(node, to, kResources); }

Resources parse_resources(std::string_view json, std::string_view file) {
  const JsonDocument document(json, file);
  Resources resources;
  read_resources(document.root(), resources);
  return resources;
}

}  // namespace minidocker::spec
