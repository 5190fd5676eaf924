#include "format_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "tables.hpp"
#include "usage_error.hpp"
#include "words.hpp"

namespace minidocker::cli {

namespace {

using nlohmann::ordered_json;

constexpr int kFailed = 1;

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// As Go's fmt prints values.
std::string in_go(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<no value>";
  if (!value.is_structured()) return value.dump();
  std::string text = value.is_array() ? "[" : "map[";
  for (const auto& [key, element] : value.items()) {
    if (text.back() != '[') text += ' ';
    if (value.is_object()) text += key + ":";
    text += in_go(element);
  }
  return text + "]";
}

/// Sorted, as Go writes what is a map there.
std::string json_line(const std::map<std::string, std::string>& row) {
  return nlohmann::json(row).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A terminal's user types `\t` and `\n`.
std::string with_escapes(std::string text) {
  for (const auto& [typed, meant] : {std::pair{"\\t", "\t"}, std::pair{"\\n", "\n"}}) {
    for (std::size_t at = 0; (at = text.find(typed, at)) != std::string::npos;) {
      text.replace(at, 2, meant);
    }
  }
  return text;
}

std::string heading_of(const Listing& listing, const std::string& field) {
  const auto column = std::ranges::find(listing.columns, field, &Listing::Column::field);
  return column == listing.columns.end() ? field : column->heading;
}

std::string usual_table(const Listing& listing) {
  std::vector<std::vector<std::string>> table{{}};
  for (const std::string& field : listing.shown) {
    table.front().push_back(heading_of(listing, field));
  }
  for (const auto& row : listing.rows) {
    table.emplace_back();
    for (const std::string& field : listing.shown) table.back().push_back(row.at(field));
  }
  return lay_out(table);
}

std::string own_table(const Listing& listing, const std::string& text) {
  const FormatTemplate wanted(with_escapes(text), kFailed);
  ordered_json headings;
  for (const Listing::Column& column : listing.columns) headings[column.field] = column.heading;
  std::vector<std::vector<std::string>> table{split(wanted.apply(headings), '\t')};
  for (const auto& row : listing.rows) table.push_back(split(wanted.apply(row), '\t'));
  return lay_out(table);
}

}  // namespace

FormatTemplate::FormatTemplate(const std::string& text, int exit_code) : exit_code_(exit_code) {
  std::size_t at = 0;
  for (std::size_t open; (open = text.find("{{", at)) != std::string::npos;) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string::npos) refuse("an action is not closed: " + text.substr(open));
    Part part = parse_action(trimmed(text.substr(open + 2, close - open - 2)));
    part.text = text.substr(at, open - at);
    parts_.push_back(std::move(part));
    at = close + 2;
  }
  tail_ = text.substr(at);
}

void FormatTemplate::refuse(const std::string& why) const {
  throw UsageError("template parsing error: " + why, exit_code_);
}

FormatTemplate::Part FormatTemplate::parse_action(const std::string& action) const {
  Part part;
  std::string field = action;
  if (action.starts_with("json ")) {
    part.is_json = true;
    field = trimmed(action.substr(5));
  }
  if (field == ".") return part;
  const bool is_field =
      field.starts_with('.') && field.find_first_of(" ()|\"$") == std::string::npos;
  if (is_field) part.path = split(field.substr(1), '.');
  if (!is_field || std::ranges::find(part.path, "") != part.path.end()) {
    refuse(fmt::format("{{{{{}}}}}: what is understood is {{{{.FIELD}}}} and {{{{json .FIELD}}}}",
                       action));
  }
  return part;
}

std::string FormatTemplate::apply(const ordered_json& object) const {
  std::string text;
  for (const Part& part : parts_) {
    const ordered_json* value = &object;
    for (const std::string& name : part.path) {
      if (!value->is_object() || !value->contains(name)) {
        refuse(fmt::format("there is no field \"{}\"", name));
      }
      value = &value->at(name);
    }
    text += part.text + (part.is_json ? value->dump() : in_go(*value));
  }
  return text + tail_;
}

std::string listed(const Listing& listing, const std::string& format) {
  if (format.empty() || format == "table") return usual_table(listing);
  if (format.starts_with("table ")) return own_table(listing, format.substr(6));
  std::string text;
  if (format == "json") {
    for (const auto& row : listing.rows) text += json_line(row) + "\n";
    return text;
  }
  const FormatTemplate wanted(with_escapes(format), kFailed);
  for (const auto& row : listing.rows) text += wanted.apply(row) + "\n";
  return text;
}

}  // namespace minidocker::cli
