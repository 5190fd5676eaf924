#include "layer_sizes.hpp"

#include <cstdint>

namespace minidocker::engine {

Bytes LayerSizes::of(const images::Digest& diff_id) const {
  Statement known = database_.prepare("SELECT bytes FROM layer_sizes WHERE diff_id=?1");
  known.bind(1, diff_id.hex());
  if (known.step()) return Bytes{static_cast<std::uint64_t>(known.number(0))};
  if (!layers_.has(diff_id)) return Bytes{0};
  const std::uint64_t bytes = layers_.size_of(diff_id);
  database_.prepare("INSERT OR REPLACE INTO layer_sizes VALUES (?1, ?2)")
      .bind(1, diff_id.hex())
      .bind(2, static_cast<std::int64_t>(bytes))
      .run();
  return Bytes{bytes};
}

Bytes LayerSizes::of(const std::set<images::Digest>& diff_ids) const {
  Bytes sum{0};
  for (const images::Digest& id : diff_ids) sum.value += of(id).value;
  return sum;
}

void LayerSizes::forget(const images::Digest& diff_id) const {
  database_.prepare("DELETE FROM layer_sizes WHERE diff_id=?1").bind(1, diff_id.hex()).run();
}

}  // namespace minidocker::engine
