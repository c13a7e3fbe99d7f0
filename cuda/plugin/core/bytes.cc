#include <cstring>

#include "layer_fields.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

// Stands before the fields; the last byte is the version of the format.
constexpr char kMark[] = {'E', 'P', 'S', 'C', 1};
constexpr char kDamaged[] = "the serialised layer is damaged; build the engine again";

void append(const void* data, size_t length, std::vector<unsigned char>* bytes) {
  const unsigned char* begin = static_cast<const unsigned char*>(data);
  bytes->insert(bytes->end(), begin, begin + length);
}

class Cursor {
 public:
  Cursor(const void* bytes, size_t length)
      : at_(static_cast<const unsigned char*>(bytes)), left_(bytes == nullptr ? 0 : length) {}

  const void* take(size_t length) {
    if (length > left_) throw Refusal("the serialised layer is cut off; build the engine again");
    const void* data = at_;
    at_ += length;
    left_ -= length;
    return data;
  }
  int32_t take_integer() {
    int32_t value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  bool at_end() const { return left_ == 0; }

 private:
  const unsigned char* at_;
  size_t left_;
};

// Our own name of a field, for it outlives the bytes.
const char* known_name(int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= known_fields().size()) {
    throw Refusal(kDamaged);
  }
  return known_fields()[static_cast<size_t>(index)].name;
}

int32_t index_of(const char* name) {
  int32_t index = 0;
  while (std::strcmp(known_name(index), name) != 0) ++index;
  return index;
}

}  // namespace

std::vector<unsigned char> to_bytes(const Fields& fields) {
  std::vector<unsigned char> bytes(kMark, kMark + sizeof kMark);
  const int32_t count = static_cast<int32_t>(fields.size());
  append(&count, sizeof count, &bytes);
  for (const Field& field : fields) {
    const int32_t head[] = {index_of(field.name), static_cast<int32_t>(field.type), field.length};
    append(head, sizeof head, &bytes);
    append(field.data, static_cast<size_t>(field.length) * bytes_of(field.type), &bytes);
  }
  return bytes;
}

Fields from_bytes(const void* bytes, size_t length) {
  Cursor cursor(bytes, length);
  if (std::memcmp(cursor.take(sizeof kMark), kMark, sizeof kMark) != 0) {
    throw Refusal("the serialised layer is another version's; build the engine again");
  }
  Fields fields;
  for (int32_t left = cursor.take_integer(); left > 0; --left) {
    Field field{known_name(cursor.take_integer()), nullptr, FieldType::kChar, 0};
    field.type = static_cast<FieldType>(cursor.take_integer());
    field.length = cursor.take_integer();
    if (bytes_of(field.type) == 0 || field.length < 0) throw Refusal(kDamaged);
    field.data = cursor.take(static_cast<size_t>(field.length) * bytes_of(field.type));
    fields.push_back(field);
  }
  if (!cursor.at_end()) throw Refusal(kDamaged);
  return fields;
}

}  // namespace plugin
}  // namespace edgeprune
