// regtalk: talks to a registry and shows every exchange, credentials left out.

#include <unistd.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/registry/credentials.hpp"
#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/registry/lists.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/push.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/program.hpp"

namespace {

namespace images = minidocker::images;
namespace registry = minidocker::registry;

constexpr int kFailed = 1;

void print(const std::string& text) {
  minidocker::write_all(STDOUT_FILENO, text, "standard output");
}

// The word before the blank: "Bearer", never what follows it.
std::string scheme_of(const std::string& authorization) {
  return authorization.substr(0, authorization.find(' ')) + " ...";
}

/// Another transport, told of.
class Told final : public registry::HttpTransport {
 public:
  explicit Told(registry::HttpTransport& below) : below_(below) {}

  registry::HttpResponse send(const registry::HttpRequest& request) override {
    std::string text = fmt::format("> {} {}\n", request.method, request.url);
    for (const auto& [name, value] : request.headers) {
      if (name == "Authorization") text += fmt::format(">   {}: {}\n", name, scheme_of(value));
      if (name == "Range" || name == "Content-Range")
        text += fmt::format(">   {}: {}\n", name, value);
    }
    try {
      registry::HttpResponse response = below_.send(request);
      tell(text + in_words(response));
      return response;
    } catch (const registry::TransportError& error) {
      tell(fmt::format("{}< no answer: {}\n", text, error.what()));
      throw;
    }
  }

 private:
  static std::string in_words(const registry::HttpResponse& response) {
    std::string text = fmt::format("< {}\n", response.status);
    for (const auto& [name, value] : response.headers) {
      if (name == "www-authenticate" || name == "content-type" || name == "content-range") {
        text += fmt::format("<   {}: {}\n", name, value);
      }
    }
    return text;
  }

  void tell(const std::string& text) {
    const minidocker::MutexLock lock(mutex_);
    print(text);
  }

  registry::HttpTransport& below_;
  minidocker::Mutex mutex_;
};

struct Options {
  std::string name;
  std::string image;
  std::string store = "images";
  std::string certs = "/etc/docker/certs.d";
  std::string config;
  bool plain_http = false;
};

void ignore(const registry::BlobProgress&) {}

void pull(const registry::Reference& reference, registry::Session& session,
          const Options& options) {
  const images::Store store = images::Store::open(options.store);
  registry::PullOptions one_at_a_time;
  one_at_a_time.parallel = 1;
  const registry::PulledImage pulled =
      registry::pull_image(reference, session, store, one_at_a_time, ignore);
  print(fmt::format("{} is image {}\n", reference.familiar(), pulled.id.short_id()));
}

void push(const registry::Reference& reference, registry::Session& session,
          const Options& options) {
  const images::Store store = images::Store::open(options.store);
  registry::PushOptions push;
  push.parallel = 1;
  push.mount_from = registry::known_repositories(store, reference);
  const images::Digest digest =
      registry::push_image(reference, session, store, store.get_image(options.image), push, ignore);
  print(fmt::format("{} is manifest {}\n", reference.familiar(), digest.short_id()));
}

void tags(const registry::Reference& reference, registry::Session& session) {
  for (const std::string& tag : registry::list_tags(session, reference.name.path))
    print(tag + "\n");
}

void talk(const std::string& verb, const Options& options) {
  const registry::Reference reference = registry::Reference::parse(options.name);
  const auto curl = registry::make_curl_transport({.certs_dir = options.certs});
  Told transport(*curl);
  registry::SessionOptions who{.plain_http = options.plain_http};
  if (!options.config.empty()) {
    who.credentials = registry::find_credentials(options.config, reference.name.domain);
  }
  registry::Session session(reference.name.domain, who, transport, registry::Clock::real());
  if (verb == "pull") pull(reference, session, options);
  if (verb == "push") push(reference, session, options);
  if (verb == "tags") tags(reference, session);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Talks to a registry and shows every exchange");
  app.require_subcommand(1);
  app.add_option("--certs", options.certs,
                 "directory HOST:PORT/*.crt (default /etc/docker/certs.d)");
  app.add_option("--config", options.config, "docker's config.json: who we are");
  app.add_flag("--plain-http", options.plain_http, "no TLS");
  app.add_option("--store", options.store, "OCI layout to pull to and push from (default images)");
  for (const char* verb : {"pull", "tags", "push"}) {
    CLI::App* command = app.add_subcommand(verb);
    command->fallthrough();
    if (std::string_view(verb) == "push") command->add_option("IMAGE", options.image)->required();
    command->add_option("NAME", options.name)->required();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  talk(app.get_subcommands().front()->get_name(), options);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    minidocker::prepare_process();
    return run(argc, argv);
  } catch (const std::exception& error) {
    return minidocker::complain("regtalk", error.what(), kFailed);
  }
}
