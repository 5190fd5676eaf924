#include "image_source.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "minidocker/images/workspace.hpp"
#include "minidocker/toolbox/clock.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "times.hpp"

namespace minidocker::engine {
namespace {

using Type = images::WorkerEvent::Type;

/// Where the worker finds the root that it shall pack.
constexpr int kTreeFd = 4;

ImageDefaults defaults_of(const images::ImageConfig& config) {
  return {config.entrypoint, config.cmd, config.env, config.user, config.working_dir};
}

std::string familiar(const std::string& full_name) {
  return images::ImageName::parse(full_name).familiar();
}

/// Lines of a pipe, as they come.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  /// The next whole line without its end; nothing at the end of the pipe.
  std::optional<std::string> next() {
    std::size_t end = 0;
    while ((end = pending_.find('\n')) == std::string::npos) {
      std::array<char, 16384> buffer;
      const std::size_t got =
          sys::read(fd_, buffer.data(), buffer.size()).or_throw("the worker's progress");
      if (got == 0) return std::nullopt;
      pending_.append(buffer.data(), got);
    }
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    return line;
  }

 private:
  int fd_;
  std::string pending_;
};

LayerProgress progress_of(const images::WorkerEvent& event) {
  using From = images::WorkerEvent::Phase;
  using To = LayerProgress::Phase;
  constexpr std::array kPhases{
      std::pair{From::exists, To::exists},    std::pair{From::waiting, To::waiting},
      std::pair{From::queued, To::queued},    std::pair{From::moving, To::moving},
      std::pair{From::again, To::again},      std::pair{From::verifying, To::verifying},
      std::pair{From::done, To::done},        std::pair{From::unpacking, To::unpacking},
      std::pair{From::unpacked, To::unpacked}};
  const auto* const phase = std::ranges::find(kPhases, event.phase, &std::pair<From, To>::first);
  return {images::Digest::parse(event.digest).short_id(), phase->second, event.moved, event.size};
}

void add_names(std::vector<std::string>& names, const images::WorkerEvent& event) {
  for (const std::string& name : event.names) names.push_back(familiar(name));
  if (event.names.empty()) names.push_back(event.id);
}

// All tags of a repository are meant: docker's words for whoever names one.
images::ImageName parse_repository(const std::string& text) {
  const std::size_t last_part = text.rfind('/') + 1;  // of none, npos + 1: the beginning
  if (text.find_first_of(":@", last_part) != std::string::npos) {
    throw Error(ErrorKind::invalid_argument, "tag can't be used with --all-tags/-a");
  }
  return images::ImageName::parse(text);
}

}  // namespace

ImageSource::ImageSource(const Paths& paths, Database& database)
    : worker_(paths.programs + "/mini-worker"),
      layers_dir_(paths.state + "/layers"),
      temporaries_(paths.state + "/tmp"),
      store_(images::Store::open(paths.state + "/images")),
      layers_(layers_dir_),
      sizes_(database, layers_) {}

std::size_t ImageSource::clean_temporaries() const {
  return images::clean_temporaries(temporaries_);
}

Bytes ImageSource::sweep(const images::StoreLock& lock, const std::set<std::string>& used) const {
  std::set<images::Digest> needed = images::needed_layers(store_);
  for (const std::string& layer : used) {
    const std::string name = layer.substr(layer.rfind('/') + 1);
    if (const auto digest = images::Digest::find("sha256:" + name)) needed.insert(*digest);
  }
  Bytes reclaimed{0};
  for (const images::Digest& layer : layers_.all()) {
    if (needed.contains(layer)) continue;
    reclaimed.value += sizes_.of(layer).value;
    sizes_.forget(layer);
  }
  layers_.sweep(lock, needed);
  reclaimed.value += store_.sweep(lock).bytes;
  return reclaimed;
}

images::WorkerRequest ImageSource::request() const {
  images::WorkerRequest request;
  request.store = store_.dir();
  request.layers = layers_dir_;
  request.temporaries = temporaries_;
  request.owners = sys::geteuid() == 0 ? images::Owners::keep : images::Owners::squash;
  return request;
}

images::WorkerRequest ImageSource::request(images::WorkerVerb verb,
                                           const TransferRequest& wanted) const {
  images::WorkerRequest request = this->request();
  request.verb = verb;
  request.reference = wanted.image;
  request.docker_config = wanted.docker_config;
  request.platform = wanted.platform;
  request.mirrors = wanted.mirrors;
  if (wanted.plain_http) request.plain_http = images::PlainHttp::yes;
  return request;
}

void ImageSource::run_worker(const images::WorkerRequest& request,
                             const std::function<void(const images::WorkerEvent&)>& told,
                             std::vector<std::pair<int, int>> fds) const {
  std::vector<std::string> argv = request.to_arguments();
  argv.insert(argv.begin(), worker_);
  Pipe progress = Pipe::make();
  fds.emplace_back(progress.write_end.get(), images::kProgressFd);
  Process process = Process::spawn(argv, fds);
  progress.write_end.reset();

  bool is_done = false;
  for (Lines lines(progress.read_end.get()); std::optional<std::string> line = lines.next();) {
    const images::WorkerEvent event = images::WorkerEvent::parse(*line);
    if (event.type == Type::error) throw Error(event.kind, event.message);
    if (event.type == Type::sandbox) {
      const trace::Scope lacking("07-security", "mini-worker: " + event.message);
    }
    is_done = is_done || event.type == Type::done;
    told(event);
  }
  const ExitStatus status = process.wait();
  if (is_done) return;
  throw Error(ErrorKind::internal,
              fmt::format("mini-worker ended without a word (code {}); nothing was recorded",
                          status.shell_code()));
}

