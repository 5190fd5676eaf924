#include "minidocker/images/worker_protocol.hpp"

#include <utility>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"

namespace minidocker::images {

namespace {

using nlohmann::json;
using Type = WorkerEvent::Type;
using Phase = WorkerEvent::Phase;

template <class Value>
struct Word {
  Value value;
  const char* word;
};

constexpr Word<Type> kTypes[] = {
    {Type::transfer, "transfer"}, {Type::layer, "layer"}, {Type::warning, "warning"},
    {Type::image, "image"},       {Type::tags, "tags"},   {Type::kept, "kept"},
    {Type::sandbox, "sandbox"},   {Type::error, "error"}, {Type::done, "done"}};

constexpr Word<ErrorKind> kKinds[] = {{ErrorKind::not_found, "not_found"},
                                      {ErrorKind::conflict, "conflict"},
                                      {ErrorKind::invalid_argument, "invalid_argument"},
                                      {ErrorKind::unavailable, "unavailable"},
                                      {ErrorKind::permission, "permission"},
                                      {ErrorKind::internal, "internal"}};

constexpr Word<Phase> kPhases[] = {
    {Phase::exists, "exists"}, {Phase::waiting, "waiting"},     {Phase::queued, "queued"},
    {Phase::moving, "moving"}, {Phase::again, "again"},         {Phase::verifying, "verifying"},
    {Phase::done, "done"},     {Phase::unpacking, "unpacking"}, {Phase::unpacked, "unpacked"}};

constexpr Word<WorkerVerb> kVerbs[] = {
    {WorkerVerb::unpack, "unpack"},      {WorkerVerb::pull, "pull"},
    {WorkerVerb::push, "push"},          {WorkerVerb::tags, "tags"},
    {WorkerVerb::save, "save"},          {WorkerVerb::import_root, "import"},
    {WorkerVerb::export_root, "export"}, {WorkerVerb::login, "login"},
    {WorkerVerb::remember, "remember"},  {WorkerVerb::forget, "forget"}};

constexpr Word<PlainHttp> kPlainHttp[] = {{PlainHttp::loopback, "loopback"},
                                          {PlainHttp::yes, "yes"}};

constexpr Word<Owners> kOwners[] = {{Owners::keep, "keep"}, {Owners::squash, "squash"}};

struct Option {
  const char* name;
  std::string WorkerRequest::* member;
};
constexpr Option kOptions[] = {{"--store", &WorkerRequest::store},
                               {"--layers", &WorkerRequest::layers},
                               {"--tmp", &WorkerRequest::temporaries},
                               {"--from", &WorkerRequest::from},
                               {"--image", &WorkerRequest::image},
                               {"--reference", &WorkerRequest::reference},
                               {"--docker-config", &WorkerRequest::docker_config},
                               {"--to", &WorkerRequest::to},
                               {"--changes", &WorkerRequest::changes},
                               {"--comment", &WorkerRequest::comment},
                               {"--created", &WorkerRequest::created},
                               {"--tree", &WorkerRequest::tree},
                               {"--platform", &WorkerRequest::platform},
                               {"--registry", &WorkerRequest::registry}};

struct ListOption {
  const char* name;
  std::vector<std::string> WorkerRequest::* member;
};
constexpr ListOption kListOptions[] = {{"--name", &WorkerRequest::names},
                                       {"--mirror", &WorkerRequest::mirrors}};

/// What a verb must be told, and what it may be told, besides the places.
struct Grammar {
  WorkerVerb verb;
  std::string_view needs;  // options with a blank after each
  std::string_view takes;
};
constexpr Grammar kGrammars[] = {
    {WorkerVerb::unpack, "", "--from --image "},
    {WorkerVerb::pull, "--reference ", "--docker-config --platform --mirror "},
    {WorkerVerb::tags, "--reference ", "--docker-config --mirror "},
    {WorkerVerb::push, "--reference ", "--docker-config "},
    {WorkerVerb::save, "--name --to ", ""},
    {WorkerVerb::import_root, "--from --created ", "--name --changes --comment "},
    {WorkerVerb::export_root, "--tree ", ""},
    {WorkerVerb::login, "--registry ", "--docker-config "},
    {WorkerVerb::remember, "--registry --docker-config ", ""},
    {WorkerVerb::forget, "--registry --docker-config ", ""},
};
constexpr std::string_view kPlaces = "--store --layers --tmp ";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid_argument, "mini-worker: " + why);
}

template <class Value, std::size_t N>
const char* word_of(const Word<Value> (&words)[N], Value value) {
  for (const Word<Value>& word : words) {
    if (word.value == value) return word.word;
  }
  return words[N - 1].word;
}

template <class Value, std::size_t N>
Value value_of(const Word<Value> (&words)[N], std::string_view text, std::string_view what) {
  for (const Word<Value>& word : words) {
    if (text == word.word) return word.value;
  }
  refuse(fmt::format("{} {} is unknown", what, minidocker::quoted(text)));
}

bool has_word(std::string_view words, std::string_view option) {
  const std::size_t at = words.find(option);
  return at != std::string_view::npos && words.substr(at + option.size()).starts_with(' ');
}

void check_option(const Grammar& grammar, std::string_view option, bool is_given) {
  const bool is_needed = has_word(kPlaces, option) || has_word(grammar.needs, option);
  if (is_needed && !is_given) refuse(fmt::format("option {} is missing", option));
  if (is_given && !is_needed && !has_word(grammar.takes, option)) {
    refuse(fmt::format("{} has no option {}", word_of(kVerbs, grammar.verb), option));
  }
}

