#pragma once
/// \file
/// What the writers of the specification's objects share.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/spec/resources.hpp"

namespace minidocker::spec {

using Json = nlohmann::ordered_json;  // keeps the order in which members are put in

// Members are left out when they say nothing, as the specification's own tools do.
inline void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
inline void put(Json& object, const char* key, bool value) {
  if (value) object[key] = true;
}
template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}
inline void put(Json& object, const char* key, const std::vector<std::string>& texts) {
  if (!texts.empty()) object[key] = texts;
}
inline void put_object(Json& object, const char* key, Json value) {
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

// linux.resources.
[[nodiscard]] Json resources_to_json(const Resources& resources);

}  // namespace minidocker::spec
