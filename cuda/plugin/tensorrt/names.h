// Under which the plugin is found; the nodes of a graph carry the same.
#pragma once

namespace edgeprune {
namespace plugin {

constexpr char kName[] = "SparseConv2d";
constexpr char kVersion[] = "1";
constexpr char kNamespace[] = "edgeprune";

}  // namespace plugin
}  // namespace edgeprune