LoadedImages ImageSource::bring_in(const images::WorkerRequest& request) const {
  LoadedImages loaded;
  run_worker(request, [&loaded](const images::WorkerEvent& event) {
    if (event.type == Type::warning) loaded.warnings.push_back(event.message);
    if (event.type != Type::image) return;
    add_names(loaded.names, event);
    loaded.ids.push_back(event.id);
  });
  return loaded;
}

LoadedImages ImageSource::load(const std::string& path) const {
  const trace::Scope scope("04-images", "have mini-worker read and unpack " + path,
                           "nothing foreign is parsed in this process");
  images::WorkerRequest unpack = request();
  unpack.from = path;
  return bring_in(unpack);
}

LoadedImages ImageSource::import_root(const ImportRequest& wanted) const {
  const trace::Scope scope("04-images", "have mini-worker make an image of " + wanted.from,
                           "nothing foreign is parsed in this process");
  images::WorkerRequest import = request();
  import.verb = images::WorkerVerb::import_root;
  import.from = wanted.from;
  if (!wanted.name.empty()) import.names = {images::ImageName::parse(wanted.name).full()};
  for (const std::string& change : wanted.changes) import.changes += change + "\n";
  import.comment = wanted.comment;
  import.created = rfc3339_of(wall_clock_ns());
  return bring_in(import);
}

void ImageSource::save(const std::vector<std::string>& names, const SaveTarget& target) const {
  const trace::Scope scope("04-images", "have mini-worker write images out",
                           "every blob is verified on its way");
  images::WorkerRequest save = request();
  save.verb = images::WorkerVerb::save;
  save.names = names;
  save.to = target.directory.empty() ? "-" : target.directory;
  run_worker(save, [](const images::WorkerEvent&) {}, {{target.fd, STDOUT_FILENO}});
}

void ImageSource::export_root(int tree, int out) const {
  const trace::Scope scope("04-images", "have mini-worker pack a container's root",
                           "its files are somebody else's: they are read in the sandbox");
  images::WorkerRequest pack = request();
  pack.verb = images::WorkerVerb::export_root;
  pack.tree = fmt::format("/proc/self/fd/{}", kTreeFd);
  run_worker(pack, [](const images::WorkerEvent&) {}, {{tree, kTreeFd}, {out, STDOUT_FILENO}});
}

PulledImage ImageSource::pull(const TransferRequest& wanted, const LayerWatch& watch) const {
  const trace::Scope scope("05-registry", "have mini-worker pull " + wanted.image,
                           "nothing foreign is parsed in this process");
  PulledImage pulled;
  run_worker(request(images::WorkerVerb::pull, wanted), [&](const images::WorkerEvent& event) {
    if (event.type == Type::warning) pulled.warnings.push_back(event.message);
    if (event.type == Type::transfer) watch(progress_of(event));
    if (event.type != Type::image) return;
    if (!event.names.empty()) pulled.name = event.names.front();
    pulled.digest = event.digest;
    pulled.is_new = event.is_new;
  });
  return pulled;
}

std::string ImageSource::push(const TransferRequest& wanted, const LayerWatch& watch) const {
  const trace::Scope scope("05-registry", "have mini-worker push " + wanted.image,
                           "nothing foreign is parsed in this process");
  std::string digest;
  run_worker(request(images::WorkerVerb::push, wanted), [&](const images::WorkerEvent& event) {
    if (event.type == Type::transfer) watch(progress_of(event));
    if (event.type == Type::image) digest = event.digest;
  });
  return digest;
}

std::vector<std::string> ImageSource::names_in_registry(const TransferRequest& wanted) const {
  const trace::Scope scope("05-registry", "have mini-worker list the tags of " + wanted.image,
                           "nothing foreign is parsed in this process");
  images::ImageName name = parse_repository(wanted.image);
  std::vector<std::string> names;
  run_worker(request(images::WorkerVerb::tags, wanted), [&](const images::WorkerEvent& event) {
    for (const std::string& tag : event.names) {
      name.tag = tag;
      names.push_back(name.familiar());
    }
  });
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> ImageSource::names_here(const std::string& repository) const {
  const images::ImageName wanted = parse_repository(repository);
  std::set<std::string> names;
  for (const images::Image& image : store_.images()) {
    for (const images::ImageName& name : image.names) {
      const bool fits = name.domain == wanted.domain && name.path == wanted.path;
      if (fits) names.insert(name.familiar());
    }
  }
  if (names.empty()) {
    throw Error(ErrorKind::not_found,
                "An image does not exist locally with the tag: " + repository);
  }
  return {names.begin(), names.end()};
}

bool ImageSource::has(const std::string& name) const { return store_.find_image(name).has_value(); }

RunnableImage ImageSource::prepare(const std::string& name) const {
  const trace::Scope scope("04-images", "find image " + name,
                           "its layers are directories already, unpacked once and shared");
  for (bool is_unpacked = false;; is_unpacked = true) {
    std::optional<images::StoreLock> lock = store_.lock();
    const images::Image image = store_.get_image(name);
    const images::ImageConfig config = store_.config_of(image);
    if (is_unpacked || layers_.missing_of(config).empty()) {
      return {image.id.hex(), defaults_of(config), layers_.paths_of(config), config.volumes,
              std::move(lock)};
    }
    lock.reset();  // the worker needs it
    images::WorkerRequest unpack = request();
    unpack.image = image.id.str();
    run_worker(unpack, [](const images::WorkerEvent&) {});
  }
}

}  // namespace minidocker::engine
