#include "lower.h"

namespace edgeprune {
namespace sparse {
namespace {

// Words of shared memory between the kernel's first weight and this one.
int lowered_position(const Layer& layer, const DirectArguments& arguments, int kh, int kw) {
  const int column = kw * layer.dilation_width;
  return kh * layer.dilation_height * arguments.word_pitch +
         column % layer.stride_width * arguments.phase_words + column / layer.stride_width;
}

}  // namespace

std::string lower_offsets(const Layer& layer, const Plan& plan, const uint16_t* off,
                          size_t columns, uint16_t* lowered) {
  if (!plan.ok()) return plan.reason;
  const int area = layer.kernel_height * layer.kernel_width;
  std::vector<int> positions(static_cast<size_t>(area));
  for (int i = 0; i < area; ++i) {
    positions[static_cast<size_t>(i)] = lowered_position(
        layer, plan.arguments, i / layer.kernel_width, i % layer.kernel_width);
  }
  for (size_t k = 0; k < columns; ++k) {
    const int channel = off[k] / area;
    if (channel >= layer.channel_tile) {
      return "column " + std::to_string(k) + " lies in channel " + std::to_string(channel) +
             " of a tile of " + std::to_string(layer.channel_tile);
    }
    const int position = positions[static_cast<size_t>(off[k] % area)];
    lowered[k] = static_cast<uint16_t>(channel * plan.arguments.channel_words + position);
  }
  return "";
}

std::vector<int32_t> make_slots(const Layer& layer, const Plan& plan, const int32_t* perm) {
  const int rows = group_rows(layer);
  const int slots_per_group = plan.arguments.blocks_per_group * plan.groups_per_block;
  std::vector<int32_t> slots(static_cast<size_t>(2 * layer.groups * slots_per_group), -1);
  std::vector<int> filled(static_cast<size_t>(layer.groups), 0);
  for (int packed = 0; packed < layer.groups * rows; ++packed) {
    const int conv_group = perm[packed] / rows;
    const int place = conv_group * slots_per_group + filled[static_cast<size_t>(conv_group)]++;
    slots[static_cast<size_t>(2 * place)] = packed;
    slots[static_cast<size_t>(2 * place + 1)] = perm[packed];
  }
  return slots;
}

std::string check_packed(const Layer& layer, const int32_t* seg, size_t seg_length,
                         const uint16_t* off, size_t columns, const int32_t* perm,
                         size_t perm_length) {
  const size_t groups = static_cast<size_t>(layer.groups) * group_rows(layer);
  const size_t tiles = static_cast<size_t>(channel_tiles(layer));
  if (perm_length != groups || seg_length != groups * tiles + 1) {
    return std::to_string(perm_length) + " groups and " + std::to_string(seg_length) +
           " segment bounds where the layer has " + std::to_string(groups) + " and " +
           std::to_string(groups * tiles + 1);
  }
  std::vector<bool> seen(groups, false);
  for (size_t g = 0; g < groups; ++g) {
    if (perm[g] < 0 || static_cast<size_t>(perm[g]) >= groups ||
        seen[static_cast<size_t>(perm[g])]) {
      return "perm is no permutation of " + std::to_string(groups) + " groups";
    }
    seen[static_cast<size_t>(perm[g])] = true;
  }
  if (seg[0] != 0 || static_cast<size_t>(seg[groups * tiles]) != columns) {
    return "the segments do not cover the " + std::to_string(columns) + " columns";
  }
  for (size_t s = 0; s < groups * tiles; ++s) {
    if (seg[s] > seg[s + 1]) return "segment " + std::to_string(s) + " ends before it begins";
  }
  // Ascending from 0 to the number of columns, no segment reaches past the offsets.
  const int area = layer.kernel_height * layer.kernel_width;
  const int whole = group_channels(layer);
  for (size_t s = 0; s < groups * tiles; ++s) {
    const int left = whole - static_cast<int>(s % tiles) * layer.channel_tile;
    const int channels = left < layer.channel_tile ? left : layer.channel_tile;
    for (int32_t k = seg[s]; k < seg[s + 1]; ++k) {
      if (off[k] >= channels * area) {
        return "column " + std::to_string(k) + " lies outside its tile of channels";
      }
    }
  }
  return "";
}

}  // namespace sparse
}  // namespace edgeprune
