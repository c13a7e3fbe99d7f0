#include "fields.h"

namespace edgeprune {
namespace plugin {

const std::vector<FieldInfo>& known_fields() {
  static const std::vector<FieldInfo> fields = {
      {"shape", FieldType::kInt32, true},
      {"vector", FieldType::kInt32, false},
      {"channel_tile", FieldType::kInt32, false},
      {"group", FieldType::kInt32, false},
      {"strides", FieldType::kInt32, true},
      {"pads", FieldType::kInt32, true},
      {"dilations", FieldType::kInt32, true},
      {"activation", FieldType::kChar, false},
      {"clip_low", FieldType::kFloat32, false},
      {"clip_high", FieldType::kFloat32, false},
      {"seg", FieldType::kInt32, true},
      {"off", FieldType::kInt32, true},
      {"val", FieldType::kFloat32, true},
      {"perm", FieldType::kInt32, true},
      {"bias", FieldType::kFloat32, true},
  };
  return fields;
}

size_t bytes_of(FieldType type) {
  switch (type) {
    case FieldType::kFloat16: return 2;
    case FieldType::kFloat32: return 4;
    case FieldType::kInt32: return 4;
    case FieldType::kChar: return 1;
    case FieldType::kInt64: return 8;
  }
  return 0;
}

const char* name_of(FieldType type) {
  switch (type) {
    case FieldType::kFloat16: return "FLOAT16";
    case FieldType::kFloat32: return "FLOAT";
    case FieldType::kInt32: return "INT32";
    case FieldType::kChar: return "STRING";
    case FieldType::kInt64: return "INT64";
  }
  return "another type";
}

}  // namespace plugin
}  // namespace edgeprune
