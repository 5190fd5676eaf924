#include "to_json.hpp"

namespace minidocker::spec {
namespace {

Json rule_to_json(const DeviceRule& rule) {
  Json json = {{"allow", rule.allow}};
  if (rule.type != 'a') json["type"] = std::string(1, rule.type);
  put(json, "major", rule.major);
  put(json, "minor", rule.minor);
  put(json, "access", rule.access);
  return json;
}

Json memory_to_json(const MemoryLimits& memory) {
  Json json = Json::object();
  put(json, "limit", memory.limit);
  put(json, "reservation", memory.reservation);
  put(json, "swap", memory.swap);
  put(json, "kernelTCP", memory.kernel_tcp);
  put(json, "swappiness", memory.swappiness);
  put(json, "disableOOMKiller", memory.disable_oom_killer);
  put(json, "checkBeforeUpdate", memory.check_before_update);
  return json;
}

Json cpu_to_json(const CpuLimits& cpu) {
  Json json = Json::object();
  put(json, "shares", cpu.shares);
  put(json, "quota", cpu.quota);
  put(json, "burst", cpu.burst);
  put(json, "period", cpu.period);
  put(json, "realtimeRuntime", cpu.realtime_runtime);
  put(json, "realtimePeriod", cpu.realtime_period);
  put(json, "cpus", cpu.cpus);
  put(json, "mems", cpu.mems);
  put(json, "idle", cpu.idle);
  return json;
}

Json weight_to_json(const WeightDevice& device) {
  return {{"major", device.major}, {"minor", device.minor}, {"weight", device.weight}};
}

Json throttle_to_json(const ThrottleDevice& device) {
  return {{"major", device.major}, {"minor", device.minor}, {"rate", device.rate}};
}

Json block_io_to_json(const BlockIo& io) {
  Json json = Json::object();
  put(json, "weight", io.weight);
  put_list(json, "weightDevice", io.weight_device, weight_to_json);
  put_list(json, "throttleReadBpsDevice", io.read_bps_device, throttle_to_json);
  put_list(json, "throttleWriteBpsDevice", io.write_bps_device, throttle_to_json);
  put_list(json, "throttleReadIOPSDevice", io.read_iops_device, throttle_to_json);
  put_list(json, "throttleWriteIOPSDevice", io.write_iops_device, throttle_to_json);
  return json;
}

Json hugepage_to_json(const HugepageLimit& limit) {
  return {{"pageSize", limit.page_size}, {"limit", limit.limit}};
}

Json rdma_to_json(const std::map<std::string, RdmaLimit>& limits) {
  Json json = Json::object();
  for (const auto& [device, limit] : limits) {
    Json entry = Json::object();
    put(entry, "hcaHandles", limit.hca_handles);
    put(entry, "hcaObjects", limit.hca_objects);
    json[device] = std::move(entry);
  }
  return json;
}

}  // namespace

Json resources_to_json(const Resources& resources) {
  Json json = Json::object();
  put_list(json, "devices", resources.devices, rule_to_json);
  put_object(json, "memory", memory_to_json(resources.memory));
  put_object(json, "cpu", cpu_to_json(resources.cpu));
  if (resources.pids_limit) json["pids"] = {{"limit", *resources.pids_limit}};
  put_object(json, "blockIO", block_io_to_json(resources.block_io));
  put_list(json, "hugepageLimits", resources.hugepage_limits, hugepage_to_json);
  put_object(json, "rdma", rdma_to_json(resources.rdma));
  if (!resources.unified.empty()) json["unified"] = resources.unified;
  return json;
}

}  // namespace minidocker::spec
