#include "stats_json.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "control.hpp"

// runc's names and nesting (its types/events.go). It writes 0 for what it cannot tell; we leave
// that out.
namespace minidocker::runtime {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}
void put(Json& object, const char* key, const std::optional<Bytes>& value) {
  if (value) object[key] = value->value;
}
void put(Json& object, const char* key, const std::optional<std::chrono::nanoseconds>& value) {
  if (value) object[key] = value->count();
}
void put(Json& object, const char* key, const std::vector<std::chrono::nanoseconds>& values) {
  if (values.empty()) return;
  Json list = Json::array();
  for (const std::chrono::nanoseconds value : values) list.push_back(value.count());
  object[key] = std::move(list);
}
void put_object(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}

Json share(const cgroups::PressureShare& share) {
  return {{"avg10", share.avg10},
          {"avg60", share.avg60},
          {"avg300", share.avg300},
          {"total", share.total.count()}};
}
void put(Json& object, const std::optional<cgroups::Pressure>& pressure) {
  if (!pressure) return;
  Json json = {{"some", share(pressure->some)}};
  if (pressure->full) json["full"] = share(*pressure->full);
  object["psi"] = std::move(json);
}

Json cpu(const cgroups::CpuStats& stats) {
  Json usage = Json::object();
  put(usage, "total", stats.usage);
  put(usage, "percpu", stats.per_cpu);
  put(usage, "percpu_kernel", stats.per_cpu_kernel);
  put(usage, "percpu_user", stats.per_cpu_user);
  put(usage, "kernel", stats.kernel);
  put(usage, "user", stats.user);
  Json throttling = Json::object();
  put(throttling, "periods", stats.periods);
  put(throttling, "throttledPeriods", stats.throttled_periods);
  put(throttling, "throttledTime", stats.throttled_time);
  Json json = Json::object();
  put_object(json, "usage", std::move(usage));
  put_object(json, "throttling", std::move(throttling));
  put(json, stats.pressure);
  return json;
}

Json counter(const std::optional<Bytes>& limit, const std::optional<Bytes>& usage,
             const std::optional<Bytes>& peak, const std::optional<std::uint64_t>& failures) {
  Json json = Json::object();
  put(json, "limit", limit);
  put(json, "usage", usage);
  put(json, "max", peak);
  put(json, "failcnt", failures);
  return json;
}
Json counter(const cgroups::MemoryCounter& memory) {
  return counter(memory.limit, memory.usage, memory.peak, memory.failures);
}

Json memory(const cgroups::MemoryStats& stats) {
  Json json = Json::object();
  put(json, "cache", stats.cache);
  put_object(json, "usage", counter(stats.limit, stats.usage, stats.peak, stats.failures));
  put_object(json, "swap", counter(stats.with_swap));
  put_object(json, "kernel", counter(stats.kernel));
  put_object(json, "kernelTCP", counter(stats.kernel_tcp));
  if (!stats.details.empty()) json["raw"] = stats.details;
  put(json, stats.pressure);
  return json;
}

Json counts(const std::vector<cgroups::IoCount>& counts) {
  Json list = Json::array();
  for (const cgroups::IoCount& count : counts) {
    list.push_back({{"major", count.device.major},
                    {"minor", count.device.minor},
                    {"op", count.operation},
                    {"value", count.value}});
  }
  return list;
}

Json disks(const cgroups::IoStats& stats) {
  Json json = Json::object();
  put_object(json, "ioServiceBytesRecursive", counts(stats.bytes));
  put_object(json, "ioServicedRecursive", counts(stats.operations));
  put(json, stats.pressure);
  return json;
}

Json hugetlb(const std::map<std::string, cgroups::HugePageStats>& sizes) {
  Json json = Json::object();
  for (const auto& [size, stats] : sizes) {
    json[size] = counter(stats.limit, stats.usage, stats.peak, stats.failures);
  }
  return json;
}

Json pids(const cgroups::PidsStats& stats) {
  Json json = Json::object();
  put(json, "current", stats.current);
  put(json, "limit", stats.limit);
  return json;
}

Json cpuset(const cgroups::CpuStats& stats) {
  Json json = Json::object();
  if (!stats.cpus.empty()) json["cpus"] = stats.cpus;
  if (!stats.mems.empty()) json["mems"] = stats.mems;
  return json;
}

}  // namespace

std::string stats_json(const std::string& id, const cgroups::Stats& stats) {
  Json data = Json::object();
  put_object(data, "cpu", cpu(stats.cpu));
  put_object(data, "cpuset", cpuset(stats.cpu));
  put_object(data, "memory", memory(stats.memory));
  put_object(data, "pids", pids(stats.pids));
  put_object(data, "blkio", disks(stats.io));
  put_object(data, "hugetlb", hugetlb(stats.hugetlb));
  return Json{{"type", "stats"}, {"id", id}, {"data", std::move(data)}}.dump();
}

std::string oom_json(const std::string& id) { return Json{{"type", "oom"}, {"id", id}}.dump(); }

}  // namespace minidocker::runtime
