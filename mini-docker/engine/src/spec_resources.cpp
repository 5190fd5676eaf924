// The limits of a container and its device rules.
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "device_nodes.hpp"
#include "minidocker/toolbox/error.hpp"
#include "spec_builder.hpp"

namespace minidocker::engine {
namespace {

constexpr std::int64_t kCpuPeriodUs = 100'000;
constexpr std::int64_t kNanosPerCpu = 1'000'000'000;

std::int64_t signed_of(Bytes bytes) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(bytes.value, std::uint64_t{kMost}));
}

/// Who limits memory and says nothing of swap gets as much of it again.
std::int64_t twice(std::int64_t bytes) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return bytes > kMost / 2 ? kMost : 2 * bytes;
}

spec::MemoryLimits memory_of(const LimitsRequest& limits, bool counts_swap) {
  spec::MemoryLimits memory;
  if (limits.memory) memory.limit = signed_of(*limits.memory);
  if (limits.memory_reservation) memory.reservation = signed_of(*limits.memory_reservation);
  if (limits.memory_swap) {
    memory.swap = *limits.memory_swap;
  } else if (limits.memory && counts_swap) {
    memory.swap = twice(*memory.limit);
  }
  if (limits.memory_swappiness) {
    memory.swappiness = static_cast<std::uint64_t>(*limits.memory_swappiness);
  }
  memory.disable_oom_killer = limits.oom_kill_disable;
  return memory;
}

spec::CpuLimits cpu_of(const LimitsRequest& limits) {
  // The kernel takes all below and above for these.
  constexpr std::int64_t kLeastShares = 2;
  constexpr std::int64_t kMostShares = 262'144;
  spec::CpuLimits cpu;
  if (limits.nano_cpus) {
    cpu.period = kCpuPeriodUs;
    cpu.quota = *limits.nano_cpus / (kNanosPerCpu / kCpuPeriodUs);
  }
  if (limits.cpu_shares) {
    const std::int64_t shares = std::clamp(*limits.cpu_shares, kLeastShares, kMostShares);
    cpu.shares = static_cast<std::uint64_t>(shares);
  }
  if (limits.cpu_period) cpu.period = static_cast<std::uint64_t>(*limits.cpu_period);
  if (limits.cpu_quota) cpu.quota = std::max<std::int64_t>(*limits.cpu_quota, -1);
  if (limits.cpu_rt_period) {
    cpu.realtime_period = static_cast<std::uint64_t>(*limits.cpu_rt_period);
  }
  cpu.realtime_runtime = limits.cpu_rt_runtime;
  cpu.cpus = limits.cpuset_cpus;
  cpu.mems = limits.cpuset_mems;
  return cpu;
}

std::vector<spec::ThrottleDevice> throttles_of(const std::vector<DeviceRate>& rates) {
  std::vector<spec::ThrottleDevice> throttles;
  for (const DeviceRate& rate : rates) {
    const dev_t disk = disk_at(rate.path);
    throttles.push_back({major(disk), minor(disk), rate.rate});
  }
  return throttles;
}

spec::BlockIo block_io_of(const LimitsRequest& limits) {
  spec::BlockIo io;
  io.weight = limits.blkio_weight;
  for (const DeviceWeight& weight : limits.blkio_weight_device) {
    const dev_t disk = disk_at(weight.path);
    io.weight_device.push_back({major(disk), minor(disk), weight.weight});
  }
  io.read_bps_device = throttles_of(limits.device_read_bps);
  io.write_bps_device = throttles_of(limits.device_write_bps);
  io.read_iops_device = throttles_of(limits.device_read_iops);
  io.write_iops_device = throttles_of(limits.device_write_iops);
  return io;
}

/// "1" or "*".
bool parse_number(std::string_view text, std::optional<std::uint32_t>& number) {
  if (text == "*") return true;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number.emplace());
  return error == std::errc() && rest == end;
}

/// "c 1:3 rwm".
spec::DeviceRule parse_rule(const std::string& text) {
  spec::DeviceRule rule{true, 'a', {}, {}, ""};
  const std::size_t colon = text.find(':');
  const std::size_t blank = text.find(' ', std::min(colon, text.size()));
  bool good = text.size() > 2 && text[1] == ' ' && blank != std::string::npos;
  if (good) {
    const std::string_view whole(text);
    rule.type = text[0];
    rule.access = text.substr(blank + 1);
    good = std::string_view("acb").find(rule.type) != std::string_view::npos &&
           parse_number(whole.substr(2, colon - 2), rule.major) &&
           parse_number(whole.substr(colon + 1, blank - colon - 1), rule.minor) &&
           is_device_access(rule.access);
  }
  if (good) return rule;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("invalid device cgroup format '{}'; hint: such as 'c 1:3 rwm', with * "
                          "for any number",
                          text));
}

/// A device of the list above the rules may be used in every way: what was not asked for is denied.
void add_rules_of(const DeviceRequest& request, std::vector<spec::DeviceRule>& rules) {
  std::string denied = "rwm";
  std::erase_if(denied, [&](char c) { return request.access.find(c) != std::string::npos; });
  if (denied.empty()) return;
  for (const spec::Device& device : nodes_at(request)) {
    rules.push_back({false, device.type, device.major, device.minor, denied});
  }
}

std::vector<spec::DeviceRule> device_rules(const CreateRequest& request) {
  if (request.privileged) return {{true, 'a', std::nullopt, std::nullopt, "rwm"}};
  std::vector<spec::DeviceRule> rules{{false, 'a', std::nullopt, std::nullopt, "rwm"}};
  for (const auto& [major, minor] :
       {std::pair{1U, 3U}, {1U, 5U}, {1U, 8U}, {1U, 9U}, {5U, 0U}, {5U, 1U}}) {
    rules.push_back({true, 'c', major, minor, "rwm"});
  }
  for (const DeviceRequest& device : request.devices) add_rules_of(device, rules);
  for (const std::string& text : request.device_rules) rules.push_back(parse_rule(text));
  return rules;
}

}  // namespace

spec::Resources build_resources(const CreateRequest& request, const SpecInput& input) {
  spec::Resources resources;
  resources.memory = memory_of(request.limits, input.counts_swap);
  resources.cpu = cpu_of(request.limits);
  resources.pids_limit = request.limits.pids;
  resources.block_io = block_io_of(request.limits);
  // No rules without privileges: devices are bound there, one by one.
  if (!input.maker.is_rootless()) resources.devices = device_rules(request);
  return resources;
}

std::vector<spec::Device> build_devices(const CreateRequest& request, const SpecInput& input) {
  std::vector<spec::Device> devices;
  if (request.privileged && !input.maker.is_rootless()) devices = host_devices();
  for (const DeviceRequest& wish : request.devices) {
    for (const spec::Device& node : nodes_at(wish)) {
      std::erase_if(devices, [&](const spec::Device& d) { return d.path == node.path; });
      devices.push_back(node);
    }
  }
  return devices;
}

}  // namespace minidocker::engine
