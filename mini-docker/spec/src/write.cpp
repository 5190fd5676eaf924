#include "minidocker/spec/write.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order in which members are put in

// Members are left out when they say nothing, as the specification's own tools do.
void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
void put(Json& object, const char* key, bool value) {
  if (value) object[key] = true;
}
template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}
void put(Json& object, const char* key, const std::vector<std::string>& texts) {
  if (!texts.empty()) object[key] = texts;
}
void put_object(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}
template <class T>
void put_list(Json& object, const char* key, const std::vector<T>& values,
              Json (*to_json)(const T&)) {
  if (values.empty()) return;
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  object[key] = std::move(list);
}

Json user_to_json(const User& user) {
  Json json = {{"uid", user.uid}, {"gid", user.gid}};
  put(json, "umask", user.umask);
  if (!user.additional_gids.empty()) json["additionalGids"] = user.additional_gids;
  return json;
}

Json capabilities_to_json(const Capabilities& sets) {
  Json json = Json::object();
  put(json, "bounding", sets.bounding);
  put(json, "effective", sets.effective);
  put(json, "inheritable", sets.inheritable);
  put(json, "permitted", sets.permitted);
  put(json, "ambient", sets.ambient);
  return json;
}

Json rlimit_to_json(const Rlimit& limit) {
  return {{"type", limit.type}, {"hard", limit.hard}, {"soft", limit.soft}};
}

Json process_to_json(const Process& process) {
  Json json = Json::object();
  put(json, "terminal", process.terminal);
  if (process.console_size) {
    json["consoleSize"] = {{"height", process.console_size->height},
                           {"width", process.console_size->width}};
  }
  json["user"] = user_to_json(process.user);
  put(json, "args", process.args);
  put(json, "env", process.env);
  put(json, "cwd", process.cwd);
  if (process.capabilities) json["capabilities"] = capabilities_to_json(*process.capabilities);
  put_list(json, "rlimits", process.rlimits, rlimit_to_json);
  put(json, "noNewPrivileges", process.no_new_privileges);
  put(json, "oomScoreAdj", process.oom_score_adj);
  return json;
}

Json mapping_to_json(const IdMapping& mapping) {
  return {
      {"containerID", mapping.container_id}, {"hostID", mapping.host_id}, {"size", mapping.size}};
}

Json mount_to_json(const Mount& mount) {
  Json json = {{"destination", mount.destination}};
  put(json, "type", mount.type);
  put(json, "source", mount.source);
  put(json, "options", mount.options);
  put_list(json, "uidMappings", mount.uid_mappings, mapping_to_json);
  put_list(json, "gidMappings", mount.gid_mappings, mapping_to_json);
  return json;
}

Json namespace_to_json(const Namespace& entry) {
  Json json = {{"type", name_of(entry.type)}};
  put(json, "path", entry.path);
  return json;
}

Json device_to_json(const Device& device) {
  Json json = {{"path", device.path}, {"type", std::string(1, device.type)}};
  if (device.type != 'p' || device.major != 0 || device.minor != 0) {
    json["major"] = device.major;
    json["minor"] = device.minor;
  }
  put(json, "fileMode", device.file_mode);
  json["uid"] = device.uid;
  json["gid"] = device.gid;
  return json;
}

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

Json time_offsets_to_json(const Linux& config) {
  Json json = Json::object();
  const auto add = [&json](const char* clock, const std::optional<TimeOffset>& offset) {
    if (offset) json[clock] = {{"secs", offset->secs}, {"nanosecs", offset->nanosecs}};
  };
  add("monotonic", config.monotonic);
  add("boottime", config.boottime);
  return json;
}

Json linux_to_json(const Linux& config) {
  Json json = Json::object();
  put_list(json, "uidMappings", config.uid_mappings, mapping_to_json);
  put_list(json, "gidMappings", config.gid_mappings, mapping_to_json);
  put_object(json, "resources", resources_to_json(config.resources));
  put(json, "cgroupsPath", config.cgroups_path);
  put_list(json, "namespaces", config.namespaces, namespace_to_json);
  put_list(json, "devices", config.devices, device_to_json);
  put(json, "rootfsPropagation", config.rootfs_propagation);
  put(json, "maskedPaths", config.masked_paths);
  put(json, "readonlyPaths", config.readonly_paths);
  put_object(json, "timeOffsets", time_offsets_to_json(config));
  return json;
}

Json to_json(const Spec& spec) {
  Json json = {{"ociVersion", spec.oci_version}};
  json["process"] = process_to_json(spec.process);
  Json root = {{"path", spec.root.path}};
  put(root, "readonly", spec.root.readonly);
  json["root"] = std::move(root);
  put(json, "hostname", spec.hostname);
  put(json, "domainname", spec.domainname);
  put_list(json, "mounts", spec.mounts, mount_to_json);
  if (!spec.annotations.empty()) json["annotations"] = spec.annotations;
  put_object(json, "linux", linux_to_json(spec.linux_));
  return json;
}

}  // namespace

std::string write(const Spec& spec, Layout layout) {
  const Json json = to_json(spec);
  try {
    return layout == Layout::pretty ? json.dump(1, '\t') + '\n' : json.dump();
  } catch (const nlohmann::json::exception&) {
    // The one thing that dump() refuses (nlohmann's type_error 316).
    throw Error(ErrorKind::invalid_argument,
                "a string of the container's configuration is not UTF-8, which JSON cannot hold");
  }
}

}  // namespace minidocker::spec
