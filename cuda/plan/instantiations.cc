#include "instantiations.h"

#define EDGEPRUNE_TEXT_OF(NAME) #NAME
#define EDGEPRUNE_TEXT(NAME) EDGEPRUNE_TEXT_OF(NAME)

namespace edgeprune {
namespace sparse {
namespace {

struct Kind {
  DataType type;
  Layout layout;
};
const Kind f32_linear{DataType::kFloat32, Layout::kLinear};
const Kind f16_linear{DataType::kFloat16, Layout::kLinear};
const Kind f16_hwc8{DataType::kFloat16, Layout::kHwc8};

}  // namespace

const Instantiation* instantiations() {
#define EDGEPRUNE_ROW(V, G, P, S, KIND)                       \
  {DirectKernel::KIND##_v##V##_g##G##_p##P##_s##S,            \
   EDGEPRUNE_TEXT(EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND)),   \
   KIND.type, KIND.layout, V, G, P, S},
  static const Instantiation table[] = {EDGEPRUNE_DIRECT_KERNELS(EDGEPRUNE_ROW)};
#undef EDGEPRUNE_ROW
  return table;
}

const Instantiation* find_instantiation(const Layer& layer, const Problem& problem,
                                        const Tactic& tactic) {
  for (int i = 0; i < static_cast<int>(DirectKernel::kCount); ++i) {
    const Instantiation& entry = instantiations()[i];
    if (entry.type == problem.type && entry.layout == problem.layout &&
        entry.vector == layer.vector && entry.groups_per_warp == tactic.groups_per_warp &&
        entry.pixels_per_lane == tactic.pixels_per_lane &&
        entry.lane_split == tactic.lane_split) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace sparse
}  // namespace edgeprune
