#include "instantiations.h"

#include "vmma.h"

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
#define EDGEPRUNE_DIRECT_ROW(V, G, P, S, KIND)                             \
  {static_cast<int>(DirectKernel::KIND##_v##V##_g##G##_p##P##_s##S),       \
   EDGEPRUNE_TEXT(EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND)),                \
   Family::kDirect, KIND.type, KIND.layout, V, G, P, S, 1},
#define EDGEPRUNE_VMMA_ROW(P, KIND)                                        \
  {static_cast<int>(VmmaKernel::KIND##_p##P),                              \
   EDGEPRUNE_TEXT(EDGEPRUNE_VMMA_NAME(P, KIND)),                           \
   Family::kVmma, KIND.type, KIND.layout, kTensorVector, 1, P, 1, kTensorColumns},
  static const Instantiation table[] = {EDGEPRUNE_DIRECT_KERNELS(EDGEPRUNE_DIRECT_ROW)
                                            EDGEPRUNE_VMMA_KERNELS(EDGEPRUNE_VMMA_ROW)};
#undef EDGEPRUNE_DIRECT_ROW
#undef EDGEPRUNE_VMMA_ROW
  return table;
}

int instantiation_count() { return static_cast<int>(VmmaKernel::kEnd); }

const Instantiation* find_instantiation(const Layer& layer, const Problem& problem,
                                        const Tactic& tactic) {
  for (int i = 0; i < instantiation_count(); ++i) {
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
