#include "minidocker/testing/corpus.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {

void replay_corpus(const std::string& directory, std::string_view others,
                   const std::function<void(std::string_view)>& take) {
  const std::string path = std::string(MD_SOURCE_DIR) + "/" + directory + "/";
  const std::vector<std::string> names = files_below(path);
  ASSERT_GE(names.size(), 10U) << path;
  for (const std::string& name : names) {
    std::string text = read_text(path + name);
    for (std::size_t length = 0; length <= text.size(); ++length) {
      ASSERT_NO_THROW(take(std::string_view(text).substr(0, length)))
          << name << " cut at " << length;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char before = std::exchange(text[i], others[i % others.size()]);
      ASSERT_NO_THROW(take(text)) << name << " byte " << i << " changed";
      text[i] = before;
    }
  }
}

}  // namespace minidocker::testing
