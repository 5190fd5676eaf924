#include "limit_flags.hpp"

#include "limit_values.hpp"

namespace minidocker::cli {
namespace {

using Request = engine::CreateRequest;
using Text = std::string;

constexpr LimitFlag kFlags[] = {
    {"-m,--memory", "memory limit, e.g. 64m",
     [](Request& r, const Text& text) { r.limits.memory = parse_size(text, "-m, --memory"); }},
    {"--memory-swap", "limit of memory and swap together; -1 is unlimited",
     [](Request& r, const Text& text) { r.limits.memory_swap = parse_swap(text); }},
    {"--memory-reservation", "what it is left with when memory gets scarce",
     [](Request& r, const Text& text) {
       r.limits.memory_reservation = parse_size(text, "--memory-reservation");
     }},
    {"--memory-swappiness", "0 (rather not) to 100",
     [](Request& r, const Text& text) { r.limits.memory_swappiness = parse_swappiness(text); }},
    {"--cpus", "number of CPUs, e.g. 1.5",
     [](Request& r, const Text& text) { r.limits.nano_cpus = parse_cpus(text); }},
    {"-c,--cpu-shares", "weight against others, 1024 is usual",
     [](Request& r, const Text& text) {
       r.limits.cpu_shares = parse_count(text, "-c, --cpu-shares");
     }},
    {"--cpu-period", "length of a period of --cpu-quota, in microseconds",
     [](Request& r, const Text& text) { r.limits.cpu_period = parse_count(text, "--cpu-period"); }},
    {"--cpu-quota", "CPU time in each period, in microseconds",
     [](Request& r, const Text& text) { r.limits.cpu_quota = parse_count(text, "--cpu-quota"); }},
    {"--cpu-rt-period", "the same for realtime tasks",
     [](Request& r, const Text& text) {
       r.limits.cpu_rt_period = parse_count(text, "--cpu-rt-period");
     }},
    {"--cpu-rt-runtime", "the same for realtime tasks",
     [](Request& r, const Text& text) {
       r.limits.cpu_rt_runtime = parse_count(text, "--cpu-rt-runtime");
     }},
    {"--cpuset-cpus", "CPUs it may run on, e.g. 0-2,7",
     [](Request& r, const Text& text) { r.limits.cpuset_cpus = text; }},
    {"--cpuset-mems", "memory nodes it may use",
     [](Request& r, const Text& text) { r.limits.cpuset_mems = text; }},
    {"--pids-limit", "number of processes; -1 is unlimited",
     [](Request& r, const Text& text) { r.limits.pids = parse_pids_limit(text); }},
    {"--blkio-weight", "weight against others on disks, 10 to 1000",
     [](Request& r, const Text& text) { r.limits.blkio_weight = parse_weight(text); }},
    {"--blkio-weight-device", "the same for one disk: /dev/sda:500",
     [](Request& r, const Text& text) {
       const auto weight = parse_weight_device(text);
       if (weight) r.limits.blkio_weight_device.push_back(*weight);
     }},
    {"--device-read-bps", "bytes read a second: /dev/sda:1mb",
     [](Request& r, const Text& text) {
       r.limits.device_read_bps.push_back(parse_bps(text, "--device-read-bps"));
     }},
    {"--device-read-iops", "reads a second: /dev/sda:1000",
     [](Request& r, const Text& text) {
       r.limits.device_read_iops.push_back(parse_iops(text, "--device-read-iops"));
     }},
    {"--device-write-bps", "bytes written a second: /dev/sda:1mb",
     [](Request& r, const Text& text) {
       r.limits.device_write_bps.push_back(parse_bps(text, "--device-write-bps"));
     }},
    {"--device-write-iops", "writes a second: /dev/sda:1000",
     [](Request& r, const Text& text) {
       r.limits.device_write_iops.push_back(parse_iops(text, "--device-write-iops"));
     }},
    {"--cgroup-parent", "group above the container's",
     [](Request& r, const Text& text) { r.limits.cgroup_parent = text; }},
    {"--oom-score-adj", "who is killed first when memory ends, -1000 to 1000",
     [](Request& r, const Text& text) { r.oom_score_adj = parse_oom_score(text); }},
    {"--device", "give it a device of the host: SOURCE[:TARGET][:rwm]",
     [](Request& r, const Text& text) { r.devices.push_back(parse_device(text)); }},
    {"--device-cgroup-rule", "which devices it may use: 'c 1:3 rwm'",
     [](Request& r, const Text& text) { r.device_rules.push_back(text); }},
    {"--ulimit", "NAME=SOFT[:HARD]",
     [](Request& r, const Text& text) { r.ulimits.push_back(parse_ulimit(text)); }},
};

}  // namespace

std::span<const LimitFlag> limit_flags() noexcept { return kFlags; }

}  // namespace minidocker::cli
