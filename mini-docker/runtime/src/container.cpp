#include "minidocker/runtime/container.hpp"

#include <sys/auxv.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "container_cgroup.hpp"
#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/runtime/state.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/unionfs/upper_lease.hpp"
#include "plan.hpp"

namespace minidocker::runtime {
namespace {

constexpr const char* kChapter = "runtime";

/// By hand, as gmtime(3) would open and read /etc/localtime first.
std::string now_rfc3339() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}.{:09d}Z",
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::vector<JoinedNamespace> open_namespaces(const spec::Spec& spec) {
  std::vector<JoinedNamespace> opened;
  for (std::size_t i = 0; i < spec.linux_.namespaces.size(); ++i) {
    const spec::Namespace& ns = spec.linux_.namespaces[i];
    if (ns.path.empty()) continue;
    const namespaces::Kind kind = kind_of(ns.type);
    try {
      opened.push_back({kind, namespaces::open_namespace(ns.path, kind)});
    } catch (const Error& error) {
      throw Error(error.kind(),
                  fmt::format("config.json: /linux/namespaces/{}/path: {}", i, error.what()));
    }
  }
  return opened;
}

std::vector<namespaces::IdMapping> id_maps(const std::vector<spec::IdMapping>& maps) {
  std::vector<namespaces::IdMapping> converted;
  for (const spec::IdMapping& map : maps) {
    converted.push_back({map.container_id, map.host_id, map.size});
  }
  return converted;
}

/// The words that callers of OCI runtimes look for.
[[noreturn]] void throw_program_error(const spec::Spec& spec, const StepError& error) {
  const std::string& name = spec.process.args.at(0);
  const bool missing = error.code() == ENOENT || error.code() == ENOTDIR;
  if (missing && name.find('/') == std::string::npos) {
    throw ProgramError(127,
                       fmt::format("exec: {}: executable file not found in $PATH", quoted(name)));
  }
  throw ProgramError(missing ? 127 : 126,
                     fmt::format("exec: {}: {} ({})", quoted(name), errno_words(error.code()),
                                 errno_name(error.code())));
}

[[noreturn]] void throw_user_error(const std::string& user, const StepError& error) {
  const std::string words = security::user_error(user, error.code());
  if (words.empty()) throw error;
  throw Error(ErrorKind::invalid_argument, words);
}

}  // namespace

/// What a container consists of; members are destroyed last to first, which is the order of
/// undoing: the process, then its cgroup, then the state that told of both.
struct Container::Parts {
  spec::Spec spec;
  CreateOptions options;
  std::vector<std::string> warnings;
  State state;
  StateDir dir;
  cgroups::Location location;
  std::optional<cgroups::Cgroup> cgroup;
  unionfs::UpperLease upper;
  UniqueFd fifo;
  std::vector<JoinedNamespace> joined;
  ChildPlan plan;
  Recipe recipe;
  StartedChild child;
  UniqueFd terminal;

  Parts(const spec::Spec& s, const CreateOptions& o)
      : spec(s), options(o), dir(StateDir::make(o.state_root, o.id)) {}

  void record_intent();
  void compile_plan();
  void start_child();
  void run_setup();
  void record_created();
  template <class Action>
  auto naming_the_program(Action action);
};

void Container::Parts::record_intent() {
  const trace::Scope scope(kChapter, "write down what is about to be made",
                           "whatever happens next, `delete --force` finds it");
  state.id = options.id;
  state.bundle = options.bundle;
  state.rootfs = target_of(options.root);
  state.created = now_rfc3339();
  state.owner = fmt::format("{}", ::getauxval(AT_EUID));
  state.own_pids = spec.linux_.makes(spec::NamespaceType::pid);
  state.annotations = spec.annotations;
  location = choose_location(spec, options);
  if (location.mode != cgroups::Mode::none) state.cgroup = location.to_text();
  dir.save(state);
}

void Container::Parts::compile_plan() {
  joined = open_namespaces(spec);
  if (options.start == Start::by_command) fifo = dir.make_fifo();
  recipe = compile(
      plan, {spec, options, joined, location, cgroup ? &*cgroup : nullptr, fifo ? fifo.get() : -1});
}

void Container::Parts::start_child() {
  if (const auto* overlay = std::get_if<OverlayRoot>(&options.root)) {
    upper = unionfs::UpperLease::take(overlay->upper);
  }
  child = StartedChild::start(plan, recipe.clone);
}

