// Looks up fields and takes only what a field may hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fields.h"

namespace edgeprune {
namespace plugin {

class FieldReader {
 public:
  // Throws a Refusal where a field is unknown, given twice or has no data.
  explicit FieldReader(const Fields& fields);

  bool has(const char* name) const { return find(name) != nullptr; }
  // The functions below throw a Refusal where the field is missing, of another type or length.
  int integer(const char* name) const;
  std::vector<int> integers(const char* name, size_t length) const;
  float real(const char* name) const;
  std::string text(const char* name) const;
  const Field& tensor(const char* name, std::initializer_list<FieldType> types) const;

 private:
  const Field* find(const char* name) const;
  const Field& get(const char* name) const;

  const Fields& fields_;
};

}  // namespace plugin
}  // namespace edgeprune
