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
constexpr std::string_view kWindows = "Windows has it, Linux has --cpus and --device-read-bps";
constexpr std::string_view kGone = "no kernel since 5.16 limits its own memory; -m counts it, too";
constexpr std::string_view kRegistry =
    "images that are missing are pulled, for this machine, and no others";
constexpr std::string_view kVolumes = "of volumes, binds and tmpfs are there";
constexpr std::string_view kOther = "";

constexpr std::array kFlags{
    RefusedFlag{"--add-host", kValue, kNetwork},
    RefusedFlag{"--annotation", kValue, kOther},
    RefusedFlag{"-a,--attach", kValue, kDaemon},
    RefusedFlag{"--cgroupns", kValue, kOther},
    RefusedFlag{"--cidfile", kValue, kDaemon},
    RefusedFlag{"--cpu-count", kValue, kWindows},
    RefusedFlag{"--cpu-percent", kValue, kWindows},
    RefusedFlag{"-d,--detach", kAlone, kDaemon},
    RefusedFlag{"--detach-keys", kValue, kDaemon},
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
    RefusedFlag{"--io-maxbandwidth", kValue, kWindows},
    RefusedFlag{"--io-maxiops", kValue, kWindows},
    RefusedFlag{"--ip", kValue, kNetwork},
    RefusedFlag{"--ip6", kValue, kNetwork},
    RefusedFlag{"--isolation", kValue, kOther},
    RefusedFlag{"--kernel-memory", kValue, kGone},
    RefusedFlag{"-l,--label", kValue, kOther},
    RefusedFlag{"--label-file", kValue, kOther},
    RefusedFlag{"--link", kValue, kNetwork},
    RefusedFlag{"--link-local-ip", kValue, kNetwork},
    RefusedFlag{"--log-driver", kValue, kDaemon},
    RefusedFlag{"--log-opt", kValue, kDaemon},
    RefusedFlag{"--mac-address", kValue, kNetwork},
    RefusedFlag{"--network-alias,--net-alias", kValue, kNetwork},
    RefusedFlag{"--no-healthcheck", kAlone, kHealth},
    RefusedFlag{"--platform", kValue, kRegistry},
    RefusedFlag{"-p,--publish", kValue, kNetwork},
    RefusedFlag{"-P,--publish-all", kAlone, kNetwork},
    RefusedFlag{"--pull", kValue, kRegistry},
    RefusedFlag{"-q,--quiet", kAlone, kRegistry},
    RefusedFlag{"--restart", kValue, kDaemon},
    RefusedFlag{"--shm-size", kValue, kOther},
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