void Container::Parts::run_setup() {
  if (recipe.scope) {
    child.wait_for(SyncPoint::cgroup);
    cgroup = make_scope(location, spec, options.scope_helper, child.process().pid());
    child.resume();
  }
  if (recipe.id_maps) {
    child.wait_for(SyncPoint::id_maps);
    namespaces::write_id_maps(child.process().pid(), id_maps(spec.linux_.uid_mappings),
                              id_maps(spec.linux_.gid_mappings));
    child.resume();
  }
  if (recipe.sibling) {
    UniqueFd sibling = child.receive_fd();
    const pid_t pid = namespaces::pid_of_pidfd(sibling.get());
    child.replace_process(Process(pid, std::move(sibling)));
  }
  if (recipe.console) terminal = child.receive_fd();
  if (options.start == Start::at_once) {
    child.wait_for_exec();
  } else {
    child.wait_for(SyncPoint::ready);
  }
}

void Container::Parts::record_created() {
  const trace::Scope scope(kChapter, "record the container as created",
                           "other commands find it by this");
  state.pid = child.process().pid();
  const std::optional<ProcessIdentity> identity = identify_process(state.pid);
  // The end of the socket may have been its own end: nobody waited for its last word.
  const bool never_ran = options.start == Start::at_once && (!identity || !identity->has_executed);
  if (never_ran) child.fail_as_dead();
  state.start_time = identity ? identity->start_time : 0;
  dir.record_process(state.pid, state.start_time);
}

template <class Action>
auto Container::Parts::naming_the_program(Action action) {
  try {
    return action();
  } catch (const StepError& error) {
    if (error.step() == recipe.lookup_user) throw_user_error(options.user_name, error);
    if (error.step() != recipe.find_program && error.step() != recipe.exec) throw;
    throw_program_error(spec, error);
  }
}

Container::Container(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Container::Container(Container&&) noexcept = default;
Container& Container::operator=(Container&&) noexcept = default;
Container::~Container() = default;

Container Container::create(const spec::Spec& spec, const CreateOptions& options) {
  check_id(options.id);
  std::vector<std::string> warnings = spec::validate(spec);
  auto parts = std::make_unique<Parts>(spec, options);
  parts->warnings = std::move(warnings);
  parts->record_intent();
  parts->cgroup = make_cgroup(parts->location, spec);
  parts->compile_plan();
  parts->start_child();
  parts->naming_the_program([&] { parts->run_setup(); });
  parts->record_created();
  if (options.start == Start::by_command) parts->child.resume();
  return Container(std::move(parts));
}

PlanText Container::plan(const spec::Spec& spec, const CreateOptions& options) {
  static_cast<void>(spec::validate(spec));
  PlanText text;
  const cgroups::Location location = choose_location(spec, options);
  text.parent.push_back(
      fmt::format("record the container in {}/{}", options.state_root, options.id));
  for (std::string& line : describe_cgroup(location, spec)) {
    text.parent.push_back(std::move(line));
  }
  text.parent.push_back(fmt::format("clone the container's process into new namespaces: {}",
                                    namespaces::in_words(new_namespaces(spec))));
  ChildPlan plan;
  std::optional<cgroups::Cgroup> cgroup;
  if (location.mode == cgroups::Mode::v1 || location.mode == cgroups::Mode::hybrid) {
    cgroup = cgroups::Cgroup::reopen(location);
  }
  const std::vector<JoinedNamespace> joined = open_namespaces(spec);
  compile(plan, {spec, options, joined, location, cgroup ? &*cgroup : nullptr,
                 options.start == Start::by_command ? 0 : -1});
  text.child = plan.describe();
  return text;
}

void Container::start() {
  if (parts_->options.start == Start::at_once) return;
  parts_->naming_the_program([&] {
    parts_->child.resume();
    parts_->child.wait_for_exec();
  });
}

Process& Container::process() { return parts_->child.process(); }
UniqueFd Container::take_terminal() { return std::move(parts_->terminal); }
const std::vector<std::string>& Container::warnings() const { return parts_->warnings; }

void Container::remove() {
  const trace::Scope scope(kChapter, "remove what is left of the container");
  if (parts_->cgroup) {
    // The kernel says in one call a group whether anybody is left in it.
    if (!remove_empty_cgroup(parts_->location)) {
      parts_->cgroup->kill_all();
      parts_->cgroup->remove();
    }
    parts_->cgroup->release();
  }
  parts_->dir.remove();
}

void Container::release() {
  static_cast<void>(parts_->child.release().release());
  if (parts_->cgroup) parts_->cgroup->release();
  parts_->dir.release();
}

}  // namespace minidocker::runtime
