#include "cgroup_values.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace minidocker::runtime {
namespace {

std::optional<Bytes> bytes_of(const std::optional<std::int64_t>& value) {
  if (!value) return std::nullopt;
  return *value < 0 ? cgroups::kUnlimited : Bytes{static_cast<std::uint64_t>(*value)};
}

template <class T>
std::optional<std::chrono::microseconds> microseconds_of(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(*value));
}

cgroups::MemoryLimits memory_of(const spec::MemoryLimits& memory) {
  cgroups::MemoryLimits limits;
  limits.limit = bytes_of(memory.limit);
  limits.reservation = bytes_of(memory.reservation);
  limits.swap = bytes_of(memory.swap);
  limits.kernel_tcp = bytes_of(memory.kernel_tcp);
  limits.swappiness = memory.swappiness;
  if (memory.disable_oom_killer) limits.disable_oom_killer = true;
  limits.check_before_update = memory.check_before_update;
  return limits;
}

cgroups::CpuLimits cpu_of(const spec::CpuLimits& cpu) {
  cgroups::CpuLimits limits;
  limits.shares = cpu.shares;
  limits.quota = microseconds_of(cpu.quota);
  limits.period = microseconds_of(cpu.period);
  limits.burst = microseconds_of(cpu.burst);
  if (cpu.idle) limits.idle = *cpu.idle != 0;
  limits.realtime_runtime = microseconds_of(cpu.realtime_runtime);
  limits.realtime_period = microseconds_of(cpu.realtime_period);
  limits.cpus = cpu.cpus;
  limits.mems = cpu.mems;
  return limits;
}

std::vector<cgroups::DeviceRate> rates_of(const std::vector<spec::ThrottleDevice>& devices) {
  std::vector<cgroups::DeviceRate> rates;
  for (const spec::ThrottleDevice& device : devices) {
    rates.push_back({{device.major, device.minor}, device.rate});
  }
  return rates;
}

cgroups::IoLimits io_of(const spec::BlockIo& io) {
  cgroups::IoLimits limits;
  limits.weight = io.weight;
  for (const spec::WeightDevice& device : io.weight_device) {
    limits.device_weights.push_back({{device.major, device.minor}, device.weight});
  }
  limits.read_bytes = rates_of(io.read_bps_device);
  limits.write_bytes = rates_of(io.write_bps_device);
  limits.read_operations = rates_of(io.read_iops_device);
  limits.write_operations = rates_of(io.write_iops_device);
  return limits;
}

cgroups::DeviceRule rule_of(const spec::DeviceRule& rule) {
  cgroups::DeviceRule converted;
  converted.verdict = rule.allow ? cgroups::Verdict::allow : cgroups::Verdict::deny;
  converted.type = rule.type == 'c'   ? cgroups::DeviceType::character
                   : rule.type == 'b' ? cgroups::DeviceType::block
                                      : cgroups::DeviceType::any;
  converted.major = rule.major;
  converted.minor = rule.minor;
  if (!rule.access.empty()) converted.access = cgroups::parse_access(rule.access);
  return converted;
}

}  // namespace

cgroups::Limits limits_of(const spec::Resources& resources) {
  cgroups::Limits limits;
  limits.memory = memory_of(resources.memory);
  limits.cpu = cpu_of(resources.cpu);
  limits.pids = resources.pids_limit;
  limits.io = io_of(resources.block_io);
  for (const spec::HugepageLimit& limit : resources.hugepage_limits) {
    limits.hugetlb.push_back({limit.page_size, Bytes{limit.limit}});
  }
  for (const auto& [device, limit] : resources.rdma) {
    limits.rdma.push_back({device, limit.hca_handles, limit.hca_objects});
  }
  limits.unified = resources.unified;
  return limits;
}

std::vector<cgroups::DeviceRule> device_rules_of(const spec::Linux& config) {
  std::vector<cgroups::DeviceRule> rules = cgroups::default_device_rules();
  for (const spec::Device& device : config.devices) {
    if (device.type == 'p') continue;
    rules.push_back(
        {cgroups::Verdict::allow,
         device.type == 'b' ? cgroups::DeviceType::block : cgroups::DeviceType::character,
         device.major, device.minor});
  }
  bool first = true;
  for (const spec::DeviceRule& rule : config.resources.devices) {
    // "deny everything" is where we begin; said again it would take the defaults away.
    if (first && !rule.allow && rule.type == 'a') continue;
    first = false;
    rules.push_back(rule_of(rule));
  }
  return rules;
}

}  // namespace minidocker::runtime
