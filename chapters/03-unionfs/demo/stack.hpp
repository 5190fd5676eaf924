#pragma once
/// \file
/// A stack of layers in a directory: 1, 2, 3 ... are layers, the highest number on top, `upper` and
/// `work` belong to the overlay that is mounted on `merged`.

#include <string>
#include <utility>
#include <vector>

namespace layers_demo {

/// Where its parts lie.
class Stack {
 public:
  explicit Stack(std::string directory) : directory_(std::move(directory)) {}  ///< absolute

  /// Makes an empty one. Throws.
  void create() const;
  /// Layer directories, the topmost first. Throws if there is no stack.
  [[nodiscard]] std::vector<std::string> lowers() const;
  /// Makes what a seal() that was cut off has left out. Throws if there is no stack.
  void mend() const;
  /// Turns `upper` into the next layer and makes an empty one. Returns its number.
  [[nodiscard]] std::size_t seal() const;

  [[nodiscard]] std::string upper() const { return directory_ + "/upper"; }    ///< writable layer
  [[nodiscard]] std::string work() const { return directory_ + "/work"; }      ///< overlay's own
  [[nodiscard]] std::string merged() const { return directory_ + "/merged"; }  ///< mount point

 private:
  [[nodiscard]] std::string layer(std::size_t number) const;
  [[nodiscard]] std::size_t count() const;
  std::string directory_;
};

/// What a layer has at a path.
enum class Cell { nothing, file, directory, opaque, whiteout };

/// All paths of all layers, and what each has there.
struct Picture {
  std::vector<std::string> paths;        ///< columns
  std::vector<std::string> layers;       ///< names of rows, the topmost first
  std::vector<std::vector<Cell>> cells;  ///< by row and column
  /// What whoever looks from above sees in a column: the row whose cell it is; -1: nothing.
  [[nodiscard]] int seen(std::size_t column) const;
};

[[nodiscard]] Picture take_picture(const Stack& stack);     ///< reads the layers. Throws.
[[nodiscard]] std::string as_text(const Picture& picture);  ///< a table
[[nodiscard]] std::string as_svg(const Picture& picture);   ///< a drawing

}  // namespace layers_demo
