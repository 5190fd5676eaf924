#include "systemd_bus.hpp"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::cgroups {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitExists = "org.freedesktop.systemd1.UnitExists";

struct Unref {
  void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
  void operator()(sd_bus_slot* slot) const noexcept { sd_bus_slot_unref(slot); }
  void operator()(sd_bus_creds* creds) const noexcept { sd_bus_creds_unref(creds); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;
using Slot = std::unique_ptr<sd_bus_slot, Unref>;

/// What the other side says went wrong.
struct BusError {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error); }
  [[nodiscard]] bool is(const char* name) const { return sd_bus_error_has_name(&error, name) > 0; }
};

ErrorKind kind_of(const BusError& said, int code) {
  if (said.is(SD_BUS_ERROR_ACCESS_DENIED) ||
      said.is(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)) {
    return ErrorKind::permission;
  }
  if (said.is(kUnitExists)) return ErrorKind::conflict;
  if (said.is(SD_BUS_ERROR_INVALID_ARGS) || said.is(SD_BUS_ERROR_PROPERTY_READ_ONLY)) {
    return ErrorKind::invalid_argument;
  }
  if (said.is(SD_BUS_ERROR_SERVICE_UNKNOWN) || said.is(SD_BUS_ERROR_NO_REPLY)) {
    return ErrorKind::unavailable;
  }
  return errno_kind(-code);
}

[[noreturn]] void fail(std::string_view what, const std::string& unit, int code,
                       const BusError& said = {}) {
  const std::string why = said.error.message != nullptr
                              ? fmt::format("systemd says: {}", said.error.message)
                              : fmt::format("{} ({})", errno_words(-code), errno_name(-code));
  throw Error(kind_of(said, code), fmt::format("{} {}: {}", what, unit, why));
}

/// For calls of libsystemd that can only fail for want of memory, or by a mistake of ours.
void must(int code, const char* what) {
  if (code < 0) fail(what, "for systemd", code);
}

void append_bytes(sd_bus_message* message, const Property& property) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t at = 0; at + 1 < property.value.size(); at += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoul(property.value.substr(at, 2), nullptr, 16)));
  }
  must(sd_bus_message_open_container(message, 'r', "sv"), "open a structure");
  must(sd_bus_message_append(message, "s", property.name.c_str()), "append a name");
  must(sd_bus_message_open_container(message, 'v', "ay"), "open a variant");
  must(sd_bus_message_append_array(message, 'y', bytes.data(), bytes.size()), "append bytes");
  must(sd_bus_message_close_container(message), "close a variant");
  must(sd_bus_message_close_container(message), "close a structure");
}

void append(sd_bus_message* message, const Property& property) {
  const char* name = property.name.c_str();
  switch (property.type) {
    case Property::Type::boolean:
      must(sd_bus_message_append(message, "(sv)", name, "b", property.value == "true" ? 1 : 0),
           name);
      return;
    case Property::Type::number:
      must(sd_bus_message_append(message, "(sv)", name, "t",
                                 parse_number<std::uint64_t>(property.value).value_or(0)),
           name);
      return;
    case Property::Type::text:
      must(sd_bus_message_append(message, "(sv)", name, "s", property.value.c_str()), name);
      return;
    case Property::Type::bytes:
      append_bytes(message, property);
      return;
  }
}

Message new_call(sd_bus* bus, const char* method) {
  sd_bus_message* raw = nullptr;
  must(sd_bus_message_new_method_call(bus, &raw, kSystemd, kPath, kManager, method), method);
  return Message(raw);
}

/// `StartTransientUnit(name, mode, properties, auxiliary units)`.
Message start_call(sd_bus* bus, const ScopeRequest& request) {
  Message call = new_call(bus, "StartTransientUnit");
  must(sd_bus_message_append(call.get(), "ss", request.unit.c_str(), "fail"), "append a name");
  must(sd_bus_message_open_container(call.get(), 'a', "(sv)"), "open an array");
  must(sd_bus_message_append(call.get(), "(sv)", "PIDs", "au", 1U,
                             static_cast<std::uint32_t>(request.pid)),
       "append a pid");
  must(sd_bus_message_append(call.get(), "(sv)", "Slice", "s", request.slice.c_str()),
       "append a slice");
  for (const Property& property : request.properties) append(call.get(), property);
  must(sd_bus_message_close_container(call.get()), "close an array");
  must(sd_bus_message_append(call.get(), "a(sa(sv))", 0U), "append nothing");
  return call;
}

