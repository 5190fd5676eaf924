#include "refused_flags.hpp"

#include <array>

namespace minidocker::cli {
namespace {

constexpr auto kAlone = FlagKind::alone;
constexpr auto kValue = FlagKind::with_value;
constexpr std::string_view kDaemon =
    "containers run in the foreground until a daemon can hold them";
constexpr std::string_view kNetwork = "networks come with the networking chapter";
constexpr std::string_view kHealth = "health checks come with the daemon";
constexpr std::string_view kLimits = "of limits, -m, --cpus, --pids-limit and --ulimit are there";
constexpr std::string_view kRegistry = "images come from `mini-docker load` only";
constexpr std::string_view kVolumes = "of volumes, binds and tmpfs are there";
constexpr std::string_view kOther = "";

constexpr std::array kFlags{
    RefusedFlag{"--add-host", kValue, kNetwork},
    RefusedFlag{"--annotation", kValue, kOther},
    RefusedFlag{"-a,--attach", kValue, kDaemon},
    RefusedFlag{"--blkio-weight", kValue, kLimits},
    RefusedFlag{"--blkio-weight-device", kValue, kLimits},
    RefusedFlag{"--cgroup-parent", kValue, kLimits},
    RefusedFlag{"--cgroupns", kValue, kOther},
    RefusedFlag{"--cidfile", kValue, kDaemon},
    RefusedFlag{"--cpu-count", kValue, kLimits},
    RefusedFlag{"--cpu-percent", kValue, kLimits},
    RefusedFlag{"--cpu-period", kValue, kLimits},
    RefusedFlag{"--cpu-quota", kValue, kLimits},
    RefusedFlag{"--cpu-rt-period", kValue, kLimits},
    RefusedFlag{"--cpu-rt-runtime", kValue, kLimits},
    RefusedFlag{"-c,--cpu-shares", kValue, kLimits},
    RefusedFlag{"--cpuset-cpus", kValue, kLimits},
    RefusedFlag{"--cpuset-mems", kValue, kLimits},
    RefusedFlag{"-d,--detach", kAlone, kDaemon},
    RefusedFlag{"--detach-keys", kValue, kDaemon},
    RefusedFlag{"--device", kValue, kOther},
    RefusedFlag{"--device-cgroup-rule", kValue, kLimits},
    RefusedFlag{"--device-read-bps", kValue, kLimits},
    RefusedFlag{"--device-read-iops", kValue, kLimits},
    RefusedFlag{"--device-write-bps", kValue, kLimits},
    RefusedFlag{"--device-write-iops", kValue, kLimits},
    RefusedFlag{"--disable-content-trust", kAlone, kRegistry},
    RefusedFlag{"--dns", kValue, kNetwork},
    RefusedFlag{"--dns-option,--dns-opt", kValue, kNetwork},
    RefusedFlag{"--dns-search", kValue, kNetwork},
    RefusedFlag{"--domainname", kValue, kNetwork},
    RefusedFlag{"--expose", kValue, kNetwork},
    RefusedFlag{"--gpus", kValue, kOther},
    RefusedFlag{"--group-add", kValue, kOther},
    RefusedFlag{"--health-cmd", kValue, kHealth},
    RefusedFlag{"--health-interval", kValue, kHealth},
    RefusedFlag{"--health-retries", kValue, kHealth},
    RefusedFlag{"--health-start-interval", kValue, kHealth},
    RefusedFlag{"--health-start-period", kValue, kHealth},
    RefusedFlag{"--health-timeout", kValue, kHealth},
    RefusedFlag{"--io-maxbandwidth", kValue, kLimits},
    RefusedFlag{"--io-maxiops", kValue, kLimits},
    RefusedFlag{"--ip", kValue, kNetwork},
    RefusedFlag{"--ip6", kValue, kNetwork},
    RefusedFlag{"--isolation", kValue, kOther},
    RefusedFlag{"--kernel-memory", kValue, kLimits},
    RefusedFlag{"-l,--label", kValue, kOther},
    RefusedFlag{"--label-file", kValue, kOther},
    RefusedFlag{"--link", kValue, kNetwork},
    RefusedFlag{"--link-local-ip", kValue, kNetwork},
    RefusedFlag{"--log-driver", kValue, kDaemon},
    RefusedFlag{"--log-opt", kValue, kDaemon},
    RefusedFlag{"--mac-address", kValue, kNetwork},
    RefusedFlag{"--memory-reservation", kValue, kLimits},
    RefusedFlag{"--memory-swap", kValue, kLimits},
    RefusedFlag{"--memory-swappiness", kValue, kLimits},
    RefusedFlag{"--network-alias,--net-alias", kValue, kNetwork},
    RefusedFlag{"--no-healthcheck", kAlone, kHealth},
    RefusedFlag{"--oom-kill-disable", kAlone, kLimits},
    RefusedFlag{"--oom-score-adj", kValue, kLimits},
    RefusedFlag{"--platform", kValue, kRegistry},
    RefusedFlag{"-p,--publish", kValue, kNetwork},
    RefusedFlag{"-P,--publish-all", kAlone, kNetwork},
    RefusedFlag{"--pull", kValue, kRegistry},
    RefusedFlag{"-q,--quiet", kAlone, kRegistry},
    RefusedFlag{"--restart", kValue, kDaemon},
    RefusedFlag{"--shm-size", kValue, kLimits},
    RefusedFlag{"--sig-proxy", kAlone, kDaemon},
    RefusedFlag{"--stop-signal", kValue, kDaemon},
    RefusedFlag{"--stop-timeout", kValue, kDaemon},
    RefusedFlag{"--storage-opt", kValue, kOther},
    RefusedFlag{"--sysctl", kValue, kOther},
    RefusedFlag{"--use-api-socket", kAlone, kDaemon},
    RefusedFlag{"--userns", kValue, kOther},
    RefusedFlag{"--volume-driver", kValue, kVolumes},
    RefusedFlag{"--volumes-from", kValue, kVolumes},
};

}  // namespace

std::span<const RefusedFlag> refused_flags() noexcept { return kFlags; }

}  // namespace minidocker::cli
