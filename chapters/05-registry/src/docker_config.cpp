#include "minidocker/registry/docker_config.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include "credential_helper.hpp"
#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::registry {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;  // members stay where they were
constexpr std::string_view kWhat = "docker's config.json";

Json parse(std::string_view config) {
  if (config.empty()) return Json::object();
  const nlohmann::json checked = images::parse_document(config, kWhat);
  if (!checked.is_object()) images::refuse_member(kWhat, "(all)", "an object");
  if (const nlohmann::json* auths = images::find_member(checked, "auths")) {
    if (!auths->is_object()) images::refuse_member(kWhat, "auths", "an object");
  }
  return Json::parse(config);
}

// As docker writes it.
std::string in_text(const Json& document) { return document.dump(1, '\t'); }

Json entry_of(const std::optional<Credentials>& who) {
  Json entry = Json::object();
  if (!who) return entry;
  entry["auth"] = base64(who->user + ":" + who->password);
  if (!who->identity_token.empty()) entry["identitytoken"] = who->identity_token;
  return entry;
}

// Where the file is that shall be replaced: a link stays one.
std::string target_of(const std::string& file) {
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  return error ? file : target.string();
}

void replace(const std::string& file, const std::string& text) {
  const std::string target = target_of(file);
  make_dirs(fs::path(target).parent_path().string(), 0700);
  write_atomically(target, text, 0600, Durability::synced);
}

}  // namespace

std::string with_credentials(std::string_view config, const std::string& key,
                             const std::optional<Credentials>& who) {
  Json document = parse(config);
  document["auths"][key] = entry_of(who);
  return in_text(document);
}

std::string without_credentials(std::string_view config, const std::string& key) {
  Json document = parse(config);
  const auto auths = document.find("auths");
  if (auths == document.end()) return in_text(document);
  std::vector<std::string> names;
  for (const auto& [name, entry] : auths->items()) {
    if (host_of_key(name) == host_of_key(key)) names.push_back(name);
  }
  for (const std::string& name : names) auths->erase(name);
  return in_text(document);
}

std::string remember_credentials(const std::string& config_file, std::string_view domain,
                                 const Credentials& who) {
  const std::string text = find_file(config_file).value_or("");
  const std::string key = credentials_key(domain);
  const std::string helper = text.empty() ? "" : find_stored(text, domain).helper;
  if (!helper.empty()) tell_helper(helper, key, who);
  replace(config_file,
          with_credentials(text, key, helper.empty() ? std::optional(who) : std::nullopt));
  return helper;
}

bool forget_credentials(const std::string& config_file, std::string_view domain) {
  const std::optional<std::string> text = find_file(config_file);
  if (!text) return false;
  const std::string key = credentials_key(domain);
  const StoredCredentials stored = find_stored(*text, domain);
  const bool is_erased = !stored.helper.empty() && erase_with_helper(stored.helper, key);
  const std::string without = without_credentials(*text, key);
  if (parse(without) == parse(*text)) return is_erased;
  replace(config_file, without);
  return true;
}

}  // namespace minidocker::registry