/// Calls a method of the manager that takes the unit's name, and perhaps a mode.
int call_for(sd_bus* bus, const char* method, const std::string& unit, const char* mode,
             BusError& said) {
  const Message call = new_call(bus, method);
  must(sd_bus_message_append(call.get(), "s", unit.c_str()), "append a name");
  if (mode != nullptr) must(sd_bus_message_append(call.get(), "s", mode), "append a mode");
  return sd_bus_call(bus, call.get(), 0, &said.error, nullptr);
}

/// The manager's signals of one name, kept from now on.
class Signals {
 public:
  Signals(sd_bus* bus, const char* member) : bus_(bus) {
    sd_bus_slot* raw = nullptr;
    must(sd_bus_match_signal(bus, &raw, kSystemd, kPath, kManager, member, &keep, &kept_), member);
    slot_.reset(raw);
  }
  /// Waits for the next one.
  Message next() {
    while (kept_.empty()) {
      const int more = sd_bus_process(bus_, nullptr);
      must(more, "process what comes");
      if (more == 0) must(sd_bus_wait(bus_, UINT64_MAX), "wait");
    }
    Message first = std::move(kept_.front());
    kept_.pop_front();
    return first;
  }

 private:
  static int keep(sd_bus_message* message, void* kept, sd_bus_error*) {
    static_cast<std::deque<Message>*>(kept)->emplace_back(sd_bus_message_ref(message));
    return 0;
  }
  sd_bus* bus_;
  std::deque<Message> kept_;
  Slot slot_;
};

/// Numbers of processes mean something else in another PID namespace; systemd would put a stranger
/// into the scope.
void require_same_pids(sd_bus* bus) {
  const char* name = nullptr;
  must(sd_bus_get_unique_name(bus, &name), "name ourselves");
  sd_bus_creds* raw = nullptr;
  must(sd_bus_get_name_creds(bus, name, SD_BUS_CREDS_PID, &raw), "ask who we are");
  const std::unique_ptr<sd_bus_creds, Unref> creds(raw);
  pid_t pid = 0;
  must(sd_bus_creds_get_pid(creds.get(), &pid), "ask who we are");
  if (pid == sys::own_pid()) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("systemd knows process {} as {}: it is in another PID namespace; hint: "
                          "leave --systemd-cgroup away",
                          sys::own_pid(), pid));
}

/// Throws Error(conflict) if somebody is in the unit.
void require_no_members(sd_bus* bus, const std::string& unit) {
  const Message call = new_call(bus, "GetUnitProcesses");
  must(sd_bus_message_append(call.get(), "s", unit.c_str()), "append a name");
  sd_bus_message* raw = nullptr;
  if (sd_bus_call(bus, call.get(), 0, nullptr, &raw) < 0) return;  // it is gone meanwhile
  const Message reply(raw);
  must(sd_bus_message_enter_container(reply.get(), 'a', "(sus)"), "read the processes");
  std::uint32_t pid = 0;
  if (sd_bus_message_read(reply.get(), "(sus)", nullptr, &pid, nullptr) <= 0) return;
  throw Error(ErrorKind::conflict,
              fmt::format("container's cgroup is not empty: {} holds process {}; hint: another "
                          "container has this cgroup path, or one was not deleted",
                          unit, pid));
}

/// A scope outlives its last process by a moment: until systemd has looked.
void wait_until_gone(sd_bus* bus, const std::string& unit) {
  must(sd_bus_call_method(bus, kSystemd, kPath, kManager, "Subscribe", nullptr, nullptr, ""),
       "subscribe to signals");
  Signals removed(bus, "UnitRemoved");
  require_no_members(bus, unit);
  BusError ignored;
  (void)call_for(bus, "StopUnit", unit, "replace", ignored);
  BusError also_ignored;
  (void)call_for(bus, "ResetFailedUnit", unit, nullptr, also_ignored);
  BusError said;
  if (call_for(bus, "GetUnit", unit, nullptr, said) < 0) return;
  for (;;) {
    const Message message = removed.next();
    const char* name = nullptr;
    must(sd_bus_message_read(message.get(), "so", &name, nullptr), "read a signal");
    if (name == unit) return;
  }
}

