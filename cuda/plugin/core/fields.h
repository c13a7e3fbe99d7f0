// The named values that a layer is made of, as TensorRT's parser hands them over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edgeprune {
namespace plugin {

// The numbers are those of nvinfer1::PluginFieldType.
enum class FieldType : int32_t {
  kFloat16 = 0,
  kFloat32 = 1,
  kInt32 = 5,
  kChar = 6,
  kInt64 = 10,
};

struct Field {
  const char* name;
  const void* data;
  FieldType type;
  int32_t length;  // numbers, not bytes
};

using Fields = std::vector<Field>;

// A field that the plugin takes.
struct FieldInfo {
  const char* name;
  FieldType type;       // what the exporter writes
  bool is_list;         // any length; else exactly one number, or a text
};

// All of them, in the order in which they are serialised.
const std::vector<FieldInfo>& known_fields();

// Bytes of one number of a type, or 0 for a type that no field has.
size_t bytes_of(FieldType type);

// "INT32" and so on.
const char* name_of(FieldType type);

}  // namespace plugin
}  // namespace edgeprune
