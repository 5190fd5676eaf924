#include "image_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <sstream>
#include <utility>

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "times.hpp"

namespace minidocker::engine {
namespace {

ImageDefaults defaults_of(const images::ImageConfig& config) {
  return {config.entrypoint, config.cmd, config.env, config.user, config.working_dir};
}

ImageSummary summary(const images::Image& image) {
  ImageSummary summary;
  summary.repository = "<none>";
  summary.tag = "<none>";
  summary.id = image.id.hex();
  summary.size = Bytes{image.size};
  return summary;
}

std::string familiar(const std::string& full_name) {
  return images::ImageName::parse(full_name).familiar();
}

void add_names(std::vector<std::string>& names, const images::WorkerEvent& event) {
  for (const std::string& name : event.names) names.push_back(familiar(name));
  if (event.names.empty()) names.push_back(event.id);
}

}  // namespace

ImageSource::ImageSource(const Paths& paths)
    : worker_(paths.programs + "/mini-worker"),
      layers_dir_(paths.state + "/layers"),
      temporaries_(paths.state + "/tmp"),
      store_(images::Store::open(paths.state + "/images")),
      layers_(layers_dir_) {}

std::size_t ImageSource::clean_temporaries() const {
  return images::clean_temporaries(temporaries_);
}

void ImageSource::sweep(const images::StoreLock& lock, const std::set<std::string>& used) const {
  std::set<images::Digest> needed = images::needed_layers(store_);
  for (const std::string& layer : used) {
    const std::string name = layer.substr(layer.rfind('/') + 1);
    if (const auto digest = images::Digest::find("sha256:" + name)) needed.insert(*digest);
  }
  layers_.sweep(lock, needed);
  store_.sweep(lock);
}

LoadedImages ImageSource::run_worker(const std::string& from, const std::string& image) const {
  images::WorkerRequest request;
  request.store = store_.dir();
  request.layers = layers_dir_;
  request.temporaries = temporaries_;
  request.from = from;
  request.image = image;
  request.owners = sys::geteuid() == 0 ? images::Owners::keep : images::Owners::squash;
  std::vector<std::string> argv = request.to_arguments();
  argv.insert(argv.begin(), worker_);

  Pipe progress = Pipe::make();
  const std::array<std::pair<int, int>, 1> fds{{{progress.write_end.get(), images::kProgressFd}}};
  Process process = Process::spawn(argv, fds);
  progress.write_end.reset();
  std::istringstream lines(read_all(progress.read_end.get(), "the worker's progress"));
  const ExitStatus status = process.wait();

  LoadedImages loaded;
  bool is_done = false;
  for (std::string line; std::getline(lines, line);) {
    const images::WorkerEvent event = images::WorkerEvent::parse(line);
    using Type = images::WorkerEvent::Type;
    if (event.type == Type::error) throw Error(event.kind, event.message);
    if (event.type == Type::warning) loaded.warnings.push_back(event.message);
    if (event.type == Type::image) add_names(loaded.names, event);
    is_done = is_done || event.type == Type::done;
  }
  if (is_done) return loaded;
  throw Error(ErrorKind::internal,
              fmt::format("mini-worker ended without a word (code {}); nothing was loaded",
                          status.shell_code()));
}

LoadedImages ImageSource::load(const std::string& path) const {
  const trace::Scope scope("04-images", "have mini-worker read and unpack " + path,
                           "nothing foreign is parsed in this process");
  return run_worker(path, "");
}

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
    static_cast<void>(run_worker("", image.id.str()));
  }
}

ImageList ImageSource::list() const {
  ImageList list;
  for (const images::Image& image : store_.images(&list.warnings)) {
    ImageSummary base = summary(image);
    try {
      base.created = seconds_of_rfc3339(store_.config_of(image).created);
    } catch (const Error& error) {
      list.warnings.emplace_back(error.what());
    }
    if (image.names.empty()) list.images.push_back(base);
    for (const images::ImageName& name : image.names) {
      ImageSummary named = base;
      named.repository = name.familiar_repository();
      named.tag = name.tag;
      list.images.push_back(named);
    }
  }
  std::ranges::stable_sort(list.images, std::greater<>{}, &ImageSummary::created);
  return list;
}

}  // namespace minidocker::engine
