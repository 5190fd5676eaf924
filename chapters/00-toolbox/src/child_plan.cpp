#include "minidocker/toolbox/child_plan.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker {

const char* ChildPlan::copy(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: a NUL byte cannot be passed to the kernel", quoted(text)));
  }
  auto* where = static_cast<char*>(arena_.allocate(text.size() + 1, 1));
  std::copy(text.begin(), text.end(), where);
  where[text.size()] = '\0';
  return where;
}

char** ChildPlan::copy_array(std::span<const std::string> texts) {
  auto* where =
      static_cast<char**>(arena_.allocate((texts.size() + 1) * sizeof(char*), alignof(char*)));
  std::size_t i = 0;
  // execve(2) wants char* for history's sake and changes nothing.
  for (const std::string& text : texts) where[i++] = const_cast<char*>(copy(text));
  where[i] = nullptr;
  return where;
}

StepDescription ChildPlan::describe(std::size_t index) const {
  const Entry& entry = entries_.at(index);
  return {entry.info->chapter, entry.describe(entry.step), entry.info->why};
}

std::vector<StepDescription> ChildPlan::describe() const {
  std::vector<StepDescription> all;
  for (std::size_t i = 0; i < entries_.size(); ++i) all.push_back(describe(i));
  return all;
}

StepResult ChildPlan::run(ChildContext& context) const noexcept {
  for (context.step = 0; context.step < entries_.size(); ++context.step) {
    if (context.records != nullptr) {
      context.records->set_step(static_cast<std::int32_t>(context.step));
    }
    const Entry& entry = entries_[context.step];
    const StepResult result = entry.run(entry.step, context);
    if (!result) return result;
  }
  return StepResult::ok();
}

}  // namespace minidocker