void check(const WorkerRequest& request) {
  for (const Grammar& grammar : kGrammars) {
    if (grammar.verb != request.verb) continue;
    for (const Option& option : kOptions) {
      check_option(grammar, option.name, !(request.*option.member).empty());
    }
    for (const ListOption& option : kListOptions) {
      check_option(grammar, option.name, !(request.*option.member).empty());
    }
  }
  const bool unpacks_one = request.from.empty() != request.image.empty();
  if (request.verb == WorkerVerb::unpack && !unpacks_one) refuse("give either --from or --image");
}

void set_option(WorkerRequest& request, const std::string& name, const std::string& value) {
  if (name == "--owners") {
    request.owners = value_of(kOwners, value, name);
    return;
  }
  if (name == "--plain-http") {
    request.plain_http = value_of(kPlainHttp, value, name);
    return;
  }
  for (const ListOption& option : kListOptions) {
    if (name == option.name) {
      (request.*option.member).push_back(value);
      return;
    }
  }
  for (const Option& option : kOptions) {
    if (name == option.name) {
      request.*option.member = value;
      return;
    }
  }
  refuse("unknown option " + minidocker::quoted(name));
}

json members_of(const WorkerEvent& event) {
  switch (event.type) {
    case Type::layer:
      return {{"diff_id", event.diff_id},
              {"entries", event.entries},
              {"bytes", event.bytes},
              {"reused", event.reused}};
    case Type::warning:
    case Type::sandbox:
      return {{"message", event.message}};
    case Type::kept:
      return {{"message", event.message}, {"is_new", event.is_new}};
    case Type::image:
      return {{"id", event.id},
              {"manifest", event.manifest},
              {"names", event.names},
              {"digest", event.digest},
              {"is_new", event.is_new}};
    case Type::tags:
      return {{"names", event.names}};
    case Type::transfer:
      return {{"digest", event.digest},
              {"phase", word_of(kPhases, event.phase)},
              {"moved", event.moved},
              {"size", event.size}};
    case Type::error:
      return {{"kind", word_of(kKinds, event.kind)}, {"message", event.message}};
    case Type::done:
      break;
  }
  return json::object();
}

bool flag_member(const json& document, const char* key) {
  const json* flag = find_member(document, key);
  return flag != nullptr && *flag == true;
}

void read_transfer(const json& document, WorkerEvent& event, std::string_view what) {
  event.phase = value_of(kPhases, string_member(document, "phase", what), "phase");
  event.moved = number_member(document, "moved", what);
  event.size = number_member(document, "size", what);
}

void read_layer(const json& document, WorkerEvent& event, std::string_view what) {
  event.diff_id = string_member(document, "diff_id", what);
  event.entries = number_member(document, "entries", what);
  event.bytes = number_member(document, "bytes", what);
  event.reused = flag_member(document, "reused");
}

}  // namespace

std::vector<std::string> WorkerRequest::to_arguments() const {
  std::vector<std::string> arguments{word_of(kVerbs, verb)};
  for (const Option& option : kOptions) {
    if (const std::string& value = this->*option.member; !value.empty()) {
      arguments.insert(arguments.end(), {option.name, value});
    }
  }
  for (const ListOption& option : kListOptions) {
    for (const std::string& value : this->*option.member) {
      arguments.insert(arguments.end(), {option.name, value});
    }
  }
  arguments.insert(arguments.end(), {"--owners", word_of(kOwners, owners)});
  if (plain_http != PlainHttp::loopback) {
    arguments.insert(arguments.end(), {"--plain-http", word_of(kPlainHttp, plain_http)});
  }
  return arguments;
}

WorkerRequest WorkerRequest::parse(const std::vector<std::string>& arguments) {
  if (arguments.empty()) refuse("a verb is missing");
  WorkerRequest request;
  request.verb = value_of(kVerbs, arguments.front(), "verb");
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) refuse("a value is missing after " + arguments[i]);
    set_option(request, arguments[i], arguments[i + 1]);
  }
  check(request);
  return request;
}

WorkerEvent WorkerEvent::of(Type type, std::string message) {
  WorkerEvent event;
  event.type = type;
  event.message = std::move(message);
  return event;
}

std::string WorkerEvent::to_line() const {
  json document = members_of(*this);
  document["event"] = word_of(kTypes, type);
  // Messages may quote bytes of an archive: what is no UTF-8 is replaced.
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

WorkerEvent WorkerEvent::parse(std::string_view line) {
  constexpr std::string_view kWhat = "mini-worker's progress";
  const json document = parse_document(line, kWhat);
  WorkerEvent event;
  event.type = value_of(kTypes, string_member(document, "event", kWhat), "event");
  if (event.type == Type::layer) read_layer(document, event, kWhat);
  if (event.type == Type::transfer) read_transfer(document, event, kWhat);
  if (event.type == Type::error) {
    event.kind = value_of(kKinds, string_member(document, "kind", kWhat), "kind");
  }
  event.id = string_member(document, "id", kWhat);
  event.manifest = string_member(document, "manifest", kWhat);
  event.names = strings_member(document, "names", kWhat);
  event.message = string_member(document, "message", kWhat);
  event.digest = string_member(document, "digest", kWhat);
  event.is_new = flag_member(document, "is_new");
  return event;
}

}  // namespace minidocker::images