/// The path of the job that makes the scope.
std::string submit(sd_bus* bus, const ScopeRequest& request) {
  for (;;) {
    const Message call = start_call(bus, request);
    sd_bus_message* raw = nullptr;
    BusError said;
    const int code = sd_bus_call(bus, call.get(), 0, &said.error, &raw);
    const Message reply(raw);
    if (code >= 0) {
      const char* job = nullptr;
      must(sd_bus_message_read(reply.get(), "o", &job), "read the job");
      return job;
    }
    if (!said.is(kUnitExists)) fail("make", request.unit, code, said);
    wait_until_gone(bus, request.unit);
  }
}

void wait_until_done(Signals& removed, const std::string& job, const std::string& unit) {
  for (;;) {
    const Message message = removed.next();
    const char* path = nullptr;
    const char* result = nullptr;
    must(sd_bus_message_read(message.get(), "uoss", nullptr, &path, nullptr, &result),
         "read a signal");
    if (path != job) continue;
    if (std::string_view(result) == "done") return;
    throw Error(ErrorKind::unavailable,
                fmt::format("make {}: systemd says that the job is {}; hint: journalctl -u {}",
                            unit, result, unit));
  }
}

std::string group_of(sd_bus* bus, const std::string& unit) {
  char* path = nullptr;
  must(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path), "name the unit");
  const std::unique_ptr<char, decltype(&std::free)> freed(path, &std::free);
  char* group = nullptr;
  BusError said;
  const int code = sd_bus_get_property_string(bus, kSystemd, path, "org.freedesktop.systemd1.Scope",
                                              "ControlGroup", &said.error, &group);
  const std::unique_ptr<char, decltype(&std::free)> freed_too(group, &std::free);
  if (code < 0) fail("ask for the group of", unit, code, said);
  return group;
}

[[noreturn]] void refuse_bus(Manager manager, int code) {
  const char* hint = manager == Manager::user
                         ? "log in as this user (not by su), or loginctl enable-linger and set "
                           "XDG_RUNTIME_DIR; Debian has the bus in dbus-user-session"
                         : "is systemd the init of this host, and dbus installed?";
  throw Error(ErrorKind::unavailable,
              fmt::format("no bus to ask {} systemd: {} ({}); hint: {}",
                          manager == Manager::user ? "the user's" : "the system's",
                          errno_words(-code), errno_name(-code), hint));
}

}  // namespace

void SystemdBus::Close::operator()(sd_bus* bus) const noexcept { sd_bus_flush_close_unref(bus); }

SystemdBus::SystemdBus(Manager manager) {
  sd_bus* raw = nullptr;
  const int code = manager == Manager::user ? sd_bus_open_user(&raw) : sd_bus_open_system(&raw);
  bus_.reset(raw);
  if (code < 0) refuse_bus(manager, code);
}

std::string SystemdBus::start(const ScopeRequest& request) {
  require_same_pids(bus_.get());
  Signals removed(bus_.get(), "JobRemoved");  // sent to whoever asked for the job, unsubscribed
  wait_until_done(removed, submit(bus_.get(), request), request.unit);
  return group_of(bus_.get(), request.unit);
}

void SystemdBus::set(const ScopeRequest& request) {
  const Message call = new_call(bus_.get(), "SetUnitProperties");
  must(sd_bus_message_append(call.get(), "sb", request.unit.c_str(), 1), "append a name");
  must(sd_bus_message_open_container(call.get(), 'a', "(sv)"), "open an array");
  for (const Property& property : request.properties) append(call.get(), property);
  must(sd_bus_message_close_container(call.get()), "close an array");
  BusError said;
  const int code = sd_bus_call(bus_.get(), call.get(), 0, &said.error, nullptr);
  if (code < 0) fail("set properties of", request.unit, code, said);
}

}  // namespace minidocker::cgroups
