#include "field_reader.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

bool is_known(const char* name) {
  const std::vector<FieldInfo>& known = known_fields();
  return std::any_of(known.begin(), known.end(), [name](const FieldInfo& info) {
    return std::strcmp(info.name, name) == 0;
  });
}

std::string in(const Field& field) { return std::string("field ") + field.name + ": "; }

// Reads number `index`; fields may lie at any address.
template <class Number>
Number at(const Field& field, size_t index) {
  Number value;
  std::memcpy(&value, static_cast<const char*>(field.data) + index * sizeof value, sizeof value);
  return value;
}

// Parsers hand integers over as INT32 or as INT64.
int integer_at(const Field& field, size_t index) {
  if (field.type == FieldType::kInt32) return at<int32_t>(field, index);
  if (field.type != FieldType::kInt64) {
    throw Refusal(in(field) + "it is " + name_of(field.type) + " where integers belong");
  }
  const int64_t value = at<int64_t>(field, index);
  if (value < INT_MIN || value > INT_MAX) {
    throw Refusal(in(field) + number(value) + " does not fit into 32 bits");
  }
  return static_cast<int>(value);
}

void require_length(const Field& field, size_t length) {
  if (static_cast<size_t>(field.length) != length) {
    throw Refusal(in(field) + number(field.length) + " numbers where " +
                  number(static_cast<long long>(length)) + " belong");
  }
}

}  // namespace

FieldReader::FieldReader(const Fields& fields) : fields_(fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (field.name == nullptr) throw Refusal("a field has no name");
    if (!is_known(field.name)) {
      throw Refusal(in(field) + "this version of the plugin does not know it");
    }
    if (find(field.name) != &field) throw Refusal(in(field) + "it is given twice");
    if (field.length < 0 || (field.length > 0 && field.data == nullptr)) {
      throw Refusal(in(field) + "it has no data");
    }
  }
}

int FieldReader::integer(const char* name) const {
  require_length(get(name), 1);
  return integer_at(get(name), 0);
}

std::vector<int> FieldReader::integers(const char* name, size_t length) const {
  const Field& field = get(name);
  require_length(field, length);
  std::vector<int> values(length);
  for (size_t i = 0; i < length; ++i) values[i] = integer_at(field, i);
  return values;
}

float FieldReader::real(const char* name) const {
  const Field& field = tensor(name, {FieldType::kFloat32});
  require_length(field, 1);
  return at<float>(field, 0);
}

std::string FieldReader::text(const char* name) const {
  const Field& field = tensor(name, {FieldType::kChar});
  const char* begin = static_cast<const char*>(field.data);
  // Some parsers count the closing zero, others do not.
  return std::string(begin, std::find(begin, begin + field.length, '\0'));
}

const Field& FieldReader::tensor(const char* name, std::initializer_list<FieldType> types) const {
  const Field& field = get(name);
  if (std::find(types.begin(), types.end(), field.type) != types.end()) return field;
  std::string wanted;
  for (FieldType type : types) {
    wanted += (wanted.empty() ? "" : " or ") + std::string(name_of(type));
  }
  throw Refusal(in(field) + "it is " + name_of(field.type) + " where " + wanted + " belongs");
}

const Field* FieldReader::find(const char* name) const {
  for (const Field& field : fields_) {
    if (std::strcmp(field.name, name) == 0) return &field;
  }
  return nullptr;
}

const Field& FieldReader::get(const char* name) const {
  const Field* field = find(name);
  if (field == nullptr) throw Refusal(std::string("field ") + name + ": it is missing");
  return *field;
}

}  // namespace plugin
}  // namespace edgeprune
