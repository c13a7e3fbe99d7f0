#include "timing_id.h"

#include <cstdio>
#include <cstring>

namespace edgeprune {
namespace plugin {
namespace {

// FNV-1a, 64 bits.
class Digest {
 public:
  void add(const void* data, size_t length) {
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < length; ++i) state_ = (state_ ^ bytes[i]) * 0x100000001b3ull;
  }
  unsigned long long value() const { return state_; }

 private:
  unsigned long long state_ = 0xcbf29ce484222325ull;
};

}  // namespace

std::string make_timing_id(const LayerFields& fields) {
  Digest digest;
  for (const Field& field : fields.fields()) {
    const bool is_weight = std::strcmp(field.name, "val") == 0 ||
                           std::strcmp(field.name, "bias") == 0;
    digest.add(field.name, std::strlen(field.name));
    digest.add(&field.length, sizeof field.length);
    if (is_weight) continue;
    digest.add(field.data, static_cast<size_t>(field.length) * bytes_of(field.type));
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", digest.value());
  return text;
}

}  // namespace plugin
}  // namespace edgeprune
