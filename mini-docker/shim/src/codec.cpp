#include "codec.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>

namespace minidocker::shim {
namespace {

using Json = nlohmann::json;

constexpr int kLastSignal = 64;  // SIGRTMAX as the kernel has it

constexpr std::array<std::pair<ErrorKind, const char*>, 6> kKinds{{
    {ErrorKind::not_found, "not_found"},
    {ErrorKind::conflict, "conflict"},
    {ErrorKind::invalid_argument, "invalid_argument"},
    {ErrorKind::unavailable, "unavailable"},
    {ErrorKind::permission, "permission"},
    {ErrorKind::internal, "internal"},
}};

const char* name_of(ErrorKind kind) {
  for (const auto& [value, name] : kKinds) {
    if (value == kind) return name;
  }
  return "internal";
}

ErrorKind kind_named(const std::string& name) {
  for (const auto& [value, known] : kKinds) {
    if (name == known) return value;
  }
  return ErrorKind::internal;  // a newer shim's word
}

std::string dump(const Json& json) {
  // Messages may hold bytes of the user's, e.g. of a program's name in an error.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json overlay_json(const OverlayRoot& overlay) {
  return {{"lowers", overlay.lowers},
          {"upper", overlay.upper},
          {"work", overlay.work},
          {"target", overlay.target},
          {"volatile", overlay.is_volatile}};
}

struct RootJson {
  Json operator()(const DirectoryRoot& root) const { return {{"directory", root.path}}; }
  Json operator()(const OverlayRoot& root) const { return overlay_json(root); }
  // An older shim finds no layers in it, and refuses.
  Json operator()(const ServedRoot& root) const {
    return {{"program", root.program}, {"serves", overlay_json(root.overlay)}};
  }
};

OverlayRoot overlay_from(const Json& json) {
  OverlayRoot overlay;
  json.at("lowers").get_to(overlay.lowers);
  json.at("upper").get_to(overlay.upper);
  json.at("work").get_to(overlay.work);
  json.at("target").get_to(overlay.target);
  json.at("volatile").get_to(overlay.is_volatile);
  return overlay;
}

Root root_from(const Json& json) {
  if (json.contains("directory")) return DirectoryRoot{json.at("directory").get<std::string>()};
  if (!json.contains("program")) return overlay_from(json);
  return ServedRoot{json.at("program").get<std::string>(), overlay_from(json.at("serves"))};
}

std::optional<trace::Format> explain_from(const Json& json) {
  const std::string word = json.value("explain", "");
  if (word.empty()) return std::nullopt;
  return word == "json" ? trace::Format::json : trace::Format::text;
}

Start start_from(const Json& json) {
  if (const int version = json.at("version").get<int>(); version != kProtocolVersion) {
    throw Error(ErrorKind::unavailable,
                fmt::format("shim: the engine speaks protocol version {}, this shim version {}; "
                            "install mini-docker and mini-shim of one build",
                            version, kProtocolVersion));
  }
  Start start;
  json.at("id").get_to(start.id);
  start.user = json.value("user", "");
  start.root = root_from(json.at("root"));
  json.at("directory").get_to(start.directory);
  json.at("state_root").get_to(start.state_root);
  start.runtime = json.value("runtime", "");
  start.scope_helper = json.value("scope_helper", "");
  start.explain = explain_from(json);
  return start;
}

Signal signal_from(const Json& json) {
  const int number = json.at("number").get<int>();
  if (number >= 1 && number <= kLastSignal) return Signal{number};
  throw Error(ErrorKind::invalid_argument, fmt::format("shim: no such signal: {}", number));
}

Request request_from(const Json& json) {
  const std::string type = json.at("type").get<std::string>();
  if (type == "start") return start_from(json);
  if (type == "resize") {
    return Resize{json.at("rows").get<std::uint16_t>(), json.at("columns").get<std::uint16_t>()};
  }
  if (type == "signal") return signal_from(json);
  throw Error(ErrorKind::invalid_argument,
              fmt::format("shim: no such request: {}", minidocker::quoted(type)));
}

Event event_from(const Json& json) {
  const std::string type = json.at("type").get<std::string>();
  if (type == "started") return Started{};
  if (type == "exited") return Exited{json.at("code").get<int>()};
  if (type == "failed") {
    return Failed{kind_named(json.at("kind").get<std::string>()),
                  json.at("message").get<std::string>(), json.at("exit_code").get<int>()};
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("shim: no such event: {}", minidocker::quoted(type)));
}

ExitRecord record_from(const Json& json) {
  return {json.at("code").get<int>(), json.value("error", ""),
          json.at("finished_ns").get<std::int64_t>()};
}

/// Parses foreign text and turns nlohmann's complaints into ours.
template <class T>
T decode(std::string_view text, T (*from)(const Json&)) {
  try {
    return from(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("shim: a message makes no sense: {}", error.what()));
  }
}

struct EventJson {
  Json operator()(const Started&) const { return {{"type", "started"}}; }
  Json operator()(const Exited& e) const { return {{"type", "exited"}, {"code", e.code}}; }
  Json operator()(const Failed& e) const {
    return {{"type", "failed"},
            {"kind", name_of(e.kind)},
            {"message", e.message},
            {"exit_code", e.exit_code}};
  }
};

}  // namespace

std::string encode(const Start& start) {
  Json json{{"type", "start"},
            {"version", kProtocolVersion},
            {"id", start.id},
            {"user", start.user},
            {"root", std::visit(RootJson{}, start.root)},
            {"directory", start.directory},
            {"state_root", start.state_root},
            {"runtime", start.runtime},
            {"scope_helper", start.scope_helper}};
  if (start.explain) json["explain"] = *start.explain == trace::Format::json ? "json" : "text";
  return dump(json);
}

std::string encode(const Resize& resize) {
  return dump({{"type", "resize"}, {"rows", resize.rows}, {"columns", resize.columns}});
}

std::string encode(const Signal& signal) {
  return dump({{"type", "signal"}, {"number", signal.number}});
}

std::string encode(const Event& event) { return dump(std::visit(EventJson{}, event)); }

std::string encode(const ExitRecord& record) {
  return dump(
      {{"code", record.code}, {"error", record.error}, {"finished_ns", record.finished_ns}});
}

Request decode_request(std::string_view text) { return decode<Request>(text, request_from); }
Event decode_event(std::string_view text) { return decode<Event>(text, event_from); }
ExitRecord decode_exit_record(std::string_view text) {
  return decode<ExitRecord>(text, record_from);
}

}  // namespace minidocker::shim
