// The host side as plain functions, for Python's ctypes.
#pragma once

#include "../plan/lower.h"
#include "../plan/tactics.h"

struct EdgeprunePlanView {
  char reason[256];
  char kernel[96];
  unsigned grid[3];
  unsigned block;
  int shared_bytes;
  edgeprune::sparse::DirectArguments arguments;
};

namespace edgeprune {
namespace harness {
// Copies a text and its end into a field of this length, cut where it is too long.
void copy_text(const std::string& text, char* field, size_t length);
}  // namespace harness
}  // namespace edgeprune
