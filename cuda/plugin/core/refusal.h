// What the plugin does not do, said in one line.
#pragma once

#include <stdexcept>
#include <string>

namespace edgeprune {
namespace plugin {

// The text with ? for what would not print: it may repeat damaged bytes.
inline std::string in_one_line(std::string text) {
  for (char& letter : text) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return text;
}

class Refusal : public std::runtime_error {
 public:
  explicit Refusal(const std::string& reason) : std::runtime_error(in_one_line(reason)) {}
};

// Throws the reason unless it is empty.
inline void require(const std::string& reason) {
  if (!reason.empty()) throw Refusal(reason);
}

inline std::string number(long long value) { return std::to_string(value); }

}  // namespace plugin
}  // namespace edgeprune
