// What the plugin does not do, said in one line.
#pragma once

#include <stdexcept>
#include <string>

namespace edgeprune {
namespace plugin {

class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws the reason unless it is empty.
inline void require(const std::string& reason) {
  if (!reason.empty()) throw Refusal(reason);
}

inline std::string number(long long value) { return std::to_string(value); }

}  // namespace plugin
}  // namespace edgeprune
